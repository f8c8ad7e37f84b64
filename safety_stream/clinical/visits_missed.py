"""Results of a visit that did not come: owed on the days around it, missed when these and the way of results are over.

    day     6     7     8     9     10
            [   visit    ]    |      |
              observed here   ends   told, unless it came: open, and closed by a later result

A visit that is over says the same until one of its results is told, so it is not said anew with every look.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.conclusion import Evidence, finding_id
from safety_stream.clinical.findings_subject import Unobserved
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.observed import days_of, midnight
from safety_stream.clinical.parts import Look
from safety_stream.clinical.running import Observed
from safety_stream.rulebook.schedule_rules import Blind, Schedule, Visit

NOTHING = Observed()
EXAMPLE = "T44: example schedule, to be signed by the sponsor"
Seen = Mapping[str, Observed]


class Looked(NamedTuple):
    """What stands as of now, and the instants at which time alone changes it."""

    found: list[Unobserved]
    ahead: list[datetime]


class Asked(NamedTuple):
    """Of whom, by which schedule and book, and as of when."""

    frame: Frame
    schedule: Schedule
    book_version: str
    as_of: datetime


def visits_missed(asked: Asked, seen: Seen, gone: datetime, look: Look) -> Looked:
    """Every visit with results missing as of now; ``gone``: from when on nothing is expected."""
    frame, schedule, book_version, as_of = asked
    within = schedule.results_within.length
    ends = _ends(tuple(one.day + one.days_after for one in schedule.by_end), frame.infusions[0].last_day, frame.zone)
    expected = bisect_right(ends, gone)
    due = min(bisect_right(ends, as_of - within), expected)
    answers = tuple((key, one.visits, one.later) for key in schedule.visits_of if (one := seen.get(key)) is not None)
    read = frame, book_version, due, answers
    found = look.nested("visits", read, lambda: _missed(asked, ends[:due], seen))
    later = zip(schedule.by_end[due:expected], ends[due:expected], strict=True)
    ahead = next((end + within for visit, end in later if _lacking(visit, seen)), None)
    return Looked(list(found), [] if ahead is None else [ahead])


@lru_cache(maxsize=1024)
def _ends(days: tuple[int, ...], infused: date, zone: tzinfo) -> tuple[datetime, ...]:
    """The first instants after these days, counted from the infusion."""
    return tuple(midnight(infused + timedelta(days=day + 1), zone) for day in days)


def _lacking(visit: Visit, seen: Seen) -> tuple[str, ...]:
    return tuple(key for key in visit.needs if visit.name not in seen.get(key, NOTHING).visits)


def _missed(asked: Asked, ends: tuple[datetime, ...], seen: Seen) -> Iterator[Unobserved]:
    for visit, end in zip(asked.schedule.by_end, ends, strict=False):
        if lacking := _lacking(visit, seen):
            yield _missing(visit, end, lacking, seen, asked)


def _missing(visit: Visit, end: datetime, lacking: tuple[str, ...], seen: Seen, asked: Asked) -> Unobserved:
    frame, days = asked.frame, days_of(visit, asked.frame)
    window = f"{days.first} to {days.last}"
    sentence = f"Visit {visit.name} ({window}): no result of {', '.join(lacking)}."
    closed = all(visit.name in seen.get(key, NOTHING).later for key in lacking)
    return Unobserved(
        id=finding_id(frame.study, frame.subject, "missing", visit.name),
        **frame.head,
        evidence=evidence_of(visit, sentence, asked),
        what="missing_results",
        name=visit.name,
        text=f"Visit {visit.name}",
        source=visit.source,
        state="closed" if closed else "open",
        since=end,
        until=None,
        hours=None,
        limit=window,
        missing=lacking,
        example=asked.schedule.example,
        tell=visit.tell,
    )


def evidence_of(one: Blind | Visit, sentence: str, asked: Asked) -> Evidence:
    """Why: the part of the schedule, its source, and that it is an example."""
    rule = f"{asked.frame.study}/{asked.frame.version.version}/schedule/{one.name}"
    reasons = (f"T44: {one.source}", *((EXAMPLE,) if asked.schedule.example else ()))
    return Evidence(rule=rule, book=asked.book_version, reasons=reasons, sentence=sentence)
