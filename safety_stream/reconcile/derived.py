"""The log judged again: one partition of safety.events as the engine judges it, without the engine."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.consequences import Consequences, cohort_consequences, subject_consequences
from safety_stream.clinical import cohort, subject
from safety_stream.clinical.cohort import StudyRecord
from safety_stream.clinical.events import Accepted, ClockTicked, SubjectEvent, clock_of, is_for_no_subject
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.record import SubjectRecord
from safety_stream.clinical.stored import with_its_pages
from safety_stream.rulebook.canary import CANARY
from safety_stream.rulebook.tables import Book

Name = tuple[str, str]


@dataclass(slots=True)
class PartitionOfEvents:
    """The subjects of one partition, and how far its clock has come."""

    book: Book
    clock: Literal["wall", "event"]
    records: dict[Name, SubjectRecord] = field(default_factory=dict)
    deadlines: dict[Name, datetime] = field(default_factory=dict)
    ticked: datetime | None = None

    def take(self, entry: Accepted, received_at: datetime) -> Iterator[Consequences[SubjectRecord]]:
        """What follows from one entry, received by the broker at that time: for one subject, or at a tick for many."""
        as_of = self._as_of(entry, received_at)
        if isinstance(entry.event, ClockTicked):
            self.ticked = as_of
            due = sorted((at, name) for name, at in self.deadlines.items() if at <= as_of)
            for _, name in due:
                yield self._step(name, None, as_of)
        elif not is_for_no_subject(entry.event) and entry.event.study != CANARY:
            yield self._step((entry.event.study, entry.event.subject), entry.event, as_of)

    def _as_of(self, entry: Accepted, received_at: datetime) -> datetime:
        if self.clock == "wall":
            return received_at
        told = clock_of(entry.event).astimezone(UTC)
        return max(told, self.ticked or told)

    def _step(self, name: Name, event: SubjectEvent | None, as_of: datetime) -> Consequences[SubjectRecord]:
        record = self.records.get(name) or subject.empty(*name)
        after = with_its_pages(
            record, subject.with_empty_page, lambda record: subject_consequences(record, event, self.book, as_of)
        )
        self.records[name] = after.record
        if after.deadline is None:
            self.deadlines.pop(name, None)
        else:
            self.deadlines[name] = after.deadline
        return after


@dataclass(slots=True)
class Studies:
    """The studies as their subjects' statuses add up, in the order of safety.statuses."""

    book: Book
    records: dict[str, StudyRecord] = field(default_factory=dict)

    def take(self, status: SubjectStatus) -> tuple[Alert, ...]:
        """The alerts that follow from one status."""
        record = self.records.get(status.study) or cohort.empty(status.study)
        after = cohort_consequences(record, status, self.book)
        self.records[status.study] = after.record
        return after.alerts
