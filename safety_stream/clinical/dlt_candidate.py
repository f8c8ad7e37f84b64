"""An event in the form that DLT rules ask for, whoever told it: the laboratory, a report, or a composite of values."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.dlt_decisions import Named
from safety_stream.clinical.grade_course import Lasted
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import DltRule


class ToldAs(NamedTuple):
    """What an event was told as from one instant until another: terms, attributions, onsets, more than one in doubt.

    An attribution is the investigator's with the sponsor's; None: the sponsor has not judged.
    """

    since: datetime
    until: datetime
    terms: frozenset[str]
    attributions: frozenset[tuple[str, str | None]]
    onsets: frozenset[Moment | None] = frozenset()


class Candidate(NamedTuple):
    """An event in the form the rules ask for. ``shortest`` and ``longest`` bound its duration; None: no end known.

    ``known_by``: when it was reported; the latest it can have begun when no onset was told. ``rose``: since when each
    grade has been told, where a lower one was told before. ``over``: it has ended, whenever that was. ``lasted``: the
    times that a reported event was at each grade, 1 to 5; ``since``, ``later``, ``at_most``: of one time at the grade
    that a rule asks for. ``known_to``, ``ended_by``: of a measured one until when it was known to be at that grade, and
    the latest it can have ended, for ``shortest`` and ``longest`` need not count from ``onset``.
    ``outlasts``: the infusion that a grade begun before it is counted from. ``span``, ``others``: of a numbered event,
    or the case of a composite, when it was, and the keys of all of its kind. ``told_as``: where the versions of a
    report differ, what it was told as before. ``record``: of its first result; ``analyte``: of a measured one what was
    measured; ``seen_before``: the last sample surely below that grade before it. ``attribution``: the investigator's;
    ``by_sponsor``: the sponsor's, where he judged.
    """

    about: str
    key: str
    term: str
    soc: str | None
    seen_as: Literal["measured", "reported"]
    grade: GradeRange
    onset: Moment | None
    shortest: timedelta
    longest: timedelta | None
    attribution: str | None = None
    by_sponsor: str | None = None
    composite: str | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    undecided: tuple[str, ...] = ()
    known_by: datetime | None = None
    rose: tuple[tuple[datetime, int], ...] = ()
    over: bool = False
    lasted: tuple[tuple[Lasted, ...], ...] = ()
    since: Moment | None = None
    at_most: bool = False
    later: bool = False
    known_to: datetime | None = None
    ended_by: datetime | None = None
    outlasts: int | None = None
    span: tuple[datetime, datetime] | None = None
    others: tuple[str, ...] = ()
    told_as: tuple[ToldAs, ...] = ()
    record: str | None = None
    analyte: str | None = None
    seen_before: Moment | None = None

    @property
    def named(self) -> Named:
        """The event as decisions name it; of a composite all cases have one name."""
        return Named(self.key, None if self.composite else self.span, self.others)

    def times_at_grade_of(self, rule: DltRule) -> tuple["Candidate", ...]:
        """The event as far as a rule is concerned: each time that it was at the grade that the rule asks for."""
        if not self.lasted:
            return (self,)
        grade = max(rule.grade.lowest, 1) if rule.grade else 1
        raised = any(told >= grade for _, told in self.rose[1:]) and all(told < grade for _, told in self.rose[:1])
        return tuple(
            self._replace(**one._replace(later=one.later or (raised and one.at_most))._asdict())
            for one in self.lasted[grade - 1]
        )

    @property
    def began(self) -> Moment | None:
        """Since when it was at that grade, as far as that was told."""
        return self.since or self.onset


def duration(candidate: Candidate) -> str:
    """How long it lasted, as far as is known: ``2 d to 5 d``, ``at least 3 d``."""
    shortest = lasted(candidate.shortest)
    if candidate.at_most and candidate.longest is not None and not candidate.shortest:
        return f"at most {lasted(candidate.longest)}"
    if candidate.longest is None:
        return f"at least {shortest}"
    return f"{shortest} to {lasted(candidate.longest)}" if candidate.longest != candidate.shortest else shortest


def lasted(length: timedelta) -> str:
    """A duration in days and hours."""
    days, hours = length.days, length.seconds // 3600
    return f"{days} d" + (f" {hours} h" if hours else "") if days else f"{hours} h"
