"""The words of an alert: the facts of each kind of finding, in the order a physician asks for them. Pure."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final

from safety_stream.clinical.findings import (
    AnyFinding,
    CohortDecision,
    CompositeMet,
    DataQuery,
    DoseLimitingToxicity,
    EligibilityBreach,
    EligibilityStatus,
    Evidence,
    Finding,
    GradeRange,
    Input,
    ReportedEvent,
    ReportingDue,
    StaggerBreach,
    StudyTally,
    Toxicity,
    Unobserved,
    WatchLimitCrossed,
)
from safety_stream.clinical.moment import Moment

Facts = Iterator[tuple[str, str]]

GONE: Final = "the data no longer support it"
_UNKNOWN: Final = "not known"
_SHOWN_ELSEWHERE: Final = {
    "value", "uln", "lln", "multiple of uln", "multiple of lln", "grade as reported", "seriousness",
}  # fmt: skip
_MEASURED: Final = (
    Toxicity,
    EligibilityBreach,
    WatchLimitCrossed,
)  # their first input is the result, and shown as such


def grade_words(grade: GradeRange) -> str:
    """ "4", or "3 or 4 (not decided)" where something is missing."""
    return str(grade.lowest) if grade.decided else f"{grade.lowest} to {grade.highest} (not decided)"


def instant(moment: datetime, zone: tzinfo = UTC) -> str:
    """An instant in ISO order, in the reader's zone with UTC beside it."""
    told = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {local.isoformat()[-6:]} ({told})" if local.utcoffset() else told


def when(moment: Moment) -> str:
    """A time as told, in its own zone, with UTC beside it; a partial date stays partial."""
    if not moment.is_instant:
        return f"{moment} (time of day not told)"
    told = datetime.fromisoformat(moment.text)
    if not told.utcoffset():
        return instant(told)
    return f"{when_told(moment)} ({instant(told)})"


def _offset(moment: Moment) -> str:
    return datetime.fromisoformat(moment.text).isoformat()[-6:]


def when_told(moment: Moment) -> str:
    """A time as told, in its own zone alone, for tables."""
    return (
        f"{datetime.fromisoformat(moment.text):%Y-%m-%d %H:%M} {_offset(moment)}" if moment.is_instant else str(moment)
    )


def quantity(value: str | None, unit: str | None) -> str:
    """A value beside its unit."""
    return f"{value if value is not None else _UNKNOWN}{f' {unit}' if unit else ''}"


def _input(evidence: Evidence, name: str) -> Input | None:
    return next((given for given in evidence.inputs if given.name.casefold() == name.casefold()), None)


def _measured(evidence: Evidence) -> Input | None:
    """The judged value: the first input; the limits follow it."""
    return evidence.inputs[0] if evidence.inputs else None


def result(finding: Toxicity) -> str:
    """The value that the alert is about: the judged value, else the reading at the peak."""
    measured = _measured(finding.evidence)
    if measured is not None and "+" in finding.analyte:  # joined in time: each value with its name
        return ", ".join(f"{one.name} {quantity(one.value, one.unit)}" for one in finding.evidence.inputs)
    if measured is not None:
        return quantity(measured.value, measured.unit)
    peak = next((one for one in finding.readings if one.observed_at == finding.peak_observed), None)
    return quantity(peak.value, peak.unit) if peak else _UNKNOWN


def multiples(evidence: Evidence) -> Facts:
    """The value in multiples of the limit it crossed and of its baseline, to two decimals, where that can be said."""
    for name, told in (("ULN", Decimal.__gt__), ("LLN", Decimal.__lt__), ("baseline", Decimal.__ne__)):
        value, limit = _number(_measured(evidence)), _number(_input(evidence, name))
        if value is not None and limit and value[1] == limit[1] and limit[0] and told(value[0], limit[0]):
            yield f"Multiple of {name}", f"{value[0] / limit[0]:.2f} x {name}"


def _number(given: Input | None) -> tuple[Decimal, str | None] | None:
    try:
        return (Decimal(given.value), given.unit) if given else None
    except InvalidOperation:
        return None


def who(finding: Finding) -> Facts:
    """Study, subject, dose level and site."""
    yield "Study", finding.study
    if finding.subject is not None:
        yield "Subject", finding.subject
    if finding.dose_level is not None:
        yield "Dose level", str(finding.dose_level)
    if finding.site is not None:
        yield "Site", finding.site


def study_day(day: int | None) -> Facts:
    """The study day, when there has been an infusion to count from."""
    if day is not None:
        yield "Study day", f"{day} (first infusion: day 0)"


