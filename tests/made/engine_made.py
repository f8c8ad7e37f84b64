"""Messages as Faust hands them over, and a table that keeps its pages in a dictionary."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from counting import STUDY
from faust.types import TP, Message

from safety_stream.settings import Settings
from safety_stream.worker.guard import partition_of

PARTITIONS = 4
RECEIVED = 1_772_600_000.0  # 2026-03-04T04:53:20Z


def message(
    topic: str, value: bytes | None, *, key: bytes | None = None, offset: int = 0, partition: int | None = None,
    headers: tuple[tuple[str, bytes], ...] = (), timestamp: float = RECEIVED,
) -> Message:  # fmt: skip
    """A message on the partition of its key, or on partition 0."""
    where = partition if partition is not None else partition_of(key, PARTITIONS) if key else 0
    return Message(topic, where, offset, timestamp, 1, list(headers), key, value, None, tp=TP(topic, where))


def entry(settings: Settings, event: Mapping[str, Any], offset: int = 0, **changed: Any) -> Message:
    """An entry of the log of record."""
    value = {"event": event, "received_at": "2026-03-04T04:53:20Z", "origin": "t.labs/0@0"}
    key = f"{event['study']}|{event['subject']}".encode() if "study" in event else b"clock"
    return message(settings.topic("events"), json.dumps(value).encode(), key=key, offset=offset, **changed)


def lab(number: int, subject: str = "S001", test: str = "ANC", value: str = "1.5", **changed: Any) -> dict[str, Any]:
    """A laboratory result as an event."""
    return {
        "kind": "lab_result",
        "study": STUDY,
        "subject": subject,
        "source": {"system": "lis", "id": f"R{number:06d}"},
        "reported_at": "2026-03-04T07:30:00+08:00",
        "test": test,
        "value": value,
        "unit": "10*9/L",
        "observed_at": "2026-03-04T07:00:00+08:00",
        **changed,
    }


def tick(as_of: str) -> dict[str, Any]:
    """A tick of the clock as an event."""
    return {"kind": "clock_ticked", "as_of": as_of}


class Kept:
    """A table that is a dictionary; ``apply`` keeps what a round would keep."""

    def __init__(self) -> None:
        self.values: dict[int, dict[bytes, bytes]] = {}

    def load(self, partition: int, key: bytes) -> bytes | None:
        """One value."""
        return self.values.get(partition, {}).get(key)

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All values of a partition."""
        yield from self.values.get(partition, {}).items()

    def apply(self, partition: int, pages: Mapping[bytes, bytes]) -> None:
        """Keep pages."""
        self.values.setdefault(partition, {}).update(pages)


def kept() -> Any:
    """A table that is a dictionary."""
    return cast(Any, Kept())
