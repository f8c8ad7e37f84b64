"""Every seek is explicit, and is known to the fetches that come after it."""

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
    before = await thread._fetch(frozenset({SOURCE}), 1.0)
    await thread._seek_to_start(frozenset({SOURCE}))
    after = await thread._fetch(frozenset({SOURCE}), 1.0)
    assert before.moves[SOURCE] != thread.moves[SOURCE] == after.moves[SOURCE]
