"""The consumer's own thread: fetches that know which seeks they came after, and seeks that leave nothing to chance."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from safety_stream.errors import OffsetGap


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records of one fetch, with the number of seeks each partition had seen when they were asked for."""

    records: Mapping[TP, list[Any]]
    moves: Mapping[TP, int]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a source partition begins after an assignment: the next offset, and what the broker holds committed."""

    position: int
    committed: int | None


class StrictConsumerThread(AIOKafkaConsumerThread):
    """Stamps every fetch with the seeks before it, lets no seek come in between, and always seeks explicitly.

    Answers: a fetch that was taken before a seek is handed over after it, its offsets lie ahead of the position,
    and the events in between are then dropped as already read; a fetch that was asked for before a rebalance and
    returns right after the seek takes records from the new position while their partition is still paused, they
    are dropped, and the position is past them; a partition without a committed offset (or with offset 0) is not
    sought at all, so that whatever was fetched and dropped before stays dropped; outside ``exactly_once`` what a
    sender's aborted transaction left behind is read as if it had been sent.
    Upstream: faust-streaming #596 (the same family), aiokafka ``seek_to_committed``.
    Tests: tests/worker/strict/test_fetching.py::test_a_fetch_from_before_a_seek_is_not_delivered,
    test_thread.py::test_a_fetch_asked_for_before_a_seek_takes_nothing_after_it,
    ::test_a_seek_waits_for_the_fetch_under_way, ::test_a_partition_without_a_commit_is_sought_to_its_start;
    tests/e2e/test_transactional_sender.py.
    """

    def __post_init__(self) -> None:
        """Begin with no partition moved."""
        super().__post_init__()
        self.moves: Counter[TP] = Counter()
        self._position = asyncio.Lock()  # of the thread's own loop: either a fetch moves the position, or a seek

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer

    async def fetch(self, wanted: frozenset[TP], patience: float) -> Fetched:
        """Fetch records of these partitions only; an empty answer after ``patience`` seconds, or after a seek."""
        asked = {tp: self.moves[tp] for tp in wanted}
        return await self.call_thread(self._fetch, asked, patience)  # type: ignore[no-any-return]

    async def _fetch(self, asked: Mapping[TP, int], patience: float) -> Fetched:
        consumer = self._ensure_consumer()
        async with self._position:
            if any(self.moves[tp] != moves for tp, moves in asked.items()):
                return Fetched({}, {})
            taken = await self._fetch_records(
                consumer, set(asked), timeout=patience, max_records=consumer._max_poll_records
            )
        return Fetched({ensure_TP(tp): batch for tp, batch in taken.items()}, asked)

    async def seek_to_start(self, partitions: Iterable[TP]) -> Mapping[TP, Start]:
        """Seek every partition to its committed offset, or to the beginning of its log when it has none.

        Raises OffsetGap when the log begins after the committed offset: retention has removed what nobody read.
        """
        return await self.call_thread(self._seek_to_start, frozenset(partitions))  # type: ignore[no-any-return]

    async def _seek_to_start(self, partitions: frozenset[TP]) -> Mapping[TP, Start]:
        consumer = self._ensure_consumer()
        first = {ensure_TP(tp): offset for tp, offset in (await consumer.beginning_offsets(partitions)).items()}
        committed = await _committed(consumer, partitions)
        starts = {tp: _start(tp, first[tp], committed[tp]) for tp in partitions}
        async with self._position:
            for tp, start in starts.items():
                self.moves[tp] += 1
                consumer.seek(_aiokafka(tp), start.position)
        return starts

    async def _seek_wait(self, consumer: AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        async with self._position:
            self.moves.update(partitions.keys())
            await super()._seek_wait(consumer, partitions)

    def seek(self, partition: TP, offset: int) -> None:
        """Seek one partition."""
        self.moves[ensure_TP(partition)] += 1
        super().seek(partition, offset)


def _aiokafka(tp: TP) -> Any:
    from aiokafka import TopicPartition

    return TopicPartition(tp.topic, tp.partition)


async def _committed(consumer: AIOKafkaConsumer, partitions: Iterable[TP]) -> dict[TP, int | None]:
    tps = tuple(partitions)
    offsets = await asyncio.gather(*(consumer.committed(_aiokafka(tp)) for tp in tps))
    return dict(zip(tps, offsets, strict=True))


def _start(tp: TP, first: int, committed: int | None) -> Start:
    if committed is not None and committed < first:
        raise OffsetGap(
            f"{tp.topic}/{tp.partition}: offset {committed} is committed, but the log begins at {first}: "
            f"{first - committed} messages were removed before anyone read them. "
            "Find them elsewhere, then move the group's offset forward on purpose."
        )
    return Start(first if committed is None else committed, committed)
