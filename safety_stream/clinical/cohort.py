"""One study as a whole: the newest status of every subject in, tally and 3+3 advice for each dose level out.

Its law: nothing is counted up. Each step recomputes from the current statuses, so that a late, reversed or refuted
DLT changes the advice like any other fact, and says so when a level above was opened on the old count.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from safety_stream.clinical.advice import board, decision
from safety_stream.clinical.changes import Kept, difference
from safety_stream.clinical.escalation import Decision
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_study import Proportion, Tally
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.stagger import stagger_breaches
from safety_stream.clinical.stored import PagesLacking
from safety_stream.clinical.study_tally import study_tally
from safety_stream.clinical.tallying import by_level, tally, without_level
from safety_stream.rulebook.tables import Book


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """The newest status of each subject, and the advice as it was last sent.

    ``awaited``: the pages of subjects whom the header names and whose status is not loaded yet.
    """

    study: str
    statuses: Mapping[str, SubjectStatus] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()

    @property
    def subject(self) -> str:
        """A study is kept like a subject without a number."""
        return ""


class Unnamed(NamedTuple):
    """A proportion of the primary outcomes, without the subjects it counts."""

    outcome: str
    worst_grade: int | None
    dose_level: int | None
    among: str
    counted: int
    at_most: int
    of: int
    lower: Decimal
    upper: Decimal


class StudyNumbers(NamedTuple):
    """The study in numbers, for metrics; no subject is named."""

    subjects_by_phase: Mapping[str, int]
    subjects_by_worst_grade: Mapping[str, int]
    tally_by_level: Mapping[int, Tally]
    decision_by_level: Mapping[int, Decision]
    adverse_events_by_grade: Mapping[str, int]
    serious_events: int
    proportions: tuple[Unnamed, ...] = ()
    planned_subjects: int | None = None
    stagger_breaches: int = 0
    worst_grade_by_level: Mapping[tuple[int, str], int] = {}
    unsupported_levels: frozenset[int] = frozenset()


def empty(study: str) -> StudyRecord:
    """A study of which nothing is known yet."""
    return StudyRecord(study)


def step(
    record: StudyRecord, status: SubjectStatus, book: Book, as_of: datetime
) -> tuple[StudyRecord, tuple[FindingChange, ...]]:
    """Take in one subject's status and say what it changed; an older snapshot of the same subject changes nothing.

    Advice rests on every subject: raises PagesLacking while the header, which is loaded first, names others.
    """
    _check_loaded(record)
    held = record.statuses.get(status.subject)
    if held is not None and held.revision > status.revision:
        return record, ()
    statuses = {**record.statuses, status.subject: status}
    because = f"status {status.subject} revision {status.revision}"
    kept, changes = difference(record.kept, conclude(record.study, statuses, book), as_of, because)
    return replace(record, statuses=statuses, kept=kept), changes


def _check_loaded(record: StudyRecord) -> None:
    if record.awaited:
        raise PagesLacking(record.awaited)


def conclude(study: str, statuses: Mapping[str, SubjectStatus], book: Book) -> dict[str, AnyFinding]:
    """All that follows for the study, by finding id: advice for every level, staggers broken, and the tally."""
    protocol = book.protocol(study)
    version = protocol.version(None) if protocol else None
    if version is None or version.escalation is None:
        return {}
    design, levels = version.escalation, by_level(statuses)
    nowhere = without_level(statuses)
    known = board(study, version, design, levels, len(nowhere))
    decisions = [decision(known, level) for level in known.levels]
    found: list[AnyFinding] = [*decisions]
    for level, subjects in known.levels.items():
        found += stagger_breaches(version, level, subjects)
    if levels or nowhere:
        elsewhere = (one for level, each in levels.items() if level not in known.levels for one in each)
        unknown = (*elsewhere, *nowhere)
        mtd = max((one.dose_level or 0 for one in decisions if one.decision == "mtd"), default=None)
        found.append(study_tally(study, version, known.levels, unknown, mtd))
    return {one.id: one for one in found}


def study_numbers(record: StudyRecord, book: Book) -> StudyNumbers:
    """The whole study in numbers. Raises PagesLacking like ``step``."""
    _check_loaded(record)
    statuses = record.statuses.values()
    events: Counter[str] = Counter()
    for one in statuses:
        events.update(one.adverse_events_by_grade)
    found = conclude(record.study, record.statuses, book).values()
    decisions = [one for one in found if one.kind == "cohort_decision"]
    whole = next((one for one in found if one.kind == "study_tally"), None)
    return StudyNumbers(
        subjects_by_phase=Counter(one.phase for one in statuses),
        subjects_by_worst_grade=Counter(_worst(one) for one in statuses),
        tally_by_level={level: tally(subjects) for level, subjects in by_level(record.statuses).items()},
        decision_by_level={one.dose_level: one.decision for one in decisions if one.dose_level is not None},
        adverse_events_by_grade=events,
        serious_events=sum(one.serious_events for one in statuses),
        proportions=tuple(_unnamed(one) for one in whole.proportions) if whole else (),
        planned_subjects=whole.planned if whole else None,
        stagger_breaches=sum(one.kind == "stagger_breach" for one in found),
        worst_grade_by_level=Counter((one.dose_level, _worst(one)) for one in statuses if one.dose_level is not None),
        unsupported_levels=frozenset(
            one.dose_level for one in decisions if one.no_longer_supported and one.dose_level is not None
        ),
    )


def _worst(one: SubjectStatus) -> str:
    """The worst grade so far; none: there is no toxicity, or its grade is not decided."""
    return "none" if one.worst_grade is None or one.worst_grade_at_most is not None else str(one.worst_grade)


def _unnamed(one: Proportion) -> Unnamed:
    about = one.outcome, one.worst_grade, one.dose_level, one.among
    return Unnamed(*about, one.count, one.at_most, one.of, one.lower, one.upper)
