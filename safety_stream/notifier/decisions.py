"""Answers and Kafka: those that came by message are read from safety.decisions, those that came to us go there.

Why safety.decisions and not the log of record: an answer must stop the stepping up even while no worker runs, the
topic is small, and the worker reads the very same messages with the very same reader into the log.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from safety_stream import intake
from safety_stream.clinical.events import ANY_EVENT, Acknowledged, Adjudicated
from safety_stream.intake.native import write
from safety_stream.notifier.answers import Answers
from safety_stream.notifier.bell import Bell, heard

_POLL_MS: Final = 500
_WAIT_SECONDS: Final = 2.0
_LOG = structlog.get_logger("safety_stream.notifier")


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """The task that reads safety.decisions. What cannot be read there is the worker's to report."""

    consumer: AIOKafkaConsumer
    answers: Answers
    work: Bell
    clock: Callable[[], datetime]

    async def run(self, stop: asyncio.Event) -> None:
        """Read until told to stop; the offset follows the database."""
        while not stop.is_set():
            batches = await self.consumer.getmany(timeout_ms=_POLL_MS)
            for record in (record for batch in batches.values() for record in batch):
                await self._take(record)
            if batches:
                await self._commit({part: batch[-1].offset + 1 for part, batch in batches.items() if batch})

    async def _take(self, record: Any) -> None:
        origin = f"{record.topic}/{record.partition}@{record.offset}"
        for event in intake.read(intake.content_type_of(record.headers or ()), record.value or b""):
            if not isinstance(event, Acknowledged | Adjudicated):
                continue
            outcome = await asyncio.to_thread(self.answers.take, event, self.clock(), origin, False)
            _LOG.info("answer read", origin=origin, kind=event.kind, outcome=outcome)
            if outcome == "taken":
                self.work.ring()

    async def _commit(self, offsets: dict[Any, int]) -> None:
        try:
            await self.consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError, KafkaError) as error:
            _LOG.warning("offset not committed, will read again", error=str(error))


async def publish(answers: Answers, producer: AIOKafkaProducer, topic: str, work: Bell, stop: asyncio.Event) -> None:
    """Send answers that came to us until told to stop; a broker that is away delays this and nothing else."""
    while not stop.is_set():
        bell = work.listen()
        try:
            for record, version, told in await asyncio.to_thread(answers.unpublished):
                event = ANY_EVENT.validate_json(told)
                if isinstance(event, Acknowledged | Adjudicated):
                    await producer.send_and_wait(topic, write(event), key=f"{event.study}|{event.subject}".encode())
                await asyncio.to_thread(answers.published, record, version)
        except KafkaError as error:
            _LOG.warning("answers not published yet", error=str(error))
        await heard(bell, _WAIT_SECONDS)
