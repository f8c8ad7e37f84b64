"""The state of one subject in a line: phase, evaluable, DLT, worst grade, and until when the subject is observed.

screened | enrolled | in window ........ | completed window
                    day 0              day 28, the last day inside        or: withdrawn, died
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from safety_stream.clinical.completing import Gone, closes, completes, gone, left_before, midnight_after, window_to
from safety_stream.clinical.conclusion import worst_of
from safety_stream.clinical.contradictions import died
from safety_stream.clinical.findings_measured import CompositeMet
from safety_stream.clinical.findings_subject import SubjectStatus, Unobserved
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.follow_up import followed, may_be, planned_infusion
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.hematotoxicity import in_status as icaht_in_status
from safety_stream.clinical.unobserved import in_status as unobserved_in_status

Phase = Literal["screened", "enrolled", "in_window", "completed_window", "withdrawn", "died"]
State = Literal["none", "possible", "candidate", "confirmed"]
Longer = tuple[date, str]


def extension(frame: Frame, asked: Iterable[Longer], dlt: str) -> Longer | None:
    """Until when a subject is observed beyond the protocol's window, and why (T4).

    A rule has a longer window of its own, or a possible DLT can be met only later still.
    """
    last, asked_for = window_to(frame), max(asked, default=None) if dlt == "possible" else None
    if last is not None and asked_for is not None and asked_for[0] > last:
        return asked_for
    rule = frame.version.dlt.watched_longest if frame.version.dlt else None
    if last is None or rule is None:
        return None
    return last, f"{rule.id} ({rule.text}) has a window of its own, {rule.window_days} days"


def ends(frame: Frame, longer: Longer | None) -> datetime | None:
    """The first instant at which the subject is no longer observed for DLTs."""
    return midnight_after(frame, longer[0]) if longer else closes(frame)


def status_of(
    frame: Frame,
    digests: Mapping[str, Digest],
    dlt: State,
    longer: Longer | None,
    as_of: datetime,
) -> SubjectStatus:
    """The status as of now, without what only other parts of the overview know."""
    end = ends(frame, longer)
    closed, left = end is not None and as_of >= end, gone(frame, digests)
    through = completes(frame, left, as_of)
    told = [one.grade for one in digests.values() if one.grade is not None]
    grades = Counter(str(one.lowest) if one.decided else "none" for one in told)
    worst = worst_of(one.worst for one in digests.values() if one.worst is not None)
    return SubjectStatus(
        study=frame.study,
        subject=frame.subject,
        site=frame.site,
        protocol_version=frame.version.version,
        dose_level=frame.dose_level,
        phase="died" if died(digests) is not None else _phase(frame, closed),
        dosed=bool(frame.infusions),
        first_infusion=frame.infusions[0].first_day if frame.infusions else None,
        window_to=longer[0] if longer else window_to(frame),
        extended_because=f"T4: {longer[1]}" if longer else None,
        evaluable=_evaluable(dlt, through, _watched(frame, left, closed)),
        completes=through,
        dlt=dlt,
        worst_grade=worst.lowest if worst else None,
        worst_grade_at_most=may_be(worst),
        unclear_emergence=any(one.unclear for one in digests.values()),
        serious_events=sum(one.serious for one in digests.values()),
        adverse_events_by_grade=dict(sorted(grades.items())),
        planned_infusion=planned_infusion(frame),
        followed=followed(digests.values()),
        as_of=as_of,
    )


def with_hours(
    status: SubjectStatus, toxic: Iterable[CompositeMet], unseen: Sequence[Unobserved], frame: Frame
) -> SubjectStatus:
    """The status with its hematotoxicity, and with what nobody observed."""
    if icaht := icaht_in_status(toxic, frame):
        status = status.model_copy(update={"hematotoxicity": icaht})
    return status.model_copy(update=dict(unobserved_in_status(unseen))) if unseen else status


def _phase(frame: Frame, closed: bool) -> Phase:
    if frame.withdrawn is not None and frame.withdrawn.from_what == "study":
        return "withdrawn"
    if frame.infusions and frame.version.dlt is not None:
        return "completed_window" if closed else "in_window"
    return "enrolled" if frame.enrolled is not None else "screened"


def _evaluable(dlt: str, completes: bool | None, watched: bool) -> bool | None:
    """Decision T6: a DLT, or the window completed with all planned infusions at their planned amount.

    While the subject is watched a DLT may still come, and one that is still possible is not decided (T4).
    """
    if dlt in {"candidate", "confirmed"}:
        return True
    if completes is False:
        return None if watched else False
    return None if watched or dlt == "possible" else completes


def _watched(frame: Frame, left: Gone, closed: bool) -> bool:
    """Whether the subject is, or may come to be, observed for DLTs."""
    if not frame.infusions:  # who has left, be it the treatment alone, or died can never be dosed
        return not left and frame.withdrawn is None
    return not closed and left_before(closes(frame), left) is not True
