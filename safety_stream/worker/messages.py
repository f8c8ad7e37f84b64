"""What every part of the engine asks of a message: where it was read, when the broker had it, its headers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from faust.types import Message

Header = tuple[str, bytes | None]


def place(message: Message) -> str:
    """Where it was read: ``topic/partition@offset``."""
    return f"{message.topic}/{message.partition}@{message.offset}"


def received_at(message: Message) -> datetime:
    """When the broker received it."""
    return datetime.fromtimestamp(message.timestamp, UTC)


def headers_of(message: Message) -> tuple[Header, ...]:
    """Its headers in their order; a name may stand more than once."""
    told: Any = message.headers or ()
    return tuple(told.items() if isinstance(told, Mapping) else told)
