"""The strict consumer with a thread that only remembers: what it was asked, and what it was told to hand out."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP

from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.thread import Fetched, Start

SOURCE = TP("events", 0)
OTHER = TP("events", 1)
CHANGELOG = TP("t-pages-changelog", 0)


class RecordingThread:
    """Stands where the consumer's thread stands: hands out what it is given, and remembers what it was asked."""

    def __init__(self, owned: Iterable[TP] = (SOURCE, OTHER, CHANGELOG)) -> None:
        self.owned = set(owned)
        self.moves: Counter[TP] = Counter()
        self.asked = asyncio.Event()
        self.wanted: list[frozenset[TP]] = []
        self.hand_out: asyncio.Queue[Mapping[TP, list[Any]]] = asyncio.Queue()
        self.starts: dict[TP, Start] = {}
        self.sought: list[frozenset[TP]] = []
        self.looked_again: list[dict[TP, int]] = []
        self.commits: list[dict[TP, int]] = []
        self.commit_works = True

    def assignment(self) -> set[TP]:
        """What is assigned."""
        return set(self.owned)

    def highwater(self, tp: TP) -> int:
        """The end of any partition."""
        return 0

    async def fetch(self, wanted: frozenset[TP], patience: float) -> Fetched:
        """The next records given."""
        self.wanted.append(wanted)
        self.asked.set()
        records = await self.hand_out.get()
        return Fetched(records, {tp: self.moves[tp] for tp in records})

    async def seek_to_start(self, partitions: Iterable[TP]) -> Mapping[TP, Start]:
        """The starts given."""
        asked = frozenset(partitions)
        self.sought.append(asked)
        self.moves.update(asked)
        return {tp: self.starts.get(tp, Start(0, None)) for tp in asked}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Remember."""
        self.looked_again.append(dict(partitions))
        self.moves.update(partitions.keys())

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        """Confirm, or not."""
        self.commits.append(dict(offsets))
        return self.commit_works


def record(offset: int, tp: TP = SOURCE) -> Any:
    """A record as aiokafka hands it out."""
    return SimpleNamespace(
        topic=tp.topic, partition=tp.partition, offset=offset, timestamp=0, timestamp_type=0, headers=(),
        key=b"k", value=b"v", checksum=None, serialized_key_size=1, serialized_value_size=1,
    )  # fmt: skip


def thread_of(consumer: StrictConsumer) -> RecordingThread:
    """The thread that only remembers."""
    return cast(RecordingThread, consumer._thread)
