"""Reads safety.alerts into the outbox; one of our own that cannot be read is alerted itself."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from pydantic import ValidationError

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.cleaning import clean
from safety_stream.alerting.policy import unreadable
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.metrics import Metrics
from safety_stream.notifier.outbox import Arrival, Outbox
from safety_stream.notifier.reading import follow
from safety_stream.notifier.routing import Routing
from safety_stream.rulebook.canary import CANARY

_LOG = structlog.get_logger("safety_stream.notifier")


@dataclass(frozen=True, slots=True)
class Reader:
    """The one task that reads alerts. A crash between database and commit repeats a reading, never a row."""

    consumer: AIOKafkaConsumer
    outbox: Outbox
    routing: Routing
    metrics: Metrics
    work: Bell
    clock: Callable[[], datetime]
    canary: Callable[[Alert], None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Read until told to stop."""
        await follow(self.consumer, self._take, stop)

    async def _take(self, records: Sequence[Any]) -> None:
        now_ms = int(self.clock().timestamp() * 1000)
        arrivals = list(_arrivals(records))
        ours = [one for one in arrivals if one.alert.study != CANARY]  # nobody is told of it, canary or no canary
        recorded = await asyncio.to_thread(self.outbox.record, ours, self.routing, now_ms)
        for one in arrivals:
            if self.canary is not None and one.alert.study == CANARY:
                self.canary(one.alert)
        for which in recorded.contradicted:
            self.metrics.contradicted.inc()
            _LOG.error("came again with another content, the first stands", alert=which)
        if recorded.messages:
            self.work.ring()


def _arrivals(records: Sequence[Any]) -> Iterator[Arrival]:
    for record in records:
        yield Arrival(_alert(record), f"{record.topic}/{record.partition}@{record.offset}")


def _alert(record: Any) -> Alert:
    """The alert; one of our own that cannot be read is itself alerted, under the place where it stands."""
    try:
        return Alert.model_validate_json(record.value or b"")
    except ValidationError as error:
        when = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        )
        detail = f"partition {record.partition} offset {record.offset}: {clean(wrong)}"
        return unreadable(record.topic, "not_an_alert", detail, when.date(), when)
