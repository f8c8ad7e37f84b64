"""How a topic is read by the messenger: first the database has what was read, then the offset is committed.

A crash between the two repeats a reading; whoever takes the records must be able to take them again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

_AT_ONCE: Final = 200
_POLL_MS: Final = 500
_LOG = structlog.get_logger("safety_stream.notifier")


async def follow(
    consumer: AIOKafkaConsumer, take: Callable[[Sequence[Any]], Awaitable[None]], stop: asyncio.Event
) -> None:
    """Give the records to who takes them, some hundreds at a time, until told to stop."""
    while not stop.is_set():
        batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        if records := [record for batch in batches.values() for record in batch]:
            await take(records)
            await _commit(consumer, {part: batch[-1].offset + 1 for part, batch in batches.items() if batch})


async def _commit(consumer: AIOKafkaConsumer, offsets: dict[Any, int]) -> None:
    """A commit that fails (a rebalance came between) means reading again."""
    try:
        await consumer.commit(offsets)
    except (CommitFailedError, IllegalStateError, KafkaError) as error:
        _LOG.warning("offset not committed, will read again", error=str(error))
