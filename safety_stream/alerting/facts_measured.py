"""The facts of what was measured: grades, thresholds, watch limits, results that mean more together. Pure."""

from decimal import Decimal, InvalidOperation

from safety_stream.alerting.facts_shared import Facts, input_named, is_derived, judged, judged_value, study_day, who
from safety_stream.alerting.phrases import UNKNOWN, grade_words, quantity, when
from safety_stream.clinical.conclusion import Evidence, Input
from safety_stream.clinical.findings_measured import CompositeMet, TimeAtGrade, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_subject import EligibilityBreach


def result(finding: Toxicity) -> str:
    """The value that the alert is about: the judged value, else the reading at the peak."""
    measured = judged_value(finding.evidence)
    if measured is not None and "+" in finding.analyte:  # joined in time: each value with its name
        return ", ".join(f"{one.name} {quantity(one.value, one.unit)}" for one in finding.evidence.inputs)
    if measured is not None:
        return quantity(measured.value, measured.unit)
    peak = next((one for one in finding.readings if one.observed_at == finding.peak_observed), None)
    return quantity(peak.value, peak.unit) if peak else UNKNOWN


def multiples(evidence: Evidence) -> Facts:
    """The value in multiples of the limit it crossed and of its baseline, to two decimals, where that can be said."""
    for name, told in (("ULN", Decimal.__gt__), ("LLN", Decimal.__lt__), ("baseline", Decimal.__ne__)):
        value, limit = _number(judged_value(evidence)), _number(input_named(evidence, name))
        if value is not None and limit and value[1] == limit[1] and limit[0] and told(value[0], limit[0]):
            yield f"Multiple of {name}", f"{value[0] / limit[0]:.2f} x {name}"


def _number(given: Input | None) -> tuple[Decimal, str | None] | None:
    try:
        return (Decimal(given.value), given.unit) if given else None
    except InvalidOperation:
        return None


def reference_range(evidence: Evidence) -> Facts:
    """The limits that the laboratory sent with the result."""
    low, high = input_named(evidence, "LLN"), input_named(evidence, "ULN")
    if low or high:
        words = [f"LLN {quantity(low.value, low.unit)}"] if low else ["LLN not sent"]
        words += [f"ULN {quantity(high.value, high.unit)}"] if high else ["ULN not sent"]
        yield "Reference range", ", ".join(words)


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
    yield from _why_now(finding)
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


def _why_now(finding: Toxicity) -> Facts:
    """Why it is told although the protocol expects the term at times."""
    for time in finding.times[:1]:
        if time.expected_grade is not None:
            yield "Told because", f"beyond grade {time.expected_grade}, which the protocol expects then"
        elif time.expected_to_day is not None:
            yield "Told because", f"the expected band ended on day {time.expected_to_day}"


def worst_of_episode(finding: Toxicity, time: TimeAtGrade) -> str:
    """The worst result of a whole episode and when, where one of its times tells a lower grade; else empty."""
    if finding.peak.highest <= time.peak.highest:
        return ""
    return f"grade {grade_words(finding.peak)}: {result(finding)} on {when(finding.peak_observed)}"


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


def measured_name(finding: WatchLimitCrossed) -> str:
    """What was measured, by its name."""
    measured = judged_value(finding.evidence)
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
