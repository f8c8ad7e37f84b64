"""The same judgement on a file of events, without Kafka: what the engine would conclude, and whom it would tell.

Events are taken in the order of the file; time is the events' own. Statuses of subjects go on to their study at once,
in order, as the cohorts agent takes them. What cannot be read is a ``Rejected`` in its place.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from safety_stream import intake
from safety_stream.alerting.alert import Alert
from safety_stream.alerting.policy import revise
from safety_stream.clinical import cohort, subject
from safety_stream.clinical.cohort import StudyRecord
from safety_stream.clinical.events import AnyEvent, ClockTicked, SubjectEvent
from safety_stream.clinical.findings import AnyFinding, FindingChange, SubjectStatus
from safety_stream.clinical.record import SubjectRecord
from safety_stream.intake import Rejected
from safety_stream.rulebook.tables import Book

News = FindingChange | Alert


def replay(lines: Iterable[bytes], book: Book) -> Iterator[FindingChange | Alert | Rejected]:
    """Everything that follows from messages (one a line, blank lines hold nothing), in order."""
    judged = Replay(book)
    for line in lines:
        for told in intake.read(None, line) if line.strip() else ():
            refused = told if isinstance(told, Rejected) else intake.admit(told, book.protocols, event_clock=True)
            if refused is not None:
                yield refused
            elif not isinstance(told, Rejected):
                yield from judged.take(told)


def final_findings(news: Iterable[FindingChange | Alert | Rejected]) -> dict[str, AnyFinding]:
    """Of all changes, the findings that stand at the end, by id."""
    last = {change.finding.id: change for change in news if isinstance(change, FindingChange)}
    return {id_: change.finding for id_, change in last.items() if change.change != "withdrawn"}


class Replay:
    """The records of all subjects and studies, in memory; an event-time clock for all of them."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._subjects: dict[tuple[str, str], SubjectRecord] = {}
        self._studies: dict[str, StudyRecord] = {}
        self._ticked: datetime | None = None

    def take(self, event: AnyEvent) -> Iterator[News]:
        """What follows from one event; a tick concludes again for every subject whose deadline it has passed."""
        if not isinstance(event, ClockTicked):
            yield from self._step(event.study, event.subject, event, event.reported_at)
            return
        self._ticked = max(event.as_of, self._ticked or event.as_of)
        for study, name in self._due(event.as_of):
            yield from self._step(study, name, None, event.as_of)

    def _due(self, as_of: datetime) -> list[tuple[str, str]]:
        passed = [
            (deadline, key)
            for key, record in self._subjects.items()
            if (deadline := record.header.deadline) is not None and deadline <= as_of
        ]
        return [key for _, key in sorted(passed)]

    def _step(self, study: str, name: str, event: SubjectEvent | None, told: datetime) -> Iterator[News]:
        record = self._subjects.get((study, name)) or subject.empty(study, name)
        for page in sorted(subject.pages_needed(record, event, self._book) - record.pages):
            record = subject.with_page(record, page, None)
        step = subject.step(record, event, self._book, max(told, self._ticked or told))
        self._subjects[study, name] = step.record
        yield from _with_alerts(step.changes)
        if step.status is not None:
            yield from self._decide(step.status)

    def _decide(self, status: SubjectStatus) -> Iterator[News]:
        record = self._studies.get(status.study) or cohort.empty(status.study)
        self._studies[status.study], changes = cohort.step(record, status, self._book, status.as_of)
        yield from _with_alerts(changes)


def _with_alerts(changes: Iterable[FindingChange]) -> Iterator[News]:
    """Each change, and after it the alerts it makes."""
    for change in changes:
        yield change
        yield from revise(change)
