"""One study as a whole: the newest status of every subject in, tally and 3+3 advice for each dose level out.

Its law: nothing is counted up. Each step recomputes from the current statuses, so that a late, reversed or refuted
DLT changes the advice like any other fact, and says so when a level above was opened on the old count.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from safety_stream.clinical.changes import Kept, difference
from safety_stream.clinical.escalation import Counts, Decision, Place, decide, reachable, supports_escalation
from safety_stream.clinical.findings import (
    CohortDecision,
    Evidence,
    FindingChange,
    SubjectStatus,
    Tally,
    finding_id,
)
from safety_stream.rulebook.escalation_table import Escalation
from safety_stream.rulebook.protocol import ProtocolVersion
from safety_stream.rulebook.tables import Book


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """The newest status of each subject, and the advice as it was last sent."""

    study: str
    statuses: Mapping[str, SubjectStatus] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    loaded: frozenset[str] = frozenset()
    awaited: frozenset[str] = frozenset()

    @property
    def subject(self) -> str:
        """A study is kept like a subject without a number."""
        return ""


class StudyNumbers(NamedTuple):
    """The study in numbers, for metrics; no subject is named."""

    subjects_by_phase: Mapping[str, int]
    subjects_by_worst_grade: Mapping[str, int]
    tally_by_level: Mapping[int, Tally]
    decision_by_level: Mapping[int, Decision]
    adverse_events_by_grade: Mapping[str, int]
    serious_events: int
    worst_grade_by_level: Mapping[tuple[int, str], int] = {}
    unsupported_levels: frozenset[int] = frozenset()


def empty(study: str) -> StudyRecord:
    """A study of which nothing is known yet."""
    return StudyRecord(study)


def step(
    record: StudyRecord, status: SubjectStatus, book: Book, as_of: datetime
) -> tuple[StudyRecord, tuple[FindingChange, ...]]:
    """Take in one subject's status and say what it changed; an older snapshot of the same subject changes nothing."""
    held = record.statuses.get(status.subject)
    if held is not None and held.revision > status.revision:
        return record, ()
    statuses = {**record.statuses, status.subject: status}
    because = f"status {status.subject} revision {status.revision}"
    kept, changes = difference(record.kept, conclude(record.study, statuses, book), as_of, because)
    return replace(record, statuses=statuses, kept=kept), changes


def conclude(study: str, statuses: Mapping[str, SubjectStatus], book: Book) -> dict[str, CohortDecision]:
    """The advice for every dose level that has subjects, by finding id."""
    protocol = book.protocol(study)
    version = protocol.version(None) if protocol else None
    if version is None or version.escalation is None:
        return {}
    levels = _levels(statuses)
    tallies = {level: tally(subjects) for level, subjects in levels.items()}
    board = Board(study, version, version.escalation, levels, tallies)
    return {one.id: one for one in (_decision(board, level) for level in levels)}


def tally(subjects: tuple[SubjectStatus, ...]) -> Tally:
    """One dose level in numbers."""
    return Tally(
        enrolled=len(subjects),
        dosed=sum(one.dosed for one in subjects),
        in_window=sum(one.phase == "in_window" for one in subjects),
        evaluable=sum(_is_evaluable(one) for one in subjects),
        not_evaluable=sum(one.evaluable is False and one.dlt == "none" for one in subjects),
        dlt=sum(_has_dlt(one) for one in subjects),
        dlt_confirmed=sum(one.dlt == "confirmed" for one in subjects),
        dlt_possible=sum(one.dlt == "possible" for one in subjects),
    )


def counts_of(numbers: Tally) -> Counts:
    """What the design counts: decided subjects, DLTs among them, and all that may still become either.

    A subject who cannot be evaluated any more but has a possible DLT may still become one, so is not written off.
    """
    return Counts(numbers.evaluable, numbers.dlt, numbers.enrolled - numbers.evaluable - numbers.not_evaluable)


def study_numbers(record: StudyRecord, book: Book) -> StudyNumbers:
    """The whole study in numbers."""
    statuses = record.statuses.values()
    events: Counter[str] = Counter()
    for one in statuses:
        events.update(one.adverse_events_by_grade)
    decisions = tuple(conclude(record.study, record.statuses, book).values())
    return StudyNumbers(
        subjects_by_phase=Counter(one.phase for one in statuses),
        subjects_by_worst_grade=Counter(
            "none" if one.worst_grade is None else str(one.worst_grade) for one in statuses
        ),
        tally_by_level={level: tally(subjects) for level, subjects in _levels(record.statuses).items()},
        decision_by_level={one.dose_level: one.decision for one in decisions if one.dose_level is not None},
        adverse_events_by_grade=events,
        serious_events=sum(one.serious_events for one in statuses),
        worst_grade_by_level=Counter(
            (one.dose_level, "none" if one.worst_grade is None else str(one.worst_grade))
            for one in statuses
            if one.dose_level is not None
        ),
        unsupported_levels=frozenset(
            one.dose_level for one in decisions if one.no_longer_supported and one.dose_level is not None
        ),
    )


