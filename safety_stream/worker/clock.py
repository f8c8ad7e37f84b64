"""The engine's clock: what time it is for an event, and the ticks that make time pass in the log.

A tick is an entry of ``safety.events`` on every partition that has to wake up. Under the wall clock each worker ticks
the partitions it owns; under the event clock a tick is told from outside and intake sends it to all partitions.
"""

from datetime import UTC, datetime
from typing import Literal

from faust.types import Message

from safety_stream.clinical.events import Accepted, AnyEvent, ClockTicked, clock_of
from safety_stream.worker.messages import received_at
from safety_stream.worker.outputs import Output

TICK_KEY = b"clock"


class Clock:
    """The time of each event. ``ticked`` is the last tick seen on a partition; only the event clock needs it."""

    def __init__(self, kind: Literal["wall", "event"]) -> None:
        self._by_events = kind == "event"
        self._ticked: dict[int, datetime] = {}

    def at(self, message: Message, event: AnyEvent) -> datetime:
        """Wall clock: when the broker received the entry. Event clock: its own time, never before the last tick."""
        if not self._by_events:
            return received_at(message)
        told = clock_of(event).astimezone(UTC)
        return max(told, self._ticked.get(message.partition, told))

    @property
    def remembers(self) -> bool:
        """Whether ticks must be kept with the state."""
        return self._by_events

    def tick(self, partition: int, as_of: datetime) -> None:
        """Time has passed on this partition."""
        self._ticked[partition] = as_of

    def drop(self, partition: int) -> None:
        """Forget a partition that is no longer ours."""
        self._ticked.pop(partition, None)


def tick_output(topic: str, partition: int, as_of: datetime, origin: str, received: datetime) -> Output:
    """The entry that tells one partition that time has passed."""
    entry = Accepted(event=ClockTicked(as_of=as_of), received_at=received, origin=origin)
    return Output(topic, TICK_KEY, entry.model_dump_json().encode(), partition=partition)
