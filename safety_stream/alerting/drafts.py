"""Which alerts a finding supports, each to be sent or held with a named reason. Pure; knows no history."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from safety_stream.alerting.alert import AlertType, Decision, Reason
from safety_stream.alerting.at_time import LIFE_THREATENING, SEVERE, overlap, times_of
from safety_stream.alerting.catalogue import CASES
from safety_stream.alerting.counted import counted, may_be_related
from safety_stream.alerting.facts_measured import worst_of_episode
from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import CompositeMet, TimeAtGrade, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach, EligibilityStatus, Unobserved

SEND: Final = Decision(action="send", reason="new")


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert that a finding supports, before anybody looked at what was told before.

    ``matters``: when it differs from before, people must be told again. ``gravity``: higher when things got worse.
    ``shared``: one alert for every subject of the study, under this name. ``of``: what makes it the same alert whatever
    the episodes are counted as; empty: the finding. ``record``: of the result that it follows. ``tells``: the time at a
    grade that it is about. ``worst``: what its episode came to at its worst, where that is more than it tells.
    """

    type: AlertType
    case: str
    decision: Decision
    matters: tuple[object, ...] = ()
    gravity: tuple[int, ...] = ()
    shared: str | None = None
    of: str = ""
    record: str = ""
    tells: TimeAtGrade | None = None
    worst: str = ""


def hold(reason: Reason) -> Decision:
    """Not sent, and why."""
    return Decision(action="hold", reason=reason)


def toxicity(finding: Toxicity) -> Iterator[Draft]:
    """Each time at grade 3 or 4, a jump to grade 2; the lower stays inside the alert of the higher one it led to.

    An alert follows its result: it is the same whatever number its episode gets when the episodes are counted anew.
    """
    times, about = sorted(times_of(finding), key=lambda one: -one.grade), f"{finding.term}|{finding.analyte}"
    for time in times:
        of, worst = f"{about}|{time.record}", worst_of_episode(finding, time)
        if time.grade >= LIFE_THREATENING:
            decision = hold("expected") if time.expected else SEND
            yield Draft("lab_grade_4", "", decision, (time.grade,), (time.grade,), None, of, time.record, time, worst)
        else:
            case, decision = CASES.get(finding.term, ""), _grade_3(time, times)
            yield Draft("lab_grade_3", case, decision, of=of, record=time.record, tells=time, worst=worst)
    if finding.jump is not None:
        rise, record = (finding.jump.after, finding.jump.after - finding.jump.before), finding.jump.record
        of = f"{about}|{record or finding.jump.after_observed}"
        yield Draft("grade_jump", "", _jump(finding), rise, rise, of=of, record=record)


def _grade_3(time: TimeAtGrade, times: Iterable[TimeAtGrade]) -> Decision:
    """Inside the alert of the grade 4 that it led to, where that one is told; else as far as it is news."""
    if any(one.grade > time.grade and not one.expected and overlap(one, time) for one in times):
        return hold("contained")
    if time.expected:
        return hold("expected")
    return hold("before_treatment") if time.emergent is False else SEND


def _jump(finding: Toxicity) -> Decision:
    if finding.alerting_grade >= SEVERE:
        return hold("contained")
    if finding.expected:
        return hold("expected")
    return hold("before_treatment") if finding.emergent is False else SEND


def is_fatal(finding: ReportedEvent) -> bool:
    """Whether the report says that the subject died of it, in its outcome, its criteria or its grade."""
    return finding.outcome == "fatal" or finding.grade == 5 or "death" in finding.seriousness


def reported_event(finding: ReportedEvent) -> Iterator[Draft]:
    """A death; a serious adverse event; a grade 4 that nobody called serious; a grade 3 that may be related.

    One mail an event: the graver contains the others; a death, serious or not by its box, all of them. A grade of
    another scale, or that the facts leave open, counts too (T13, G6, G24): see ``counted``.
    """
    fatal = is_fatal(finding)
    serious = finding.serious or fatal
    beside = tuple((one.key, one.grade.lowest, one.grade.highest) for one in finding.scales)
    counts = counted(finding).grade
    if counts >= 4 and not fatal:
        decision = hold("contained") if serious else SEND
        matters = (finding.term, finding.grade, counts, *beside)
        yield Draft("adverse_event_grade_4", "", decision, matters, (finding.grade or 0, counts))
    told = (finding.term, finding.grade, finding.seriousness, fatal, finding.attribution, *beside)
    graver = (int(fatal), finding.grade or 0, len(finding.seriousness), counts)
    if fatal:
        yield Draft("death", "", SEND, told, graver)
    if serious:
        yield Draft("serious_adverse_event", "", hold("contained") if fatal else SEND, told, graver)
    if counts >= 3 and may_be_related(finding):
        decision = hold("contained") if serious or counts > 3 else SEND
        yield Draft("adverse_event_grade_3_related", "", decision, (finding.term, finding.grade, *beside))


