"""The first line a physician reads: what happened, with its value; our words first, the sender's after. Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from safety_stream.alerting.drafts import is_fatal
from safety_stream.alerting.facts_measured import measured_name, result
from safety_stream.alerting.facts_subject import REPORTS
from safety_stream.alerting.phrases import grade_words, hours_up, instant, quantity, readable
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach, EligibilityStatus, Unobserved

ADVICE: Final[dict[str, str]] = {
    "enrol": "enrol the next subject",
    "wait": "wait for the subjects in the DLT window",
    "escalate": "escalate to the next dose level",
    "expand": "expand to six subjects",
    "stop": "STOP and go down a level",
    "fill": "fill up to six subjects",
    "mtd": "this is the maximum tolerated dose",
    "declare": "tolerated, the maximum tolerated dose was not reached",
    "hold": "HOLD enrolment and dosing: a level below lost its support",
}
NO_LOWER: Final = "STOP and convene the committee (there is no lower level)"
DLT_STATES: Final[dict[str, str]] = {
    "possible": "DLT possible",
    "candidate": "DLT candidate",
    "confirmed": "DLT CONFIRMED",
    "refuted": "DLT refuted",
}


def toxicity(finding: Toxicity) -> str:
    """A laboratory grade with its value; one that may as well be none is only possible."""
    possible = "" if finding.peak.lowest else "POSSIBLE: "
    return f"{possible}{finding.term}, grade {grade_words(finding.peak)}: {result(finding)}"


def reported_event(finding: ReportedEvent) -> str:
    """An adverse event, its grade and why it is serious."""
    ungraded = "no grade given (called severe)" if finding.severity_word == "severe" else "no grade given"
    grade = f"grade {finding.grade}" if finding.grade is not None else ungraded
    named = f"CTCAE {grade}" if finding.scales else grade
    beside = "".join(f", {one.scale} grade {grade_words(one.grade)}" for one in finding.scales)
    why = ", ".join(finding.seriousness)
    is_serious = finding.serious or is_fatal(finding)
    serious = f"serious{f' ({why})' if why else ''}" if finding.serious else "not reported as serious"
    kind = f"{'DEATH, ' if is_fatal(finding) else ''}{'SAE' if is_serious else 'AE'}"
    return f"{kind}: {finding.term}, {named}{beside}, {serious}"


def dose_limiting_toxicity(finding: DoseLimitingToxicity) -> str:
    """A DLT in the state it is in, and the rule it matches; a composite has no grade."""
    if finding.grade is None:
        return f"{DLT_STATES[finding.state]}: {_name_of(finding.term)} (rule {finding.rule})"
    return f"{DLT_STATES[finding.state]}: {finding.term}, grade {grade_words(finding.grade)} (rule {finding.rule})"


def _name_of(text: str) -> str:
    """A composite's name, without the definition behind it: that is among the facts."""
    return text.partition(": ")[0]


def eligibility_breach(finding: EligibilityBreach) -> str:
    """A criterion, the value and the limit."""
    words = "not met" if finding.verdict == "breached" else "cannot be judged"
    return f"Eligibility {words}: {finding.criterion_text}: {quantity(finding.value, finding.unit)}"


def eligibility_status(finding: EligibilityStatus) -> str:
    """The state, whether enrolled or dosed all the same, and the criteria that are not met."""
    broken = ", ".join(one.criterion for one in finding.criteria if one.verdict == "breached")
    state = finding.state.replace("_", " ").upper()
    if finding.infusion:
        so = ", given" if finding.given else ""
        if finding.needed_by is not None:
            passed = ", and that day has passed" if finding.lapsed else ""
            return f"Infusion {finding.infusion} on {finding.needed_by}: HOLD, check not answered{passed}"
        if finding.unanswered_by is not None:
            return f"Infusion {finding.infusion} on {finding.unanswered_by}: GIVEN WITHOUT ITS CHECK"
        return f"Infusion {finding.infusion}{so}: {state}{f': not met: {broken}' if broken else ''}"
    so = "dosed, " if finding.given else "enrolled, " if finding.enrolled else ""
    return f"Subject {so}{state}{f': not met: {broken}' if broken else ''}"


