"""What the worker shows of itself and of the studies it owns: by study and reason, never by subject.

Counters begin at 0 for every study, so that a rate can be told from the first event on. What is true of a study as a
whole is shown only by the worker that owns the study's partition, from a picture of our own that goes with the
partition: nothing reads a table while metrics are collected.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from safety_stream.alerting.alert import TYPES
from safety_stream.clinical.cohort import StudyNumbers
from safety_stream.worker.judgement import Consequences

PREFIX = "safety_stream_"
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
)
_ROUND_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class Metrics:
    """The worker's metrics, in a registry of their own."""

    def __init__(self, studies: Collection[str], agents: Iterable[str] = ("intake", "subjects", "cohorts")) -> None:
        self.registry = CollectorRegistry()
        self._received = self._counter("messages_received", "Inbound messages taken in.", "topic")
        self._rejected = self._counter("messages_rejected", "Messages that could not be read.", "topic", "reason")
        self._judged = self._counter("entries_judged", "Messages and entries judged and acknowledged.", "agent")
        self._quarantined = self._counter("entries_quarantined", "Entries set aside.", "agent")
        self._outcomes = self._counter("events_judged", "Events by what became of them.", "study", "outcome")
        self._graded = self._counter("results_graded", "Results by analyte and grade.", "study", "analyte", "grade")
        self._findings = self._counter("finding_changes", "Changes of findings.", "study", "kind", "change")
        self._alerts = self._counter("alert_revisions", "Revisions of alerts.", "study", "type", "action")
        self._rounds = Histogram(
            PREFIX + "round_seconds",
            "Parts of a round.",
            ("agent", "part"),
            registry=self.registry,
            buckets=_ROUND_SECONDS,
        )
        self._ready = Gauge(PREFIX + "worker_ready", "Recovered and reading.", registry=self.registry)
        self.place = PlaceCollector()
        self._studies = StudyCollector()
        self.registry.register(self.place)
        self.registry.register(self._studies)
        self._begin(studies, agents)

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

    def concluded(self, after: Consequences) -> None:
        """Something followed from an event."""
        study = after.record.study
        self._outcomes.labels(study, after.outcome).inc()
        for analyte, grade in after.graded:
            self._graded.labels(study, analyte, grade).inc()
        for change in after.changes:
            self._findings.labels(study, change.finding.kind, change.change).inc()
        for alert in after.alerts:
            self._alerts.labels(study, alert.type, alert.decision.action).inc()

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
        for study in studies:
            self._outcomes.labels(study, "processed")
            for kind in FINDINGS:
                self._findings.labels(study, kind, "raised")
            for alert in TYPES:
                self._alerts.labels(study, alert, "send")

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, says, labels, registry=self.registry)


class PlaceCollector(Collector):
    """How far the worker is in each owned partition; the picture is replaced whole, never changed."""

    def __init__(self) -> None:
        self.behind: Mapping[tuple[str, int], int] = {}
        self.unfinished = 0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Lag by topic and partition."""
        lag = GaugeMetricFamily(PREFIX + "lag", "Messages not yet committed.", labels=("topic", "partition"))
        for (topic, partition), behind in self.behind.items():
            lag.add_metric((topic, str(partition)), behind)
        yield lag
        yield GaugeMetricFamily(PREFIX + "in_hand", "Messages read and not yet acknowledged.", value=self.unfinished)


class StudyCollector(Collector):
    """The owned studies in numbers; the picture is replaced whole, never changed."""

    def __init__(self) -> None:
        self.owned: Mapping[int, Mapping[str, StudyNumbers]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Subjects, grades, tallies and advice of each owned study."""
        studies = {study: numbers for owned in self.owned.values() for study, numbers in owned.items()}
        phases = _family("subjects", "Subjects by phase.", "phase")
        grades = _family("subjects_by_worst_grade", "Subjects by worst grade.", "grade")
        reports = _family("adverse_events", "Adverse events by grade.", "grade")
        serious = _family("serious_adverse_events", "Serious adverse events.")
        tally = _family("dose_level_subjects", "Subjects of a dose level.", "dose_level", "counted")
        advice = _family("dose_level_advice", "1 for the advice that holds.", "dose_level", "decision")
        for study, numbers in studies.items():
            for phase, count in numbers.subjects_by_phase.items():
                phases.add_metric((study, phase), count)
            for grade, count in numbers.subjects_by_worst_grade.items():
                grades.add_metric((study, grade), count)
            for grade, count in numbers.adverse_events_by_grade.items():
                reports.add_metric((study, grade), count)
            serious.add_metric((study,), numbers.serious_events)
            for level, counts in numbers.tally_by_level.items():
                for counted, count in counts.model_dump().items():
                    tally.add_metric((study, str(level), counted), count)
            for level, decision in numbers.decision_by_level.items():
                advice.add_metric((study, str(level), decision), 1)
        yield from (phases, grades, reports, serious, tally, advice)


def _family(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, says, labels=("study", *labels))
