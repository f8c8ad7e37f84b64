"""The loop between the fetched records and the agents' queues: nothing is dropped, nothing is handed over late."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, cast

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP
from mode import ServiceT

from safety_stream.worker.strict.ledger import Ledger
from safety_stream.worker.strict.thread import Fetched, StrictConsumerThread

FETCH_TIMEOUT = 1.0
IDLE_PAUSE = 0.02
BREATHE_EVERY = 100


class FetchLoop(Consumer):
    """Fetches only what may be read now, and hands over only what was fetched for now.

    A jump in the offsets is believed only when the broker shows it twice: in a log that others write it may be a
    marker of a transaction or a compacted record, and nothing tells it from events that were lost on the way.

    Answers: Faust passes aiokafka its live set of active partitions; when recovery empties that set while a fetch
    is pending, aiokafka reads the empty set as "all", Faust drops the records it did not ask for, and the jump in
    offsets is booked as a compacted gap and committed over. Records fetched before a seek or for a paused
    partition are dropped or delivered by chance.
    Upstream: none found for the first; faust-streaming #596 for the second.
    Tests: tests/worker/strict/test_fetching.py.

    A record reaches an agent only if its partition is not paused and has not been sought since the record was asked
    for. What is dropped so comes again: it was asked for before the pause, and the seek that follows a pause by a
    rebalance or by recovery waits for the fetches asked for before it.
    """

    _thread: StrictConsumerThread
    ledgers: MutableMapping[TP, Ledger]
    expected: MutableMapping[TP, int]
    looked_at: MutableMapping[TP, int]

    async def _drain_messages(self, fetcher: ServiceT) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._deliver(await self._next_fetch())
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _next_fetch(self) -> Fetched:
        await self._flow()
        wanted = frozenset(self._get_active_partitions())
        if not wanted:
            await self.sleep(IDLE_PAUSE)
            return Fetched({}, {})
        return await self._thread.fetch(wanted, FETCH_TIMEOUT)

    async def _flow(self) -> None:
        if not self.flow_active:
            await self.wait(cast(Any, self.can_resume_flow))

    async def _deliver(self, fetched: Fetched) -> None:
        for tp in fetched.records:
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp) or 0)
        for number, (tp, record) in enumerate(self.scheduler.iterate(fetched.records), 1):
            await self._flow()
            if not self.flow_active:
                return
            if self._due(tp, fetched):
                await self._hand_over(tp, record)
            if number % BREATHE_EVERY == 0:
                await asyncio.sleep(0)

    def _due(self, tp: TP, fetched: Fetched) -> bool:
        # A partition that was taken from us while the rest of its fetch waited is neither paused nor sought.
        ours = tp in self.ledgers or self._is_changelog_tp(tp)
        return ours and tp not in self._paused_partitions and self._thread.moves[tp] == fetched.moves[tp]

    async def _hand_over(self, tp: TP, record: Any) -> None:
        if tp in self.ledgers:
            expected = self.expected[tp]
            if record.offset < expected:
                return
            if record.offset > expected:
                if self.looked_at.get(tp) != expected:
                    await self._look_again(tp, expected)
                    return
                self.on_absent(tp, expected, record.offset)
            self.expected[tp] = record.offset + 1
        await self.callback(self._to_message(tp, record))

    async def _look_again(self, tp: TP, expected: int) -> None:
        """Ask the broker once more for what should have come: only a hole that it shows twice is one."""
        self.log.warning("%s/%s: nothing came at offset %s, looking again", tp.topic, tp.partition, expected)
        self.looked_at[tp] = expected
        await self._thread.seek_wait({tp: expected})

    def on_absent(self, tp: TP, start: int, stop: int) -> None:
        """The broker holds nothing from ``start`` up to but not including ``stop``."""
        self.log.warning("%s/%s holds no event from %s to %s", tp.topic, tp.partition, start, stop - 1)
        self.ledgers[tp].skip(start, stop)