def watch_limit(finding: WatchLimitCrossed) -> str:
    """The worst value and the limit, and that it is no grade."""
    outside = "CRITICAL VALUE" if finding.critical else "Outside a watch limit"
    words = outside if finding.verdict == "outside" else "Watch limit cannot be judged"
    far = f", {finding.distance}" if finding.distance else ""
    told = f"{measured_name(finding)} {quantity(finding.value, finding.unit)}, limit {finding.limit}{far}"
    return f"{words} (not a CTCAE grade): {told}"


def advice(finding: CohortDecision) -> str:
    """The advice in words; below the first level there is none to go down to."""
    return NO_LOWER if finding.decision == "stop" and finding.dose_level == 1 else ADVICE[finding.decision]


def cohort_decision(finding: CohortDecision) -> str:
    """The advice and the count it rests on."""
    counts = f"{finding.tally.dlt} of {finding.tally.evaluable} evaluable subjects with a DLT"
    lost = "a higher level is open that this count does not support; " if finding.no_longer_supported else ""
    return f"Dose level {finding.dose_level}: {lost}{advice(finding)}: {counts}"


def data_query(finding: DataQuery) -> str:
    """What the question is about and what was found."""
    asked = finding.code.replace("_", " ").replace("-", " ")
    return f"Data question: {finding.about}: {asked}: found {readable(finding.found)}"


def composite_met(finding: CompositeMet) -> str:
    """What was met, or may have been, and the results that make it."""
    state = "POSSIBLE: " if finding.state == "possible" else ""
    ratio = f"; {finding.ratio}" if finding.ratio else ""
    if finding.grade is not None:
        return f"{state}{finding.text}, grade {grade_words(finding.grade)}: {finding.evidence.comparison}"
    made = "; ".join(one.value for one in finding.evidence.inputs)
    return f"{state}{_name_of(finding.text)}: {made}{ratio}"


def reporting_due(finding: ReportingDue) -> str:
    """Which report of which event, and by when."""
    state = finding.state.replace("_", " ").upper()
    if finding.done is not None:
        late = max(finding.done - finding.due, timedelta())
        state = f"SENT {hours_up(late)} h LATE" if late else "SENT IN TIME"
    return f"{state}: {REPORTS[finding.clock]}: {finding.term}, due {instant(finding.due)}"


def stagger_breach(finding: StaggerBreach) -> str:
    """The day of the infusion, and from when on it would be allowed."""
    verb = "planned for" if finding.infusion == "planned" else "given on"
    far = f"{finding.days_apart} d after the first of the level, {finding.days_required} d required"
    return f"Dose level {finding.dose_level}: first infusion {verb} {finding.infusion_on}: {far}"


def study_tally(finding: StudyTally) -> str:
    """How many are enrolled, against the plan."""
    planned = "no number" if finding.planned is None else str(finding.planned)
    return f"Enrolment {finding.enrolment} the plan: {finding.enrolled} enrolled, {planned} planned"


def unobserved(finding: Unobserved) -> str:
    """What was not observed, and for how long or of which visit."""
    if finding.what == "missing_results":
        return f"No result on the days of the visit {finding.name}: {', '.join(finding.missing)}"
    so = f"{finding.hours} h" if finding.hours is not None else f"since {instant(finding.since)}"
    return f"{finding.text}: {so}"


HEADLINES: Final[dict[type, Callable[..., str]]] = {
    Toxicity: toxicity,
    ReportedEvent: reported_event,
    DoseLimitingToxicity: dose_limiting_toxicity,
    EligibilityBreach: eligibility_breach,
    EligibilityStatus: eligibility_status,
    WatchLimitCrossed: watch_limit,
    CohortDecision: cohort_decision,
    DataQuery: data_query,
    CompositeMet: composite_met,
    ReportingDue: reporting_due,
    StaggerBreach: stagger_breach,
    StudyTally: study_tally,
    Unobserved: unobserved,
}


def headline(finding: AnyFinding) -> str:
    """The finding in one line."""
    return HEADLINES[type(finding)](finding)
