"""One event of a subject of whom all that there is lies in memory: a page that is not there was never written."""

from datetime import datetime

from safety_stream.alerting.consequences import Consequences, subject_consequences
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.record import SubjectRecord
from safety_stream.clinical.stored import with_its_pages
from safety_stream.rulebook.tables import Book


def stepped(record: SubjectRecord, event: SubjectEvent | None, book: Book, as_of: datetime) -> subject.Step:
    """What one event brings about."""
    return with_its_pages(record, subject.with_empty_page, lambda loaded: subject.step(loaded, event, book, as_of))


def all_consequences(
    record: SubjectRecord, event: SubjectEvent | None, book: Book, as_of: datetime
) -> Consequences[SubjectRecord]:
    """The same with the alerts."""
    return with_its_pages(
        record, subject.with_empty_page, lambda loaded: subject_consequences(loaded, event, book, as_of)
    )
