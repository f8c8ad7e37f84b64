"""One event and all its consequences: the ONE function that the worker, a replay and the second look share.

    an entry of the log of record  -->  subject_consequences  -->  findings, alerts, a status for the study
    a subject's status             -->  cohort_consequences   -->  decisions, alerts

Pure: the same log gives the same bytes, whoever reads it and however often.
"""

from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.policy import revise
from safety_stream.clinical import cohort, study_pages, subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.record import SubjectRecord
from safety_stream.rulebook.tables import Book

Record = TypeVar("Record")


class Consequences(NamedTuple, Generic[Record]):
    """What follows from one event, or from the passing of time.

    ``pages``: the pages of the record that changed; ``status``: the subject as its study sees it, when that changed;
    ``deadline``: when time alone will change something next; ``graded``: analyte and grade of every result judged;
    ``outcome``: processed, duplicate, corrected or late.
    """

    record: Record
    changes: tuple[FindingChange, ...]
    alerts: tuple[Alert, ...]
    pages: frozenset[str]
    status: SubjectStatus | None = None
    deadline: datetime | None = None
    graded: tuple[tuple[str, str], ...] = ()
    outcome: str = "processed"


def subject_consequences(
    record: SubjectRecord, event: SubjectEvent | None, book: Book, as_of: datetime
) -> Consequences[SubjectRecord]:
    """What one event of a subject brings about; null event: time has passed. Its pages must be loaded."""
    after, changes, status, pages, deadline, graded, outcome = subject.step(record, event, book, as_of)
    return Consequences(after, changes, _alerts(changes), pages, status, deadline, graded, outcome)


def cohort_consequences(
    record: cohort.StudyRecord, status: SubjectStatus, book: Book
) -> Consequences[cohort.StudyRecord]:
    """What one subject's new status brings about for the dose levels of its study, as of that status."""
    after, changes = cohort.step(record, status, book, status.as_of)
    pages: frozenset[str] = (
        frozenset() if after is record else frozenset({study_pages.HEADER, study_pages.status_page(status.subject)})
    )
    return Consequences(record=after, changes=changes, alerts=_alerts(changes), pages=pages)


def _alerts(changes: tuple[FindingChange, ...]) -> tuple[Alert, ...]:
    return revise(*changes) if changes else ()
