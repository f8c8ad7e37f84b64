"""What the engine needs of the clinic: pages in, pages and consequences out. The engine knows no more of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.cohort import StudyNumbers
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_subject import SubjectStatus

HEADER = "header"
Record = Any  # with ``study`` and ``subject``; a study's own has subject ''


class Consequences(Protocol):
    """What follows from one event, or from the passing of time, for one subject or one study."""

    @property
    def record(self) -> Record:
        """The record after it."""
        ...

    @property
    def changes(self) -> Sequence[FindingChange]:
        """What is concluded now and was not before."""
        ...

    @property
    def alerts(self) -> Sequence[Alert]:
        """What people must know of it."""
        ...

    @property
    def status(self) -> SubjectStatus | None:
        """The subject as the cohort sees it, when that changed; null for a study."""
        ...

    @property
    def pages(self) -> Collection[str]:
        """The names of the pages that changed."""
        ...

    @property
    def deadline(self) -> datetime | None:
        """When time alone will change something next."""
        ...

    @property
    def graded(self) -> Sequence[tuple[str, str]]:
        """Analyte and grade of each result judged."""
        ...

    @property
    def outcome(self) -> str:
        """What became of the event: processed, duplicate, corrected, late."""
        ...


class Judgement(Protocol):
    """The judgement of subjects and of studies, with its book inside. Pure."""

    studies: Collection[str]

    def empty(self, study: str, subject: str) -> Record:
        """A record that holds nothing yet; a study is a record with subject ''."""
        ...

    def with_page(self, record: Record, name: str, stored: bytes | None) -> Record:
        """The record with one more page loaded, the header first; null: nothing is kept under this name."""
        ...

    def page(self, record: Record, name: str) -> bytes:
        """A page to be kept."""
        ...

    def of_subject(self, record: Record, event: SubjectEvent | None, as_of: datetime) -> Consequences:
        """What follows for a subject; null event: time has passed. Raises PagesLacking with pages to be loaded."""
        ...

    def of_study(self, record: Record, status: SubjectStatus, as_of: datetime) -> Consequences:
        """What follows for a study. Raises PagesLacking."""
        ...

    def numbers(self, record: Record) -> StudyNumbers:
        """A study in numbers. Raises PagesLacking."""
        ...
