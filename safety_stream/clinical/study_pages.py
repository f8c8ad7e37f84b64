"""A study's record in pages: a header with the advice as last sent, and one page a subject with its newest status.

    header            the advice for each dose level as it was last sent, and the numbers of the subjects
    status:001        the newest status of subject 001

One status is one small page, so that a study may grow without any value growing with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from safety_stream.clinical.changes import Kept
from safety_stream.clinical.cohort import StudyRecord
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.stored import read_page, write_page

HEADER = "header"
STATUS = "status:"


@dataclass(frozen=True, slots=True)
class StudyHeader:
    """The page that is always there."""

    subjects: tuple[str, ...] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)


def status_page(subject: str) -> str:
    """The name of the page that holds a subject's newest status."""
    return STATUS + subject


def with_page(record: StudyRecord, name: str, stored: bytes | None) -> StudyRecord:
    """The record with one more page loaded; None: nothing is kept under this name."""
    if name == HEADER:
        header = read_page(StudyHeader, name, stored) if stored else StudyHeader()
        awaited = frozenset(status_page(one) for one in header.subjects if one not in record.statuses)
        return replace(record, kept=header.kept, awaited=awaited)
    awaited = record.awaited - {name}
    if stored is None:
        return replace(record, awaited=awaited)
    status = read_page(SubjectStatus, name, stored)
    return replace(record, statuses={**record.statuses, status.subject: status}, awaited=awaited)


def page_json(record: StudyRecord, name: str) -> bytes:
    """One page as the engine stores it; KeyError for a subject without a status."""
    if name == HEADER:
        return write_page(StudyHeader(tuple(sorted(record.statuses)), record.kept))
    return record.statuses[name.removeprefix(STATUS)].model_dump_json().encode()
