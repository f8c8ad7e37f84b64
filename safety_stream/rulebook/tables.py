"""The frozen types the tables are read into: ``Analyte``, ``Term``, ``GradingRule`` and the ``Book`` of them all."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from safety_stream.quantity import ZERO, Interval, ReferenceRange
from safety_stream.rulebook.criteria import Criterion, Inputs
from safety_stream.rulebook.protocol import Protocol
from safety_stream.rulebook.scales import Scale
from safety_stream.rulebook.suggesting import Synonyms, folded, folded_term

Direction = Literal["higher", "lower"]
WhenUndecided = Literal["highest", "lowest"]
Formula = Literal["albumin", "differential", "CKD-EPI 2021", "Fridericia"]
_ONE = Decimal(1)
_POWER_OF_TEN = re.compile(r"^[x*]?10(?:\*\*|[*^e']|\()(\d{1,2})\)?(?=/)", re.IGNORECASE)
_CELLS = re.compile(r"\{?cells?\}?", re.IGNORECASE)
_TO_ASCII = str.maketrans("μµ×∕⁄⁰¹²³⁴⁵⁶⁷⁸⁹", "uux//0123456789")
_NO_RANGE = ReferenceRange()
_RAISED = re.compile("10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A unit an analyte is accepted in: (value - ``origin``) x ``factor`` / ``divisor`` is the analyte's own unit.

    ``same`` says whether the analyte's own unit has the same size.
    """

    ucum: str
    factor: Decimal = _ONE
    divisor: Decimal = _ONE
    origin: Decimal = ZERO
    same: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "same", self.factor == self.divisor and not self.origin)

    def own(self, value: Interval) -> Interval:
        """The value in the analyte's own unit; exact but for a divisor that does not divide (60 digits then)."""
        if self.same:
            return value
        converted = value.shifted(self.origin.copy_negate()) if self.origin else value
        if self.factor is not _ONE:
            converted = converted.scaled(self.factor)
        return converted if self.divisor is _ONE else converted.divided(self.divisor)

    def of_own(self, value: Interval) -> Interval:
        """A value of the analyte's own unit in this one, to 60 digits."""
        if self.same:
            return value
        converted = value.scaled(self.divisor).divided(self.factor)
        return converted.shifted(self.origin) if self.origin else converted


@dataclass(frozen=True, slots=True)
class Joint:
    """A quantity that follows from others of the same specimen: the formula, its parts, its register entry."""

    by: Formula
    of: tuple[str, ...]
    entry: str


@dataclass(frozen=True, slots=True, eq=False)
class Analyte:
    """Something that is measured: its codes, the units it is accepted in, and the values that can be true."""

    key: str
    name: str
    loincs: tuple[str, ...]
    tests: tuple[str, ...]
    unit: str
    units: Mapping[str, Unit]
    spellings: Mapping[str, str]
    plausible: tuple[Decimal, Decimal]
    usual: ReferenceRange = _NO_RANGE
    scale: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    unit_may_be_missing: bool = False
    qualitative: bool = False
    range_shows_unit: bool = False
    ratios_only: bool = False
    corrected: Joint | None = None
    derived: Joint | None = None
    unless: tuple[str, ...] = ()
    replicates: bool = False

    @property
    def companions(self) -> frozenset[str]:
        """The analytes whose results of the same specimen it is judged with."""
        return frozenset((*self.unless, *(key for one in (self.corrected, self.derived) if one for key in one.of)))

    @property
    def joint(self) -> bool:
        """Whether results of one time point are judged together."""
        return self.replicates or bool(self.corrected or self.derived or self.unless)

    def unit_of(self, text: str) -> Unit | None:
        """The unit that a sender's spelling means for this analyte, or None: never a guess."""
        ucum = self.spellings.get(text)
        if ucum is None:
            told = spelled(text)
            ucum = self.spellings.get(told) or self.spellings.get(told.casefold())
        return None if ucum is None else self.units[ucum]


