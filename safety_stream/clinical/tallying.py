"""Who is counted where: the subjects of a dose level in numbers, and how each pending one can still end."""

from collections.abc import Iterable, Mapping

from safety_stream.clinical.escalation import Counts
from safety_stream.clinical.findings_study import Ending, PendingSubject, Tally
from safety_stream.clinical.findings_subject import SubjectStatus


def by_level(statuses: Mapping[str, SubjectStatus]) -> dict[int, tuple[SubjectStatus, ...]]:
    """The enrolled subjects of each dose level, in order."""
    found: dict[int, list[SubjectStatus]] = {}
    for subject in sorted(statuses):
        level = statuses[subject].dose_level
        if level is not None:
            found.setdefault(level, []).append(statuses[subject])
    return {level: tuple(found[level]) for level in sorted(found)}


def without_level(statuses: Mapping[str, SubjectStatus]) -> tuple[SubjectStatus, ...]:
    """Who was dosed though no enrolment tells at which dose level, in order."""
    return tuple(one for _, one in sorted(statuses.items()) if one.dosed and one.dose_level is None)


def tally(subjects: tuple[SubjectStatus, ...]) -> Tally:
    """One dose level in numbers."""
    return Tally(
        enrolled=len(subjects),
        dosed=sum(one.dosed for one in subjects),
        in_window=sum(one.phase == "in_window" for one in subjects),
        evaluable=sum(is_evaluable(one) for one in subjects),
        not_evaluable=sum(is_not_evaluable(one) for one in subjects),
        dlt=sum(has_dlt(one) for one in subjects),
        dlt_confirmed=sum(one.dlt == "confirmed" for one in subjects),
        dlt_possible=sum(one.dlt == "possible" for one in subjects),
    )


def counts_of(subjects: Iterable[SubjectStatus]) -> Counts:
    """What the design counts: decided subjects, DLTs among them, and all that may still become either.

    A subject who cannot be evaluated any more but has a possible DLT may still become one, so is not written off.
    """
    subjects = tuple(subjects)
    waiting = [one for one in subjects if is_pending(one)]
    return Counts(
        evaluable=sum(is_evaluable(one) for one in subjects),
        dlt=sum(has_dlt(one) for one in subjects),
        pending=len(waiting),
        lost=sum(_completes(one) is False for one in waiting),
        through=sum(_completes(one) is True for one in waiting),
    )


def pending(subjects: Iterable[SubjectStatus]) -> tuple[PendingSubject, ...]:
    """The subjects who are not decided, each with all that can become of him or her."""
    return tuple(
        PendingSubject.model_construct(subject=one.subject, may_end=_may_end(one), window_to=one.window_to)
        for one in subjects
        if is_pending(one)
    )


def has_dlt(status: SubjectStatus) -> bool:
    """Whether a DLT counts: a candidate does until a person refutes it."""
    return status.dlt in {"candidate", "confirmed"}


def is_evaluable(status: SubjectStatus) -> bool:
    """Whether the subject is decided: with a DLT, or through the window with none left possible."""
    return has_dlt(status) or (status.evaluable is True and status.dlt != "possible")


def is_not_evaluable(status: SubjectStatus) -> bool:
    """Whether the subject is to be replaced; he or she stays in the safety set."""
    return status.evaluable is False and status.dlt == "none"


def is_pending(status: SubjectStatus) -> bool:
    """Whether the subject may still be decided either way."""
    return not is_evaluable(status) and not is_not_evaluable(status)


def _may_end(status: SubjectStatus) -> tuple[Ending, ...]:
    completes = _completes(status)
    if completes is None:
        return ("dlt", "completed", "not_evaluable")
    return ("dlt", "completed") if completes else ("dlt", "not_evaluable")


def _completes(status: SubjectStatus) -> bool | None:
    """Whether a subject without a DLT is through the window as planned; who is decided already is, or is not."""
    return status.completes if status.evaluable is None else status.evaluable
