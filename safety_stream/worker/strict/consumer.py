"""Acknowledgements, commits and seeks of the source partitions."""

from collections.abc import Iterator, Mapping
from typing import Any

from faust.types import TP, Message
from faust.types.transports import TPorTopicSet
from faust.types.tuples import ack_lock
from mode.utils.futures import notify

from safety_stream.worker.strict.fetching import FetchLoop
from safety_stream.worker.strict.ledger import Ledger
from safety_stream.worker.strict.thread import StrictConsumerThread


class StrictConsumer(FetchLoop):
    """Commits an unbroken prefix only, believes a commit only when the broker confirmed it, starts paused.

    Answers: offsets in flight are committed past at the head of a partition, above all while a rebalance waits for
    them (Faust forgets the partition's state before it waits); a failed commit still advances; a worker that had
    no partitions is given some while its flow is open, and its agents see events before the tables are recovered.
    Upstream: faust-streaming #606, #316; none found for the last.
    Tests: tests/worker/strict/test_consumer.py.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.ledgers: dict[TP, Ledger] = {}
        self.expected: dict[TP, int] = {}
        self.starts: dict[TP, int] = {}
        self.looked_at: dict[TP, int] = {}
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> StrictConsumerThread:
        return StrictConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Seek every source partition to its committed offset or the start of its log, and open its ledger."""
        sources = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        for tp, start in (await self._thread.seek_to_start(sources)).items():
            self.ledgers[tp] = Ledger(front=start.position, committed=start.committed)
            self.expected[tp] = self.starts[tp] = start.position
            self._read_offset[tp] = start.position
            self._committed_offset[tp] = start.committed

    def first_offset(self, tp: TP) -> int:
        """The offset that the first event of this assignment must have."""
        return self.starts[tp]

    def ack(self, message: Message) -> bool:
        """Mark a message as finished; whether it was the first to say so."""
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            ledger = self.ledgers.get(message.tp)
            if ledger is not None:
                ledger.finish(message.offset)
                self._n_acked += 1
            notify(self._waiting_for_ack)
            return ledger is not None

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        return (
            tp
            for tp, ledger in tuple(self.ledgers.items())
            if ledger.due and (topics is None or tp in topics or tp.topic in topics)
        )

    def _new_offset(self, tp: TP) -> int | None:
        return self.ledgers[tp].front

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return self.ledgers[tp].due

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        owned = self.assignment()
        committable = {tp: offset for tp, offset in offsets.items() if tp in owned}
        if not committable or not await self._commit(committable):
            return False
        for tp, offset in committable.items():
            self._committed_offset[tp] = offset
            if tp in self.ledgers:
                self.ledgers[tp].confirm(offset)
        self.app.tables.on_commit(committable)
        self.app.monitor.on_tp_commit(committable)
        return True

    async def wait_empty(self) -> None:
        """Wait until what is in hand is finished, and commit it; after a crash nothing will finish."""
        if not self.should_stop:
            await super().wait_empty()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Wait for what is in flight and commit it, then forget the partitions; what was fetched before is stale."""
        self._thread.moves.update(revoked)
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self.ledgers.pop(tp, None)
            self.expected.pop(tp, None)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take the partitions paused: recovery alone resumes them."""
        self._paused_partitions.update(assigned)
        await super().on_partitions_assigned(assigned, generation_id)
