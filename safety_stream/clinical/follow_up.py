"""The follow-up of a subject: which reported events count for the primary outcome, and what is planned next.

        first infusion (day 0)                        the day of the same name 12 months on, the last day inside
    -----------|-----------------------------------------------------------|----------->
     not in it |  counted when treatment-emergent (T12)                    |  not in it

An onset that may lie on either side of an end is counted, and named as uncertain: an event is never lost to a date.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Literal

from safety_stream.clinical.conclusion import GradeRange, worst_of
from safety_stream.clinical.findings_subject import Followed
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment


def in_follow_up(onset: Moment | None, emergent: bool | None, frame: Frame) -> Literal["", "perhaps", "yes"]:
    """Whether an event counts: emergent, and its onset between the first infusion and the last day of follow-up."""
    if emergent is False or not frame.infusions:
        return ""
    if onset is None:
        return "perhaps"
    first = frame.infusions[0]
    earliest, latest = onset.bounds(frame.zone)
    if latest < first.earliest or earliest >= _after(first.last_day, frame):
        return ""
    inside = earliest >= first.latest and latest < _after(first.first_day, frame)
    return "yes" if inside and emergent else "perhaps"


def _after(day_zero: date, frame: Frame) -> datetime:
    """The first instant after the follow-up, its last day being inside."""
    last = frame.version.follow_up.after(day_zero)
    return datetime.combine(last + timedelta(days=1), time.min, tzinfo=frame.zone)


def followed(digests: Iterable[Digest]) -> Followed:
    """All reported events of a subject that count, by how many there are and how grave they are."""
    counted = [one for one in digests if one.followed]
    serious = [one for one in counted if one.serious]
    worst, worst_serious = (worst_of(one.grade for one in each if one.grade) for each in (counted, serious))
    return Followed(
        events=len(counted),
        serious=len(serious),
        worst=worst.lowest if worst else None,
        worst_at_most=may_be(worst),
        worst_serious=worst_serious.lowest if worst_serious else None,
        worst_serious_at_most=may_be(worst_serious),
        uncertain=sum(one.followed == "perhaps" for one in counted),
    )


def may_be(worst: GradeRange | None) -> int | None:
    """The highest grade that one which is not decided may be; None: it is decided."""
    return None if worst is None or worst.decided else worst.highest


def planned_infusion(frame: Frame) -> date | None:
    """The first day that the first infusion can fall on as planned; None: none planned, given already, left or dead."""
    if frame.infusions or frame.withdrawn is not None or frame.died is not None:
        return None
    return next((one.day for one in frame.upcoming if one.number == 1), None)
