"""What the worker does beside its agents: beat, show where it stands, and let time pass in the log."""

import asyncio
from datetime import UTC, datetime

import faust
from aiokafka.errors import IllegalStateError
from faust.types import TP

from safety_stream.settings import Settings
from safety_stream.worker.clock import tick_output
from safety_stream.worker.deadlines import Deadlines
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.outputs import send
from safety_stream.worker.pulse import Pulse
from safety_stream.worker.strict.consumer import StrictConsumer

BEAT_SECONDS = 0.5


def is_ready(app: faust.App) -> bool:
    """Whether the worker has recovered what it owns, and reads."""
    return bool(getattr(app.tables, "actives_ready", False)) and not app.rebalancing


async def beat(app: faust.App, pulse: Pulse, metrics: Metrics) -> None:
    """Beat and show where we stand, for as long as the worker runs."""
    while not app.should_stop:
        pulse.beat()
        metrics.ready(is_ready(app))
        if isinstance(app.consumer, StrictConsumer):
            metrics.place.behind = _behind(app.consumer)
            metrics.place.unfinished = len(app.consumer.unacked)
        await asyncio.sleep(BEAT_SECONDS)


def _behind(consumer: StrictConsumer) -> dict[tuple[str, int], int]:
    return {
        (tp.topic, tp.partition): max(0, _end(consumer, tp) - ledger.front)
        for tp, ledger in tuple(consumer.ledgers.items())
    }


def _end(consumer: StrictConsumer, tp: TP) -> int:
    try:
        return consumer.highwater(tp) or 0
    except IllegalStateError:  # a rebalance is taking it away this moment
        return 0


async def let_time_pass(app: faust.App, settings: Settings, deadlines: Deadlines) -> None:
    """Under the wall clock: tell each owned partition with a deadline behind it that time has passed."""
    topic = settings.topic("events")
    while not app.should_stop:
        await asyncio.sleep(settings.tick_seconds)
        if is_ready(app):
            await _tick_what_is_due(app, topic, settings.worker_id, deadlines)


async def _tick_what_is_due(app: faust.App, topic: str, worker_id: str, deadlines: Deadlines) -> None:
    now = datetime.now(UTC)
    owned = sorted(tp.partition for tp in app.consumer.assignment() if tp.topic == topic)
    due = [at for at in owned if (first := deadlines.earliest(at)) is not None and first <= now]
    await send(app.producer, [tick_output(topic, partition, now, worker_id, now) for partition in due])
