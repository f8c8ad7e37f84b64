"""Scales beside CTCAE that grade an event by the worst of several domains: their frozen types, and the judgement.

The law of this file: what is not known leaves every level of its domain open, and the grade is a range.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from safety_stream.quantity import Interval
from safety_stream.rulebook.criteria import Criterion, Inputs

Grades = tuple[int, int]


class DomainFact(NamedTuple):
    """What is known of one domain: its level, its measured value in the analyte's own unit, or that it counts for
    nothing because the sign has another cause.
    """

    level: str | None = None
    value: Interval | None = None
    other_cause: bool = False


UNKNOWN = DomainFact()


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a domain: the lowest and highest grade it has, and in words what it is.

    ``when`` says which measured values are this level; ``ctcae`` the grades CTCAE's own words allow at it.
    """

    name: str
    grades: Grades
    says: str
    when: Criterion | None = None
    ctcae: Grades | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """One thing a scale looks at, with its levels, mildest first."""

    name: str
    asks: str
    source: str
    levels: tuple[Level, ...]
    analyte: str | None = None

    def possible(self, fact: DomainFact) -> tuple[Level, ...]:
        """The levels that a fact leaves: those of the measured value, and the told one where it is among them."""
        if fact.other_cause:
            return self.levels[:1]
        measured = tuple(level for level in self.levels if fact.value is None or _holds(level, fact.value))
        return tuple(level for level in measured if level.name == fact.level) or measured


@dataclass(frozen=True, slots=True)
class ScaleExample:
    """A case the scale must grade so: each domain's level or value as text, what has another cause, the grade."""

    facts: Mapping[str, str]
    grade: str
    other_cause: tuple[str, ...] = ()
    fatal: bool = False
    because: str | None = None


class ScaleVerdict(NamedTuple):
    """The lowest and highest grade the facts allow, and the levels left of each domain."""

    grades: Grades
    levels: Mapping[str, tuple[Level, ...]]
    condition: bool | None


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale: its name, where it is published, the CTCAE terms it stands beside, and its domains."""

    key: str
    name: str
    title: str
    source: str
    terms: tuple[str, ...]
    domains: tuple[Domain, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    death: int | None = None
    register: tuple[str, ...] = ()
    examples: tuple[ScaleExample, ...] = field(default=(), repr=False)
    where: str = ""

    def judge(self, facts: Mapping[str, DomainFact], *, fatal: bool = False) -> ScaleVerdict:
        """The grade that the worst domain gives. A measured value goes before a level that does not fit it."""
        levels = {one.name: one.possible(facts.get(one.name, UNKNOWN)) for one in self.domains}
        condition = self._condition(levels)
        if fatal and self.death is not None:
            return ScaleVerdict((self.death, self.death), levels, condition)
        lowest = max(level.grades[0] for level in _ends(levels, 0)) if condition else 0
        highest = max(level.grades[1] for level in _ends(levels, 1)) if condition is not False else 0
        return ScaleVerdict((lowest, highest), levels, condition)

    def contradictory(self, domain: str, fact: DomainFact, levels: tuple[Level, ...]) -> bool:
        """Whether a told level does not fit the measured ones, unless the condition admits both."""
        left = {level.name for level in levels}
        if fact.level is None or fact.other_cause or fact.level in left:
            return False
        return not left | {fact.level} <= set(self.needs.get(domain, ()))

    def ctcae_allows(self, verdict: ScaleVerdict, facts: Mapping[str, DomainFact]) -> Grades:
        """The grades CTCAE's own words leave at these levels; 0 to 5 wherever nothing can be said."""
        lowest, highest = 0, 0
        for name, levels in verdict.levels.items():
            silent = facts.get(name, UNKNOWN).other_cause
            allowed = [(0, 5) if silent or level.ctcae is None else level.ctcae for level in levels]
            lowest = max(lowest, min(one[0] for one in allowed))
            highest = max(highest, *(one[1] for one in allowed))
        return lowest, highest

    def _condition(self, levels: Mapping[str, tuple[Level, ...]]) -> bool | None:
        """Whether the levels without which nothing is graded are there; None: cannot be known."""
        verdicts = [{level.name in wanted for level in levels[name]} for name, wanted in self.needs.items()]
        if {False} in verdicts:
            return False
        return None if {True, False} in verdicts else True


def _holds(level: Level, value: Interval) -> bool:
    return level.when is None or level.when.judge(measured_inputs(value)) is not False


def measured_inputs(value: Interval) -> Inputs:
    """A measured value as a criterion takes it: scales know no limits of normal and no baseline."""
    return Inputs(value, None, None, None, MappingProxyType({}))


def _ends(levels: Mapping[str, tuple[Level, ...]], end: int) -> Iterator[Level]:
    """Of each domain the level that has the lowest lower, or the highest upper grade."""
    pick = max if end else min
    return (pick(left, key=lambda level: level.grades[end]) for left in levels.values())
