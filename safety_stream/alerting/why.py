"""The sentence under WHY: in English the evidence's own, in another language built from the finding. Pure."""

from collections.abc import Callable
from typing import Final

from safety_stream.alerting.facts_measured import measured_name
from safety_stream.alerting.facts_subject import REPORTS
from safety_stream.alerting.headlines import ADVICE
from safety_stream.alerting.phrases import grade_words, instant, quantity
from safety_stream.alerting.words import Tongue
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach, EligibilityStatus, Unobserved


def toxicity(finding: Toxicity) -> dict[str, str]:
    """Term and grade."""
    return {"term": finding.term, "grade": grade_words(finding.peak)}


def reported_event(finding: ReportedEvent) -> dict[str, str]:
    """Term, grade and seriousness as reported."""
    serious = f"serious ({', '.join(finding.seriousness)})" if finding.seriousness else "serious"
    grade = "not given" if finding.grade is None else str(finding.grade)
    return {"term": finding.term, "grade": grade, "serious": serious if finding.serious else "not reported as serious"}


def dose_limiting_toxicity(finding: DoseLimitingToxicity) -> dict[str, str]:
    """Term, grade, rule and window."""
    window = {"window_from": str(finding.window_from), "window_to": str(finding.window_to)}
    graded = {} if finding.grade is None else {"grade": grade_words(finding.grade)}
    return {"term": finding.term, "rule": finding.rule, **graded, **window}


def eligibility_breach(finding: EligibilityBreach) -> dict[str, str]:
    """The value against what it takes to pass."""
    verdict = "not met" if finding.verdict == "breached" else "cannot be judged yet"
    return {"value": quantity(finding.value, finding.unit), "to_pass": finding.to_pass, "verdict": verdict}


def watch_limit(finding: WatchLimitCrossed) -> dict[str, str]:
    """The value and the limit."""
    value = quantity(finding.value, finding.unit)
    return {"name": measured_name(finding), "value": value, "limit": finding.limit}


def cohort_decision(finding: CohortDecision) -> dict[str, str]:
    """The count and the advice."""
    counts = {"dlt": str(finding.tally.dlt), "evaluable": str(finding.tally.evaluable)}
    return {"advice": ADVICE[finding.decision], **counts}


def data_query(finding: DataQuery) -> dict[str, str]:
    """The question, what was found and what was expected."""
    return {"about": finding.about, "question": finding.code, "found": finding.found, "expected": finding.expected}


def composite(finding: CompositeMet) -> dict[str, str]:
    """What was met, how surely, since when."""
    state = "surely met" if finding.state == "sure" else "possible: not ruled out"
    return {"criterion": finding.text, "state": state, "onset": str(finding.onset)}


def reporting_due(finding: ReportingDue) -> dict[str, str]:
    """Which report of which event, by when."""
    state = finding.state.replace("_", " ")
    return {"term": finding.term, "report": REPORTS[finding.clock], "due": instant(finding.due), "state": state}


def eligibility_status(finding: EligibilityStatus) -> dict[str, str]:
    """The state and the criteria that are not met."""
    broken = ", ".join(one.criterion for one in finding.criteria if one.verdict == "breached")
    return {"state": finding.state.replace("_", " "), "broken": broken or "none"}


def stagger_breach(finding: StaggerBreach) -> dict[str, str]:
    """The days apart, and how many the protocol asks for."""
    apart = {"apart": str(finding.days_apart), "required": str(finding.days_required)}
    return {"level": str(finding.dose_level), "on": str(finding.infusion_on), **apart}


def study_tally(finding: StudyTally) -> dict[str, str]:
    """Enrolled against planned."""
    return {
        "enrolled": str(finding.enrolled),
        "planned": "not known" if finding.planned is None else str(finding.planned),
    }


def unobserved(finding: Unobserved) -> dict[str, str]:
    """What was not observed, and the limit."""
    so = "not yet" if finding.hours is None else f"{finding.hours} h"
    return {"text": finding.text, "since": instant(finding.since), "limit": finding.limit, "hours": so}


PARTS: Final[dict[type, Callable[..., dict[str, str]]]] = {
    Toxicity: toxicity,
    ReportedEvent: reported_event,
    DoseLimitingToxicity: dose_limiting_toxicity,
    EligibilityBreach: eligibility_breach,
    WatchLimitCrossed: watch_limit,
    CohortDecision: cohort_decision,
    DataQuery: data_query,
    CompositeMet: composite,
    ReportingDue: reporting_due,
    EligibilityStatus: eligibility_status,
    StaggerBreach: stagger_breach,
    StudyTally: study_tally,
    Unobserved: unobserved,
}


def why(finding: AnyFinding | None, tongue: Tongue) -> str:
    """Why the finding stands, in one sentence of the language; empty when an alert stands for many findings.

    A kind of finding that the table of words has no sentence for keeps the English one: told is better than not told.
    """
    if finding is None:
        return ""
    built = PARTS.get(type(finding))
    if tongue.language == "en" or built is None or finding.kind not in tongue.why:
        return finding.evidence.sentence
    parts = {name: tongue.value(value) for name, value in built(finding).items()}
    ungraded = isinstance(finding, DoseLimitingToxicity) and finding.grade is None
    sentence = tongue.why["dose_limiting_composite" if ungraded else finding.kind]
    comparison = finding.evidence.comparison
    decided = f"{tongue.label('Decided by')}：{tongue.value(comparison, 'Decided by')}。" if comparison else ""
    return _filled(sentence, {**parts, "comparison": decided})


def _filled(sentence: str, parts: dict[str, str]) -> str:
    """The sentence with its places filled: by position, so that braces in a value stay what they are."""
    said, rest = "", sentence
    while "{" in rest:
        before, _, after = rest.partition("{")
        name, _, rest = after.partition("}")
        said += before + parts[name]
    return said + rest
