"""State that is durable when ``save`` returns: the changelog is acknowledged first, the local copy follows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from aiokafka.producer.message_accumulator import BatchBuilder
from faust import Table
from faust.tables.manager import TableManager
from faust.transport.drivers.aiokafka import Producer
from faust.types import TP, EventT

from safety_stream.errors import EngineBroken
from safety_stream.worker.strict import local

MAX_SAVE_BYTES = 4 * 1024 * 1024
Supersedes = Callable[[bytes, bytes], bool]


class DurableTable(Table[bytes, bytes]):
    """A table of bytes whose only way to change is ``await save(partition, entries)``.

    Answers: Faust sends the changelog without waiting, a delivery that fails is a warning, the offset is committed
    and the state is gone after a restart; the local database is written before the changelog has it; of values that
    belong together some may be written and others not; a failure while a changelog batch is applied is a warning
    and the batch is lost; a batch of a partition we do not own is applied to whichever table came before, and marks
    offsets as read that nobody read.
    Upstream: none found for the first four; the last is marked XXX in faust/tables/recovery.py.
    Tests: tests/worker/strict/test_tables.py.

    ``supersedes(known, read)`` decides during recovery whether a changelog record may replace what an earlier one
    said. A worker that was cut off and wakes up can still append old state behind the new owner's; what it
    overwrote is kept and written to the changelog again.
    """

    def __init__(self, *args: Any, supersedes: Supersedes = lambda known, read: True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._supersedes = supersedes
        self._failures: list[Exception] = []
        self._overruled: dict[tuple[int, bytes], bytes] = {}

    def load(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key of this partition; null when there is none."""
        return local.read(self.data, partition, key)

    def scan(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """Every key and value of this partition, in no order."""
        return local.items(self.data, partition)

    async def save(self, partition: int, entries: Mapping[bytes, bytes]) -> None:
        """Write the entries to the changelog, acknowledged by the broker, then to the local copy.

        All or none, if one batch holds them; if not, batch after batch in the order they come in.
        """
        producer = cast(Producer, self.app.producer)._ensure_producer()
        topic = self.changelog_topic.get_topic_name()
        left = list(entries.items())
        while left:
            batch, taken = _record_batch(left, producer._message_accumulator._compression_type)
            written = await (await producer.send_batch(batch, topic, partition=partition))
            local.write(self.data, partition, dict(left[:taken]), written.offset + taken - 1)
            left = left[taken:]

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Take over changelog records of partitions that are being recovered; remember any failure."""
        try:
            for tp, events in self._by_partition(batch).items():
                self._apply(tp, events)
        except Exception as error:
            self._failures.append(error)
            raise

    def verify_recovered(self, active: frozenset[TP]) -> None:
        """Raise EngineBroken unless every changelog record was taken over."""
        if self._failures:
            raise EngineBroken(f"{self.name}: a changelog batch could not be applied") from self._failures[0]

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Write again what a worker that was cut off had overwritten."""
        owned = {tp.partition for tp in active_tps}
        overruled, self._overruled = self._overruled, {}
        for (partition, key), value in overruled.items():
            if partition in owned:
                self.log.warning("%s: an older value stood behind a newer one in the changelog", self.name)
                await self.save(partition, {key: value})
        await super().on_recovery_completed(active_tps, standby_tps)

    def on_key_set(self, key: Any, value: Any) -> None:
        """Refuse: a write that nobody waits for is not durable."""
        raise TypeError(f"{self.name}: use save()")

    def on_key_del(self, key: Any) -> None:
        """Refuse: state is superseded, never deleted."""
        raise TypeError(f"{self.name}: state is never deleted")

    def _by_partition(self, batch: Iterable[EventT[Any]]) -> dict[TP, list[EventT[Any]]]:
        tables = cast(TableManager, self.app.tables)
        recovering = tables.recovery.active_tps | tables.recovery.standby_tps
        wanted = {tp for tp in recovering if tables._changelogs[tp.topic] is self}
        grouped: dict[TP, list[EventT[Any]]] = {}
        for event in batch:
            if event.message.tp in wanted:
                grouped.setdefault(event.message.tp, []).append(event)
        return grouped

    def _apply(self, tp: TP, events: list[EventT[Any]]) -> None:
        entries: dict[bytes, bytes] = {}
        for event in events:
            key, value = cast(bytes, event.message.key), cast(bytes, event.message.value)
            known = entries.get(key) or self.load(tp.partition, key)
            if known is None or self._supersedes(known, value):
                entries[key] = value
                self._overruled.pop((tp.partition, key), None)
            else:
                self._overruled[tp.partition, key] = known
        local.write(self.data, tp.partition, entries, max(event.message.offset for event in events))


def _record_batch(entries: Sequence[tuple[bytes, bytes]], compression: int) -> tuple[BatchBuilder, int]:
    """As many entries, from the first on, as ONE batch holds, and how many these are.

    The broker appends a batch whole or not at all, and hands it out whole.
    """
    batch, taken = BatchBuilder(MAX_SAVE_BYTES, compression), 0
    for key, value in entries:
        if batch.append(timestamp=None, key=key, value=value) is None:
            break
        taken += 1
    batch.close()
    return batch, taken
