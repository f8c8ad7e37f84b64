"""Events as they come, in batches of what is already there: a batch never waits for more."""

from collections.abc import AsyncIterator
from typing import Any, cast

from faust.streams import Stream
from faust.types import EventT, StreamT

Event = EventT[Any]


async def batches(stream: StreamT[Any], most: int) -> AsyncIterator[list[Event]]:
    """Up to ``most`` events in the order they were read, not acknowledged.

    The first comes through Faust's stream; the rest is taken from its queue in the same turn of the loop, so that
    no rebalance can come between them, and is tracked as Faust tracks the first.
    """
    manual = cast(Stream[Any], stream).noack()
    queue = cast(Any, manual.channel).queue
    async for first in manual.events():
        batch = [first]
        while len(batch) < most and not queue.empty():
            event = queue.get_nowait()
            if _current(event):
                _track(event)
                batch.append(event)
        yield batch


def _current(event: Event) -> bool:
    return bool(event.message.generation_id == event.app.consumer_generation_id)


def _track(event: Event) -> None:
    event.message.tracked = True
    event.app.consumer.track_message(event.message)
