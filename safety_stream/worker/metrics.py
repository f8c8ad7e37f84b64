"""What the worker shows of itself: counts by study and reason, never by subject."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.findings import FindingChange

PREFIX = "safety_stream_"


class Metrics:
    """The worker's counters in a registry of its own; every study is there from the start, at 0."""

    def __init__(self, studies: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._received = self._counter("messages_received", "Inbound messages taken in.", "topic")
        self._rejected = self._counter(
            "messages_rejected", "Inbound messages that could not be read.", "topic", "reason"
        )
        self._judged = self._counter("entries_judged", "Entries of our own logs judged.", "agent")
        self._quarantined = self._counter("entries_quarantined", "Entries set aside.", "agent")
        self._findings = self._counter("finding_changes", "Changes of findings.", "study", "kind", "change")
        self._alerts = self._counter("alert_revisions", "Revisions of alerts.", "study", "type", "action")
        for study in studies:
            self._findings.labels(study, "toxicity", "raised")

    def received(self, topic: str) -> None:
        """A message was taken in."""
        self._received.labels(topic).inc()

    def rejected(self, topic: str, reason: str) -> None:
        """A message could not be read."""
        self._rejected.labels(topic, reason).inc()

    def judged(self, agent: str, number: int) -> None:
        """Entries were judged, and are acknowledged."""
        self._judged.labels(agent).inc(number)

    def quarantined(self, agent: str) -> None:
        """An entry was set aside."""
        self._quarantined.labels(agent).inc()

    def concluded(self, changes: Sequence[FindingChange], alerts: Sequence[Alert]) -> None:
        """Something followed from an event."""
        for change in changes:
            self._findings.labels(change.finding.study, change.finding.kind, change.change).inc()
        for alert in alerts:
            self._alerts.labels(alert.study, alert.type, alert.decision.action).inc()

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, says, labels, registry=self.registry)
