"""The judgement the worker runs with: the book, and the pure functions that read it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from safety_stream.alerting.consequences import Consequences, cohort_consequences, subject_consequences
from safety_stream.clinical import cohort, study_pages, subject
from safety_stream.clinical.cohort import StudyNumbers, StudyRecord
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.record import SubjectRecord
from safety_stream.rulebook.canary import CANARY, with_canary
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import Book
from safety_stream.settings import Settings
from safety_stream.worker.judgement import Judgement

Record = SubjectRecord | StudyRecord


def judgement_of(settings: Settings) -> Judgement:
    """The judgement with the book of the settings. Raises ConfigurationError with everything wrong in the book."""
    book = load_book(
        settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
    )
    return Clinic(with_canary(book) if settings.canary_minutes else book)


class Clinic:
    """The clinical core behind the engine's view of it: subjects and studies kept alike, in named pages."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.studies: Collection[str] = tuple(book.protocols)
        self.analytes: Collection[str] = tuple(book.analytes)

    def empty(self, study: str, subject_number: str) -> Record:
        """A record that holds nothing yet; a study is a record with subject ''."""
        return subject.empty(study, subject_number) if subject_number else cohort.empty(study)

    def with_page(self, record: Any, name: str, stored: bytes | None) -> Record:
        """The record with one more page loaded; null: nothing is kept under this name."""
        pages = study_pages.with_page if isinstance(record, StudyRecord) else subject.with_page
        return pages(record, name, stored)

    def page(self, record: Any, name: str) -> bytes:
        """A page to be kept."""
        json = study_pages.page_json if isinstance(record, StudyRecord) else subject.page_json
        return json(record, name)

    def of_subject(
        self, record: SubjectRecord, event: SubjectEvent | None, as_of: datetime
    ) -> Consequences[SubjectRecord]:
        """What follows for a subject; null event: time has passed. Raises PagesLacking."""
        after = subject_consequences(record, event, self.book, as_of)
        return after._replace(status=None) if record.study == CANARY else after  # it is no subject of any count

    def of_study(self, record: StudyRecord, status: SubjectStatus | None, as_of: datetime) -> Consequences[StudyRecord]:
        """What follows for a study, as of the status. Raises PagesLacking."""
        if status is None:
            return Consequences(record=record, changes=(), alerts=(), pages=frozenset())
        return cohort_consequences(record, status, self.book)

    def numbers(self, record: StudyRecord) -> StudyNumbers:
        """A study in numbers, for metrics. Raises PagesLacking."""
        return cohort.study_numbers(record, self.book)
