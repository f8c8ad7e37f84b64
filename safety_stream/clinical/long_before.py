"""What is dated long before the consent and told since: most often a year that was mistyped (T39).

    2025                                  2026
    ---- * --------------------[ 28 d |C========|T======== told ====>     C  consent    T  first study treatment
         dated                 oldest

No result of a day before those that count for screening can be of this study's screening. History is told before the
consent and asks nothing; what is told since is asked about. Told after treatment began, it counts as before treatment
by its date alone: where it is severe, a person must hear of it at once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from safety_stream.clinical.fold import Flood
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.queries import asked

SEVERE = 3
RESULT, REPORT = "observed_long_before_consent", "onset_long_before_consent"
Told = Literal["", "since consent", "since treatment"]


def oldest(frame: Frame) -> datetime | None:
    """The first instant of the days before consent that count for the first screening; None: the protocol sets none."""
    rules = frame.version.eligibility
    if rules is None or rules.days_before_consent is None or not frame.screenings:
        return None
    return frame.screenings[0].since - timedelta(days=rules.days_before_consent)


def told_since(frame: Frame, latest: datetime, told_at: datetime) -> Told:
    """Whether what is surely of a day before those was told after the consent, or after treatment began."""
    first = oldest(frame)
    if first is None or latest >= first or told_at < frame.screenings[0].since:
        return ""
    return "since treatment" if frame.start is not None and told_at > frame.start[1] else "since consent"


def question(
    frame: Frame, about: str, dated: Moment, told_at: datetime, source: str, *, code: str, severe: str
) -> Iterator[Flood]:
    """What is asked of a result or a report that is dated so; ``severe``: what it would be under treatment."""
    told, first = told_since(frame, dated.latest(frame.zone), told_at), oldest(frame)
    if not told or first is None:
        return
    consented = frame.screenings[0].screened.consented.dates(frame.zone)[0]
    days = f"a day from {first.astimezone(frame.zone).date()} on, or its report before the consent"
    what = "observed" if code == RESULT else "onset"
    found = f"{what} {dated}, reported {told_at.astimezone(frame.zone).date()}, consented {consented}"
    if told == "since treatment" and severe:
        expected = f"{days}: it counts as before treatment, and with another date may be {severe} under treatment"
        yield asked("severe_long_before_consent", f"{about}, {severe}", found, expected, source)
    else:
        yield asked(code, about, found, days, source)
