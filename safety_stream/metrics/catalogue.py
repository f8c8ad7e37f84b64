"""The catalogue: every metric with its type, labels, owner, unit and meaning. No metric is made that is not in it.

Labels come from configuration or closed lists: never a subject, a site, an arm, an address or free text. The word of
the house is ``study`` (elsewhere: trial) and ``dose_level`` (elsewhere: cohort). Ages are never exported, moments are;
a series about "the oldest" is absent when there is none.
"""

from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "safety_stream_"
Kind = Literal["counter", "gauge", "histogram", "info"]
Owner = Literal["study owner", "partition owner", "every worker", "notifier"]

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_ANSWER: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400)
_MAIL: Final = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``name`` has neither our prefix nor a counter's ``_total``; ``series`` is what a scrape has."""

    name: str
    kind: Kind
    owner: Owner
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series as Prometheus stores them."""
        name = PREFIX + self.name
        if self.kind == "histogram":
            return (f"{name}_bucket", f"{name}_sum", f"{name}_count")
        return ({"counter": f"{name}_total", "info": f"{name}_info", "gauge": name}[self.kind],)

    @property
    def all_labels(self) -> frozenset[str]:
        """Its labels, with the one that a histogram adds."""
        return frozenset(self.labels) | ({"le"} if self.kind == "histogram" else frozenset())


def _of_study(name: str, unit: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "gauge", "study owner", unit, meaning, ("study", *labels))


def _counts(name: str, owner: Owner, unit: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "counter", owner, unit, meaning, labels)


def _gauge(name: str, owner: Owner, unit: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "gauge", owner, unit, meaning, labels)


_BY_ALERT: Final = ("study", "alert_type", "urgency")

_OUTCOME: Final = ("dose_level", "outcome", "worst_grade", "among")

METRICS: Final[tuple[Metric, ...]] = (
    # What is true of a study: from the picture that its owner keeps a partition, never counted up.
    _of_study("subjects", "subjects", "Subjects by phase.", "phase"),
    _of_study(
        "subjects_by_worst_grade",
        "subjects",
        "Subjects by their worst CTCAE grade so far; none: no toxicity, or not decided.",
        "grade",
    ),
    _of_study(
        "dose_level_subjects_by_worst_grade", "subjects", "The same of a dose level.", "dose_level", "grade"
    ),
    _of_study(
        "adverse_events", "events", "Adverse events on file by grade, after corrections; none: not decided.", "grade"
    ),
    _of_study("serious_adverse_events", "events", "Serious adverse events on file."),
    _of_study(
        "dose_level_subjects",
        "subjects",
        "Subjects of a dose level: enrolled, dosed, in_window, evaluable, not_evaluable, dlt (candidate or confirmed), "
        "dlt_confirmed, dlt_possible.",
        *("dose_level", "counted"),
    ),
    _of_study("dose_level_advice", "1", "1 for the 3+3 advice that holds now.", "dose_level", "decision"),
    _of_study(
        "dose_level_unsupported", "1", "1 while a higher level is open that this level's count does not support.",
        "dose_level",
    ),
    _of_study("planned_subjects", "subjects", "Subjects that the protocol plans to enrol; absent where it names none."),
    _of_study("stagger_breaches", "infusions", "First infusions too soon after the first of their level."),
    _of_study(
        "outcome_subjects",
        "subjects",
        "Subjects with a primary outcome: a DLT, of each dose level and of all; an adverse event, a serious one, a "
        "toxicity, of all, by worst grade and any. Among the dosed, DLTs among the evaluable too.",
        *_OUTCOME,
    ),
    _of_study(
        "outcome_at_most_subjects",
        "subjects",
        "The same with those of whom it is not decided, such as events told without a grade.",
        *_OUTCOME,
    ),
    _of_study("outcome_of_subjects", "subjects", "Among how many subjects an outcome is counted.", *_OUTCOME),
    _of_study("outcome_lower_ratio", "1", "Lower limit of the exact 95 % interval (Clopper-Pearson).", *_OUTCOME),
    _of_study("outcome_upper_ratio", "1", "Upper limit of the exact 95 % interval (Clopper-Pearson).", *_OUTCOME),
    # What a worker has done since it started: counters begin at 0 and may count a replayed event twice.
    Metric("build", "info", "every worker", "1", "What runs: version, and the rulebook's hash.",
           ("version", "ctcae_version", "rulebook_sha256")),
    _counts("messages_received", "every worker", "messages", "Inbound messages taken in.", "topic"),
    _counts("messages_rejected", "every worker", "messages", "Messages that could not be read.", "topic", "reason"),
    _counts("entries_judged", "every worker", "entries", "Messages and entries judged and acknowledged.", "agent"),
    _counts("entries_quarantined", "every worker", "entries", "Entries set aside after repeated failure.", "agent"),
    _counts("events_judged", "every worker", "events", "Events by what became of them.", "study", "outcome"),
    _counts("results_graded", "every worker", "results", "Results by analyte and grade.", "study", "analyte", "grade"),
    _counts("finding_changes", "every worker", "changes", "Changes of findings.", "study", "kind", "change"),
    _counts("alert_revisions", "every worker", "alerts", "Revisions of alerts, sent and held.",
            "study", "alert_type", "action"),
    _counts("alerts_held", "every worker", "alerts", "Revisions not mailed, by the policy's reason.",
            "study", "reason"),
    Metric("round_seconds", "histogram", "every worker", "seconds", "Parts of a round of an agent.",
           ("agent", "part"), _FAST),
    _gauge("worker_ready", "every worker", "1", "1 when recovered and reading."),
    _gauge("in_hand_messages", "every worker", "messages", "Messages read and not yet acknowledged."),
    _gauge("topic_partitions", "every worker", "partitions", "Partitions that each topic of the worker has.", "topic"),
    _gauge("feed_silence_limit_seconds", "every worker", "seconds", "How long a feed may be silent.", "topic"),
    _gauge("partition_owned", "partition owner", "1", "1 while this worker owns the partition.", "topic", "partition"),
    _gauge("consumer_lag_messages", "partition owner", "messages", "Messages not yet committed.",
           "topic", "partition"),
    _gauge("feed_last_message_timestamp_seconds", "every worker", "seconds",
           "Broker time of the newest inbound message taken in; absent when none was.", "topic"),
    # The way out.
    _counts("emails", "notifier", "tries", "Tries to deliver, by alert type and outcome.", "template", "outcome"),
    Metric("email_send_seconds", "histogram", "notifier", "seconds", "One try.", (), _MAIL),
    Metric("event_to_alert_seconds", "histogram", "notifier", "seconds",
           "From the broker's receipt of the event to the mail accepted; only where the engine runs on wall time.",
           ("alert_type",), _MAIL),
    _gauge("smtp_last_success_timestamp_seconds", "notifier", "seconds",
           "The last accepted message; absent before the first."),
    _counts("letters_unrendered", "notifier", "letters", "Letters sent plain: their template failed."),
    _counts("alerts_contradicted", "notifier", "alerts", "Revisions that came again with another content."),
    _gauge("outbox_messages", "notifier", "messages", "Messages waiting.", "state"),
    _gauge("outbox_oldest_pending_timestamp_seconds", "notifier", "seconds",
           "When the oldest waiting message was queued; absent when none waits."),
    _gauge("alerts_open", "notifier", "alerts", "Alerts now open: unacknowledged or acknowledged.",
           *_BY_ALERT, "state"),
    _gauge("alerts_overdue", "notifier", "alerts", "Unacknowledged alerts past their deadline.", "study", "urgency"),
    _counts("alert_steps_up", "notifier", "steps",
            "Steps to the next level: nobody answered, a mail was refused, somebody passed on.",
            "study", "alert_type", "level"),
    Metric("alert_acknowledge_seconds", "histogram", "notifier", "seconds",
           "From the first mail accepted to the acknowledgement.", ("alert_type",), _ANSWER),
    _gauge("alert_messages_held_back", "notifier", "messages",
           "Messages that were no mail of their own: silenced, in or for a list, superseded, answered before.",
           "study", "reason"),
    _gauge("alerts_per_subject_week", "notifier", "alerts",
           "Alerts mailed in 7 days, over the study's subjects that alerts name.", "study"),
    _gauge("alert_budget_per_subject_week", "notifier", "alerts", "What readers can bear, as configured."),
    _gauge("canary_last_success_timestamp_seconds", "notifier", "seconds",
           "When the canary's result last became a mail the server accepted (before the first: the start); absent "
           "where no canary is sent."),
    _gauge("canary_seconds", "notifier", "seconds",
           "From the broker's receipt of the newest canary to its mail accepted; absent before the first."),
    _gauge("silences_in_force", "notifier", "silences", "Silences in force."),
    _gauge("alerts_oldest_unacknowledged_timestamp_seconds", "notifier", "seconds",
           "When the oldest unacknowledged alert was recorded; absent when there is none.", "study", "urgency"),
)  # fmt: skip

BY_NAME: Final = {metric.name: metric for metric in METRICS}
BY_SERIES: Final = {series: metric for metric in METRICS for series in metric.series}
