"""The shape of every agent: judge what is there, send, keep, acknowledge; in this order, or not at all.

    judge   each event in turn, at once and without waiting; state changes in memory only
    send    every message that follows, and wait until the broker has all of them
    keep    every changed page, and wait until the changelog has all of them, a round's pages of a partition as one
            batch; an event that rewrites more than a batch holds is a round of its own, and its header is kept last
    ack     the events, in order

Whatever goes wrong on the way ends the process with nothing acknowledged: the events come again, and the same
follows from them.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from time import monotonic
from typing import Any, Protocol

from faust.types import Message, StreamT

from safety_stream.errors import PageTooLarge
from safety_stream.worker.batches import Event, batches
from safety_stream.worker.messages import place
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.outputs import Effects, send
from safety_stream.worker.pulse import Pulse
from safety_stream.worker.quarantine import Attempt, Quarantine
from safety_stream.worker.strict.tables import DurableTable
from safety_stream.worker.time_limit import time_limit
from safety_stream.worker.trial_faults import Fault

MAX_ROUND_BYTES = 512 * 1024


class Work(Protocol):
    """What one agent does with its events."""

    @property
    def name(self) -> str:
        """Its name in metrics and logs."""
        ...

    @property
    def table(self) -> DurableTable | None:
        """The table its pages are kept in; null when it keeps none."""
        ...

    def judge(self, message: Message) -> Effects:
        """What follows from an event. No waiting, no I/O."""
        ...

    def set_aside(self, message: Message, attempt: Attempt) -> Effects:
        """What follows from an event that cannot be judged: a dead letter and an alert."""
        ...

    def done(self, messages: Sequence[Message]) -> None:
        """These events are acknowledged."""
        ...


@dataclass(frozen=True, slots=True)
class Rounds:
    """How events are taken in rounds: how many at once, for how long, and what to do with those that never work."""

    most: int
    limit_seconds: float
    quarantine: Quarantine
    pulse: Pulse
    metrics: Metrics
    fault: Fault

    async def run(self, stream: StreamT[Any], work: Work) -> None:
        """Take round after round for as long as the process lives."""
        async for batch in batches(stream, self.most):
            for events, effects in self._judged(work, batch):
                async with asyncio.timeout(self.limit_seconds):
                    await self._settle(work, events, effects)
                self._close(work, events)

    def _judged(self, work: Work, batch: list[Event]) -> Iterator[tuple[list[Event], list[Effects]]]:
        """The batch in pieces, each small enough for its pages to be kept whole; what is larger alone comes alone."""
        events: list[Event] = []
        effects: list[Effects] = []
        size = 0
        started = monotonic()
        for event in batch:
            judged = self._judge(work, event.message)
            own = sum(map(len, judged.pages.values()))
            if events and size + own > MAX_ROUND_BYTES:
                self.metrics.took(work.name, "judge", monotonic() - started)
                yield events, effects
                events, effects, size, started = [], [], 0, monotonic()
            events.append(event)
            effects.append(judged)
            size += own
        if events:
            self.metrics.took(work.name, "judge", monotonic() - started)
            yield events, effects

    def _judge(self, work: Work, message: Message) -> Effects:
        self.pulse.beat()
        attempt = self.quarantine.exhausted(message)
        if attempt is not None:
            with time_limit(self.limit_seconds):
                return work.set_aside(message, attempt)
        with self.quarantine.in_hand(message):
            try:
                with time_limit(self.limit_seconds):
                    self.fault("judge")
                    return work.judge(message)
            except PageTooLarge as error:
                return work.set_aside(message, Attempt(place(message), 1, str(error)))

    async def _settle(self, work: Work, events: list[Event], effects: list[Effects]) -> None:
        producer = events[0].app.producer
        self.pulse.beat()
        self.fault("send")
        with self._timed(work, "send"):
            await send(producer, chain.from_iterable(each.outputs for each in effects))
        self.pulse.beat()
        self.fault("keep")
        if work.table is not None:
            pages = _by_partition(events, effects)
            with self._timed(work, "keep"):
                await asyncio.gather(*(work.table.save(partition, kept) for partition, kept in pages.items()))
        self.fault("acknowledge")

    @contextmanager
    def _timed(self, work: Work, part: str) -> Iterator[None]:
        started = monotonic()
        yield
        self.metrics.took(work.name, part, monotonic() - started)

    def _close(self, work: Work, events: list[Event]) -> None:
        for event in events:
            event.ack()
            self.quarantine.settled(event.message)
        work.done([event.message for event in events])


def _by_partition(events: list[Event], effects: list[Effects]) -> Mapping[int, dict[bytes, bytes]]:
    pages: dict[int, dict[bytes, bytes]] = {}
    for event, each in zip(events, effects, strict=True):
        if each.pages:
            pages.setdefault(event.message.partition, {}).update(each.pages)
    return pages
