"""Events that stop the process again and again: remembered across restarts, set aside before they stop everything.

Two files in the worker's data folder. ``in-hand`` names the event being judged this moment; it is a mapped file, so
that it survives whatever kills the process at the cost of a memory write an event. ``attempts.json`` counts, for
each event, the times in a row that the process ended while it had this event in hand, with the last traceback.

An event is known by its content, not by its offset: a process that ends before intake has committed sends the same
entry into the log again, and every copy would otherwise have all its attempts before it. For the same reason all ticks
of a partition are one event: the next one comes within a minute, and is about the same subjects.
"""

import json
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from traceback import format_exception

from faust.types import Message

from safety_stream.errors import LocalCopyBroken, OffsetGap, PageOfAnotherVersion, StudyUnknown, TooManyRejected
from safety_stream.worker.clock import TICK_KEY

NOT_THE_EVENTS_FAULT = (OffsetGap, LocalCopyBroken, PageOfAnotherVersion, StudyUnknown, TooManyRejected)
_SLOT_BYTES = 512
_MOST_TRACEBACK = 20_000
_KILLED = "The process was killed while it judged this event."


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often an event ended the process, and with what."""

    event: str
    count: int
    traceback: str


class Quarantine:
    """Counts the attempts at each event; ``after`` of them set it aside. ``clock``: the topic that ticks come on."""

    def __init__(self, folder: Path, after: int, clock: str = "") -> None:
        self._after = after
        self._clock = clock
        self._file = folder / "attempts.json"
        self._attempts = {each.event: each for each in _read(self._file)}
        self._slot = _slot(folder / "in-hand")
        self._take_over()

    def exhausted(self, message: Message) -> Attempt | None:
        """The attempts at this event when there were enough; null when it is to be tried."""
        attempt = self._attempts.get(self._identity(message))
        return attempt if attempt is not None and attempt.count >= self._after else None

    @contextmanager
    def in_hand(self, message: Message) -> Iterator[None]:
        """Judge the event inside: whatever ends the process in here is counted against it."""
        self._mark(self._identity(message))
        try:
            yield
        except NOT_THE_EVENTS_FAULT:
            raise
        except Exception as error:
            self._count(self._identity(message), traceback_of(error))
            raise
        finally:
            self._mark("")

    def settled(self, message: Message) -> None:
        """The event is done with: forget its attempts, unless they were used up and a copy of it may follow."""
        attempt = self._attempts.get(self._identity(message)) if self._attempts else None
        if attempt is not None and attempt.count < self._after:
            del self._attempts[attempt.event]
            self._write()

    def _take_over(self) -> None:
        """Count the event that was in hand when the process before us was killed."""
        left = self._slot[:].rstrip(b"\0").decode("utf-8", "replace")
        if left:
            self._count(left, _KILLED)
            self._mark("")

    def _identity(self, message: Message) -> str:
        if message.topic == self._clock and message.key == TICK_KEY:
            return f"{message.topic}/{message.partition}#tick"
        return _content(message)

    def _mark(self, where: str) -> None:
        self._slot[:] = where.encode()[:_SLOT_BYTES].ljust(_SLOT_BYTES, b"\0")

    def _count(self, where: str, traceback: str) -> None:
        before = self._attempts.get(where)
        self._attempts[where] = Attempt(where, before.count + 1 if before else 1, traceback)
        self._write()

    def _write(self) -> None:
        whole = self._file.with_suffix(".new")
        whole.write_text(json.dumps([asdict(each) for each in self._attempts.values()]), encoding="utf-8")
        whole.replace(self._file)


def traceback_of(error: Exception) -> str:
    """The end of its traceback, which is what a letter has room for."""
    return "".join(format_exception(error))[-_MOST_TRACEBACK:]


def _content(message: Message) -> str:
    content = blake2b(digest_size=20)
    for part in (message.key or b"", message.value or b""):
        content.update(len(part).to_bytes(8, "big") + part)
    return f"{message.topic}#{content.hexdigest()}"


def _read(file: Path) -> list[Attempt]:
    return [Attempt(**each) for each in json.loads(file.read_text(encoding="utf-8"))] if file.exists() else []


def _slot(file: Path) -> mmap.mmap:
    if not file.exists() or file.stat().st_size != _SLOT_BYTES:
        file.write_bytes(b"\0" * _SLOT_BYTES)
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), _SLOT_BYTES)
