"""The first line a physician reads: what happened, with its value; our words first, the sender's after. Pure."""

from collections.abc import Callable
from typing import Final

from safety_stream.alerting.drafts import is_fatal
from safety_stream.alerting.wording import grade_words, measured_name, quantity, result
from safety_stream.clinical.findings import (
    AnyFinding,
    CohortDecision,
    DataQuery,
    DoseLimitingToxicity,
    EligibilityBreach,
    ReportedEvent,
    Toxicity,
    WatchLimitCrossed,
)

ADVICE: Final[dict[str, str]] = {
    "enrol": "enrol the next subject",
    "wait": "wait for the subjects in the DLT window",
    "escalate": "escalate to the next dose level",
    "expand": "expand to six subjects",
    "stop": "STOP and go down a level",
    "fill": "fill up to six subjects",
    "mtd": "this is the maximum tolerated dose",
}
DLT_STATES: Final[dict[str, str]] = {
    "possible": "DLT possible",
    "candidate": "DLT candidate",
    "confirmed": "DLT CONFIRMED",
    "refuted": "DLT refuted",
}


def toxicity(finding: Toxicity) -> str:
    """A laboratory grade with its value."""
    return f"{finding.term}, grade {grade_words(finding.peak)}: {result(finding)}"


def reported_event(finding: ReportedEvent) -> str:
    """An adverse event, its grade and why it is serious."""
    grade = f"grade {finding.grade}" if finding.grade is not None else "no grade given"
    named = f"CTCAE {grade}" if finding.scales else grade
    beside = "".join(f", {one.scale} grade {grade_words(one.grade)}" for one in finding.scales)
    why = ", ".join(finding.seriousness)
    is_serious = finding.serious or is_fatal(finding)
    serious = f"serious{f' ({why})' if why else ''}" if finding.serious else "not reported as serious"
    kind = f"{'DEATH, ' if is_fatal(finding) else ''}{'SAE' if is_serious else 'AE'}"
    return f"{kind}: {finding.term}, {named}{beside}, {serious}"


def dose_limiting_toxicity(finding: DoseLimitingToxicity) -> str:
    """A DLT in the state it is in, and the rule it matches."""
    grade = grade_words(finding.grade)
    return f"{DLT_STATES[finding.state]}: {finding.term}, grade {grade} (rule {finding.rule})"


def eligibility_breach(finding: EligibilityBreach) -> str:
    """A criterion, the value and the limit."""
    words = "not met" if finding.verdict == "breached" else "cannot be judged"
    return f"Eligibility {words}: {finding.criterion_text}: {quantity(finding.value, finding.unit)}"


def watch_limit(finding: WatchLimitCrossed) -> str:
    """The worst value and the limit, and that it is no grade."""
    outside = "CRITICAL VALUE" if finding.critical else "Outside a watch limit"
    words = outside if finding.verdict == "outside" else "Watch limit cannot be judged"
    far = f", {finding.distance}" if finding.distance else ""
    told = f"{measured_name(finding)} {quantity(finding.value, finding.unit)}, limit {finding.limit}{far}"
    return f"{words} (not a CTCAE grade): {told}"


def cohort_decision(finding: CohortDecision) -> str:
    """The advice and the count it rests on."""
    counts = f"{finding.tally.dlt} of {finding.tally.evaluable} evaluable subjects with a DLT"
    lost = "a higher level is open that this count does not support; " if finding.no_longer_supported else ""
    return f"Dose level {finding.dose_level}: {lost}{ADVICE[finding.decision]}: {counts}"


def data_query(finding: DataQuery) -> str:
    """What the question is about and what was found."""
    return f"Data question: {finding.about}: {finding.code.replace('_', ' ').replace('-', ' ')}: found {finding.found}"


HEADLINES: Final[dict[type, Callable[..., str]]] = {
    Toxicity: toxicity,
    ReportedEvent: reported_event,
    DoseLimitingToxicity: dose_limiting_toxicity,
    EligibilityBreach: eligibility_breach,
    WatchLimitCrossed: watch_limit,
    CohortDecision: cohort_decision,
    DataQuery: data_query,
}


def headline(finding: AnyFinding) -> str:
    """The finding in one line."""
    return HEADLINES[type(finding)](finding)
