"""The canary: every few minutes a result of nobody is sent, and must come back as an alert and become a mail.

    safety.labs -> intake -> safety.events -> the rules -> safety.alerts -> this -> a letter -> the mail server: 250

Each time a normal potassium and then one of grade 4: a new episode, so a new alert by the ordinary rules. It leaves the
reader of alerts before the outbox: it has no row there, no course, no steps, and no place in a list or a count. The
outbox itself is watched by its oldest message.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Channel, Message
from safety_stream.alerting.letter import Standing, letter
from safety_stream.alerting.render import Templates
from safety_stream.clinical.events import LabResult
from safety_stream.metrics import making
from safety_stream.notifier.routing import Recipient
from safety_stream.rulebook.canary import CANARY

NORMAL, GRADE_4 = "4.2", "7.4"
"""Potassium in mmol/L: inside 3.5 to 5.3; above 7.0 (CTCAE v5.0, Hyperkalemia, grade 4)."""
_BETWEEN: Final = timedelta(seconds=1)
_LOOK_SECONDS: Final = 1.0
_LOG = structlog.get_logger("safety_stream.notifier")


class Sender(Protocol):
    """As much of a Kafka producer as is needed."""

    async def send_and_wait(self, topic: str, value: bytes, key: bytes) -> Any:
        """Return when the broker has it."""
        ...


def results(at: datetime) -> tuple[LabResult, LabResult]:
    """The two results of one song. 168 subjects take turns by weekday and hour, so that every partition is walked."""
    return _potassium(NORMAL, at - _BETWEEN, at), _potassium(GRADE_4, at, at)


def _potassium(value: str, observed: datetime, at: datetime) -> LabResult:
    told = observed.isoformat(timespec="milliseconds")
    return LabResult.model_validate(
        {
            "study": CANARY,
            "subject": f"{at:%a-%H}",
            "source": {"system": "canary", "id": told, "version": 1},
            "reported_at": told,
            "observed_at": told,
            "test": "K",
            "value": value,
            "unit": "mmol/L",
            "range_low": "3.5",
            "range_high": "5.3",
        }
    )


@dataclass(slots=True)
class Canary:
    """Sends its results, and mails the alerts that come of them. ``since``: the last success; before it, the start."""

    sender: Sender
    topic: str
    period: timedelta
    channel: Channel
    mailbox: Recipient
    templates: Templates
    clock: Callable[[], datetime]
    since: datetime = field(init=False)
    seconds: float | None = field(init=False, default=None)
    alerts: "asyncio.Queue[Alert]" = field(init=False, default_factory=asyncio.Queue)
    newest: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.since = self.clock()

    async def sing(self, stop: asyncio.Event) -> None:
        """Send a result every period until told to stop; a broker that is away is what the metric shows."""
        while not stop.is_set():
            for one in results(self.clock()):
                try:
                    await self.sender.send_and_wait(
                        self.topic, one.model_dump_json().encode(), f"{CANARY}|{one.subject}".encode()
                    )
                except Exception as error:
                    _LOG.warning("the canary could not be sent", error=str(error))
            try:
                await asyncio.wait_for(stop.wait(), self.period.total_seconds())
            except TimeoutError:
                continue

    def take(self, alert: Alert) -> None:
        """An alert of the canary's study was read."""
        if alert.type == "lab_grade_4" and alert.state == "raised" and alert.decision.action == "send":
            self.alerts.put_nowait(alert)

    async def carry(self, stop: asyncio.Event) -> None:
        """Mail what comes until told to stop."""
        try:
            while not stop.is_set():
                try:
                    alert = await asyncio.wait_for(self.alerts.get(), _LOOK_SECONDS)
                except TimeoutError:
                    continue
                await self.mail(alert)
        finally:
            await self.channel.close()

    async def mail(self, alert: Alert) -> None:
        """One letter to the mailbox that nobody reads; an alert that is no news (read again) proves nothing."""
        if self.newest is not None and alert.as_of <= self.newest:
            return
        mail = self.templates.render(letter(alert, Standing(answer_by=None)))
        outcome = await self.channel.send(Message.of(alert, mail, self.mailbox.mailbox, kind="canary"))
        if outcome.result != "accepted":
            _LOG.warning("the canary was not mailed", outcome=outcome.result, said=outcome.said)
            return
        self.newest, self.since = alert.as_of, self.clock()
        self.seconds = max(0.0, (self.since - alert.as_of).total_seconds())


class CanaryCollector(Collector):
    """When the canary last arrived and how long it took; nothing where there is none."""

    def __init__(self) -> None:
        self.canary: Canary | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Two series, or none."""
        arrived, took = making.family("canary_last_success_timestamp_seconds"), making.family("canary_seconds")
        if self.canary is not None:
            arrived.add_metric((), self.canary.since.timestamp())
            if self.canary.seconds is not None:
                took.add_metric((), self.canary.seconds)
        yield from (arrived, took)