def _levels(statuses: Mapping[str, SubjectStatus]) -> dict[int, tuple[SubjectStatus, ...]]:
    found: dict[int, list[SubjectStatus]] = {}
    for subject in sorted(statuses):
        level = statuses[subject].dose_level
        if level is not None:
            found.setdefault(level, []).append(statuses[subject])
    return {level: tuple(found[level]) for level in sorted(found)}


def _has_dlt(status: SubjectStatus) -> bool:
    return status.dlt in {"candidate", "confirmed"}


def _is_evaluable(status: SubjectStatus) -> bool:
    return _has_dlt(status) or (status.evaluable is True and status.dlt != "possible")


class Board(NamedTuple):
    """A study's levels side by side, and the design they are judged by."""

    study: str
    version: ProtocolVersion
    design: Escalation
    levels: Mapping[int, tuple[SubjectStatus, ...]]
    tallies: Mapping[int, Tally]


def _decision(board: Board, level: int) -> CohortDecision:
    study, version, design, levels, tallies = board
    numbers, counts = tallies[level], counts_of(tallies[level])
    above = tallies.get(level + 1)
    place = Place(
        top=level >= len(version.dose_levels),
        above_stopped=above is not None and decide(design, counts_of(above), Place()) == "stop",
    )
    advice = decide(design, counts, place)
    opened = any(other > level for other in tallies)
    unsupported = opened and not place.above_stopped and not supports_escalation(design, counts)
    return CohortDecision(
        id=finding_id(study, "cohort", level),
        study=study,
        subject=None,
        dose_level=level,
        protocol_version=version.version,
        evidence=Evidence(
            rule=f"{study}/{version.version}/escalation/{design.design}",
            book=version.version,
            comparison=f"{numbers.dlt} DLT in {numbers.evaluable} evaluable subjects, {counts.pending} not decided",
            reasons=tuple(_reasons(board, level, unsupported)),
            sentence=_sentence(board, level, counts, advice, unsupported=unsupported),
        ),
        tally=numbers,
        decision=advice,
        reachable=reachable(design, counts, place),
        no_longer_supported=unsupported,
        subjects=tuple(one.subject for one in levels[level]),
    )


_ADVICE: Mapping[Decision, str] = {
    "enrol": "keep enrolling at this level",
    "wait": "wait for the subjects whose window is open",
    "expand": "enrol three more at this level, six in all",
    "escalate": "the next level may be considered",
    "stop": "stop enrolment at this level: its dose is above the maximum tolerated one",
    "fill": "fill this level to six evaluable subjects",
    "mtd": "this level is a candidate for the maximum tolerated dose",
}


def _sentence(board: Board, level: int, counts: Counts, advice: Decision, *, unsupported: bool) -> str:
    numbers = board.tallies[level]
    said = f"Level {level}: {numbers.dlt} DLT in {numbers.evaluable} evaluable of {numbers.enrolled} enrolled"
    said += f", {counts.pending} not decided" if counts.pending else ""
    said += f": {_ADVICE[advice]}"
    if advice == "stop":
        said += f"; {board.design.below_first}" if level == 1 else f"; go down to level {level - 1}"
    if unsupported:
        said += ". A higher level is open that this count no longer supports"
    return said + ". Advice only: the safety review committee decides."


def _reasons(board: Board, level: int, unsupported: bool) -> Iterator[str]:
    version, design, levels = board.version, board.design, board.levels
    yield "T7: " + ("escalation no longer supported" if unsupported else "counts are of the current states only")
    if version.dlt and version.dlt.example:
        yield "T3: the DLT rules are an example that no sponsor has signed"
    enrolled = sum(len(subjects) for subjects in levels.values())
    if design.planned_subjects is not None and enrolled > design.planned_subjects:
        yield f"T7: {enrolled} subjects are enrolled, {design.planned_subjects} were planned"
    if design.stagger_days is not None:
        yield from _too_close(levels[level], design.stagger_days)


def _too_close(subjects: tuple[SubjectStatus, ...], days: int) -> Iterator[str]:
    started = sorted((one.first_infusion, one.subject) for one in subjects if one.first_infusion is not None)
    for (first, one), (second, other) in pairwise(started[:2]):
        if second - first < timedelta(days=days):
            yield f"T8: subjects {one} and {other} were first infused {(second - first).days} days apart, not {days}"
