"""The sentence under WHY: in English the evidence's own, in another language built from the finding. Pure."""

from collections.abc import Callable
from typing import Final

from safety_stream.alerting.facts_measured import measured_name
from safety_stream.alerting.facts_subject import REPORTS
from safety_stream.alerting.headlines import advice
from safety_stream.alerting.phrases import grade_words, instant, quantity, readable, when
from safety_stream.alerting.words import Tongue, as_chinese
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach, EligibilityStatus, Unobserved


def toxicity(finding: Toxicity) -> dict[str, str]:
    """Term and grade."""
    return {"term": finding.term, "grade": grade_words(finding.peak)}


def reported_event(finding: ReportedEvent) -> dict[str, str]:
    """Term, grade and seriousness as reported, and what the investigator says of cause and outcome."""
    serious = f"serious ({', '.join(finding.seriousness)})" if finding.seriousness else "serious"
    return {
        "term": finding.term,
        "grade": str(finding.grade),
        "supported": grade_words(finding.supported),
        "serious": serious if finding.serious else "not reported as serious",
        "attribution": finding.attribution,
        "outcome": finding.outcome,
    }


def dose_limiting_toxicity(finding: DoseLimitingToxicity) -> dict[str, str]:
    """Term, its grade where it has one, rule and window, and what of the rule is not decided."""
    lead = next((one for one in finding.rules if one.rule == finding.rule), None)
    return {
        "event": f"{finding.term}, grade {grade_words(finding.grade)}" if finding.grade else finding.term,
        "rule": finding.rule,
        "text": finding.rule_text,
        "window_from": str(finding.window_from),
        "window_to": str(finding.window_to),
        "open": ", ".join(f"the {one}" for one in lead.open) if lead and lead.open else "not known",
        "meets": "may meet" if lead and not lead.met else "meets",
        "by": finding.adjudicated_by or "not known",
    }


def eligibility_breach(finding: EligibilityBreach) -> dict[str, str]:
    """The criterion, and the value against what it takes to pass."""
    verdict = "not met" if finding.verdict == "breached" else "cannot be judged yet"
    value = quantity(finding.value, finding.unit)
    return {"criterion": finding.criterion_text, "value": value, "to_pass": finding.to_pass, "verdict": verdict}


def watch_limit(finding: WatchLimitCrossed) -> dict[str, str]:
    """The value and the limit."""
    value = quantity(finding.value, finding.unit)
    return {"name": measured_name(finding), "value": value, "limit": finding.limit}


def cohort_decision(finding: CohortDecision) -> dict[str, str]:
    """The count, who is not decided, and the advice."""
    tally = finding.tally
    counts = {"dlt": str(tally.dlt), "evaluable": str(tally.evaluable), "enrolled": str(tally.enrolled)}
    level = {"level": str(finding.dose_level), "open": str(len(finding.pending))}
    return {"advice": advice(finding), **counts, **level}


def data_query(finding: DataQuery) -> dict[str, str]:
    """The question, what was found and what was expected."""
    return {"about": finding.about, "question": finding.code, "found": finding.found, "expected": finding.expected}


def composite(finding: CompositeMet) -> dict[str, str]:
    """What was met, how surely, since when."""
    state = "surely met" if finding.state == "sure" else "possible: not ruled out"
    return {"criterion": finding.text, "state": state, "onset": when(finding.onset)}


def reporting_due(finding: ReportingDue) -> dict[str, str]:
    """Which report of which event, by when."""
    state = finding.state.replace("_", " ")
    return {"term": finding.term, "report": REPORTS[finding.clock], "due": instant(finding.due), "state": state}


def eligibility_status(finding: EligibilityStatus) -> dict[str, str]:
    """What is checked, the state, the criteria that are not met or not decided, and by when an answer is wanted."""
    verdicts = [one.verdict for one in finding.criteria]
    broken, open_ = (
        ", ".join(one.criterion for one in finding.criteria if one.verdict == verdict)
        for verdict in ("breached", "undetermined")
    )
    return {
        "check": f"before infusion {finding.infusion}" if finding.infusion else f"screening {finding.screening}",
        "state": finding.state.replace("_", " "),
        "met": str(verdicts.count("met")),
        "all": str(len(verdicts)),
        "broken": broken or "none",
        "open": open_ or "none",
        "day": str(finding.needed_by or finding.unanswered_by or "not known"),
    }


def stagger_breach(finding: StaggerBreach) -> dict[str, str]:
    """The days apart, and how many the protocol asks for."""
    apart = {"apart": str(finding.days_apart), "required": str(finding.days_required)}
    first = {"first": str(finding.first_infusion_on), "earliest": str(finding.earliest)}
    return {"level": str(finding.dose_level), "on": str(finding.infusion_on), **apart, **first}


def study_tally(finding: StudyTally) -> dict[str, str]:
    """Enrolled against planned, and the proportions of the primary outcomes so far."""
    return {
        "enrolled": str(finding.enrolled),
        "planned": "not known" if finding.planned is None else str(finding.planned),
        "outcomes": finding.evidence.sentence.rstrip("."),
    }


def unobserved(finding: Unobserved) -> dict[str, str]:
    """What was not observed, and the limit."""
    so = "not over yet" if finding.hours is None else f"{finding.hours} h"
    told = {"text": finding.text, "since": instant(finding.since), "limit": finding.limit, "hours": so}
    return {**told, "name": finding.name, "missing": ", ".join(finding.missing) or "none"}


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


CASES: Final[dict[type, Callable[..., str]]] = {
    ReportedEvent: lambda one: "ungraded" if one.grade is None else "",
    DoseLimitingToxicity: lambda one: one.state,
    WatchLimitCrossed: lambda one: "" if one.verdict == "outside" else one.verdict,
    EligibilityStatus: lambda one: "wanted" if one.needed_by else "unanswered" if one.unanswered_by else "",
    CohortDecision: lambda one: "unsupported" if one.no_longer_supported else "",
    StaggerBreach: lambda one: one.infusion,
    Unobserved: lambda one: one.what,
}


def key_of(finding: AnyFinding) -> str:
    """Which sentence of its kind a finding asks for: what is only possible, or decided, is never said like the rest."""
    case = CASES[type(finding)](finding) if type(finding) in CASES else ""
    return f"{finding.kind}.{case}" if case else finding.kind


def why(finding: AnyFinding | None, tongue: Tongue) -> str:
    """Why the finding stands, in one sentence of the language; empty when an alert stands for many findings.

    A kind of finding that the table of words has no sentence for keeps the English one: told is better than not told.
    """
    if finding is None:
        return ""
    built, key = PARTS.get(type(finding)), key_of(finding)
    if tongue.language == "en" or built is None or key not in tongue.why:
        return readable(finding.evidence.sentence)
    parts = {name: tongue.value(value) for name, value in built(finding).items()}
    comparison = finding.evidence.comparison
    decided = f"{tongue.label('Decided by')}：{tongue.value(comparison, 'Decided by')}。" if comparison else ""
    return as_chinese(_filled(tongue.why[key], {**parts, "comparison": decided}))


def _filled(sentence: str, parts: dict[str, str]) -> str:
    """The sentence with its places filled: by position, so that braces in a value stay what they are."""
    said, rest = "", sentence
    while "{" in rest:
        before, _, after = rest.partition("{")
        name, _, rest = after.partition("}")
        said += before + parts[name]
    return said + rest
