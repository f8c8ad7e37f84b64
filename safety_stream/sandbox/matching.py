"""Whether an alert tells of what was true: of the same subject, term, time and grade, and how soon it was told.

    true course         . . . . [alarming] . . . .        the first moment is the beginning
    alert A                    ^                          about it: within a day of an alarming moment
    alert B     ^                                         at another time: a chance hit, counted as false

One message shows a laboratory value or is a report. Febrile neutropenia is neither: it joins two measurements, and is
counted apart, for no rule by message can name it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from safety_stream.clinical.events import AdverseEvent, LabResult
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import ReportedEvent
from safety_stream.sandbox.records import ZONE
from safety_stream.sandbox.true_course import FEBRILE, LIMITS

Case = tuple[str, str]
"""A subject and a term."""
Kind = Literal["one laboratory value", "reported", "joined"]
Moments = tuple[tuple[datetime, int], ...]
"""When a course is alarming, in order, each with the lowest grade that alarms then."""
ELSEWHERE: Final = ", at another time or a lower grade"
ABOUT: Final = timedelta(hours=24)
SOON: Final = timedelta(hours=48)
_TERMS: Final = {limit.term for limit in LIMITS.values()}


class Told(NamedTuple):
    """One alert as it was sent: of which case, of which grade, from when to when it was so, and when it was told."""

    case: Case
    grade: int
    first: datetime
    last: datetime
    sent: datetime


def told_of(finding: AnyFinding | None, sent: datetime) -> Told | None:
    """What an alert of ours tells; None: of no grade."""
    if isinstance(finding, Toxicity):
        joined, peak = kind_of(finding.term) == "joined", finding.peak_observed
        begun, end = (finding.onset, finding.last_observed) if joined else (peak, peak)
        span, grade = (begun.earliest(ZONE), end.latest(ZONE)), finding.alerting_grade
    elif isinstance(finding, ReportedEvent) and finding.onset is not None:
        over = finding.resolved.latest(ZONE) if finding.resolved else finding.reported_at
        span, grade = (finding.onset.earliest(ZONE), over), finding.grade or 0
    else:
        return None
    return Told((str(finding.subject), finding.term), grade, *span, sent)


def told_by(message: LabResult | AdverseEvent, term: str, grade: int) -> Told | None:
    """What an alert about one message tells."""
    begun = message.observed_at if isinstance(message, LabResult) else message.onset
    if begun is None:
        return None
    end = begun if isinstance(message, LabResult) else message.resolved
    last = end.latest(ZONE) if end else message.reported_at
    return Told((message.subject, term), grade, begun.earliest(ZONE), last, message.reported_at)


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


def cases_told(said: Iterable[Case], right: Iterable[Case], truth: Mapping[Case, Moments]) -> Iterator[Case]:
    """Every case told: a true one that no alert is about was told at another time, and is not what is true."""
    hits = set(right)
    for name, term in said:
        chance = (name, term) in truth and (name, term) not in hits
        yield (name, term + ELSEWHERE) if chance else (name, term)
