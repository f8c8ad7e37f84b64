"""A topic is read at least once: nothing is committed that was not taken, and a failed commit ends nothing."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import CommitFailedError

from safety_stream.notifier.reading import follow


class Topic:
    """A consumer of two partitions with three records, whose first commit comes too late."""

    def __init__(self, stop: asyncio.Event) -> None:
        at = [SimpleNamespace(offset=offset) for offset in (7, 8, 3)]
        self.batches: list[dict[str, list[Any]]] = [{"alerts-0": at[:2], "alerts-1": at[2:]}, {}, {"alerts-0": at[:1]}]
        self.stop, self.told = stop, list[Any]()

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[str, list[Any]]:
        """The next batch; told to stop with the last."""
        assert timeout_ms > 0
        assert max_records > 0
        if len(self.batches) == 1:
            self.stop.set()
        return self.batches.pop(0)

    async def commit(self, offsets: dict[str, int]) -> None:
        """On record in the order of things; the first one fails as after a rebalance."""
        self.told.append(offsets)
        if len(self.told) == 2:
            raise CommitFailedError

    async def take(self, records: Sequence[Any]) -> None:
        """Into the database."""
        self.told.append([record.offset for record in records])


def test_each_batch_is_taken_before_its_offsets_are_committed_and_a_failed_commit_is_survived() -> None:
    """What was taken, then one past the last offset of each partition; the empty poll does neither."""
    stop = asyncio.Event()
    topic = Topic(stop)
    asyncio.run(follow(topic, topic.take, stop))
    assert topic.told == [[7, 8, 3], {"alerts-0": 9, "alerts-1": 4}, [7], {"alerts-0": 8}]


def test_what_could_not_be_taken_is_not_committed() -> None:
    """A database that is away ends the reading with the offset where it was."""
    stop = asyncio.Event()
    topic = Topic(stop)

    async def away(_records: Sequence[Any]) -> None:
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        asyncio.run(follow(topic, away, stop))
    assert topic.told == []
