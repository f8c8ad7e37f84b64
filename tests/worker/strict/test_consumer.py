"""What is acknowledged, what is committed, and when a partition may be read."""

from collections.abc import Callable
from typing import Any

import pytest
from faust.transport.consumer import Consumer as StockConsumer
from strict_made import CHANGELOG, OTHER, SOURCE, record, thread_of

from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.ledger import Ledger
from safety_stream.worker.strict.thread import Start

pytest_plugins = ["strict_fixtures"]

Take = Callable[[int], Any]


@pytest.fixture
async def take(consumer: StrictConsumer) -> Take:
    """A message of SOURCE in the hands of an agent; the ledger of SOURCE begins at 0."""
    consumer.ledgers[SOURCE] = Ledger(front=0)

    def taken(offset: int) -> Any:
        message = consumer._to_message(SOURCE, record(offset))
        message.incref()
        consumer.track_message(message)
        return message

    return taken


async def test_a_failed_commit_changes_nothing(consumer: StrictConsumer, take: Take) -> None:
    """The broker refuses the first commit: the same offset is due again, and is sent again (#316)."""
    message = take(0)
    message.ack(consumer)
    thread_of(consumer).commit_works = False
    assert not await consumer.commit()
    thread_of(consumer).commit_works = True
    assert await consumer.commit()
    assert thread_of(consumer).commits == [{SOURCE: 1}, {SOURCE: 1}]
    assert not await consumer.commit(), "confirmed: nothing is due"


async def test_stock_believes_a_commit_that_failed(consumer: StrictConsumer, monkeypatch: Any) -> None:
    """The defect: the broker refused 7, stock holds it for committed. When this fails, it is fixed there."""
    thread_of(consumer).commit_works = False

    async def flush() -> None:
        return None

    monkeypatch.setattr(consumer.app.producer, "flush", flush)
    assert not await StockConsumer._commit_offsets(consumer, {SOURCE: 7})
    assert consumer._committed_offset[SOURCE] == 7


async def test_an_event_in_hand_holds_the_commit_back(consumer: StrictConsumer, take: Take) -> None:
    """0 is in hand, 1 is finished: nothing is committed (#606)."""
    first, second = take(0), take(1)
    second.ack(consumer)
    assert not await consumer.commit()
    first.ack(consumer)
    await consumer.commit()
    assert thread_of(consumer).commits == [{SOURCE: 2}]


async def test_stock_commits_past_an_event_in_hand(consumer: StrictConsumer) -> None:
    """The defect: nothing committed yet, 0 in hand, 1 acknowledged, stock would commit 2. When this fails, retire."""
    consumer._acked[SOURCE] = [1]
    consumer._acked_index[SOURCE] = {1}
    assert StockConsumer._new_offset(consumer, SOURCE) == 2


async def test_what_is_in_hand_is_committed_before_a_partition_goes(
    consumer: StrictConsumer, take: Take, monkeypatch: Any
) -> None:
    """A rebalance waits for the event in hand; what it finishes is committed, and only then forgotten."""
    first, second = take(0), take(1)
    second.ack(consumer)

    async def revoking(_revoked: set[Any]) -> None:
        first.ack(consumer)
        await consumer.commit()

    monkeypatch.setattr(consumer, "_on_partitions_revoked", revoking)
    consumer.app.on_rebalance_start()
    await consumer.on_partitions_revoked({SOURCE})
    assert thread_of(consumer).commits == [{SOURCE: 2}]
    assert SOURCE not in consumer.ledgers


async def test_a_late_acknowledgement_of_a_partition_that_is_gone_counts_nothing(
    consumer: StrictConsumer, take: Take
) -> None:
    """The new owner will judge the event again."""
    message = take(0)
    consumer.ledgers.clear()
    assert not message.ack(consumer)
    assert not await consumer.commit()


async def test_assigned_partitions_begin_paused(consumer: StrictConsumer) -> None:
    """A worker that had nothing is given partitions while its flow is open: nothing is read before recovery."""
    consumer.app.on_rebalance_start()
    await consumer.on_partitions_assigned({SOURCE, OTHER}, 1)
    assert consumer._get_active_partitions() == set()


async def test_the_seek_opens_a_ledger_for_sources_only(consumer: StrictConsumer) -> None:
    """From the committed offset, or the start of the log; a changelog is recovery's own."""
    thread_of(consumer).starts = {SOURCE: Start(41, 41), OTHER: Start(3, None)}
    await consumer.perform_seek()
    assert thread_of(consumer).sought == [frozenset({SOURCE, OTHER})]
    assert {tp: ledger.front for tp, ledger in consumer.ledgers.items()} == {SOURCE: 41, OTHER: 3}
    assert consumer.first_offset(SOURCE) == 41
    assert CHANGELOG not in consumer.ledgers


async def test_after_a_crash_nobody_waits_for_events_that_will_not_finish(consumer: StrictConsumer, take: Take) -> None:
    """The agents are dead, their events stay unacknowledged: the process must end all the same."""
    held = take(0)
    consumer._crashed.set()
    await consumer.wait_empty()
    assert thread_of(consumer).commits == []
    assert not held.acked
