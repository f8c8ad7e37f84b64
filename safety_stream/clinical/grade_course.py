"""How long a reported event was at a grade: by the course that the site tells, else by its one line (register T50).

    grade      2        3          2      1
    told    |------|=========|-------|------|        a course: grade 3 lasted from its line to the next
    one line|= = = = = = 3 = = = = = = = = =|        grade 3 lasted at most so long; a study whose lines are
                                                     begun anew with every grade reads: exactly so long

Durations are intervals, because moments may be dates alone: the shortest and the longest that fit. An event that is
told as over without the day of its end was over when that was reported.
"""

from collections.abc import Iterator
from datetime import timedelta, tzinfo
from itertools import groupby
from typing import NamedTuple

from safety_stream.clinical.events import AdverseEvent
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.seriousness import is_fatal
from safety_stream.rulebook.dlt_rules import LineGrade

_NOTHING = timedelta(0)
DEATH = 5
_OVER = frozenset({"recovered", "recovered-with-sequelae", "fatal"})
_CODE = "grade_course_contradictory"


class Lasted(NamedTuple):
    """One time at a grade. ``longest`` None: no end is known; ``at_most``: a line was taken for its whole length.

    ``since``: its beginning; ``later``: or any time after it, for all that the one line tells. ``over``: it has ended,
    whenever that was.
    """

    since: Moment | None
    shortest: timedelta
    longest: timedelta | None
    over: bool
    at_most: bool = False
    later: bool = False


def times_at(event: AdverseEvent, grade: int, reading: LineGrade, zone: tzinfo) -> tuple[Lasted, ...]:
    """Every time that an event was at a grade or above it: by its course, else one time by its one line.

    A death is at grade 5 since that day, too: what began before a window may end fatally inside it.
    """
    runs = tuple([_run(event, start, end, zone) for start, end in _runs(event, grade, zone)])
    if runs:
        return runs
    fatal = _death(event) if grade == DEATH else ()
    if fatal and event.grade_course:
        return fatal
    whole = _run(event, event.onset, None, zone)
    if grade <= 1:
        return (whole,)
    if reading == "throughout":
        return (whole._replace(at_most=True), *fatal)
    return (whole._replace(at_most=True, shortest=_NOTHING, later=True), *fatal)


def _death(event: AdverseEvent) -> tuple[Lasted, ...]:
    """The time of a death by the end of its event; without that day it may be any since the onset."""
    if not is_fatal(event):
        return ()
    untold = event.resolved is None
    return (Lasted(event.resolved, _NOTHING, None if untold else _NOTHING, over=True, at_most=untold, later=untold),)


def _runs(event: AdverseEvent, grade: int, zone: tzinfo) -> list[tuple[Moment, Moment | None]]:
    """Every stretch at the grade or above: since when, and the line that ended it; None: it ends with the event."""
    course = sorted(event.grade_course, key=lambda one: (*one.since.bounds(zone), one.grade))
    runs: list[tuple[Moment, Moment | None]] = []
    for high, lines in groupby(course, key=lambda one: one.grade >= grade):
        first = next(lines).since
        if high:
            runs.append((first, None))
        elif runs:
            runs[-1] = (runs[-1][0], first)
    return runs


def _run(event: AdverseEvent, start: Moment | None, end: Moment | None, zone: tzinfo) -> Lasted:
    """The shortest and longest that one stretch can have lasted. Dates that contradict each other tell nothing."""
    unresolved, stop = event.outcome == "not-recovered", end or event.resolved
    if start is None:
        return Lasted(None, _NOTHING, None, stop is not None)
    first, last = start.bounds(zone)
    if stop is None and event.outcome in _OVER and event.reported_at >= first:
        return Lasted(start, _NOTHING, event.reported_at - first, True)
    if stop is None:
        return Lasted(start, max(_NOTHING, event.reported_at - last) if unresolved else _NOTHING, None, False)
    end_first, end_last = stop.bounds(zone)
    # A slip in a date must not rule a DLT out: the question is asked, and until it is answered the DLT is possible.
    if (end is None and unresolved) or end_last < first:
        return Lasted(start, _NOTHING, None, True)
    return Lasted(start, max(_NOTHING, end_first - last), end_last - first, True)


def course_contradictions(event: AdverseEvent, zone: tzinfo) -> Iterator[tuple[str, str, str]]:
    """What the course of the grade and the rest of the report cannot both say."""
    highest = max((one.grade for one in event.grade_course), default=None)
    if highest is not None and event.grade is not None and highest != event.grade:
        yield _CODE, f"grade {event.grade} and a course up to grade {highest}", "the worst grade of the course"
    for one in event.grade_course:
        if event.onset and one.since.latest(zone) < event.onset.earliest(zone):
            yield (
                _CODE,
                f"grade {one.grade} since {one.since}, onset {event.onset}",
                "a course that begins at the onset",
            )
        if one.since.earliest(zone) > event.reported_at:
            reported = event.reported_at.isoformat()
            yield _CODE, f"grade {one.grade} since {one.since}, reported {reported}", "a course up to its report"
        if event.resolved and one.since.earliest(zone) > event.resolved.latest(zone):
            yield _CODE, f"grade {one.grade} since {one.since}, resolved {event.resolved}", "a course within the event"
