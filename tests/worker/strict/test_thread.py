"""Every seek is explicit, and is known to the fetches that come after it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from strict_made import OTHER, SOURCE

from safety_stream.errors import OffsetGap
from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.thread import StrictConsumerThread

pytest_plugins = ["strict_fixtures"]


class Aiokafka:
    """What the thread asks of aiokafka's consumer."""

    def __init__(self, first: dict[Any, int], committed: dict[Any, int | None]) -> None:
        self.first, self._committed = first, committed
        self.sought: dict[Any, int] = {}
        self._max_poll_records = 10

    async def beginning_offsets(self, partitions: Any) -> dict[Any, int]:
        """Where each log begins."""
        return {tp: self.first[tp] for tp in partitions}

    async def committed(self, tp: Any) -> int | None:
        """What is committed."""
        return self._committed[tp]

    def seek(self, tp: Any, offset: int) -> None:
        """Remember."""
        self.sought[tp] = offset


def _thread(consumer: StrictConsumer, aiokafka: Aiokafka) -> StrictConsumerThread:
    thread = consumer._new_consumer_thread()
    thread.thread_loop.close()  # it never runs
    thread._consumer = aiokafka
    return thread


async def test_a_partition_without_a_commit_is_sought_to_its_start(consumer: StrictConsumer) -> None:
    """Nothing committed, or 0 committed: aiokafka's own seek would leave the position where it is."""
    aiokafka = Aiokafka({SOURCE: 0, OTHER: 12}, {SOURCE: 0, OTHER: None})
    starts = await _thread(consumer, aiokafka)._seek_to_start(frozenset({SOURCE, OTHER}))
    assert aiokafka.sought == {SOURCE: 0, OTHER: 12}
    assert starts[OTHER].committed is None


async def test_messages_removed_before_they_were_read_stop_the_worker(consumer: StrictConsumer) -> None:
    """40 is committed, the log begins at 60: 20 messages are gone, and nobody may go on as if nothing were."""
    aiokafka = Aiokafka({SOURCE: 60}, {SOURCE: 40})
    with pytest.raises(OffsetGap, match="20 messages were removed"):
        await _thread(consumer, aiokafka)._seek_to_start(frozenset({SOURCE}))
    assert aiokafka.sought == {}


async def test_a_seek_makes_earlier_fetches_stale(consumer: StrictConsumer, monkeypatch: Any) -> None:
    """A fetch carries the number of seeks its partition had seen."""
    thread = _thread(consumer, Aiokafka({SOURCE: 0}, {SOURCE: 5}))

    async def records(*_: Any, **__: Any) -> Any:
        return {SOURCE: [SimpleNamespace(offset=5)]}

    monkeypatch.setattr(thread, "_fetch_records", records)
    before = await thread._fetch({SOURCE: 0}, 1.0)
    await thread._seek_to_start(frozenset({SOURCE}))
    after = await thread._fetch({SOURCE: 1}, 1.0)
    assert before.moves[SOURCE] != thread.moves[SOURCE] == after.moves[SOURCE]


async def test_a_fetch_asked_for_before_a_seek_takes_nothing_after_it(
    consumer: StrictConsumer, monkeypatch: Any
) -> None:
    """Its partition is paused by now: what it took from the new position would be dropped, and never come again."""
    thread, taken = _thread(consumer, Aiokafka({SOURCE: 0}, {SOURCE: 5})), []

    async def records(*_: Any, **__: Any) -> Any:
        taken.append(SOURCE)
        return {SOURCE: [SimpleNamespace(offset=5)]}

    monkeypatch.setattr(thread, "_fetch_records", records)
    asked = {SOURCE: thread.moves[SOURCE]}
    await thread._seek_to_start(frozenset({SOURCE}))
    assert (await thread._fetch(asked, 1.0)).records == {}
    assert taken == []


async def test_a_seek_waits_for_the_fetch_under_way(consumer: StrictConsumer, monkeypatch: Any) -> None:
    """A fetch that waits for records when the seek comes takes them from the old position; then it is moved."""
    aiokafka = Aiokafka({SOURCE: 0}, {SOURCE: 5})
    thread, under_way, arrives = _thread(consumer, aiokafka), asyncio.Event(), asyncio.Event()

    async def records(*_: Any, **__: Any) -> Any:
        under_way.set()
        await arrives.wait()
        return {SOURCE: [SimpleNamespace(offset=900 if not aiokafka.sought else 5)]}

    monkeypatch.setattr(thread, "_fetch_records", records)
    fetch = asyncio.create_task(thread._fetch({SOURCE: 0}, 1.0))
    await under_way.wait()
    seek = asyncio.create_task(thread._seek_to_start(frozenset({SOURCE})))
    await asyncio.sleep(0)
    arrives.set()
    fetched, _ = await asyncio.gather(fetch, seek)
    assert [one.offset for one in fetched.records[SOURCE]] == [900]
    assert fetched.moves[SOURCE] != thread.moves[SOURCE]
    assert aiokafka.sought == {SOURCE: 5}
