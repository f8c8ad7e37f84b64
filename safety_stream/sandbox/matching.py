"""Whether an alert tells of what was true: of the same subject, term, time and grade, and how soon it was told.

    true course         . . . . [alarming] . . . .        the first moment is the beginning
    alert A                    ^                          about it: within a day of an alarming moment
    alert B     ^                                         at another time: a chance hit, counted as false

One message shows a laboratory value or is a report. Febrile neutropenia is neither: it joins two measurements, and is
counted apart, for no rule by message can name it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

from safety_stream.clinical.events import AdverseEvent, LabResult
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent
from safety_stream.sandbox.records import ZONE
from safety_stream.sandbox.true_course import FEBRILE, HYS_LAW, LIMITS

Case = tuple[str, str]
"""A subject and a term."""
Kind = Literal["one laboratory value", "reported", "joined"]
Moments = tuple[tuple[datetime, int], ...]
"""When a course is alarming, in order, each with the lowest grade that alarms then."""
ELSEWHERE: Final = ", at another time or a lower grade"
ABOUT: Final = timedelta(hours=24)
SOON: Final = timedelta(hours=48)
_OPEN: Final = datetime(2999, 1, 1, tzinfo=UTC)
_TERMS: Final = {limit.term for limit in LIMITS.values()}


class Told(NamedTuple):
    """One alert as it was sent: of which case, of which grade, from when to when it was so, and when it was told."""

    case: Case
    grade: int
    first: datetime
    last: datetime
    sent: datetime


def told_of(finding: AnyFinding | None, sent: datetime) -> Iterator[Told]:
    """What an alert of ours tells: the worst and the latest sample of an episode, or all of an event as reported."""
    if isinstance(finding, Toxicity):
        case, peak, now = (str(finding.subject), finding.term), finding.peak_observed, finding.last_observed
        begun = finding.onset if kind_of(finding.term) == "joined" else peak
        end = now if kind_of(finding.term) == "joined" else peak
        yield Told(case, finding.alerting_grade, begun.earliest(ZONE), end.latest(ZONE), sent)
        if finding.open:
            yield Told(case, finding.current.highest, now.earliest(ZONE), now.latest(ZONE), sent)
    elif isinstance(finding, ReportedEvent) and finding.onset is not None:
        span = finding.onset.earliest(ZONE), _ended(finding)
        yield Told((str(finding.subject), finding.term), finding.grade or 0, *span, sent)


def limits_of(found: Mapping[str, AnyFinding], *states: str) -> Iterator[Told]:
    """What our DLTs of these states tell: from when it was at the grade to the end of what they rest on."""
    for one in found.values():
        if isinstance(one, DoseLimitingToxicity) and one.state in states and one.onset is not None:
            rests_on = [found[id_] for id_ in one.about if id_ in found]
            ends = [end for each in rests_on if (end := _end_of(each)) is not None]
            grade = 0 if one.grade is None else one.grade.highest
            case = str(one.subject), HYS_LAW if one.grade is None else one.term
            begun = one.onset.earliest(ZONE)
            yield Told(case, grade, begun, max(ends, default=one.onset.latest(ZONE)), begun)


def _end_of(finding: AnyFinding) -> datetime | None:
    if isinstance(finding, ReportedEvent):
        return _ended(finding)
    return finding.last_observed.latest(ZONE) if isinstance(finding, Toxicity) else None


def told_by(message: LabResult | AdverseEvent, term: str, grade: int) -> Iterator[Told]:
    """What an alert about one message tells."""
    case, sent = (message.subject, term), message.reported_at
    if isinstance(message, LabResult):
        at = message.observed_at
        yield Told(case, grade, at.earliest(ZONE), at.latest(ZONE), sent)
    elif message.onset is not None:
        yield Told(case, grade, message.onset.earliest(ZONE), _ended(message), sent)


def _ended(event: AdverseEvent | ReportedEvent) -> datetime:
    """The end of an event as told; one that is not told to be over goes on."""
    return event.resolved.latest(ZONE) if event.resolved else _OPEN


def kind_of(term: str) -> Kind:
    """What it takes to see a term."""
    term = term.removesuffix(ELSEWHERE)
    return "joined" if term == FEBRILE else "one laboratory value" if term in _TERMS else "reported"


def _is_about(told: Told, moments: Moments) -> bool:
    return any(told.grade >= grade and told.first - ABOUT <= at <= told.last + ABOUT for at, grade in moments)


def about(told: Iterable[Told], truth: Mapping[Case, Moments]) -> dict[Case, timedelta]:
    """The true cases that alerts tell of, each with the time from its beginning to the first alert about it."""
    found: dict[Case, timedelta] = {}
    for one in told:
        moments = truth.get(one.case, ())
        if _is_about(one, moments):
            after = one.sent - moments[0][0]
            found[one.case] = min(after, found.get(one.case, after))
    return found


def same_time(one: Moments, other: Moments) -> bool:
    """Whether some moments of the two are within a day of each other."""
    return any(abs(at - then) <= ABOUT for at, _ in one for then, _ in other)


def cases_told(said: Iterable[Case], right: Iterable[Case], truth: Mapping[Case, Moments]) -> Iterator[Case]:
    """Every case told: a true one that no alert is about was told at another time, and is not what is true."""
    hits = set(right)
    for name, term in said:
        chance = (name, term) in truth and (name, term) not in hits
        yield (name, term + ELSEWHERE) if chance else (name, term)


def limits_told(told: Iterable[Told], truth: Mapping[Case, Moments]) -> set[Case]:
    """Every case of some DLTs, matched by time as alerts are."""
    every = tuple(told)
    return set(cases_told((one.case for one in every), about(every, truth), truth))
