"""What the worker shows of itself and of the studies it owns: by study and reason, never by subject.

Counters begin at 0 for every study, so that a rate can be told from the first event on. What is true of a study as a
whole is shown only by the worker that owns the study's partition, from a picture of our own that goes with the
partition: nothing reads a table while metrics are collected. Names, labels and meanings: metrics/catalogue.py.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from safety_stream.alerting.alert import TYPES, Reason
from safety_stream.clinical.cohort import StudyNumbers
from safety_stream.intake.rejected import Code
from safety_stream.metrics import making
from safety_stream.metrics.small_cells import SmallCells
from safety_stream.rulebook.canary import CANARY
from safety_stream.worker.judgement import Consequences
from safety_stream.worker.study_metrics import GRADES, PlaceCollector, StudyCollector

FINDINGS = (
    "toxicity",
    "reported_event",
    "dose_limiting_toxicity",
    "eligibility_breach",
    "eligibility_status",
    "watch_limit",
    "data_query",
    "cohort_decision",
    "composite",
    "reporting_due",
    "stagger_breach",
    "study_tally",
    "unobserved",
)
OUTCOMES = ("processed", "duplicate", "corrected", "late")


@dataclass(frozen=True)
class Shown:
    """What a worker knows of itself before its first event. ``topics``: each topic it reads and its partitions."""

    topics: Mapping[str, int] = field(default_factory=dict)
    feeds: Collection[str] = ()
    silence_limits: Mapping[str, float] = field(default_factory=dict)
    analytes: Collection[str] = ()
    build: Mapping[str, str] = field(default_factory=dict)
    small_cells: SmallCells = field(default_factory=SmallCells)


class Metrics:
    """The worker's metrics, in a registry of their own."""

    def __init__(
        self,
        studies: Collection[str],
        agents: Iterable[str] = ("intake", "subjects", "cohorts"),
        shown: Shown | None = None,
    ) -> None:
        self.registry = CollectorRegistry()
        self._shown = shown or Shown()
        self._received = making.counter("messages_received", self.registry)
        self._rejected = making.counter("messages_rejected", self.registry)
        self._judged = making.counter("entries_judged", self.registry)
        self._quarantined = making.counter("entries_quarantined", self.registry)
        self._outcomes = making.counter("events_judged", self.registry)
        self._graded = making.counter("results_graded", self.registry)
        self._findings = making.counter("finding_changes", self.registry)
        self._alerts = making.counter("alert_revisions", self.registry)
        self._held = making.counter("alerts_held", self.registry)
        self._rounds = making.histogram("round_seconds", self.registry)
        self._ready = making.gauge("worker_ready", self.registry)
        self.place = PlaceCollector()
        self._studies = StudyCollector(self._shown.small_cells)
        self._about = AboutCollector(self._shown)
        for collector in (self.place, self._studies, self._about):
            self.registry.register(collector)
        self._begin(studies, agents)

    def received(self, topic: str, at: float | None = None) -> None:
        """A message was taken in; ``at``: the broker's time of receipt, in seconds."""
        self._received.labels(topic).inc()
        if at is not None:
            newest = self._about.newest
            self._about.newest = {**newest, topic: max(at, newest.get(topic, at))}

    def rejected(self, topic: str, reason: str) -> None:
        """A message could not be read."""
        self._rejected.labels(topic, reason).inc()

    def judged(self, agent: str, number: int) -> None:
        """Entries were judged, and are acknowledged."""
        self._judged.labels(agent).inc(number)

    def quarantined(self, agent: str) -> None:
        """An entry was set aside."""
        self._quarantined.labels(agent).inc()

    def concluded(self, after: Consequences) -> None:
        """Something followed from an event."""
        study = after.record.study
        if study == CANARY:
            return
        self._outcomes.labels(study, after.outcome).inc()
        for analyte, grade in after.graded:
            self._graded.labels(study, analyte, grade).inc()
        for change in after.changes:
            self._findings.labels(study, change.finding.kind, change.change).inc()
        for alert in after.alerts:
            self._alerts.labels(study, alert.type, alert.decision.action).inc()
            if alert.decision.action == "hold":
                self._held.labels(study, alert.decision.reason).inc()

    def took(self, agent: str, part: str, seconds: float) -> None:
        """A part of a round took so long."""
        self._rounds.labels(agent, part).observe(seconds)

    def ready(self, is_ready: bool) -> None:
        """Whether the worker has recovered and reads."""
        self._ready.set(is_ready)

    def studies_are(self, partition: int, numbers: Mapping[str, StudyNumbers]) -> None:
        """The studies of an owned partition, as they are now."""
        self._studies.owned = {**self._studies.owned, partition: numbers}

    def studies_gone(self, partition: int) -> None:
        """A partition is no longer ours, nor are its studies."""
        self._studies.owned = {at: numbers for at, numbers in self._studies.owned.items() if at != partition}

    def _begin(self, studies: Iterable[str], agents: Iterable[str]) -> None:
        for agent in agents:
            self._judged.labels(agent)
            self._quarantined.labels(agent)
        for topic in self._shown.feeds:
            self._received.labels(topic)
            for reason in get_args(Code):
                self._rejected.labels(topic, reason)
        for study in studies:
            if study != CANARY:
                self._begin_study(study)

    def _begin_study(self, study: str) -> None:
        for outcome in OUTCOMES:
            self._outcomes.labels(study, outcome)
        for analyte in self._shown.analytes:
            for grade in GRADES:
                self._graded.labels(study, analyte, grade)
        for kind in FINDINGS:
            for change in ("raised", "changed", "withdrawn"):
                self._findings.labels(study, kind, change)
        for alert in TYPES:
            for action in ("send", "hold"):
                self._alerts.labels(study, alert, action)
        for reason in get_args(Reason):
            self._held.labels(study, reason)


class AboutCollector(Collector):
    """The worker itself: what runs, the topics it reads, and when each feed last spoke."""

    def __init__(self, shown: Shown) -> None:
        self.newest: Mapping[str, float] = {}
        self._shown = shown

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        """Build, partitions, limits of silence, newest message of each feed."""
        if self._shown.build:
            yield making.info("build", dict(self._shown.build))
        for name, values in (
            ("topic_partitions", self._shown.topics),
            ("feed_silence_limit_seconds", self._shown.silence_limits),
            ("feed_last_message_timestamp_seconds", self.newest),
        ):
            made = making.family(name)
            for topic, value in values.items():
                made.add_metric((topic,), value)
            yield made
