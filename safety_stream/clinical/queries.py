"""Questions about the data that a person must clear up: a closed list, one finding a subject, thing and cause.

However many records raise the same question, it is one finding with a count and the last records: a flood of one
mistake is one mail.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo

from safety_stream.clinical.conclusion import Evidence, finding_id
from safety_stream.clinical.findings_subject import DataQuery
from safety_stream.clinical.fold import Flood
from safety_stream.clinical.frame import Frame

SHOWN = 20

# code: what is asked. Nothing outside this list is ever raised.
CODES: Mapping[str, str] = {
    # who and when
    "subject_not_registered": "events arrive for a subject who was never screened",
    "under_age": "adult criteria do not apply to this age",
    "over_age": "the age is above what the protocol admits",
    "unknown_dose_level": "the protocol has no such dose level",
    "two_dose_levels": "the subject is assigned to two dose levels",
    "dose_before_enrolment": "a dose was given before the subject was enrolled",
    "dose_before_consent": "a dose was given before the subject consented",
    "dated_after_report": "a consent, dose, departure, decision or recorded fact is dated after the report of it",
    "dose_after_completion": "a dose was given after the subject had completed the study",
    "completed_without_infusions": "the subject completed the study as planned, and planned infusions are not told",
    "lymphodepletion_after_infusion": "lymphodepletion is dated after the first infusion",
    "completed_before_consent": "the subject completed the study before consenting",
    "dose_without_enrolment": "a dose was given, and no enrolment tells at which dose level",
    "infusion_repeated": "two infusions carry the same number",
    "infusion_not_planned": "the protocol plans fewer infusions",
    "unknown_treatment": "the protocol does not give this treatment in this role",
    "unreadable_fact": "the value of a recorded fact is not what the rules read",
    "dose_not_comparable": "the amount given cannot be compared with the planned one",
    "dose_without_amount": "the amount given is not told",
    "unknown_fact": "no rule reads a recorded fact of this name",
    "dose_off_plan": "the dose is outside the planned amount and its tolerance",
    "unknown_protocol_version": "the version consented to is not on file",
    "adjudication_without_finding": "a decision names a finding that the data do not support",
    "refutation_without_finding": "a decision refutes a finding that the data do not support, or that has another id",
    "decision_without_onset": "a decision names one of several events of an analyte, and not the onset it was shown",
    "decisions_disagree": "two decisions of one moment on one finding contradict each other",
    "two_infusions_on_one_day": "two infusions of different numbers were given on one day",
    "withdrawn_before_consent": "the subject withdrew before consenting",
    "day_of_leaving_untold": "whether the subject is evaluable hangs on the day of a departure or death",
    "completed_and_withdrawn": "the subject completed the study and withdrew from it",
    "dose_after_death": "a dose was given after the subject died",
    "event_after_death": "an adverse event began after the subject died",
    "result_after_death": "a specimen was taken, or a sign measured, after the subject died",
    "completed_after_death": "the subject completed the study after dying",
    "consent_after_death": "the subject consented after dying",
    "enrolled_after_death": "the subject was enrolled after dying",
    "withdrawn_after_death": "the subject left the treatment or the study after dying",
    "death_without_event": "a departure speaks of death, and no report tells of a fatal event",
    "deaths_disagree": "two reports tell of deaths that cannot be one",
    "enrolled_before_consent": "the subject was enrolled before consenting",
    "dose_after_withdrawal": "a dose was given after the subject had left the treatment or the study",
    "enrolled_after_withdrawal": "the subject was enrolled after leaving, and no new screening began in between",
    "first_infusion_untold": "an infusion was given, and the first one is not told",
    "consents_disagree": "two consents tell another sex, or ages that cannot be of one person",
    "ends_disagree": "two departures from the study, or two completions of it, are of different days",
    "infusions_out_of_order": "an infusion of a higher number was given before one of a lower number",
    "icaht_day_zero_unknown": "the day of the infusion that hematotoxicity is counted from is not known",
    # measurements
    "unknown_analyte": "the test is not in the rulebook",
    "test_and_code_differ": "the code and the name of a test stand for two analytes",
    "no_value": "a result without a value",
    "unreadable_value": "the value cannot be read as a number",
    "unknown_unit": "the unit is not one this analyte is measured in",
    "missing_unit": "a value without a unit",
    "implausible_value": "the value cannot be true in this unit",
    "implausible_range": "the reference range shows that the unit is not what it says",
    "unreadable_range": "the reference range cannot be read",
    "range_upside_down": "the lower limit of normal lies above the upper one",
    "grade_undecided": "something is missing, and the grade depends on it",
    "two_results_at_one_time": "different results of one analyte carry the same time, or the same specimen",
    "hours_untold": "different results of one analyte are of one day, and nobody told which came last",
    "observed_long_before_consent": "a result told during the study is dated long before the consent",
    "onset_long_before_consent": "an event told during the study is dated long before the consent",
    "severe_long_before_consent": "what is severe and was told under treatment is dated long before the consent",
    "observed_after_reported": "the specimen is later than its report",
    "record_names_two_analytes": "versions of one record name different analytes, and the last one stands",
    "contradictory_versions": "two different contents under the same version of one record",
    # adverse events
    "unknown_term": "the term is not a CTCAE term",
    "term_and_code_differ": "the code belongs to another term",
    "missing_grade": "the report does not say of which grade the event is",
    "grade_not_in_term": "CTCAE does not define this grade for the term",
    "grade_against_facts": "the grade and the facts of the report contradict each other",
    "scale_facts_unreadable": "a value that was sent for another scale cannot be read",
    "scale_facts_contradictory": "the facts that were sent for another scale contradict each other",
    "seriousness_contradictory": "the report says it is not serious and names a seriousness criterion",
    "missing_onset": "the report does not say when the event began",
    "missing_end": "the report says that the event is over and not when it ended",
    "resolved_before_onset": "the event ended before it began",
    "outcome_contradictory": "the outcome contradicts the dates, or a death",
    "onset_after_report": "the event began after it was reported",
    "end_after_report": "the event ended, or the subject died of it, after that was reported",
    "sent_after_report": "a report to the sponsor or the authority is dated after the report that tells of it",
    "event_told_twice": "two records report the same term with the same day of onset",
    "grade_course_contradictory": "the course of the grade does not fit the rest of the report",
    "grade_course_untold": "a rule asks how long the event was at a grade, and one line is told for all of it",
    # the laboratory against the reports
    "lab_grade_unreported": "a graded laboratory episode without an adverse-event report",
    "lab_grade_4_unreported": "a laboratory episode of grade 4 without an adverse-event report",
    "reported_below_laboratory": "a reported grade below the one that the laboratory shows",
    "report_without_laboratory": "a reported grade that no laboratory episode on file supports",
}


def query(frame: Frame, flood: Flood) -> DataQuery:
    """The finding for one question."""
    return DataQuery.made(
        id=query_id(frame, flood.code, flood.about),
        **frame.head,
        evidence=Evidence.made(
            rule=f"query/{flood.code}",
            book=frame.version.version,
            inputs=(),
            comparison=None,
            counterfactual=None,
            reasons=(),
            sentence=f"{flood.about}: {CODES[flood.code]}. Found {flood.found}; expected {flood.expected}.",
        ),
        kind="data_query",
        code=flood.code,
        about=flood.about,
        found=flood.found,
        expected=flood.expected,
        sources=flood.sources,
        count=flood.times,
    )


def query_id(frame: Frame, code: str, about: str) -> str:
    """The id of one question about one thing."""
    return finding_id(frame.study, frame.subject, "query", code, about)


def death_by(died: tuple[datetime, datetime], zone: tzinfo) -> str:
    """The death in the words of a question: the latest instant that it can have been."""
    return f"a death by {died[1].astimezone(zone).isoformat(timespec='minutes')}"


def asked(code: str, about: str, found: str, expected: str, *sources: str) -> Flood:
    """One record that raises a question."""
    return Flood(code, about, found, expected, 1, sources)


def together(floods: Iterable[Flood]) -> Iterator[Flood]:
    """Each question about one thing once, with all that was found and every record."""
    same: dict[tuple[str, str], list[Flood]] = {}
    for one in floods:
        same.setdefault((one.code, one.about), []).append(one)
    for every in same.values():
        yield every[0] if len(every) == 1 else _with_all(sorted(every, key=lambda one: one[2:]))


def _with_all(every: list[Flood]) -> Flood:
    first = every[0]
    found, expected = ("; ".join(dict.fromkeys(told)) for told in zip(*(one[2:4] for one in every), strict=True))
    sources = tuple(dict.fromkeys(source for one in every for source in one.sources))
    return Flood(first.code, first.about, found, expected, sum(one.times for one in every), sources[-SHOWN:])


def poured(floods: Mapping[str, Flood], more: Iterable[Flood]) -> Mapping[str, Flood]:
    """The questions of a series after one more result: the same question again only counts."""
    now = dict(floods)
    for one in more:
        key = f"{one.code}|{one.about}"
        held = now.get(key)
        now[key] = (
            one
            if held is None
            else one._replace(times=held.times + one.times, sources=(*held.sources, *one.sources)[-SHOWN:])
        )
    return now
