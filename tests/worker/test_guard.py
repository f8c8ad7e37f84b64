"""No offset is missing, no key is on a wrong partition: or the worker stops."""

import pytest
from engine_made import message

from safety_stream.errors import OffsetGap, WrongPartition
from safety_stream.worker.guard import OffsetGuard, check_partition, partition_of


def at(offset: int) -> object:
    """An event of the log."""
    return message("safety.events", b"", offset=offset)


def test_the_first_event_is_the_committed_one() -> None:
    """41 is committed: 41 must come first, and 42 after it."""
    guard = OffsetGuard(lambda tp: 41)
    guard.check(message("safety.events", b"", offset=41))
    guard.check(message("safety.events", b"", offset=42))


@pytest.mark.parametrize("offset", [40, 42, 1000])
def test_another_first_event_stops_the_worker(offset: int) -> None:
    """Events were lost, or come twice."""
    with pytest.raises(OffsetGap, match=f"offset {offset} came where 41 was expected"):
        OffsetGuard(lambda tp: 41).check(message("safety.events", b"", offset=offset))


def test_a_jump_stops_the_worker_and_each_partition_counts_for_itself() -> None:
    """Partition 1 may be elsewhere; on partition 0 nothing may be missing."""
    guard = OffsetGuard(lambda tp: 0)
    guard.check(message("safety.events", b"", offset=0))
    guard.check(message("safety.events", b"", offset=0, partition=1))
    with pytest.raises(OffsetGap):
        guard.check(message("safety.events", b"", offset=2))


def test_after_a_new_assignment_it_begins_anew() -> None:
    """What was expected before says nothing about what is committed now."""
    first = {0: 0, 1: 7}
    guard = OffsetGuard(lambda tp: first[len(started)])
    started: list[int] = []
    guard.check(message("safety.events", b"", offset=0))
    started.append(1)
    guard.forget()
    guard.check(message("safety.events", b"", offset=7))


def test_an_event_set_aside_counts_as_come() -> None:
    """The one after it follows it."""
    guard = OffsetGuard(lambda tp: 5)
    guard.accept(message("safety.events", b"", offset=5))
    guard.check(message("safety.events", b"", offset=6))


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_partitioner_is_javas(key: bytes, hashed: int) -> None:
    """Apache Kafka's own test vectors for murmur2 (UtilsTest.testMurmur2)."""
    for partitions in (1, 4, 7, 12):
        assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


def test_a_key_on_another_partition_stops_the_worker() -> None:
    """A foreign producer with another partitioner would split a subject in two."""
    check_partition(message("safety.events", b"", key=b"S|1"), 4)
    wrong = (partition_of(b"S|1", 4) + 1) % 4
    with pytest.raises(WrongPartition, match=f"belongs on partition {partition_of(b'S|1', 4)}"):
        check_partition(message("safety.events", b"", key=b"S|1", partition=wrong), 4)
    with pytest.raises(WrongPartition, match="no key"):
        check_partition(message("safety.events", b"", partition=0), 4)
