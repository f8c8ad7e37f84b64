"""Which alerts a finding supports, each to be sent or held with a named reason. Pure; knows no history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from safety_stream.alerting.alert import AlertType, Decision, Reason
from safety_stream.alerting.catalogue import CASES
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

SEND: Final = Decision(action="send", reason="new")


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert that a finding supports, before anybody looked at what was told before.

    ``matters``: when it differs from before, people must be told again. ``gravity``: higher when things got worse.
    ``shared``: one alert for every subject of the study, under this name.
    """

    type: AlertType
    case: str
    decision: Decision
    matters: tuple[object, ...] = ()
    gravity: tuple[int, ...] = ()
    shared: str | None = None


def hold(reason: Reason) -> Decision:
    """Not sent, and why."""
    return Decision(action="hold", reason=reason)


def toxicity(finding: Toxicity) -> Iterator[Draft]:
    """A laboratory grade of 3 or 4; the grade 3 alert stays inside the grade 4 alert of the same episode."""
    grade = finding.alerting_grade
    if grade >= 4:
        decision = hold("expected") if finding.expected else SEND
        yield Draft("lab_grade_4", "", decision, (grade,), (grade,))
    if grade >= 3:
        yield Draft("lab_grade_3", CASES.get(finding.term, ""), _grade_3(finding))


def _grade_3(finding: Toxicity) -> Decision:
    if finding.alerting_grade >= 4:
        return hold("contained")
    if finding.expected:
        return hold("expected")
    return hold("before_treatment") if finding.emergent is False else SEND


RELATED: Final = {"possible", "probable", "definite"}
"""Attributions that make an event at least possibly related to study treatment."""


def is_fatal(finding: ReportedEvent) -> bool:
    """Whether the report says that the subject died of it, in its outcome, its criteria or its grade."""
    return finding.outcome == "fatal" or finding.grade == 5 or "death" in finding.seriousness


def reported_event(finding: ReportedEvent) -> Iterator[Draft]:
    """A death; a serious adverse event; a grade 4 that nobody called serious; a related grade 3. One mail an event.

    The graver contains the others: a death, serious or not by its box, all of them.

    A grade 4 of another scale counts too: by ASTCT it means two vasopressors, a ventilator or a coma (T13).
    """
    fatal = is_fatal(finding)
    serious = finding.serious or fatal
    beside = tuple((one.key, one.grade.lowest, one.grade.highest) for one in finding.scales)
    worst = max((one.grade.lowest for one in finding.scales), default=0)
    if finding.grade == 4 or worst >= 4:
        decision = hold("contained") if serious else SEND
        yield Draft(
            "adverse_event_grade_4", "", decision, (finding.term, finding.grade, *beside), (finding.grade or 0, worst)
        )
    told = (finding.term, finding.grade, finding.seriousness, fatal, finding.attribution, *beside)
    graver = (int(fatal), finding.grade or 0, len(finding.seriousness), worst)
    if fatal:
        yield Draft("death", "", SEND, told, graver)
    if serious:
        yield Draft("serious_adverse_event", "", hold("contained") if fatal else SEND, told, graver)
    if finding.attribution in RELATED and (finding.grade or 0) >= 3:
        graver_one = serious or worst >= 4 or finding.grade != 3
        decision = hold("contained") if graver_one else SEND
        yield Draft("adverse_event_grade_3_related", "", decision, (finding.term, finding.grade))


def dose_limiting_toxicity(finding: DoseLimitingToxicity) -> Iterator[Draft]:
    """A match with a DLT rule, once it is more than possible."""
    decision = {"possible": hold("possible"), "refuted": hold("refuted")}.get(finding.state, SEND)
    matters = (finding.state, finding.term, finding.grade, finding.onset, finding.adjudicated_by)
    yield Draft("dose_limiting_toxicity", "", decision, matters, (finding.grade.highest, finding.grade.lowest))


def eligibility_breach(finding: EligibilityBreach) -> Iterator[Draft]:
    """An eligibility threshold broken at screening or before an infusion; afterwards it is information."""
    decision = SEND
    if finding.phase == "after_infusion":
        decision = hold("after_infusion")
    elif finding.verdict == "undetermined":
        decision = hold("undetermined")
    case = "screening" if finding.phase == "screening" else "before_infusion"
    yield Draft("eligibility_breach", case, decision)


def watch_limit(finding: WatchLimitCrossed) -> Iterator[Draft]:
    """Outside a watch limit: told once an episode, where the protocol names whom to tell or calls it critical."""
    decision = SEND
    if not finding.tell and not finding.critical:
        decision = hold("recorded")
    elif finding.verdict == "undetermined":
        decision = hold("undetermined")
    elif finding.emergent is False:
        decision = hold("before_treatment")
    yield Draft("critical_value" if finding.critical else "watch_limit", "", decision)


def cohort_decision(finding: CohortDecision) -> Iterator[Draft]:
    """The 3+3 advice. To stop, and a level that lost its support, are alerts of their own."""
    dlt = (finding.tally.dlt,)
    if finding.no_longer_supported:
        yield Draft("cohort_decision", "no_longer_supported", SEND, dlt, dlt)
    if finding.decision == "stop":
        yield Draft("cohort_decision", "stop", SEND, dlt, dlt)
    else:
        decision = hold("routine") if finding.decision in {"enrol", "wait"} else SEND
        yield Draft("cohort_decision", "", decision, (finding.decision,))


# A name or unit that the rulebook does not know fails every record under it, whoever's: one mail, not one a subject.
OF_THE_WHOLE_STUDY: Final = {"unknown_analyte", "unknown_unit", "missing_unit", "unknown_term"}
# What a grade or a dosing decision does not hang on waits for the data manager's list.
FOR_THE_LIST: Final = {
    "no_value",
    "observed_after_reported",
    "onset_after_report",
    "outcome_contradictory",
    "over_age",
    "resolved_before_onset",
    "term_and_code_differ",
}


def data_query(finding: DataQuery) -> Iterator[Draft]:
    """Data that cannot be graded; more records with the same question are no news."""
    named = finding.found if finding.code == "unknown_term" else finding.about
    shared = f"{finding.code}|{named}" if finding.code in OF_THE_WHOLE_STUDY else None
    yield Draft("ungradable", "", hold("no_grade_at_stake") if finding.code in FOR_THE_LIST else SEND, shared=shared)


DRAFTERS: Final[dict[type, Callable[..., Iterator[Draft]]]] = {
    Toxicity: toxicity,
    ReportedEvent: reported_event,
    DoseLimitingToxicity: dose_limiting_toxicity,
    EligibilityBreach: eligibility_breach,
    WatchLimitCrossed: watch_limit,
    CohortDecision: cohort_decision,
    DataQuery: data_query,
}


def alerts_of(finding: AnyFinding) -> tuple[Draft, ...]:
    """Every alert the finding supports, to be sent or held with its reason; none when there is nothing to tell."""
    return tuple(DRAFTERS[type(finding)](finding))
