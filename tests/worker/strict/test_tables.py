"""State is durable when ``save`` returns, and what is recovered is what was saved."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust import Table as StockTable
from faust.types import TP
from strict_made import CHANGELOG

from safety_stream.errors import EngineBroken
from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.tables import MAX_SAVE_BYTES, DurableTable

pytest_plugins = ["strict_fixtures"]


class Broker:
    """Takes record batches, and acknowledges them when told to."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, int, int]] = []
        self.most = 100
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._message_accumulator = SimpleNamespace(_compression_type=0)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        """One batch, up to ``most``."""
        if len(self.batches) == self.most:
            raise OSError("no broker")
        self.batches.append((topic, partition, batch.record_count()))
        return self.answer


@pytest.fixture
async def table(app: faust.App, consumer: StrictConsumer) -> DurableTable:
    """The table of the application, its changelog partition under recovery."""
    cast(Any, app.tables).recovery.active_tps = {CHANGELOG}
    return cast(DurableTable, app.tables["pages"])


@pytest.fixture
async def broker(app: faust.App) -> Broker:
    """What the table's producer sends to."""
    made = Broker()
    cast(Any, app.producer)._producer = made
    return made


def changelog(offset: int, key: bytes, value: bytes, tp: TP = CHANGELOG) -> Any:
    """A changelog record as recovery hands it over."""
    message = SimpleNamespace(tp=tp, topic=tp.topic, partition=tp.partition, offset=offset, key=key, value=value)
    return SimpleNamespace(message=message)


async def test_save_returns_when_the_broker_has_acknowledged(table: DurableTable, broker: Broker) -> None:
    """Until then nothing is in the local copy, so a failure leaves it as the changelog is."""
    saving = asyncio.create_task(table.save(0, {b"k": b"v"}))
    await asyncio.sleep(0.01)
    assert not saving.done()
    assert table.load(0, b"k") is None
    broker.answer.set_result(SimpleNamespace(offset=7))
    await saving
    assert table.load(0, b"k") == b"v"


async def test_a_failed_delivery_is_raised_and_nothing_is_kept(table: DurableTable, broker: Broker) -> None:
    """The state must not live on in a process whose changelog lacks it."""
    broker.answer.set_exception(OSError("no broker"))
    with pytest.raises(OSError, match="no broker"):
        await table.save(0, {b"k": b"v"})
    assert table.load(0, b"k") is None


async def test_stock_does_not_wait_for_its_changelog(app: faust.App, consumer: StrictConsumer) -> None:
    """The defect: the write is accepted with no broker in sight. When this fails, it is fixed."""
    table: Any = StockTable(app, name="stock", key_type=bytes, value_type=bytes, use_partitioner=True)
    waiting = app.producer.buffer.size
    StockTable.send_changelog(table, 0, b"k", b"v")
    assert app.producer.buffer.size == waiting + 1


async def test_values_saved_together_are_one_batch(table: DurableTable, broker: Broker) -> None:
    """The broker appends a batch whole or not at all: no crash separates the pages of one round."""
    broker.answer.set_result(SimpleNamespace(offset=7))
    await table.save(0, {b"a": b"1", b"b": b"2", b"c": b"3"})
    assert broker.batches == [(CHANGELOG.topic, 0, 3)]


async def test_more_than_a_batch_may_hold_is_saved_batch_after_batch(table: DurableTable, broker: Broker) -> None:
    """Eight values of 1 MB, and 4 MB a batch with what each record adds: 3, 3 and 2, all of them durable at the end."""
    broker.answer.set_result(SimpleNamespace(offset=7))
    entries = {bytes([number]): b"x" * (MAX_SAVE_BYTES // 4) for number in range(8)}
    await table.save(0, entries)
    assert broker.batches == [(CHANGELOG.topic, 0, 3), (CHANGELOG.topic, 0, 3), (CHANGELOG.topic, 0, 2)]
    assert {key: table.load(0, key) for key in entries} == entries


async def test_a_batch_that_fails_leaves_the_ones_before_it(table: DurableTable, broker: Broker) -> None:
    """A crash in the middle: the local copy holds what the changelog holds, and the failure is raised."""
    entries = {bytes([number]): b"x" * (MAX_SAVE_BYTES // 2) for number in range(2)}
    broker.answer.set_result(SimpleNamespace(offset=7))
    broker.most = 1
    with pytest.raises(OSError, match="no broker"):
        await table.save(0, entries)
    assert [table.load(0, key) is not None for key in entries] == [True, False]


async def test_a_write_that_nobody_waits_for_is_refused(table: DurableTable) -> None:
    """``table[key] = value`` has no one to wait for the changelog."""
    with pytest.raises(TypeError, match="save"):
        table[b"k"] = b"v"


async def test_a_failure_while_applying_is_remembered(table: DurableTable, monkeypatch: Any) -> None:
    """Faust logs it and goes on; ``verify_recovered`` does not."""

    def fails(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("safety_stream.worker.strict.local.write", fails)
    with pytest.raises(OSError, match="disk full"):
        table.apply_changelog_batch([changelog(0, b"k", b"v")])
    with pytest.raises(EngineBroken):
        table.verify_recovered(frozenset({CHANGELOG}))


async def test_records_of_partitions_that_are_not_ours_are_left_alone(table: DurableTable) -> None:
    """Stock applies them to whichever table came before."""
    foreign = TP("t-cohorts-changelog", 0)
    elsewhere = TP(CHANGELOG.topic, 1)
    table.apply_changelog_batch([changelog(0, b"a", b"1", foreign), changelog(0, b"b", b"2", elsewhere)])
    assert table.load(0, b"a") is None
    assert table.load(1, b"b") is None


async def test_old_state_behind_new_state_does_not_count(table: DurableTable, broker: Broker) -> None:
    """A worker that was cut off wrote "1" behind the new owner's "2": "2" counts, and is written again."""
    table._supersedes = lambda known, read: read >= known
    table.apply_changelog_batch([changelog(0, b"k", b"2"), changelog(1, b"k", b"1")])
    assert table.load(0, b"k") == b"2"
    broker.answer.set_result(SimpleNamespace(offset=2))
    await table.on_recovery_completed({CHANGELOG}, set())
    assert broker.batches == [(CHANGELOG.topic, 0, 1)]
    assert table.load(0, b"k") == b"2"
