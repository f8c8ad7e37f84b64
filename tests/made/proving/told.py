"""What must be there, derived without the engine: from the file by replay, and from the logs by the pure core."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from safety_stream import intake
from safety_stream.alerting.alert import Alert
from safety_stream.alerting.consequences import cohort_consequences
from safety_stream.broker.reading import Message, read_topic
from safety_stream.clinical import cohort
from safety_stream.clinical.cohort import StudyRecord
from safety_stream.clinical.events import Accepted, ClockTicked
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.intake import Rejected
from safety_stream.reconcile.derived import PartitionOfEvents
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.replay import final_findings, replay
from safety_stream.settings import Settings


@dataclass
class File:
    """What a file of messages holds: events as JSON, ticks, unreadable lines; and what stands at its end."""

    events: set[str] = field(default_factory=set)
    ticks: set[str] = field(default_factory=set)
    unreadable: set[bytes] = field(default_factory=set)
    standing: dict[str, AnyFinding] = field(default_factory=dict)
    changes: int = 0


def of_file(lines: list[bytes], book: Book) -> File:
    """Read and replay a file."""
    found = File()
    for line in lines:
        for told in intake.read(None, line):
            if isinstance(told, Rejected):
                found.unreadable.add(line)
            elif isinstance(told, ClockTicked):
                found.ticks.add(told.model_dump_json())
            else:
                found.events.add(told.model_dump_json())
    news = list(replay(lines, book))
    found.standing = final_findings(news)
    found.changes = sum(isinstance(one, FindingChange) for one in news)
    return found


@dataclass
class Logs:
    """What follows from the logs as the engine wrote them: every change, status and alert, as JSON."""

    findings: set[str] = field(default_factory=set)
    statuses: set[str] = field(default_factory=set)
    cohorts: set[str] = field(default_factory=set)
    alerts: dict[tuple[str, int], Alert] = field(default_factory=dict)


def of_logs(settings: Settings, book: Book) -> Logs:
    """The pure core over safety.events, and over safety.statuses, in the order of each partition."""
    found = Logs()
    partitions: dict[int, PartitionOfEvents] = {}
    for message in read_topic(settings, settings.topic("events")):
        partition = partitions.setdefault(message.partition, PartitionOfEvents(book, settings.clock))
        entry = Accepted.model_validate_json(message.value or b"")
        for after in partition.take(entry, entry.received_at):
            found.findings |= {change.model_dump_json() for change in after.changes}
            _alert(found, after.alerts)
            if after.status is not None:
                found.statuses.add(after.status.model_dump_json())
    studies: dict[str, StudyRecord] = {}
    for message in read_topic(settings, settings.topic("statuses")):
        status = SubjectStatus.model_validate_json(message.value or b"")
        decided = cohort_consequences(studies.get(status.study) or cohort.empty(status.study), status, book)
        studies[status.study] = decided.record
        found.cohorts |= {change.model_dump_json() for change in decided.changes}
        _alert(found, decided.alerts)
    return found


def _alert(found: Logs, alerts: Iterable[Alert]) -> None:
    for alert in alerts:
        found.alerts.setdefault((alert.id, alert.revision), alert)


def values(settings: Settings, topic: str) -> list[str]:
    """Every value of one of our topics, repeats included."""
    return [_text(message) for message in read_topic(settings, settings.topic(topic))]


def _text(message: Message) -> str:
    return (message.value or b"").decode()
