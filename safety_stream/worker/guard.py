"""Two promises checked on every event of our own logs: no offset is missing, every key is where it belongs."""

from collections.abc import Callable

import structlog
from aiokafka.partitioner import murmur2
from faust.types import TP, Message

from safety_stream.errors import OffsetGap, WrongPartition
from safety_stream.worker.messages import place

log = structlog.get_logger("safety_stream.worker")
FirstOffset = Callable[[TP], int | None]


class OffsetGuard:
    """The first event after an assignment is the committed one (or the first of the log), each next one follows it.

    Our own logs have no holes: we write them, without transactions, and nothing compacts them. So a jump means that
    the engine lost events on the way, and the process must stop before anything is acknowledged. Only the canary of
    the tests is lenient.
    """

    def __init__(self, first: FirstOffset, *, lenient: bool = False) -> None:
        self._first = first
        self._lenient = lenient
        self._expected: dict[TP, int] = {}

    def check(self, message: Message) -> None:
        """Raise OffsetGap unless this is the event that must come now."""
        tp, offset = message.tp, message.offset
        expected = self._expected.get(tp)
        if expected is None:
            expected = self._first(tp)
        if expected is not None and offset != expected:
            gap = f"{tp.topic}/{tp.partition}: offset {offset} came where {expected} was expected"
            if not self._lenient:
                raise OffsetGap(gap)
            log.error("OFFSET GAP", gap=gap)
        self._expected[tp] = offset + 1

    def accept(self, message: Message) -> None:
        """Take this event as the one that had to come: it was set aside on purpose."""
        self._expected[message.tp] = message.offset + 1

    def forget(self) -> None:
        """Begin anew: the assignment has changed."""
        self._expected.clear()


def partition_of(key: bytes, partitions: int) -> int:
    """The partition our partitioner (Java's murmur2) puts a key on."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def check_partition(message: Message, partitions: int) -> None:
    """Raise WrongPartition unless the key's own partition is the one it was read from."""
    key = message.key
    if not key:
        raise WrongPartition(f"{place(message)}: no key")
    belongs = partition_of(key, partitions)
    if belongs != message.partition:
        raise WrongPartition(f"{place(message)}: its key belongs on partition {belongs}")