def dose_limiting_toxicity(finding: DoseLimitingToxicity) -> Iterator[Draft]:
    """A match with a DLT rule, once it is more than possible."""
    decision = {"possible": hold("possible"), "refuted": hold("refuted")}.get(finding.state, SEND)
    matters = (finding.state, finding.term, finding.grade, finding.onset, finding.adjudicated_by)
    grade, record = finding.grade, finding.record or ""
    gravity = (grade.highest, grade.lowest) if grade is not None else ()
    of = f"measured|{finding.term}|{record}" if record else ""
    yield Draft("dose_limiting_toxicity", "", decision, matters, gravity, of=of, record=record)


def eligibility_breach(finding: EligibilityBreach) -> Iterator[Draft]:
    """An eligibility threshold broken at screening or before an infusion; afterwards it is information."""
    decision = SEND
    if finding.phase == "after_infusion":
        decision = hold("after_infusion")
    elif finding.verdict == "undetermined":
        decision = hold("undetermined")
    case = "screening" if finding.phase == "screening" else "before_infusion"
    yield Draft("eligibility_breach", case, decision)


def eligibility_status(finding: EligibilityStatus) -> Iterator[Draft]:
    """A subject who is not eligible and was enrolled or dosed all the same; an infusion given on hold.

    Before enrolment each broken criterion alerts by itself; what is undetermined is on the list, never a mail each. A
    check before an infusion for which nothing at all has come by the day before is told. That the day passed, or that
    the infusion was given all the same, be the check answered in part or not, is told to those who were told to hold
    it; else it stands on the lists.
    """
    broken = tuple(one.criterion for one in finding.criteria if one.verdict == "breached")
    if finding.check == "before_infusion":
        if finding.state == "hold" and finding.given:
            yield Draft("eligibility_breach", "given_on_hold", SEND, broken, (len(broken),))
        elif finding.needed_by is not None:
            open_ = sum(one.verdict == "undetermined" for one in finding.criteria)
            decision = SEND if finding.asks else hold("lapsed" if open_ == len(finding.criteria) else "undetermined")
            yield Draft("eligibility_breach", "check_open", decision, (finding.needed_by,), (open_,))
        elif finding.unanswered_by is not None:
            yield Draft("eligibility_breach", "check_open", hold("given_unchecked"))
    elif finding.enrolled or finding.given:
        case = "dosed" if finding.given else "enrolled"
        if finding.state == "not_eligible":
            yield Draft("eligibility_breach", case, SEND, broken, (len(broken),))
        elif finding.state == "undetermined":
            yield Draft("eligibility_breach", case, hold("undetermined"))


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
        decision = {"enrol": hold("routine"), "wait": hold("routine"), "hold": hold("told_below")}.get(
            finding.decision, SEND
        )
        yield Draft("cohort_decision", "", decision, (finding.decision,))


def stagger_breach(finding: StaggerBreach) -> Iterator[Draft]:
    """A first infusion too soon after the first of its level: told while it is planned, so that it can be held."""
    told = (finding.infusion, finding.infusion_on, finding.first_infusion_on)
    yield Draft("cohort_decision", "stagger", SEND, told, (int(finding.infusion == "given"), -finding.days_apart))


def study_tally(finding: StudyTally) -> Iterator[Draft]:
    """The proportions are for whoever asks; enrolment at its planned number, and each one beyond, is told."""
    if finding.enrolment != "below":
        yield Draft("cohort_decision", "cap", SEND, (finding.enrolled,), (finding.enrolled,))