def reference_range(evidence: Evidence) -> Facts:
    """The limits that the laboratory sent with the result."""
    low, high = _input(evidence, "LLN"), _input(evidence, "ULN")
    if low or high:
        words = [f"LLN {quantity(low.value, low.unit)}"] if low else ["LLN not sent"]
        words += [f"ULN {quantity(high.value, high.unit)}"] if high else ["ULN not sent"]
        yield "Reference range", ", ".join(words)


def judged(finding: Finding) -> Facts:
    """The other inputs of the judgement, the comparison that decided, what is missing, and the records behind it."""
    evidence = finding.evidence
    for given in evidence.inputs[isinstance(finding, _MEASURED) :]:
        if given.name.casefold() not in _SHOWN_ELSEWHERE:
            yield given.name[:1].upper() + given.name[1:], quantity(given.value, given.unit)
    if evidence.comparison:
        yield "Decided by", evidence.comparison
    if evidence.counterfactual:
        yield "Otherwise", evidence.counterfactual
    for reason in evidence.reasons:
        yield "Note", reason
    sources = dict.fromkeys(given.source for given in evidence.inputs if given.source)
    if sources:
        yield "Records", "; ".join(sources)
    yield "Rule", f"{evidence.rule} (rulebook {evidence.book})"


def is_derived(finding: Finding) -> bool:
    """Whether it rests on a quantity that we calculated; its note says by which formula and from what."""
    return any(reason.startswith("derived: ") for reason in finding.evidence.reasons)


def toxicity_facts(finding: Toxicity) -> Facts:
    """A toxicity graded from measurements."""
    yield from who(finding)
    yield from study_day(finding.study_day)
    marks = [word for word, so in (("preliminary", finding.provisional), ("derived", is_derived(finding))) if so]
    yield "Result", result(finding) + (f" ({', '.join(marks)} result)" if marks else "")
    yield from reference_range(finding.evidence)
    yield from multiples(finding.evidence)
    yield "Grade", f"CTCAE v5.0, {finding.term}, grade {grade_words(finding.peak)}"
    yield "Specimen taken", when(finding.peak_observed)
    yield "Onset of this episode", f"{when(finding.onset)} (episode {finding.episode})"
    if finding.jump is not None:
        rise = finding.jump
        yield "Steepest rise of this episode", f"grade {rise.before} to {rise.after}"
        yield "Rose from the sample of", when(rise.before_observed)
        yield "Rose to the sample of", when(rise.after_observed)
    if finding.current != finding.peak:
        yield "Latest grade", f"{grade_words(finding.current)} at {when(finding.last_observed)}"
    before = "none on record" if finding.baseline_grade is None else f"grade {grade_words(finding.baseline_grade)}"
    yield "Before treatment", before
    yield "Treatment-emergent", {True: "yes", False: "no", None: "cannot be known"}[finding.emergent]
    yield from judged(finding)


def event_facts(finding: ReportedEvent) -> Facts:
    """An adverse event as reported."""
    yield from who(finding)
    yield from study_day(finding.study_day)
    yield "Event", finding.term
    yield "Grade", f"{finding.grade if finding.grade is not None else 'not given'} (CTCAE v5.0, by the investigator)"
    yield from other_scales(finding)
    if finding.grade is None or not finding.supported.lowest <= finding.grade <= finding.supported.highest:
        yield "Grades the facts support", grade_words(finding.supported)
    if finding.serious:
        yield "Serious because", ", ".join(finding.seriousness) or "stated by the reporter, no criterion given"
    else:
        yield "Serious", "not reported as serious"
    yield "Attribution", finding.attribution
    yield "Outcome", finding.outcome
    yield "Onset", when(finding.onset) if finding.onset else _UNKNOWN
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
        yield f"{one.scale} because", one.evidence.comparison or _UNKNOWN
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
    yield "Grade", f"CTCAE v5.0, {finding.term}, grade {grade_words(finding.grade)}"
    yield "Onset", when(finding.onset) if finding.onset else _UNKNOWN
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
        yield "Decisions, oldest first", " | ".join(finding.decisions)
    if finding.example_rule:
        yield "Standing of the rule", "an example that the sponsor has not signed"
    if finding.adjudicated_by is not None:
        yield "Adjudicated by", f"{finding.adjudicated_by}: {finding.adjudication or 'no reason given'}"
    yield "To adjudicate", f"name the finding {finding.id}"
    yield from judged(finding)


