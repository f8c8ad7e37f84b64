"""The facts of what befell a subject or is asked: events, DLTs, criteria, reports due, results missed. Pure."""

from typing import Final

from safety_stream.alerting.counted import SEVERE, counted
from safety_stream.alerting.facts_shared import Facts, judged, study_day, who
from safety_stream.alerting.phrases import UNKNOWN, grade_words, instant, readable, when
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_subject import DataQuery, EligibilityStatus, Unobserved


def event_facts(finding: ReportedEvent) -> Facts:
    """An adverse event as reported."""
    yield from who(finding)
    yield from study_day(finding.study_day)
    yield "Event", finding.term
    yield "Grade", f"{finding.grade if finding.grade is not None else 'not given'} (CTCAE v5.0, by the investigator)"
    yield from other_scales(finding)
    if (counts := counted(finding)).by is not None and counts.grade >= SEVERE:
        yield "Alerts count with", f"grade {counts.grade} by {counts.by}"
    if finding.grade is None or not finding.supported.lowest <= finding.grade <= finding.supported.highest:
        yield "Grades the facts support", grade_words(finding.supported)
    if finding.serious:
        yield "Serious because", ", ".join(finding.seriousness) or "stated by the reporter, no criterion given"
    else:
        yield "Serious", "not reported as serious"
    yield "Attribution", finding.attribution
    if finding.sponsor_attribution is not None:
        yield "Attribution by the sponsor", finding.sponsor_attribution
    yield "Outcome", finding.outcome
    yield "Onset", when(finding.onset) if finding.onset else UNKNOWN
    if finding.resolved is not None:
        yield "Resolved", when(finding.resolved)
    yield "Reported", instant(finding.reported_at)
    yield from judged(finding)


def other_scales(finding: ReportedEvent) -> Facts:
    """The grades of other scales, each with its name, what decided it and what is missing; CTCAE's stays of record."""
    for one in finding.scales:
        differs = finding.grade is not None and not one.grade.lowest <= finding.grade <= one.grade.highest
        beside = f"; differs from CTCAE grade {finding.grade}" if differs else ""
        yield f"{one.scale} grade", f"{grade_words(one.grade)}, computed{beside}"
        yield f"{one.scale} because", one.evidence.comparison or UNKNOWN
        if one.evidence.reasons:
            yield f"{one.scale} note", "; ".join(one.evidence.reasons)
    if finding.scales:
        yield (
            "Grade of record",
            "CTCAE, as reported: the scales differ by definition, and DLT rules count CTCAE (T13)",
        )


def dlt_facts(finding: DoseLimitingToxicity) -> Facts:
    """A match with a DLT rule."""
    yield from who(finding)
    yield "State", finding.state
    yield "Event", finding.term
    if finding.grade is not None:
        yield "Grade", f"CTCAE v5.0, {finding.term}, grade {grade_words(finding.grade)}"
    else:
        yield from (("Met by", sample.value) for sample in finding.evidence.inputs)
    yield "Onset", when(finding.onset) if finding.onset else UNKNOWN
    infusions = ", ".join(str(number) for number in finding.infusions) or "none"
    yield "DLT window", f"{finding.window_from} to {finding.window_to}, both days included (infusion {infusions})"
    yield "DLT rule", f"{finding.rule}: {finding.rule_text}"
    for one in finding.rules:
        if one.rule != finding.rule:
            yield ("It also meets" if one.met else "It may also meet"), f"{one.rule}: {one.text}"
        if one.candidate_from is not None:
            yield "Can be met from", f"{one.rule}: {instant(one.candidate_from)}"
        if one.ends_with:
            yield "Ruled out by", f"{one.rule}: {'; '.join(one.ends_with)}"
    if len(finding.decisions) > 1:
        yield "Decisions, oldest first", readable(" | ".join(finding.decisions))
    if finding.example_rule:
        yield "Standing of the rule", "an example that the sponsor has not signed"
    if finding.adjudicated_by is not None:
        yield "Adjudicated by", f"{finding.adjudicated_by}: {readable(finding.adjudication or 'no reason given')}"
    to_decide = "To adjudicate" if finding.adjudicated_by is None else "To decide anew"
    yield to_decide, f"name the finding {finding.id}"
    yield from judged(finding)


def status_facts(finding: EligibilityStatus) -> Facts:
    """A subject against all criteria: those not met first, each with what would make it pass."""
    yield from who(finding)
    yield "State", finding.state.replace("_", " ")
    yield "Judged", f"before infusion {finding.infusion}" if finding.infusion else f"screening {finding.screening}"
    for one in finding.criteria:
        if one.verdict == "breached":
            value = one.value or "; ".join(one.decided_by)
            far = f", {one.distance}" if one.distance else ""
            yield "Not met", f"{one.criterion}: {one.text}: {value}{far}; to pass: {one.to_pass}"
    open_ = [one for one in finding.criteria if one.verdict == "undetermined"]
    if finding.needed_by is not None:
        yield "Needed by", f"the infusion planned on {finding.needed_by}"
        yield from (("Missing", f"{one.criterion}: {', '.join(one.missing)}") for one in open_)
    elif open_:
        yield "Undetermined", ", ".join(one.criterion for one in open_)
    yield from judged(finding)


def query_facts(finding: DataQuery) -> Facts:
    """A question about the data."""
    yield from who(finding)
    yield "About", finding.about
    yield "Question", finding.code
    yield "Found", readable(finding.found)
    yield "Expected", readable(finding.expected)
    yield "Records concerned", f"{finding.count}: {'; '.join(finding.sources)}"
    yield from judged(finding)


REPORTS: Final[dict[str, str]] = {
    "sae_to_sponsor": "SAE report to the sponsor",
    "susar_7_days": "7-day SUSAR report to the authority",
    "susar_15_days": "15-day SUSAR report to the authority",
}


def due_facts(finding: ReportingDue) -> Facts:
    """One reporting clock of one serious event."""
    yield from who(finding)
    yield "Event", finding.term
    yield "Report", REPORTS[finding.clock]
    yield "State", finding.state.replace("_", " ")
    yield "Clock started", instant(finding.started)
    yield "Due", instant(finding.due)
    yield "Sent", instant(finding.done) if finding.done is not None else "not told"
    yield from judged(finding)


def unobserved_facts(finding: Unobserved) -> Facts:
    """Results that did not come, or hours unobserved."""
    yield from who(finding)
    yield "Not observed", f"{finding.text} ({finding.source})"
    if finding.example:
        yield "Standing of the rule", "an example that the sponsor has not signed"
    yield "State", finding.state
    if finding.what == "missing_results":
        yield "No result of", ", ".join(finding.missing)
        yield "Days of the visit", finding.limit
    else:
        yield "Unobserved since", instant(finding.since)
        yield "Hours unobserved", "not over yet" if finding.hours is None else f"{finding.hours} h"
        yield "At most", finding.limit
    yield from judged(finding)
