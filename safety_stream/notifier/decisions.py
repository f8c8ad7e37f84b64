"""Answers and Kafka: those that came by message are read from safety.decisions, those that came to us go there.

Why safety.decisions and not the log of record: an answer must stop the stepping up even while no worker runs, the
topic is small, and the worker reads the very same messages with the very same reader into the log.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from safety_stream import intake
from safety_stream.clinical.events import ANY_EVENT, Acknowledged, Adjudicated
from safety_stream.intake.native import write
from safety_stream.notifier.answers import Answers
from safety_stream.notifier.bell import Bell, heard
from safety_stream.notifier.reading import follow

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
        await follow(self.consumer, self._take, stop)

    async def _take(self, records: Sequence[Any]) -> None:
        for record in records:
            await self._take_one(record)

    async def _take_one(self, record: Any) -> None:
        origin = f"{record.topic}/{record.partition}@{record.offset}"
        for event in intake.read(intake.content_type_of(record.headers or ()), record.value or b""):
            if not isinstance(event, Acknowledged | Adjudicated):
                continue
            outcome = await asyncio.to_thread(self.answers.take, event, self.clock(), origin, False)
            _LOG.info("answer read", origin=origin, kind=event.kind, outcome=outcome)
            if outcome == "taken":
                self.work.ring()


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