@dataclass(frozen=True, slots=True)
class Term:
    """A term of CTCAE v5.0 with the grades it has."""

    name: str
    code: str
    soc: str
    grades: tuple[int, ...]
    specify: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A case a rule must grade so: ``value`` and the rest as a laboratory reports them, ``grade`` such as 2 or 2-3.

    Without a baseline nobody was treated yet; ``baseline: unknown`` says that it is not known. Limits that did not come
    with the baseline are those of the value.
    """

    value: str
    grade: str
    lln: str | None = None
    uln: str | None = None
    baseline: str | None = None
    baseline_lln: str | None = None
    baseline_uln: str | None = None
    known: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    lasting: str | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The criteria of one rule in one unit, worst grade first."""

    unit: str
    worst_first: tuple[tuple[int, Criterion], ...]

    def judge(self, inputs: Inputs) -> tuple[int, int]:
        """Lowest and highest grade the inputs allow."""
        highest = 0
        for grade, criterion in self.worst_first:
            verdict = criterion.judge(inputs)
            if verdict:
                return grade, highest or grade
            if verdict is None and not highest:
                highest = grade
        return 0, highest


@dataclass(frozen=True, slots=True, eq=False)
class GradingRule:
    """How one CTCAE term is graded from one analyte.

    ``relative`` rules compare with limits and the baseline only, never with a number: any unit will do, and none is
    converted. ``observed_every``: samples no farther apart than this show that what a rule times went on between them.
    """

    id: str
    term: str
    meddra_code: str
    analyte: str
    worse: Direction
    source: str
    book: str
    rows: Mapping[str, Row] = field(repr=False)
    if_baseline: Criterion | None = field(repr=False)
    rows_then: Mapping[str, Row] = field(repr=False)
    conversions: Mapping[str | None, tuple[str, Unit]] = field(repr=False)
    facts: frozenset[str] = frozenset()
    relative: bool = False
    observed_every: timedelta | None = None
    when_undecided: WhenUndecided = "highest"
    register: tuple[str, ...] = ()
    says: str | None = None
    examples: tuple[Example, ...] = field(default=(), repr=False)
    where: str = ""

    @property
    def grades(self) -> frozenset[int]:
        """The grades it can give, 0 aside."""
        rows = (*self.rows.values(), *self.rows_then.values())
        return frozenset(grade for row in rows for grade, _ in row.worst_first)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One measurement of a joined rule: the criterion in each unit it is printed for, the analyte's own first.

    ``observed_every``: samples no farther apart than this show what was so between them; ``undecided``: which grade
    alerts count with while this measurement leaves it open.
    """

    analyte: str
    when: Mapping[str, Criterion]
    observed_every: timedelta
    undecided: WhenUndecided = "highest"


@dataclass(frozen=True, slots=True, eq=False)
class JoinedRule:
    """A CTCAE term that needs two measurements joined in time: something ``happens`` while a state holds ``around`` it.

    The state is known where a sample lies ``within`` this time of what happens, or two samples that agree lie on either
    side of it. ``suspected_for``: how long after lymphodepletion began the term is possible where the state is unknown.
    """

    id: str
    term: str
    meddra_code: str
    soc: str
    grade: int
    source: str
    book: str
    happens: Part
    around: Part
    within: timedelta
    one_episode_within: timedelta
    suspected_for: timedelta | None = None
    register: tuple[str, ...] = ()
    says: str | None = None

    @property
    def analyte(self) -> str:
        """Both analytes."""
        return f"{self.around.analyte}+{self.happens.analyte}"


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """One entry of the register: a question CTCAE leaves open, what we chose, and how many of the cases of an
    independent grader it moves.
    """

    id: str
    question: str
    readings: tuple[str, ...]
    choice: str
    effect: str
    where: str | None
    moves: int | None
    signed_by: str | None


@dataclass(frozen=True)
class Book:
    """The whole rulebook, read and checked."""

    version: str
    analytes: Mapping[str, Analyte]
    terms: Mapping[str, Term]
    ambiguities: Mapping[str, Ambiguity]
    protocols: Mapping[str, Protocol]
    _by_loinc: Mapping[str, Analyte] = field(repr=False)
    _by_test: Mapping[str, Analyte] = field(repr=False)
    _rules: Mapping[str, tuple[GradingRule, ...]] = field(repr=False)
    _by_name: Mapping[str, Term] = field(repr=False)
    scales: Mapping[str, Scale] = field(default_factory=lambda: MappingProxyType({}))
    joined: tuple[JoinedRule, ...] = ()
    _synonyms: Synonyms = field(default_factory=Synonyms, repr=False)

    def analyte(self, *, loinc: str | None = None, test: str | None = None) -> Analyte | None:
        """The analyte a LOINC code or, where none is sent, a test name stands for."""
        if loinc is not None:
            return self._by_loinc.get(loinc)
        return None if test is None else self._by_test.get(test) or self._by_test.get(folded(test))

    @cached_property
    def _joins(self) -> Mapping[str, tuple[str, ...]]:
        pairs = sorted((part, one.key) for one in self.analytes.values() for part in one.companions)
        return {part: tuple(key for other, key in pairs if other == part) for part, _ in pairs}

    def joins(self, analyte: str) -> tuple[str, ...]:
        """The analytes that are judged with results of this one beside them, by their keys."""
        return self._joins.get(analyte, ())

    def rules(self, analyte: str) -> tuple[GradingRule, ...]:
        """The rules an analyte feeds, by its key."""
        return self._rules.get(analyte, ())

    @cached_property
    def facts(self) -> frozenset[str]:
        """The recorded facts that some rule reads."""
        every = [rule for rules in self._rules.values() for rule in rules]
        conditions = [rule.if_baseline.facts for rule in every if rule.if_baseline is not None]
        return frozenset().union(*(rule.facts for rule in every), *conditions)

    def joined_on(self, analyte: str) -> tuple[JoinedRule, ...]:
        """The rules that join an analyte with another in time."""
        return self._joined_on.get(analyte, ())

    @cached_property
    def _joined_on(self) -> Mapping[str, tuple[JoinedRule, ...]]:
        parts = {part.analyte for rule in self.joined for part in (rule.happens, rule.around)}
        return {
            key: tuple(rule for rule in self.joined if key in {rule.happens.analyte, rule.around.analyte})
            for key in parts
        }

    def rules_of(self, term: str) -> tuple[GradingRule, ...]:
        """The rules that grade a term, by its name."""
        return tuple(rule for rules in self._rules.values() for rule in rules if rule.term == term)

    def term(self, name_or_code: str) -> Term | None:
        """The term of a CTCAE name (case, spacing, hyphens and NOS aside) or MedDRA code."""
        return self.terms.get(name_or_code) or self._by_name.get(folded_term(name_or_code))

    def suggest(self, text: str, most: int = 5) -> tuple[Term, ...]:
        """The terms most like a free text, best first: for a person to choose from, never to be taken."""
        return tuple(self._by_name[name] for name in self._synonyms.suggest(text, most))

    def speaks_of_death(self, text: str) -> bool:
        """Whether words that a site wrote tell of a death: for a question, never to be taken for one."""
        return self._synonyms.speaks_of_death(text)

    def words_for_terms(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What people write, with the names of the terms that are suggested for it."""
        for written, names in self._synonyms.phrases.items():
            yield written, tuple(self._by_name[name].name for name in names)

    @cached_property
    def editions(self) -> Mapping[str, str]:
        """By study what conclusions rest on beside facts: the book and the protocol."""
        return {study: f"{self.version}+{protocol.digest}" for study, protocol in self.protocols.items()}

    def protocol(self, study: str) -> Protocol | None:
        """The protocol of a study."""
        return self.protocols.get(study)


def spelled(unit: str) -> str:
    """A unit as it is looked up: one micro sign, one way to write powers of ten, no spaces, no word for cells."""
    told = _RAISED.sub(r"10^\1", unit).translate(_TO_ASCII)
    told = unicodedata.normalize("NFKC", told).translate(_TO_ASCII)
    told = _CELLS.sub("", "".join(told.split()))
    return _POWER_OF_TEN.sub(r"10*\1", told)


def is_pure(unit: str) -> bool:
    """Whether the unit says no more than what is counted: ``{INR}``, ``[pH]``, ``{plus}``, ``1``."""
    return unit in {"1", "[pH]"} or (unit.startswith("{") and unit.endswith("}"))