def breach_facts(finding: EligibilityBreach) -> Facts:
    """An eligibility threshold that is not met."""
    yield from who(finding)
    yield "Criterion", f"{finding.criterion}: {finding.criterion_text}"
    yield "Judged", finding.phase.replace("_", " ")
    yield "Result", quantity(finding.value, finding.unit) + (" (derived result)" if is_derived(finding) else "")
    yield "Limit", finding.limit
    if finding.distance is not None:
        yield "Distance from the limit", finding.distance
    yield "To pass", finding.to_pass
    if finding.observed_at is not None:
        yield "Specimen taken", when(finding.observed_at)
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


def measured_name(finding: WatchLimitCrossed) -> str:
    """What was measured, by its name."""
    measured = _measured(finding.evidence)
    return measured.name if measured is not None else finding.analyte


def watch_facts(finding: WatchLimitCrossed) -> Facts:
    """An episode outside a watch limit of the protocol."""
    yield from who(finding)
    yield from study_day(finding.study_day)
    yield "Standing", "a watch limit of the protocol, not a CTCAE grade: CTCAE v5.0 has no figure here"
    yield "Result", f"{measured_name(finding)} {quantity(finding.value, finding.unit)} (the worst of this episode)"
    yield "Outside is", f"{finding.limit} ({finding.limit_source})"
    if finding.distance is not None:
        yield "Distance from the limit", finding.distance
    yield "Measured at", when(finding.worst_observed)
    yield "Outside since", f"{when(finding.onset)} (episode {finding.episode})"
    yield "Inside again", when(finding.ended) if finding.ended else "no result yet"
    yield from judged(finding)


def cohort_facts(finding: CohortDecision) -> Facts:
    """A dose level in numbers: pooled, no subject is named."""
    tally = finding.tally
    yield "Study", finding.study
    yield "Dose level", str(finding.dose_level)
    yield "Advice", finding.decision
    yield (
        "Subjects with a DLT",
        f"{tally.dlt} (of these {tally.dlt_confirmed} confirmed); possible: {tally.dlt_possible}",
    )
    yield "Evaluable", f"{tally.evaluable} of {tally.dosed} dosed, {tally.enrolled} enrolled"
    yield "Still in the DLT window", str(tally.in_window)
    yield "Not evaluable", str(tally.not_evaluable)
    if finding.to_enrol:
        replaced = f", of these {finding.to_replace} to replace who is not evaluable" if finding.to_replace else ""
        yield "To enrol now", f"{finding.to_enrol}{replaced}"
    yield "Still reachable", ", ".join(finding.reachable) or "nothing else"
    for way in finding.ways:
        yield "If", way.words
    yield from judged(finding)


def stagger_facts(finding: StaggerBreach) -> Facts:
    """A first infusion too soon after the first of its level."""
    yield from who(finding)
    yield "First infusion", f"{finding.infusion} {finding.infusion_on}"
    yield "First of the level", str(finding.first_infusion_on)
    yield "Apart", f"{finding.days_apart} d, {finding.days_required} d required"
    yield "Allowed from", str(finding.earliest)
    yield from judged(finding)


def tally_facts(finding: StudyTally) -> Facts:
    """The study against its plan and the primary outcomes so far: pooled, no subject is named."""
    yield "Study", finding.study
    yield "Enrolled", f"{finding.enrolled} of {_UNKNOWN if finding.planned is None else finding.planned} planned"
    if finding.mtd is not None:
        yield "Candidate for the MTD", f"dose level {finding.mtd}"
    yield "Primary outcomes", finding.evidence.sentence
    yield from judged(finding)


def query_facts(finding: DataQuery) -> Facts:
    """A question about the data."""
    yield from who(finding)
    yield "About", finding.about
    yield "Question", finding.code
    yield "Found", finding.found
    yield "Expected", finding.expected
    yield "Records concerned", f"{finding.count}: {'; '.join(finding.sources)}"
    yield from judged(finding)


def composite_facts(finding: CompositeMet) -> Facts:
    """Findings that mean more together than apart."""
    yield from who(finding)
    yield from study_day(finding.study_day)
    yield "Criterion", f"{finding.text} ({finding.source})"
    yield "State", "surely met" if finding.state == "sure" else "possible: not ruled out"
    if finding.grade is not None:
        yield "Grade", f"{grade_words(finding.grade)} (EHA/EBMT consensus, not CTCAE)"
    if finding.ratio is not None:
        yield "Ratio", finding.ratio
    yield "Onset", when(finding.onset)
    yield "Met with the sample of", when(finding.completed)
    yield "After the first treatment", {True: "yes", False: "no", None: "cannot be known"}[finding.emergent]
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
