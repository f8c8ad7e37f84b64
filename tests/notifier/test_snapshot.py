"""Numbers from memory: read once by who asks first, then only when it is their time, and never stale for long."""

import asyncio
from itertools import count

import pytest

from safety_stream.notifier.snapshot import Snapshot, renewed


def test_who_asks_reads_the_database_once() -> None:
    """A hundred scrapes, one reading; after a renewal the new number."""
    numbers = count(1)
    snapshot = Snapshot(lambda: next(numbers))
    assert {snapshot() for _ in range(100)} == {1}
    assert (snapshot.renew(), snapshot()) == (2, 2)


def test_it_is_renewed_until_told_to_stop() -> None:
    """Three renewals are seen, then the task ends."""
    numbers, stop = count(1), asyncio.Event()

    def read() -> int:
        number = next(numbers)
        if number == 3:
            loop.call_soon_threadsafe(stop.set)
        return number

    snapshot = Snapshot(read)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(renewed(stop, snapshot, every_seconds=0.001))
    loop.close()
    assert snapshot() >= 3


def test_a_database_that_cannot_be_read_is_not_hidden_behind_old_numbers() -> None:
    """The failure comes out of the task."""

    def read() -> int:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        asyncio.run(renewed(asyncio.Event(), Snapshot(read)))
