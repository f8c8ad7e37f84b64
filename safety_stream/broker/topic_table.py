"""Every topic of ours in one table: what it holds, its key, how long it is kept. AsyncAPI and README read it too."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from safety_stream.settings import Settings

DAY_MS = 86_400_000
# A dead letter carries the original bytes and the reason; a topic whose senders may send more than Kafka's default
# of 1 MB must still fit in.
STATE_BYTES = 8 * 1024 * 1024
DEAD_LETTER_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. ``name`` is what follows the prefix; every topic has ``settings.partitions`` partitions.

    ``kinds``: the kinds of events that senders put on an inbound topic; the engine takes any kind from any of them.
    """

    name: str
    kind: Literal["inbound", "record", "output", "state"]
    key: str
    holds: str
    kept: Literal["inbound", "forever", "latest"] = "forever"
    max_bytes: int | None = None
    kinds: tuple[str, ...] = ()

    def full_name(self, settings: Settings) -> str:
        """Its name on the broker. State is named as Faust names the changelog of a table."""
        if self.kind == "state":
            return f"{worker_group(settings)}-{self.name}-changelog"
        return settings.topic(self.name)

    def essential(self, settings: Settings) -> dict[str, str]:
        """Configuration that our guarantees rest on: created so, and checked at every start."""
        configuration = {
            "cleanup.policy": "compact" if self.kept == "latest" else "delete",
            "min.insync.replicas": str(settings.min_insync_replicas),
        }
        if self.kept != "latest":
            # The broker's own time of receipt: senders' clocks decide neither received_at nor what is deleted.
            configuration["message.timestamp.type"] = "LogAppendTime"
            configuration["retention.ms"] = str(self._retention_ms(settings))
            configuration["retention.bytes"] = "-1"
        elif self.max_bytes is not None:
            configuration["max.message.bytes"] = str(self.max_bytes)  # the engine keeps a round's pages in one batch
        return configuration

    def tuning(self) -> dict[str, str]:
        """Configuration that an operator may change."""
        tuned: dict[str, str] = {}
        if self.kept == "latest":  # compacted soon, so that a worker recovers quickly
            tuned = {"segment.ms": str(DAY_MS // 4), "min.cleanable.dirty.ratio": "0.1"}
        if self.max_bytes is not None and self.kept != "latest":
            tuned["max.message.bytes"] = str(self.max_bytes)
        return tuned

    def _retention_ms(self, settings: Settings) -> int:
        return -1 if self.kept == "forever" else settings.inbound_retention_days * DAY_MS


def worker_group(settings: Settings) -> str:
    """The id of the Faust application: its consumer group, and the first part of its changelogs' names."""
    return f"{settings.topic_prefix}-worker"


_SUBJECT = "study|subject"


def _inbound(name: str, holds: str, *kinds: str) -> TopicSpec:
    return TopicSpec(name, "inbound", "any", holds, kept="inbound", kinds=kinds)


INBOUND = (
    _inbound("labs", "Laboratory results, as their senders wrote them.", "lab_result"),
    _inbound("vitals", "Vital signs and ECG measurements, as sent.", "vital_sign"),
    _inbound("adverse-events", "Adverse-event reports, as sent.", "adverse_event"),
    _inbound(
        "subjects",
        "Screening, enrolment, doses, withdrawal and other subject events.",
        *("screened", "enrolled", "dose_planned", "dose_given", "fact_recorded", "withdrawn", "completed"),
    ),
    _inbound(
        "decisions",
        "Adjudications of DLT candidates, answers to alerts, and the ticks of an event clock.",
        *("adjudicated", "acknowledged", "clock_ticked"),
    ),
)
RECORD = (
    TopicSpec("events", "record", _SUBJECT, "Every accepted event in canonical form: the log of record."),
    TopicSpec("statuses", "record", "study", "Whole snapshots of a subject as the cohort sees it."),
)
OUTPUT = (
    TopicSpec("findings", "output", _SUBJECT, "Each change of a finding, with its evidence."),
    TopicSpec("cohorts", "output", "study", "3+3 decisions and study tallies."),
    TopicSpec("alerts", "output", "study", "Alert revisions to deliver."),
    TopicSpec("deliveries", "output", "study", "What became of each message to a person."),
    TopicSpec(
        "dead-letters",
        "output",
        "as received",
        "Messages that could not be read: the original bytes and headers, where they were read, and the reason.",
        max_bytes=DEAD_LETTER_BYTES,
    ),
)
STATE = (
    TopicSpec(
        "pages",
        "state",
        "study|subject|page",
        "Changelog of the subjects' pages.",
        kept="latest",
        max_bytes=STATE_BYTES,
    ),
    TopicSpec("cohorts", "state", "study", "Changelog of the study tallies.", kept="latest", max_bytes=STATE_BYTES),
)
TOPICS: tuple[TopicSpec, ...] = (*INBOUND, *RECORD, *OUTPUT, *STATE)
INBOUND_OF: Mapping[str, str] = MappingProxyType({kind: spec.name for spec in INBOUND for kind in spec.kinds})
