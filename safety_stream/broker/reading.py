"""Read a topic from its beginning to where it ends now, and tell how far a group has come."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from safety_stream.broker.connection import kafka_arguments
from safety_stream.broker.publishing import Header
from safety_stream.broker.topics import administrator
from safety_stream.errors import BrokerUnavailable
from safety_stream.settings import Settings

_POLL_MS = 500
_COORDINATOR_LIMIT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker keeps it; ``timestamp_ms`` is the broker's time of receipt on our topics."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int

    @property
    def origin(self) -> str:
        """Where it was read: ``topic/partition@offset``."""
        return f"{self.topic}/{self.partition}@{self.offset}"


def read_topic(settings: Settings, topic: str, limit_seconds: float = 60.0) -> Iterator[Message]:
    """Every message up to the end offsets at the time of the call, each partition in order.

    ``limit_seconds`` bounds the wait without any progress; passing it raises BrokerUnavailable with the positions.
    """
    with _consumer(settings) as consumer:
        partitions = _partitions(consumer, topic)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        last_progress = monotonic()
        while waiting := [part for part in partitions if consumer.position(part) < ends[part]]:
            batches = consumer.poll(timeout_ms=_POLL_MS)
            for part, records in batches.items():
                yield from (_message(record) for record in records if record.offset < ends[part])
            if batches:
                last_progress = monotonic()
            elif monotonic() - last_progress > limit_seconds:
                stuck = {part.partition: (consumer.position(part), ends[part]) for part in waiting}
                raise BrokerUnavailable(f"{topic}: no progress for {limit_seconds:.0f} s; position and end: {stuck}")


def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """Where each partition of a topic ends now."""
    with _consumer(settings) as consumer:
        return {part.partition: end for part, end in consumer.end_offsets(_partitions(consumer, topic)).items()}


def committed_offsets(settings: Settings, group: str, topic: str) -> dict[int, int]:
    """What a group has committed, by partition; a partition without a commit is absent."""
    with administrator(settings) as admin:
        offsets = _group_offsets(admin, group)
    return {
        part.partition: found.offset for part, found in offsets.items() if part.topic == topic and found.offset >= 0
    }


def _group_offsets(admin: Any, group: str) -> dict[Any, Any]:
    """Ask again while the group's coordinator is being found, as it is on a broker that has just started."""
    from kafka.errors import KafkaError

    limit = monotonic() + _COORDINATOR_LIMIT_SECONDS
    while True:
        try:
            return dict(admin.list_group_offsets([group]).get(group, {}))
        except KafkaError as error:
            if not error.retriable or monotonic() > limit:
                raise
            sleep(0.1)


@contextmanager
def _consumer(settings: Settings) -> Iterator[Any]:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        group_id=None, enable_auto_commit=False, metrics_enabled=False, **kafka_arguments(settings)
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _partitions(consumer: Any, topic: str) -> list[Any]:
    from kafka import TopicPartition

    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise BrokerUnavailable(f"There is no topic {topic}.")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _message(record: Any) -> Message:
    return Message(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        tuple((name, bytes(value or b"")) for name, value in record.headers),
        record.timestamp,
    )