# A name or unit that the rulebook does not know fails every record under it, whoever's: one mail, not one a subject.
OF_THE_WHOLE_STUDY: Final = {
    "unknown_analyte",
    "unknown_unit",
    "missing_unit",
    "unknown_term",
    "unknown_fact",
    "test_and_code_differ",
    "unreadable_fact",
    "unknown_treatment",
}
# What a grade or a dosing decision does not hang on waits for the data manager's list.
FOR_THE_LIST: Final = {
    "no_value",
    "observed_after_reported",
    "observed_long_before_consent",
    "onset_long_before_consent",
    "missing_grade",  # alerts count with what the facts and the reporter's words support
    "two_results_at_one_time",  # a grade that hangs on it is told as a range, and alerts count with the worse
    "hours_untold",  # each is told with its own grade
    "onset_after_report",
    "event_told_twice",  # each is told with its own grade
    "ends_disagree",
    "end_after_report",
    "outcome_contradictory",
    "over_age",
    "refutation_without_finding",
    "decision_without_onset",
    "missing_end",
    "resolved_before_onset",
    "withdrawn_before_consent",
    "completed_and_withdrawn",
    "term_and_code_differ",
    "lab_grade_unreported",
    "lab_grade_4_unreported",  # the grade itself was told when it was measured
    "reported_below_laboratory",
    "report_without_laboratory",
    "completed_after_death",
    "completed_before_consent",
    "completed_without_infusions",
    "lymphodepletion_after_infusion",
    "sent_after_report",
    "consent_after_death",
    "enrolled_after_death",
    "withdrawn_after_death",
    "deaths_disagree",
    "enrolled_before_consent",
    "grade_course_contradictory",
    "result_after_death",
}


# What the next message of another system often settles: a person is told only of what still stands after a while.
OVERTAKEN: Final = {
    "subject_not_registered",
    "dose_without_enrolment",
    "first_infusion_untold",
    "infusions_out_of_order",
    "adjudication_without_finding",
}


def data_query(finding: DataQuery) -> Iterator[Draft]:
    """Data that cannot be graded; more records with the same question are no news."""
    named = finding.found if finding.code == "unknown_term" else finding.about
    shared = f"{finding.code}|{named}" if finding.code in OF_THE_WHOLE_STUDY else None
    case = "long_before" if finding.code == "severe_long_before_consent" else ""
    case = "overtaken" if finding.code in OVERTAKEN else case
    yield Draft("ungradable", case, hold("no_grade_at_stake") if finding.code in FOR_THE_LIST else SEND, shared=shared)


def composite_met(finding: CompositeMet) -> Iterator[Draft]:
    """Hy's law at once, also where the test that could rule it out is missing; a stopping criterion once it is sure."""
    if finding.grade is not None:
        yield from _graded(finding, finding.grade)
        return
    if finding.tell is None:
        return
    decision = hold("before_treatment") if finding.emergent is False else SEND
    if finding.state == "possible" and finding.tell != "hys_law":
        decision = hold("possible")
    yield Draft(finding.tell, "", decision, (finding.state,), (int(finding.state == "sure"),))


def _graded(finding: CompositeMet, grade: GradeRange) -> Iterator[Draft]:
    """Hematotoxicity of grade 3 or more once that is known, told again at 4: one alert for early, one for late.

    The first low count is told by its laboratory alert, this one tells how long it has lasted: none contains the other.
    """
    if finding.tell is not None:
        severe = grade.lowest >= SEVERE
        yield Draft(finding.tell, "", SEND if severe else hold("possible"), (grade.lowest,), (grade.lowest,))


def reporting_due(finding: ReportingDue) -> Iterator[Draft]:
    """A report that is due soon, told again at each warning and when it is overdue; one that was sent is no alert."""
    if finding.state in {"due_soon", "overdue"}:
        far = (finding.warnings_passed, int(finding.state == "overdue"))
        yield Draft("sae_clock", "", SEND, far, far)


def unobserved(finding: Unobserved) -> Iterator[Draft]:
    """Results that did not come, or hours unobserved: told once; that data came since is in the findings.

    Mailed only where the protocol asks for it: what is missing is most often late or not entered, and is for the lists.
    """
    case = "missing_results" if finding.what == "missing_results" else ""
    yield Draft("unobserved", case, SEND if finding.tell else hold("recorded"))


DRAFTERS: Final[dict[type, Callable[..., Iterator[Draft]]]] = {
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


def alerts_of(finding: AnyFinding) -> tuple[Draft, ...]:
    """Every alert the finding supports, to be sent or held with its reason; none when there is nothing to tell."""
    return tuple(DRAFTERS[type(finding)](finding))
