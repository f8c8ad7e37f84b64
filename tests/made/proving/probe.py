"""A look at topics and groups that is cheap enough to take many times a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from safety_stream.broker.connection import kafka_arguments
from safety_stream.settings import Settings


class Probe:
    """One open connection. A look that fails gives the last answer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._admin = self._open()
        self._partitions: dict[str, list[Any]] = {}
        self._last: dict[tuple[str, ...], int] = {}

    def size(self, topic: str) -> int:
        """How many messages a topic has received in all."""
        from kafka.admin import OffsetSpec

        asked = dict.fromkeys(self._of(topic), OffsetSpec.LATEST)
        return self._ask(
            ("size", topic),
            lambda: sum(found.offset for found in self._admin.list_partition_offsets(asked).values()),
        )

    def committed(self, group: str, topic: str) -> int:
        """The sum of what a group has committed on a topic."""
        return self._ask(
            ("committed", group, topic),
            lambda: sum(
                max(found.offset, 0)
                for part, found in self._admin.list_group_offsets([group])[group].items()
                if part.topic == topic
            ),
        )

    @contextmanager
    def away(self) -> Iterator[None]:
        """No connection inside: the broker is stopped, and kafka-python leaks a socket for each refused attempt."""
        self._admin.close()
        try:
            yield
        finally:
            self._admin = self._open()

    def _open(self) -> Any:
        from kafka import KafkaAdminClient

        return KafkaAdminClient(**kafka_arguments(self.settings))

    def close(self) -> None:
        """Close the connection."""
        self._admin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _of(self, topic: str) -> list[Any]:
        from kafka import TopicPartition

        if topic not in self._partitions:
            (shape,) = self._admin.describe_topics([topic])
            self._partitions[topic] = [TopicPartition(topic, part["partition_index"]) for part in shape["partitions"]]
        return self._partitions[topic]

    def _ask(self, what: tuple[str, ...], question: Any) -> int:
        from kafka.errors import KafkaError

        try:
            self._last[what] = question()
        except (KafkaError, OSError):
            return self._last.get(what, 0)
        return self._last[what]
