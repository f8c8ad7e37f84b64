"""Publish a file of events (NDJSON: one message a line) to the inbound topics, acknowledged, with progress."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import orjson

from safety_stream.broker.publishing import Letter
from safety_stream.broker.topic_table import INBOUND_OF
from safety_stream.intake import Rejected, read, together
from safety_stream.settings import Settings

# At most this many messages wait for their acknowledgement at a time.
IN_FLIGHT = 2_000
# Kafka refuses a message above 1 MiB by default; the rest is for the key and headers.
LARGEST = 1_048_576 - 4_096
WHEN_UNREADABLE = "labs"
_HEADERS = (("content-type", b"application/json"),)
Progress = Callable[[int, int], None]


class Taker(Protocol):
    """Whatever takes letters and answers when all are kept: ``broker.publishing.Publisher``."""

    def publish(self, letters: Iterable[Letter]) -> object:
        """Take these letters."""
        ...


@dataclass(slots=True)
class Published:
    """Messages sent, by topic, and the lines that were not: line number and reason."""

    sent: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[int, str]] = field(default_factory=list)


def publish_lines(
    lines: Iterable[bytes],
    publisher: Taker,
    settings: Settings,
    *,
    only_readable: bool = False,
    progress: Progress | None = None,
) -> Published:
    """Send every line to the inbound topic of its kind, keyed study|subject; blank lines hold nothing.

    A line that cannot be read is sent all the same, for the engine to judge and keep; with ``only_readable`` it is
    refused here, with its reason. A line above Kafka's limit is refused in either case. ``progress`` is told the lines
    and bytes that are done. Raises MessageRefused when the broker does not take a message.
    """
    published = Published()
    done = bytes_done = 0
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    while chunk := list(islice(numbered, IN_FLIGHT)):
        letters = list(_letters(chunk, published, settings, only_readable))
        publisher.publish(letters)
        published.sent.update(letter.topic for letter in letters)
        done, bytes_done = done + len(chunk), bytes_done + sum(len(line) for _, line in chunk)
        if progress:
            progress(done, bytes_done)
    return published


def _letters(
    chunk: Iterable[tuple[int, bytes]], published: Published, settings: Settings, only_readable: bool
) -> Iterator[Letter]:
    for number, line in chunk:
        reason = _refusal(line, only_readable)
        if reason:
            published.refused.append((number, reason))
        elif line:
            topic, key = address(line)
            yield Letter(settings.topic(topic), line, key, _HEADERS)


def _refusal(line: bytes, only_readable: bool) -> str | None:
    if len(line) > LARGEST:
        return f"(message): found {len(line)} bytes, expected at most {LARGEST}"
    if not line or not only_readable:
        return None
    rejections = [each for each in read(None, line) if isinstance(each, Rejected)]
    return together(rejections).detail if rejections else None


def address(line: bytes) -> tuple[str, bytes | None]:
    """The inbound topic of a message by its (first) event's kind, and its key: study|subject, or none."""
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return WHEN_UNREADABLE, None
    first = told[0] if isinstance(told, list) and told else told
    if not isinstance(first, dict):
        return WHEN_UNREADABLE, None
    kind, names = first.get("kind"), (first.get("study"), first.get("subject"))
    topic = INBOUND_OF.get(kind, WHEN_UNREADABLE) if isinstance(kind, str) else WHEN_UNREADABLE
    named = [name for name in names if isinstance(name, str)]
    return topic, "|".join(named).encode("utf-8", "replace") if len(named) == len(names) else None
