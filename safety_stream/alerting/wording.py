"""The words of an alert: the facts of each kind of finding, in the order a physician asks for them. Pure."""

from collections.abc import Callable
from typing import Final

from safety_stream.alerting.facts_measured import breach_facts, composite_facts, toxicity_facts, watch_facts
from safety_stream.alerting.facts_shared import Facts
from safety_stream.alerting.facts_study import cohort_facts, stagger_facts, tally_facts
from safety_stream.alerting.facts_subject import (
    dlt_facts,
    due_facts,
    event_facts,
    query_facts,
    status_facts,
    unobserved_facts,
)
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach, EligibilityStatus, Unobserved

FACTS: Final[dict[type, Callable[..., Facts]]] = {
    Toxicity: toxicity_facts,
    ReportedEvent: event_facts,
    DoseLimitingToxicity: dlt_facts,
    EligibilityBreach: breach_facts,
    EligibilityStatus: status_facts,
    WatchLimitCrossed: watch_facts,
    CohortDecision: cohort_facts,
    DataQuery: query_facts,
    CompositeMet: composite_facts,
    ReportingDue: due_facts,
    StaggerBreach: stagger_facts,
    StudyTally: tally_facts,
    Unobserved: unobserved_facts,
}


def facts(finding: AnyFinding) -> tuple[tuple[str, str], ...]:
    """What is known, as label and value."""
    return tuple(FACTS[type(finding)](finding))
