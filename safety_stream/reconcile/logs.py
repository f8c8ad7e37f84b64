"""The logs read from their start to where they end now: what the engine was given, and what it set aside."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import structlog
from pydantic import ValidationError

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.policy import unreadable
from safety_stream.broker.reading import Message, read_topic
from safety_stream.clinical.events import Accepted, Acknowledged, Adjudicated
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.reconcile.derived import PartitionOfEvents, Studies
from safety_stream.rulebook.tables import Book
from safety_stream.settings import Settings

_RECEIVED: Final = "safety-stream-received-at"
_LOG = structlog.get_logger("safety_stream.reconcile")
Derived = Iterator[tuple[Alert, datetime]]


def alerts_of_logs(settings: Settings, book: Book) -> Derived:
    """Every alert that follows from the three logs, with the time at which its cause was received."""
    yield from _of_events(settings, book)
    yield from _of_statuses(settings, book)
    yield from _of_dead_letters(settings)


def _of_events(settings: Settings, book: Book) -> Derived:
    partitions: dict[int, PartitionOfEvents] = {}
    for message in read_topic(settings, settings.topic("events")):
        partition = partitions.setdefault(message.partition, PartitionOfEvents(book, settings.clock))
        at = _received_at(message)
        try:
            entry = Accepted.model_validate_json(message.value or b"")
            yield from ((alert, at) for after in partition.take(entry, at) for alert in after.alerts)
        except Exception as error:  # as the engine sets it aside: its subject goes on without it
            _LOG.error("cannot be judged", entry=message.origin, error=type(error).__name__)


def _of_statuses(settings: Settings, book: Book) -> Derived:
    studies = Studies(book)
    for message in read_topic(settings, settings.topic("statuses")):
        try:
            status = SubjectStatus.model_validate_json(message.value or b"")
            yield from ((alert, _received_at(message)) for alert in studies.take(status))
        except Exception as error:
            _LOG.error("cannot be judged", entry=message.origin, error=type(error).__name__)


def _of_dead_letters(settings: Settings) -> Derived:
    for message in read_topic(settings, settings.topic("dead-letters")):
        told = {name: value.decode("utf-8", "replace") for name, value in message.headers}
        try:
            topic, reason = told["safety-stream-topic"], told["safety-stream-reason"]
            place = f"{topic}/{told['safety-stream-partition']}@{told['safety-stream-offset']}"
            at = datetime.fromisoformat(told[_RECEIVED])
        except (KeyError, ValueError, ValidationError):
            continue
        yield unreadable(topic, reason, place, at.date(), at), _received_at(message)


def _received_at(message: Message) -> datetime:
    return datetime.fromtimestamp(message.timestamp_ms / 1000, UTC)


def answers_of_log(settings: Settings) -> Iterator[Acknowledged | Adjudicated]:
    """Every answer and decision that the log of record holds, in its order."""
    for message in read_topic(settings, settings.topic("events")):
        try:
            event = Accepted.model_validate_json(message.value or b"").event
        except ValidationError:
            continue  # told of where the log is judged
        if isinstance(event, Acknowledged | Adjudicated):
            yield event
