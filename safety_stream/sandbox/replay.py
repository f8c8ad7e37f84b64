"""The same judgement on a file of events, without Kafka: what the engine would conclude, and whom it would tell.

Events are taken in the order of the file; time is the events' own. Statuses of subjects go on to their study at once,
in order, as the cohorts agent takes them. What cannot be read is a ``Rejected`` in its place.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from safety_stream import intake
from safety_stream.alerting.alert import Alert
from safety_stream.alerting.consequences import Consequences
from safety_stream.clinical.events import Accepted, AnyEvent, ClockTicked, SubjectEvent, clock_of
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.stored import with_its_pages
from safety_stream.intake import Rejected
from safety_stream.rulebook.tables import Book
from safety_stream.worker.clinic import Clinic

News = FindingChange | Alert


def replay(
    lines: Iterable[bytes], book: Book, *, known_by: datetime | None = None
) -> Iterator[FindingChange | Alert | Rejected]:
    """Everything that follows from messages (one a line, blank lines hold nothing), in order.

    ``known_by``: only from what had been received by then, with the clock at that instant in the end. An entry of the
    log of record says when it was received; an event by itself counts from when its sender released it.
    """
    judged = Replay(book, known_by)
    for told in admitted(lines, book, known_by):
        if isinstance(told, Rejected):
            yield told
        else:
            yield from judged.take(told)
    if known_by is not None:
        yield from judged.take(ClockTicked(as_of=known_by))


def admitted(lines: Iterable[bytes], book: Book, known_by: datetime | None) -> Iterator[AnyEvent | Rejected]:
    """The events of all messages that are for us and were known by then, and in its place what was refused."""
    for line in lines:
        received, messages = read_line(line)
        for told in messages:
            refused = told if isinstance(told, Rejected) else intake.admit(told, book.protocols, event_clock=True)
            if refused is not None:
                yield refused
            elif not isinstance(told, Rejected) and (known_by is None or (received or clock_of(told)) <= known_by):
                yield told


def read_line(line: bytes) -> tuple[datetime | None, tuple[AnyEvent | Rejected, ...]]:
    """When a message was received, if it says so as an entry of the log of record does, and its events."""
    message = line.strip()
    if b'"received_at"' in message:
        with suppress(ValueError):
            entry = Accepted.model_validate_json(message)
            return entry.received_at, (entry.event,)
    return None, intake.read(None, message) if message else ()


def final_findings(news: Iterable[FindingChange | Alert | Rejected]) -> dict[str, AnyFinding]:
    """Of all changes, the findings that stand at the end, by id."""
    last = {change.finding.id: change for change in news if isinstance(change, FindingChange)}
    return {id_: change.finding for id_, change in last.items() if change.change != "withdrawn"}


class Replay:
    """The records of all subjects and studies, in memory, and one event-time clock for all of them.

    ``until``: the clock goes no further, whatever a sender's clock says.
    """

    def __init__(self, book: Book, until: datetime | None = None) -> None:
        self._clinic = Clinic(book)
        self._until = until
        self._records: dict[tuple[str, str], Any] = {}
        self._deadlines: dict[tuple[str, str], datetime] = {}
        self._ticked: datetime | None = None

    def take(self, event: AnyEvent) -> Iterator[News]:
        """What follows from one event; a tick concludes again for every subject whose deadline it has passed."""
        if not isinstance(event, ClockTicked):
            as_of = max(event.reported_at, self._ticked or event.reported_at)
            as_of = as_of if self._until is None else min(as_of, self._until)
            yield from self._judge(event.study, event.subject, event, as_of)
            return
        as_of = event.as_of if self._until is None else min(event.as_of, self._until)
        self._ticked = as_of
        passed = [(at, whose) for whose, at in self._deadlines.items() if at <= as_of]
        for _, (study, subject) in sorted(passed):
            yield from self._judge(study, subject, None, as_of)

    def _judge(self, study: str, subject: str, event: SubjectEvent | None, as_of: datetime) -> Iterator[News]:
        judge = self._clinic.of_subject
        after = self._judged(study, subject, lambda record: judge(record, event, as_of))
        self._deadlines.pop((study, subject), None)
        if after.deadline is not None:
            self._deadlines[study, subject] = after.deadline
        yield from _news(after)
        status = after.status
        if status is not None:
            decide = self._clinic.of_study
            yield from _news(self._judged(study, "", lambda record: decide(record, status, as_of)))

    def _judged(self, study: str, subject: str, judge: Callable[[Any], Consequences[Any]]) -> Consequences[Any]:
        """What follows for a record, which is kept: a page that is not at hand was never written."""
        record = self._records.get((study, subject)) or self._clinic.empty(study, subject)
        after = with_its_pages(record, self._with_empty_page, judge)
        self._records[study, subject] = after.record
        return after

    def _with_empty_page(self, record: Any, name: str) -> Any:
        return self._clinic.with_page(record, name, None)


def _news(after: Consequences[Any]) -> Iterator[News]:
    yield from after.changes
    yield from after.alerts
