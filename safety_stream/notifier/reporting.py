"""What became of each message, to safety.deliveries: every try, at least once, in the order it ended."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import Engine, and_, select, update
from sqlalchemy.engine import Row

from safety_stream.alerting.delivery import Delivery
from safety_stream.notifier.bell import Bell, heard
from safety_stream.notifier.tables import ALERTS, ATTEMPTS, MESSAGES

_AT_ONCE: Final = 200
_WAIT_SECONDS: Final = 5.0
_LOG = structlog.get_logger("safety_stream.notifier")


class Tries:
    """The tries that ended and are not reported yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unreported(self) -> Sequence[Row[Any]]:
        """The oldest ones, at most some hundreds."""
        said = (
            select(
                ATTEMPTS, MESSAGES.c.alert_id, MESSAGES.c.revision, MESSAGES.c.recipient, ALERTS.c.study, ALERTS.c.type
            )
            .join(MESSAGES, MESSAGES.c.id == ATTEMPTS.c.message_id)
            .join(ALERTS, and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision))
            .where(ATTEMPTS.c.finished_at.is_not(None), ATTEMPTS.c.reported.is_(False))
            .order_by(ATTEMPTS.c.finished_at, ATTEMPTS.c.id)
            .limit(_AT_ONCE)
        )
        with self._engine.begin() as db:
            return db.execute(said).all()

    def reported(self, tries: Sequence[int]) -> None:
        """The broker has acknowledged these."""
        with self._engine.begin() as db:
            db.execute(update(ATTEMPTS).where(ATTEMPTS.c.id.in_(tries)).values(reported=True))


async def report(tries: Tries, producer: AIOKafkaProducer, topic: str, settled: Bell, carried: asyncio.Event) -> None:
    """Report until all is carried, then once more; a broker that is away delays reports and nothing else."""
    last_round = False
    while not last_round:
        bell, last_round = settled.listen(), carried.is_set()
        try:
            while rows := await asyncio.to_thread(tries.unreported):
                await _send(producer, topic, rows)
                await asyncio.to_thread(tries.reported, [row.id for row in rows])
        except KafkaError as error:
            _LOG.warning("deliveries not reported yet", error=str(error))
        if not last_round:
            await heard(bell, _WAIT_SECONDS)


async def _send(producer: AIOKafkaProducer, topic: str, rows: Sequence[Row[Any]]) -> None:
    sent = [await producer.send(topic, value=_record(row), key=row.study.encode()) for row in rows]
    await asyncio.gather(*sent)


def _record(row: Row[Any]) -> bytes:
    return (
        Delivery(
            alert=row.alert_id,
            revision=row.revision,
            type=row.type,
            study=row.study,
            recipient=row.recipient,
            attempt=row.number,
            outcome=row.result,
            said=row.said,
            at=datetime.fromtimestamp(row.finished_at / 1000, UTC),
        )
        .model_dump_json()
        .encode()
    )
