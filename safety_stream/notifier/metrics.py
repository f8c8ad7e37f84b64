"""What an operator watches at the messenger. Labels come from closed lists: never a subject, an address or a value."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from safety_stream.alerting.alert import TYPES, AlertType
from safety_stream.alerting.catalogue import CATALOGUE
from safety_stream.alerting.channels.channel import LISTS, ListKind, Outcome, Result
from safety_stream.metrics import making
from safety_stream.notifier.alert_state import AlertCounts
from safety_stream.notifier.canary import CanaryCollector
from safety_stream.notifier.pending import Waiting
from safety_stream.notifier.response import HELD_BACK, Responses


class _Backlog(Collector):
    """The waiting messages, read from the database when somebody asks; and when the last one was accepted."""

    def __init__(self, waiting: Callable[[], Waiting]) -> None:
        self._waiting = waiting
        self.last_success: float | None = None

    def collect(self) -> Iterator[Metric]:
        """Two counts, the oldest one's time when there is one, the last success when there was one."""
        now = self._waiting()
        messages = making.family("outbox_messages")
        messages.add_metric(["queued"], now.queued)
        messages.add_metric(["retrying"], now.retrying)
        yield messages
        oldest = None if now.oldest_ms is None else now.oldest_ms / 1000
        yield _moment("outbox_oldest_pending_timestamp_seconds", oldest)
        yield _moment("smtp_last_success_timestamp_seconds", self.last_success)


class _Alerts(Collector):
    """How the alerts stand, read from the database when somebody asks. A study that has any shows every kind."""

    def __init__(self, counts: Callable[[], AlertCounts]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Open by study, type, urgency and state; overdue and oldest by study and urgency."""
        now = self._counts()
        opened, overdue, oldest = (
            making.family("alerts_open"),
            making.family("alerts_overdue"),
            making.family("alerts_oldest_unacknowledged_timestamp_seconds"),
        )
        for study in sorted(now.studies | {study for study, *_ in now.open}):
            for kind, urgency in _KINDS:
                for state in ("unacknowledged", "acknowledged"):
                    opened.add_metric((study, kind, urgency, state), now.open.get((study, kind, urgency, state), 0))
            for urgency in ("critical", "warning", "info"):
                overdue.add_metric((study, urgency), now.overdue.get((study, urgency), 0))
        for key, since in now.oldest_ms.items():
            oldest.add_metric(key, since / 1000)
        yield from (opened, overdue, oldest)


class _Responses(Collector):
    """How alerts were answered, read from the database when somebody asks. A study that has any shows every kind."""

    def __init__(self, responses: Callable[[], Responses], limit: Decimal) -> None:
        self._responses = responses
        self._limit = limit

    def collect(self) -> Iterator[Metric]:
        """Steps up, times to the answer, what was held back, budget and silences."""
        now = self._responses()
        yield _steps(now)
        seconds = making.histogram_family("alert_acknowledge_seconds")
        for kind in TYPES:
            making.add_observations(seconds, "alert_acknowledge_seconds", (kind,), now.seconds.get(kind, ()))
        yield seconds
        held = making.family("alert_messages_held_back")
        for study in now.studies:
            for reason in HELD_BACK:
                held.add_metric((study, reason), now.held_back.get((study, reason), 0))
        yield held
        week, limit = making.family("alerts_per_subject_week"), making.family("alert_budget_per_subject_week")
        for line in now.budget:
            if line.rate is not None:
                week.add_metric((line.study,), float(line.rate))
        limit.add_metric((), float(self._limit))
        silent = making.family("silences_in_force")
        silent.add_metric((), now.silences)
        yield from (week, limit, silent)


def _steps(now: Responses) -> Metric:
    steps = making.counter_family("alert_steps_up")
    for study in now.studies:
        for kind, highest in _LEVELS.items():
            for level in range(2, highest + 1):
                steps.add_metric((study, kind, str(level)), now.steps.get((study, kind, level), 0))
    return steps


_LEVELS = {kind: max(len(one.levels) for (type_, _), one in CATALOGUE.items() if type_ == kind) for kind in TYPES}
_KINDS = sorted({(kind, entry.urgency) for (kind, _), entry in CATALOGUE.items()})


def _moment(name: str, seconds: float | None) -> GaugeMetricFamily:
    made = making.family(name)
    if seconds is not None:
        made.add_metric((), seconds)
    return made


class Metrics:
    """The messenger's registry. Every label set exists from the start, so that a first event is an increase."""

    def __init__(
        self,
        waiting: Callable[[], Waiting],
        alert_counts: Callable[[], AlertCounts] = AlertCounts,
        responses: Callable[[], Responses] = Responses,
        limit: Decimal = Decimal(2),
    ) -> None:
        self.registry = CollectorRegistry()
        self.messages = making.counter("emails", self.registry)
        self.send_seconds = making.histogram("email_send_seconds", self.registry)
        self.event_to_alert_seconds = making.histogram("event_to_alert_seconds", self.registry)
        self.unrendered = making.counter("letters_unrendered", self.registry)
        self.contradicted = making.counter("alerts_contradicted", self.registry)
        self._backlog = _Backlog(waiting)
        self.registry.register(self._backlog)
        self.registry.register(_Alerts(alert_counts))
        self.registry.register(_Responses(responses, limit))
        self.canary = CanaryCollector()
        self.registry.register(self.canary)
        for template in TYPES:
            self.event_to_alert_seconds.labels(template)
        for template in (*TYPES, *LISTS):
            for outcome in get_args(Result):
                self.messages.labels(template, outcome)

    def tried(self, template: AlertType | ListKind, outcome: Outcome, seconds: float, now_seconds: float) -> None:
        """One try and what became of it."""
        self.messages.labels(template, outcome.result).inc()
        self.send_seconds.observe(seconds)
        if outcome.result == "accepted":
            self._backlog.last_success = now_seconds
