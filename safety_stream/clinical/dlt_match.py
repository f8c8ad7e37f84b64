"""Whether an event meets a DLT rule of the protocol: each condition is true, false, or cannot be known yet.

One condition that is false: the rule is not met. All true: it is met. Else it may be met, and the open ones are named.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.dlt_decisions import Named
from safety_stream.clinical.dlt_windows import InWindow, Verdict, anchors_of, held_by, reached
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grade_course import Lasted
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Dlt, DltRule, Window


class Candidate(NamedTuple):
    """An event in the form the rules ask for. ``shortest`` and ``longest`` bound its duration; None: no end known.

    ``known_by``: when it was reported; the latest it can have begun when no onset was told. ``rose``: since when each
    grade has been told, where a lower one was told before. ``over``: it has ended, whenever that was. ``lasted``: the
    times that a reported event was at each grade, 1 to 5; ``since``, ``later``, ``at_most``: of one time at the grade
    that a rule asks for. ``ended_by``: the latest it can have ended, where ``longest`` counts from before ``onset``.
    ``outlasts``: the infusion that a grade begun before it is counted from. ``span``, ``others``: of a numbered event
    when it was, and the keys of all of its kind; ``record``: of its first result.
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
    ended_by: datetime | None = None
    outlasts: int | None = None
    span: tuple[datetime, datetime] | None = None
    others: tuple[str, ...] = ()
    record: str | None = None

    @property
    def named(self) -> Named:
        """The event as decisions name it."""
        return Named(self.key, self.span, self.others)

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


class Match(NamedTuple):
    """One rule and the event as far as that rule is concerned: met, or not decided yet."""

    rule: DltRule
    candidate: Candidate
    window: InWindow
    open: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether every condition is met."""
        return not self.open


def rules_for(
    dlt: Dlt | None, term: str, soc: str | None, seen_as: str, composite: str | None = None
) -> tuple[DltRule, ...]:
    """The rules an event of this kind can match, whatever its grade."""
    return _about(TheseRules(dlt.rules), term, soc, seen_as, composite) if dlt else ()


class TheseRules:
    """The very rules of a protocol: equal to nothing else, so that what is found among them can be remembered."""

    def __init__(self, rules: tuple[DltRule, ...]) -> None:
        self.rules = rules

    def __hash__(self) -> int:
        return id(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TheseRules) and other.rules is self.rules


@lru_cache(maxsize=4096)
def _about(these: TheseRules, term: str, soc: str | None, seen_as: str, composite: str | None) -> tuple[DltRule, ...]:
    return tuple(one for one in these.rules if seen_as in one.seen_as and one.about.speaks_of(term, soc, composite))


def every_match(frame: Frame, rules: Iterable[DltRule], candidate: Candidate) -> Iterator[Match]:
    """Every time that an event meets or may meet one of these rules, rule by rule."""
    for rule in rules:
        for one in candidate.times_at_grade_of(rule):
            found = matched(frame, rule, one)
            if found is not None:
                yield found


def matched(frame: Frame, rule: DltRule, candidate: Candidate) -> Match | None:
    """Whether an event meets or may meet one rule of the subject's protocol version; None: it does not."""
    dlt = frame.version.dlt
    if dlt is None or not frame.infusions or _excluded(dlt, candidate):
        return None
    counted = Window(days=rule.window_days or dlt.window.days, anchor=dlt.window.anchor)
    window = _window(frame, candidate, counted)
    if window.inside is False and rule.counts_from == "infusion":
        candidate = _since_infusion(frame, candidate, counted)
        window = _window(frame, candidate, counted)
    conditions: dict[str, Verdict] = {
        "grade": _grade(rule, candidate.grade),
        "duration": _lasting(rule, candidate),
        "attribution": _attributed(rule, candidate),
        "window": window.inside,
        "evidence": None if candidate.undecided else True,
    }
    if False in conditions.values() or window.first is None:
        return None
    return Match(rule, candidate, window, tuple(name for name, verdict in conditions.items() if verdict is None))


def _window(frame: Frame, candidate: Candidate, window: Window) -> InWindow:
    """Where the grade began; one that may have come long after the onset may lie in a window that the onset missed."""
    found = held_by(frame, candidate.began, candidate.known_by, window)
    if found.inside is not False or not candidate.later or candidate.began is None or candidate.known_by is None:
        return found
    return reached(frame, candidate.began, candidate.known_by, window)


_MAYBE_THERE_BEFORE = "T4: it may have begun before the lymphodepletion"


def _since_infusion(frame: Frame, candidate: Candidate, window: Window) -> Candidate:
    """What began before an infusion, and after the lymphodepletion did, as far as it outlasts that infusion (T4)."""
    zone, began, depleted = frame.zone, candidate.began, frame.lymphodepletion
    if began is None or depleted is None or began.latest(zone) < depleted[0]:
        return candidate
    end = candidate.ended_by
    if end is None and candidate.longest is not None:
        end = began.earliest(zone) + candidate.longest
    for one in anchors_of(frame.infusions, window.anchor):
        if began.latest(zone) < one.earliest and (end is None or end >= one.earliest):
            known_at = began.latest(zone) + candidate.shortest
            unclear = began.earliest(zone) < depleted[1]
            return candidate._replace(
                since=one.given,
                outlasts=one.number,
                shortest=max(timedelta(0), known_at - one.latest),
                longest=None if end is None else end - one.earliest,
                undecided=(*candidate.undecided, *([_MAYBE_THERE_BEFORE] if unclear else ())),
            )
    return candidate


def _excluded(dlt: Dlt, candidate: Candidate) -> bool:
    return any(candidate.term in one.terms and candidate.grade.highest <= one.up_to_grade for one in dlt.excluded)


def _grade(rule: DltRule, grade: GradeRange) -> Verdict:
    if rule.grade is None or grade.lowest >= rule.grade.lowest:
        return True
    return None if grade.highest >= rule.grade.lowest else False


def _lasting(rule: DltRule, candidate: Candidate) -> Verdict:
    if rule.lasting is None or rule.lasting.holds(candidate.shortest):
        return True
    return None if candidate.longest is None or rule.lasting.holds(candidate.longest) else False


def _attributed(rule: DltRule, candidate: Candidate) -> Verdict:
    """A measurement has no attribution; one that is not known may still come to be one that the rule names."""
    if candidate.attribution is None or candidate.attribution in rule.attribution:
        return True
    return None if candidate.attribution == "unknown" else False


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
