"""Nothing is fetched that was not asked for, nothing is delivered that was fetched for another time."""

import asyncio
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import Consumer as StockConsumer
from strict_made import OTHER, SOURCE, record, thread_of

from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.ledger import Ledger

pytest_plugins = ["strict_fixtures"]


@pytest.fixture
async def reading(consumer: StrictConsumer) -> StrictConsumer:
    """A consumer in the midst of reading SOURCE from offset 5."""
    consumer._active_partitions = {SOURCE}
    consumer.ledgers[SOURCE] = Ledger(front=5)
    consumer.expected[SOURCE] = 5
    return consumer


async def _one_round(consumer: StrictConsumer) -> asyncio.Task[None]:
    """Fetch and deliver once; returns when the fetch is under way."""

    async def once() -> None:
        await consumer._deliver(await consumer._next_fetch())

    task = asyncio.create_task(once())
    await thread_of(consumer).asked.wait()
    return task


async def test_a_pause_does_not_change_what_a_pending_fetch_asked_for(reading: StrictConsumer) -> None:
    """Recovery pauses every partition while a fetch is pending: the fetch still names the partitions it was for."""
    task = await _one_round(reading)
    reading.pause_partitions({SOURCE})
    assert thread_of(reading).wanted == [frozenset({SOURCE})]
    task.cancel()


async def test_stock_hands_its_live_set_to_the_fetch(reading: StrictConsumer, monkeypatch: Any) -> None:
    """The defect: the set a pending stock fetch was given is emptied under it. When this fails, it is fixed there."""
    given: list[Any] = []

    async def fetch(active_partitions: Any, **_: Any) -> Any:
        given.append(active_partitions)
        return {}

    monkeypatch.setattr(reading, "_getmany", fetch)
    await StockConsumer._wait_next_records(reading, 1.0)
    reading.pause_partitions({SOURCE})
    assert given == [set()]


async def test_nothing_is_fetched_while_everything_is_paused(reading: StrictConsumer) -> None:
    """aiokafka reads an empty set as all partitions: it is never asked with one."""
    reading.pause_partitions({SOURCE})
    await reading._deliver(await reading._next_fetch())
    assert thread_of(reading).wanted == []


async def test_a_fetch_from_before_a_seek_is_not_delivered(reading: StrictConsumer, delivered: list[Any]) -> None:
    """Offsets 900 and 901 were taken before the partition was sought back to 5: they will come again in their turn."""
    thread = thread_of(reading)
    await thread.hand_out.put({SOURCE: [record(900), record(901)]})
    fetched = await reading._next_fetch()
    await thread.seek_to_start({SOURCE})
    await reading._deliver(fetched)
    assert delivered == []
    assert reading.expected[SOURCE] == 5


async def test_a_record_of_a_paused_partition_is_not_delivered(reading: StrictConsumer, delivered: list[Any]) -> None:
    """What was asked for before a rebalance paused its partition is sought before it is resumed: it comes again."""
    task = await _one_round(reading)
    reading.pause_partitions({SOURCE})
    await thread_of(reading).hand_out.put({SOURCE: [record(5)]})
    await task
    assert delivered == []


async def test_a_full_queue_drops_nothing_that_was_fetched(reading: StrictConsumer, delivered: list[Any]) -> None:
    """A partition that is only under pressure keeps its place: what was fetched for it is delivered."""
    task = await _one_round(reading)
    reading.on_buffer_full(SOURCE)
    await thread_of(reading).hand_out.put({SOURCE: [record(5), record(6)]})
    await task
    assert [message.offset for message in delivered] == [5, 6]


async def test_records_wait_while_the_flow_is_stopped(reading: StrictConsumer, delivered: list[Any]) -> None:
    """Neither dropped nor delivered: held until the flow resumes, then judged by the seeks since."""
    task = await _one_round(reading)
    reading.stop_flow()
    await thread_of(reading).hand_out.put({SOURCE: [record(5)]})
    await asyncio.sleep(0.05)
    assert delivered == []
    reading.resume_flow()
    await task
    assert [message.offset for message in delivered] == [5]


async def test_a_hole_in_the_log_ends_before_the_next_event(reading: StrictConsumer, delivered: list[Any]) -> None:
    """The log has 5 and 8: the hole is committed with 8 and not before: an agent may refuse what comes after a jump."""
    for there in ([record(5), record(8)], [record(8)]):
        task = await _one_round(reading)
        await thread_of(reading).hand_out.put({SOURCE: there})
        await task
    for message in delivered:
        message.incref()
    assert delivered[0].ack(reading)
    assert reading.ledgers[SOURCE].front == 6
    assert delivered[1].ack(reading)
    assert reading.ledgers[SOURCE].front == 9


async def test_a_jump_is_believed_only_when_it_shows_twice(reading: StrictConsumer, delivered: list[Any]) -> None:
    """6 did not come, however it was lost: the broker is asked again from 6 on, and has it."""
    for there in ([record(5), record(7), record(8)], [record(6), record(7), record(8)]):
        task = await _one_round(reading)
        await thread_of(reading).hand_out.put({SOURCE: there})
        await task
    assert thread_of(reading).looked_again == [{SOURCE: 6}]
    assert [message.offset for message in delivered] == [5, 6, 7, 8]


async def test_partitions_take_turns(reading: StrictConsumer, delivered: list[Any]) -> None:
    """A long backlog on one partition does not starve another."""
    reading._active_partitions.add(OTHER)
    reading.ledgers[OTHER] = Ledger(front=0)
    reading.expected[OTHER] = 0
    task = await _one_round(reading)
    await thread_of(reading).hand_out.put({SOURCE: [record(5), record(6)], OTHER: [record(0, OTHER)]})
    await task
    assert {message.tp for message in delivered[:2]} == {SOURCE, OTHER}
