"""Pages of results that a change of the header cannot reach, so that a dose does not fold a whole record anew.

    first infusion told          potassium   o  o  o |         all before it, nothing concluded: untouched
                                 ALT         o  *  o |         a finding: its study days change, concluded anew
                                 NEUT        o  o  o | o       one result is after treatment now: concluded anew
    second infusion told         calcium     o  *  o | o       a finding of which no DLT rule speaks: untouched

A fold reads of the frame no more than is compared here, and so do the findings that are made from it: where that is
the same they are the same. A test watches what they read.
"""

from collections.abc import Iterable

from safety_stream.clinical.baseline import other_period_of
from safety_stream.clinical.course import Course
from safety_stream.clinical.eligibility import stage_of
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.long_before import told_since
from safety_stream.clinical.observed import asks_for
from safety_stream.clinical.result import Place, Result
from safety_stream.clinical.shelf import Shelf


def untouched(shelf: Shelf, course: Course, edition: str, was: Frame) -> bool:
    """Whether pages concluded with another frame and this edition say the same with the frame of the course."""
    now = course.frame
    if shelf.series.book != edition or (was.version, was.screened, was.died) != (now.version, now.screened, now.died):
        return False
    if was.screenings[:1] != now.screenings[:1]:
        return False
    if was.infusions != now.infusions and (_counts_from(was, course.key) or _counts_from(now, course.key)):
        return False
    if any(one.finding is not None for one in shelf.kept.values()) and not _same_findings(was, course):
        return False
    places = [one.place(now.zone) for one in shelf.results]
    return _same_times(was, now, shelf.results) and _same_stages(was, now, places, course.key)


def _same_findings(was: Frame, course: Course) -> bool:
    """Whether the same folds make the same findings: their heads, study days, and the windows and decisions of DLTs."""
    now = course.frame
    if was.head != now.head or _day_zero(was) != _day_zero(now):
        return False
    if _speak_of_dlts(was) == _speak_of_dlts(now):
        return True
    return not course.limited


def _speak_of_dlts(frame: Frame) -> tuple[object, ...]:
    """What DLT rules read of the frame: windows, what they count from, and decisions."""
    return frame.infusions, frame.lymphodepletion, frame.adjudicated


def _day_zero(frame: Frame) -> tuple[object, ...]:
    return frame.infusions[:1], [one.day for one in frame.upcoming if one.number == 1]


def _counts_from(frame: Frame, analyte: str) -> bool:
    """Whether the fold of the analyte counts days or hours from an infusion."""
    depths = frame.version.hematotoxicity
    return (depths is not None and depths.analyte == analyte) or asks_for(frame, analyte)


def _same_times(was: Frame, now: Frame, results: Iterable[Result]) -> bool:
    """Whether each result lies to both starts of treatment, and to the facts recorded, as it did."""
    if (was.start, was.other_start, was.recorded) == (now.start, now.other_start, now.recorded):
        return True
    return all(_time(was, one) == _time(now, one) for one in results)


def _time(frame: Frame, result: Result) -> tuple[object, ...]:
    place = result.place(frame.zone)
    told = told_since(frame, place[1], result.reported_at)
    return frame.treated_before(place[0], place[1]), other_period_of(frame, place), frame.facts_at(place[0]), told


def _same_stages(was: Frame, now: Frame, places: list[Place], analyte: str) -> bool:
    """Whether each result answers each criterion on the analyte in the stage that it did."""
    return all(
        stage_of(was, criterion, *place) == stage_of(now, criterion, *place)
        for _, criterion in now.version.criteria_on(analyte)
        for place in places
    )
