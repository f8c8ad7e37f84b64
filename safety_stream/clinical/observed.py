"""When one analyte was observed after the first infusion, carried from sample to sample.

    infusion   *       *  *              *        *          * observed, by the full hour
               |-------|  |--------------|                   a gap is kept when it reaches the shortest limit
    visits        [ day 7 ]      [ day 14 ]                  answered inside; or only later

Nothing is kept of a sample that no visit and no limit asks for. Hours are those for certain: a date alone leaves the
most of its day observed.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from safety_stream.clinical.frame import Frame
from safety_stream.clinical.result import Place
from safety_stream.clinical.running import Observed
from safety_stream.rulebook.schedule_rules import Blind, Schedule, Visit

_HOUR = timedelta(hours=1)


class Days(NamedTuple):
    """The days on which a visit may fall, both inside."""

    first: date
    last: date


def schedule_of(frame: Frame) -> Schedule | None:
    """The schedule that a subject is judged by; None: there is none, or the subject was not dosed."""
    schedule = frame.version.schedule
    return schedule if schedule is not None and schedule.judged and frame.infusions else None


def asks_for(frame: Frame, key: str) -> bool:
    """Whether the schedule, if it is judged, asks for results of an analyte at all."""
    schedule = frame.version.schedule
    return schedule is not None and schedule.judged and (key in schedule.blind_of or key in schedule.visits_of)


class Expected(NamedTuple):
    """What the schedule expects of one analyte of one subject, who was dosed.

    ``begins`` and ``ends``: between which instants the limits on time unobserved hold; ``shortest``: the shortest of
    them, None where none names the analyte. ``visits``: those that owe it, with their days, in the order in which they
    begin.
    """

    begins: datetime
    ends: datetime
    shortest: timedelta | None
    visits: tuple[tuple[str, Days], ...]


def expected_of(frame: Frame, key: str) -> Expected | None:
    """What is expected of an analyte; None: nothing, or the subject was not dosed."""
    schedule = schedule_of(frame) if asks_for(frame, key) else None
    if schedule is None:
        return None
    limits, begins = schedule.blind_of.get(key, ()), begun(frame)
    return Expected(
        begins,
        max((ended(one, frame) for one in limits), default=begins),
        min((one.at_most.length for one in limits), default=None),
        tuple((one.name, days_of(one, frame)) for one in schedule.visits_of.get(key, ())),
    )


def observed(held: Observed, place: Place, expected: Expected, zone: tzinfo) -> Observed:
    """What is known after one more sample, told in order of observation."""
    if expected.shortest is not None:
        held = _seen(held, place, expected, expected.shortest)
    if len(held.visits) + len(held.later) < len(expected.visits):
        held = _visited(held, place, expected.visits, zone)
    return held


def _seen(held: Observed, place: Place, expected: Expected, shortest: timedelta) -> Observed:
    begins, ends = expected.begins, expected.ends
    last = held.last or begins
    if place[1] <= begins or last >= ends:
        return held
    now = min(max(place[0].replace(minute=0, second=0, microsecond=0), last), ends)
    until = min(max(_full_hour(place[1]), last), ends)
    gaps = (*held.gaps, (last, now)) if now - last >= shortest else held.gaps
    return Observed(until, gaps, held.visits, held.later)


def begun(frame: Frame) -> datetime:
    """From when on a dosed subject is to be observed: the latest that the first infusion can mean, by the full hour."""
    return _full_hour(min(one.latest for one in frame.infusions))


def ended(limit: Blind, frame: Frame) -> datetime:
    """The first instant after the last day of a limit."""
    last = frame.infusions[0].last_day + timedelta(days=limit.to_day + 1)
    return midnight(last, frame.zone)


@lru_cache(maxsize=1024)
def _full_hour(instant: datetime) -> datetime:
    whole = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole if whole == instant else whole + _HOUR


def _visited(held: Observed, place: Place, visits: tuple[tuple[str, Days], ...], zone: tzinfo) -> Observed:
    """A visit that has an answer, on its days or only after them, keeps it.

    With each sample every visit that has begun by then is answered, so those still to be answered come last.
    """
    first, last = (instant.astimezone(zone).date() for instant in place)
    inside, after = list[str](), list[str]()
    for name, days in visits[len(held.visits) + len(held.later) :]:
        if days.first > last:
            break
        (inside if first <= days.last else after).append(name)
    if not inside and not after:
        return held
    return held._replace(visits=(*held.visits, *inside), later=(*held.later, *after))


@lru_cache(maxsize=1024)
def midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in the study's zone."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def days_of(visit: Visit, frame: Frame) -> Days:
    """The days of a visit of this subject; where the day of the infusion is not known, all that they can be."""
    infusion = frame.infusions[0]
    first = infusion.first_day + timedelta(days=visit.day - visit.days_before)
    return Days(first, infusion.last_day + timedelta(days=visit.day + visit.days_after))


Gap = tuple[datetime, datetime]


def common(one: Iterable[Gap], other: Iterable[Gap]) -> list[Gap]:
    """The times that lie in a gap of both."""
    each = [(max(pair[0][0], pair[1][0]), min(pair[0][1], pair[1][1])) for pair in product(one, other)]
    return [(begins, ends) for begins, ends in each if begins < ends]
