"""What an operator watches at the messenger. Labels come from closed lists: never a subject, an address or a value."""

from collections.abc import Callable, Iterator
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from safety_stream.alerting.alert import TYPES, AlertType
from safety_stream.alerting.channels.channel import Outcome, Result
from safety_stream.notifier.pending import Waiting

_SEND_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class _Backlog(Collector):
    """The waiting messages, read from the database when somebody asks."""

    def __init__(self, waiting: Callable[[], Waiting]) -> None:
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        """Two counts, and the oldest one's time when there is one."""
        now = self._waiting()
        messages = GaugeMetricFamily("safety_stream_outbox_messages", "Messages waiting.", labels=["state"])
        messages.add_metric(["queued"], now.queued)
        messages.add_metric(["retrying"], now.retrying)
        yield messages
        if now.oldest_ms is not None:
            yield GaugeMetricFamily(
                "safety_stream_outbox_oldest_pending_timestamp_seconds",
                "When the oldest waiting message was queued; absent when none waits.",
                value=now.oldest_ms / 1000,
            )


class Metrics:
    """The messenger's registry. Every label set exists from the start, so that a first event is an increase."""

    def __init__(self, waiting: Callable[[], Waiting]) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "safety_stream_emails",
            "Tries to deliver, by alert type and outcome.",
            ["template", "outcome"],
            registry=self.registry,
        )
        self.send_seconds = Histogram(
            "safety_stream_email_send_seconds", "One try.", buckets=_SEND_SECONDS, registry=self.registry
        )
        self.event_to_alert_seconds = Histogram(
            "safety_stream_event_to_alert_seconds",
            "From the broker's receipt of the event to the mail accepted; only where the engine runs on wall time.",
            ["alert_type"],
            buckets=_SEND_SECONDS,
            registry=self.registry,
        )
        self.last_success = Gauge(
            "safety_stream_smtp_last_success_timestamp_seconds", "The last accepted message.", registry=self.registry
        )
        self.unrendered = Counter(
            "safety_stream_letters_unrendered", "Letters sent plain: their template failed.", registry=self.registry
        )
        self.contradicted = Counter(
            "safety_stream_alerts_contradicted",
            "Alert revisions that came again with another content; the first stands.",
            registry=self.registry,
        )
        self.registry.register(_Backlog(waiting))
        for template in TYPES:
            for outcome in get_args(Result):
                self.messages.labels(template, outcome)

    def tried(self, template: AlertType, outcome: Outcome, seconds: float, now_seconds: float) -> None:
        """One try and what became of it."""
        self.messages.labels(template, outcome.result).inc()
        self.send_seconds.observe(seconds)
        if outcome.result == "accepted":
            self.last_success.set(now_seconds)
