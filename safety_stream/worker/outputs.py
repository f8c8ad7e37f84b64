"""What one event brings about, and how it is sent: everything acknowledged, or nothing counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from safety_stream.errors import PageTooLarge

MAX_OUTPUT_BYTES = 900_000  # Kafka's default for a message is 1,048,588 with its headers
Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Output:
    """One message to send. ``partition`` null: its key decides (murmur2)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    is_letter: bool = False


@dataclass(frozen=True, slots=True)
class Effects:
    """What one event brings about: messages to send, then pages to keep (by key, on the event's partition)."""

    outputs: tuple[Output, ...] = ()
    pages: Mapping[bytes, bytes] = field(default_factory=dict)


def checked(outputs: Iterable[Output]) -> tuple[Output, ...]:
    """The messages. Raises PageTooLarge when one would be refused by the broker; dead letters have room.

    To be asked before anything is held ready: an event that is set aside must have changed nothing.
    """
    told = tuple(outputs)
    for output in told:
        if not output.is_letter and output.value is not None and len(output.value) > MAX_OUTPUT_BYTES:
            raise PageTooLarge(f"a message for {output.topic} would have {len(output.value)} bytes")
    return told


async def send(producer: Any, outputs: Iterable[Output]) -> None:
    """Send everything, in order, and wait until the broker has acknowledged all of it."""
    sent = [
        await producer.send(output.topic, output.key, output.value, output.partition, None, list(output.headers))
        for output in outputs
    ]
    for acknowledged in sent:
        await acknowledged
