"""Claims about facts that cannot all be true: each is a question that says what contradicts what, and stops nothing.

Every story here also brings a potassium of 7.3 mmol/L (CTCAE v5.0: above 7.0 is grade 4), which must be judged.
"""

import re
from itertools import permutations
from typing import Any

import pytest
from stories import (
    TREATED,
    Played,
    adjudicated,
    adverse,
    at,
    bundled_with,
    completed,
    enrolled,
    fact,
    head,
    infusion,
    lab,
    screened,
    taken_back,
    told,
    withdrawn,
    without_schedule,
)

from safety_stream.clinical.events import Completed, DoseGiven, SubjectEvent
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.queries import CODES

_INTERNAL = re.compile(r"ae:|\bF-[A-Z2-7]{8,}")
POTASSIUM = lab("K", 1.5, "7.3")
DOSED_ONCE = TREATED[:6]


def _completed(day: float) -> Completed:
    return Completed.model_validate(head("completion", 1, at(day, 12)) | {"completed": told(day)})


def _died(day: float) -> Any:
    return adverse("Sepsis", 1, grade=5, outcome="fatal", resolved=told(day), reported=at(day, 20), record="death")


def _other(number: int, day: float) -> DoseGiven:
    """An infusion under a record of its own."""
    one = infusion(number, day)
    return one.model_copy(update={"source": one.source.model_copy(update={"id": f"other-{number}@{day}"})})


STORIES: dict[str, tuple[list[Any], tuple[str, ...]]] = {
    "dose_before_enrolment": ([screened(), infusion(1, 0), enrolled(day=1)], ("before",)),
    "dose_without_enrolment": ([screened(), infusion(1, 0)], ("2024-06-24", "no enrolment", "at a dose level")),
    "infusion_repeated": ([*DOSED_ONCE, _other(1, 0.1)], ("T10:00", "T12:24")),
    "two_infusions_on_one_day": ([*DOSED_ONCE, _other(2, 0.1)], ("infusions 1 and 2", "2024-06-24")),
    "unknown_dose_level": ([screened(), enrolled(level=9), infusion(1, 0)], ("9",)),
    "resolved_before_onset": ([*DOSED_ONCE, adverse("Headache", 4, grade=2, resolved=told(2))], ("onset", "resolved")),
    "grade_not_in_term": ([*DOSED_ONCE, adverse("Alopecia", 4, grade=3)], ("grade 3",)),
    "outcome_contradictory": (
        [*DOSED_ONCE, adverse("Sepsis", 4, grade=5, outcome="recovered", seriousness=["death"])],
        ("death", "recovered"),
    ),
    "withdrawn_before_consent": ([*DOSED_ONCE, withdrawn(-30)], ("withdrawn", "consented")),
    "completed_and_withdrawn": ([*TREATED, withdrawn(50), _completed(60)], ("completed", "withdrawn")),
    "dose_after_death": ([*DOSED_ONCE, _died(5), infusion(2, 7)], ("given", "a death by")),
    "result_after_death": ([*DOSED_ONCE, _died(2), lab("K", 4, "4.0")], (told(4), "a death by 2024-06-26T08:00+08:00")),
    "completed_after_death": ([*DOSED_ONCE, _died(5), _completed(60)], ("completed", "a death by")),
    "deaths_disagree": (
        [*DOSED_ONCE, _died(5), adverse("Stroke", 8, grade=5, outcome="fatal", reported=at(9, 12))],
        ("a death by 2024-06-29T08:00", "one of 2024-07-02T08:00"),
    ),
    "enrolled_before_consent": ([screened(), enrolled(day=-30)], ("enrolled 2024-05-25", "consented 2024-06-04")),
    "dose_after_withdrawal": (
        [*DOSED_ONCE, withdrawn(5, "treatment"), infusion(2, 7)], ("withdrawn from treatment", "given 2024-07-01"),
    ),
    "infusions_out_of_order": ([*DOSED_ONCE, infusion(3, 4), infusion(2, 7)], ("infusion 3", "infusion 2")),
    "dose_before_consent": (
        [screened(day=1), infusion(1, 0), infusion(2, 7)],
        ("given 2024-06-24T10:00:00+08:00", "consented 2024-06-25T09:00:00+08:00"),
    ),
    "dated_after_report": (
        [*DOSED_ONCE[:5], infusion(1, 3, reported_at=at(0, 11))],
        ("given 2024-06-27T10:00:00+08:00", "reported 2024-06-24T11:00:00+08:00"),
    ),
    "completed_before_consent": ([screened(), _completed(-30)], ("completed 2024-05-25", "consented 2024-06-04")),
    "dose_after_completion": ([*DOSED_ONCE, _completed(-1)], ("completed 2024-06-23", "given 2024-06-24T10:00")),
    "consent_after_death": ([*DOSED_ONCE, _died(-22)], ("consented 2024-06-04", "a death by 2024-06-02")),
    "enrolled_after_death": ([*DOSED_ONCE, _died(-8)], ("enrolled 2024-06-17", "a death by 2024-06-16")),
    "withdrawn_after_death": ([*DOSED_ONCE, _died(5), withdrawn(6)], ("withdrawn 2024-06-30", "a death by 2024-06-29")),
    "event_after_death": ([*DOSED_ONCE, _died(5), adverse("Nausea", 8, grade=2)], ("began", "a death by")),
}  # fmt: skip


@pytest.mark.parametrize("code", STORIES)
def test_a_question_names_what_a_site_can_look_up(code: str) -> None:
    """Every question names records by the ids their senders gave; none names the hash of a page or of a finding."""
    found = Played([*STORIES[code][0], POTASSIUM]).of("data_query")
    assert all(one.sources for one in found)
    assert not [one for one in found for word in (one.about, *one.sources) if _INTERNAL.search(word)]


@pytest.mark.parametrize("code", STORIES)
def test_a_contradiction_is_asked_about_and_the_rest_is_judged(code: str) -> None:
    """One question of this code, which names both sides; the potassium is graded all the same."""
    events, sides = STORIES[code]
    played = Played([*events, POTASSIUM])
    found = played.one("data_query", code=code)
    assert all(side in f"{found.found} {found.expected}" for side in sides), found.found
    assert CODES[code] in found.evidence.sentence
    assert played.one("toxicity", term="Hyperkalemia").peak.lowest == 4


def test_a_dose_after_death_still_opens_its_window_until_one_of_the_two_is_corrected() -> None:
    """The death may be the slip: an event of grade 4 after the second infusion is judged as ever."""
    event = adverse("Cytokine release syndrome", 31, grade=4, attribution="probable")
    played = Played([*DOSED_ONCE, _died(5), infusion(2, 7), event])
    assert [one.infusions for one in played.of("dose_limiting_toxicity", rule="crs-4")] == [(2,)]


@pytest.mark.parametrize(
    "events",
    [
        [*TREATED, withdrawn(50)],
        [*TREATED, _completed(60)],
        [*TREATED, withdrawn(16, "treatment"), _completed(60)],
        [*TREATED, adverse("Nausea", 8, grade=2), adverse("Sepsis", 15, grade=5, outcome="fatal", reported=at(20))],
        [*TREATED, adverse("Sepsis", 9, grade=5, outcome="fatal", resolved=at(16).date().isoformat(), reported=at(20))],
    ],
)
def test_what_fits_together_asks_nothing(events: list[Any]) -> None:
    """A departure, a completion, one from treatment only, a death after everything else."""
    assert Played(events).of("data_query") == []


def _as_told(event: Any, reported: Any) -> Any:
    """One event, told at another instant."""
    return event.model_copy(update={"reported_at": reported})


def _as_version_2(event: Any) -> Any:
    """The same record told anew."""
    return event.model_copy(update={"source": event.source.model_copy(update={"version": 2})})


CORRECTED: dict[str, Any] = {
    "dose_before_consent": screened(),
    "dated_after_report": infusion(1, 0),
    "completed_before_consent": _completed(60),
    "dose_after_completion": _completed(60),
    "consent_after_death": _died(5),
    "enrolled_after_death": _died(5),
    "withdrawn_after_death": _died(7),
}


@pytest.mark.parametrize("code", CORRECTED)
def test_a_question_is_gone_when_either_side_is_corrected_or_taken_back(code: str) -> None:
    """The next version of the record that was the slip, or none of it: nothing is asked any more."""
    for answer in (_as_version_2(CORRECTED[code]), taken_back(CORRECTED[code])):
        played = Played(STORIES[code][0])
        assert played.of("data_query", code=code)
        played.take(answer)
        assert not played.of("data_query", code=code)


def test_all_doses_before_the_consent_are_one_question() -> None:
    """Consent on day 1: three days of lymphodepletion and an infusion came before it, an infusion on day 7 did not."""
    played = Played([screened(day=1), *DOSED_ONCE[2:], infusion(2, 7)])
    assert len(played.one("data_query", code="dose_before_consent").sources) == 1 + 4


def test_a_dose_between_two_consents_is_asked_about_by_nobody() -> None:
    """A consent to an amendment after the first dose is no first consent."""
    again = screened(day=3).model_copy(update={"source": screened().source.model_copy(update={"id": "again"})})
    assert not Played([*DOSED_ONCE, again]).of("data_query", code="dose_before_consent")


@pytest.mark.parametrize("outcome", ["recovering", "not-recovered", "recovered", "recovered-with-sequelae"])
def test_no_event_results_in_death_and_goes_on_or_ends_otherwise(outcome: str) -> None:
    """Seriousness "results in death" fits the outcome fatal alone; where nobody knows the outcome nothing is said."""
    event = adverse("Sepsis", 4, grade=5, outcome=outcome, seriousness=["death"])
    played = Played([*DOSED_ONCE, event])
    assert played.one("data_query", code="outcome_contradictory").found == f"death and outcome {outcome}"
    played.take(_as_version_2(event.model_copy(update={"outcome": "fatal"})))
    assert played.of("data_query") == []


def test_an_outcome_against_a_death_and_an_end_is_one_question_with_both() -> None:
    """It goes on, killed, and ended: one question names all three."""
    event = adverse("Sepsis", 4, grade=5, outcome="recovering", seriousness=["death"], resolved=told(6))
    found = Played([*DOSED_ONCE, event]).one("data_query", code="outcome_contradictory").found
    assert found == f"death and resolved {told(6)} and outcome recovering"


@pytest.mark.parametrize(
    "events",
    [
        [*TREATED, withdrawn(16).model_copy(update={"withdrawn": Moment(told(16)[:10])}), _died(16)],
        [*DOSED_ONCE, lab("K", 5, "4.0", observed_at=told(5)[:10]), _died(5)],
        [*DOSED_ONCE, lab("K", 5, "4.0", observed_at=told(5)[:7]), _died(5)],
        [*TREATED[:7], infusion(3, 14, given=told(14)[:10]), completed(14)],
        [screened(0, consented=told(0)[:10]), enrolled(day=0), infusion(1, 0)],
    ],
)
def test_what_may_have_been_in_order_asks_nothing(events: list[Any]) -> None:
    """A date is only a date: what was told for the same day or month may have come before the other."""
    assert Played(events).of("data_query") == []


def test_an_enrolment_told_late_answers_the_question_of_the_dose_level() -> None:
    """Four doses and no enrolment are one question with all records; the enrolment takes it back."""
    played = Played([screened(), *DOSED_ONCE[2:]])
    found = played.one("data_query", code="dose_without_enrolment")
    assert (found.found, len(found.sources)) == ("given 2024-06-19T10:00:00+08:00, no enrolment", 4)
    played.take(enrolled())
    assert played.of("data_query") == []


def test_contradictions_do_not_depend_on_what_was_told_first() -> None:
    """Death, a dose after it, a withdrawal and a completion, in all 24 orders."""
    facts = [_died(5), infusion(2, 7), withdrawn(50), _completed(60)]
    first = Played([*DOSED_ONCE, *facts]).findings
    assert all(Played([*DOSED_ONCE, *order]).findings == first for order in permutations(facts))


def test_results_after_a_death_are_asked_about_once_a_test_and_no_longer_when_the_death_is_taken_back() -> None:
    """Three results of two tests after the death, told before and after it; the report was of another subject."""
    death, late = _died(5), [lab("K", 6, "7.3"), lab("K", 7, "4.0"), lab("ALT", 6, "30")]
    for order in permutations([death, *late]):
        played = Played([*DOSED_ONCE, lab("K", 4, "4.1"), *order])
        found = {one.about: one.count for one in played.of("data_query", code="result_after_death")}
        assert found == {"K": 2, "ALT": 1}
        assert played.one("toxicity", term="Hyperkalemia").peak.lowest == 4
        played.take(taken_back(death))
        assert played.of("data_query", code="result_after_death") == []


def test_a_death_that_is_moved_moves_the_questions() -> None:
    """Day 5, corrected to day 9: what was measured on day 7 is no longer after it, what was on day 10 still is."""
    played = Played([*DOSED_ONCE, _died(5), lab("K", 7, "4.0"), lab("K", 10, "4.2"), lab("K", 7.5, "4.1")])
    assert played.one("data_query", code="result_after_death").count == 3
    played.take(
        adverse("Sepsis", 1, grade=5, outcome="fatal", resolved=told(9), reported=at(9, 20), record="death", version=2)
    )
    assert played.one("data_query", code="result_after_death").count == 1


@pytest.mark.parametrize(
    ("reason", "asks"),
    [
        ("Patient died at home", 1),
        ("患者于家中死亡", 1),
        ("DEATH", 1),
        ("passed  away", 1),
        ("wish of the subject", 0),
        ("missed the deadline of the visit", 0),
    ],
)
def test_a_death_told_only_as_a_reason_to_leave_is_asked_about(reason: str, asks: int) -> None:
    """Nobody reported what the subject died of; a fatal event answers it. "Deadline" speaks of no death."""
    left = withdrawn(50).model_copy(update={"reason": reason})
    played = Played([*TREATED, left])
    assert len(played.of("data_query", code="death_without_event")) == asks
    played.take(_died(49))
    assert not played.of("data_query", code="death_without_event")


def test_a_study_that_escalates_no_dose_asks_for_no_dose_level() -> None:
    """No dosing decision waits for the enrolment where none is made."""
    given: tuple[SubjectEvent, ...] = (screened(), infusion(1, 0))
    assert "dose_without_enrolment" in {one.code for one in Played(given).of("data_query")}
    assert not [
        one for one in Played(given, book=bundled_with(escalation=None)).of("data_query") if "enrol" in one.code
    ]


@pytest.mark.parametrize(
    ("event", "about"),
    [
        (_as_told(enrolled(day=3), at(0)), "enrolment"),
        (_as_told(withdrawn(30), at(20)), "withdrawal"),
        (_as_told(_completed(60), at(59, 23)), "end of study"),
    ],
)
def test_what_was_told_before_it_was_is_asked_about(event: Any, about: str) -> None:
    """An enrolment, a departure or a completion told as done on a day that was still to come, one question each."""
    played = Played([*(one for one in TREATED if one.kind != event.kind), event], book=without_schedule())
    assert [one.about for one in played.of("data_query", code="dated_after_report")] == [about]


@pytest.mark.parametrize(
    ("event", "about"),
    [
        (_as_told(fact("at_rest", 5, True), at(1)), "recorded fact at_rest"),
        (_as_told(adjudicated("F-1", 9, "refuted"), at(8)), "decision on F-1"),
    ],
)
def test_what_was_observed_or_decided_after_it_was_told_is_asked_about(event: Any, about: str) -> None:
    """A fact of day 5 told on day 1, a decision of day 9 told on day 8."""
    found = Played([*DOSED_ONCE, event], book=without_schedule()).one("data_query", code="dated_after_report")
    assert (found.about, len(found.sources)) == (about, 1)


def test_an_event_after_the_death_is_asked_about_by_its_term_with_both_reports() -> None:
    """Nausea of day 8, death of day 5: the site reads the term, its record and the record that tells of the death."""
    found = Played([*DOSED_ONCE, _died(5), adverse("Nausea", 8, grade=2)]).one("data_query", code="event_after_death")
    assert found.about == "Nausea (test|ae-Nausea@8)"
    assert found.sources == ("test|death v1", "test|ae-Nausea@8 v1")


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ({"reported": at(5)}, "onset_after_report"),
        ({"reported": at(31), "resolved": told(10)}, "resolved_before_onset"),
    ],
)
def test_a_death_that_contradicts_its_own_report_is_one_question(says: dict[str, Any], code: str) -> None:
    """Onset on day 30, told on day 5, or ended on day 10: nothing came after the death of another report."""
    event = adverse("Sepsis", 30, grade=5, outcome="fatal", **says)
    assert [one.code for one in Played([*DOSED_ONCE, event]).of("data_query")] == [code]


def test_two_decisions_of_one_moment_are_asked_about_by_the_event_they_decide() -> None:
    """Confirmed and refuted at one time: the question names the term, both people and the time."""
    event = adverse("Cytokine release syndrome", 3, grade=4, attribution="probable")
    played = Played([*DOSED_ONCE, event])
    id_ = played.one("dose_limiting_toxicity").id
    rival = adjudicated(id_, 9, "refuted", by="Dr B")
    played.take(adjudicated(id_, 9, "confirmed"))
    played.take(rival.model_copy(update={"source": rival.source.model_copy(update={"id": "rival"})}))
    found = played.one("data_query", code="decisions_disagree")
    assert found.about == f"Cytokine release syndrome ({id_})"
    assert {f"confirmed by Dr A at {told(9, 15)}", f"refuted by Dr B at {told(9, 15)}"} == set(
        found.found.split(" and ")
    )


def test_two_contradictions_of_one_kind_are_one_question_with_both() -> None:
    """Withdrawn on day -30, consented on days -20 and -15: the question shows both consents and all three records."""
    again = screened(day=-15).model_copy(update={"source": screened().source.model_copy(update={"id": "again"})})
    found = Played([screened(), again, withdrawn(-30)]).one("data_query", code="withdrawn_before_consent")
    assert f"consented {told(-20, 9)}" in found.found
    assert f"consented {told(-15, 9)}" in found.found
    assert len(found.sources) == 3


def test_a_grade_without_a_report_is_asked_about_with_the_record_of_the_result() -> None:
    """Potassium of 7.3 and no report: the laboratory knows its own record."""
    found = Played([*DOSED_ONCE, POTASSIUM]).one("data_query", code="lab_grade_4_unreported")
    assert found.sources == ("test|K@1.5 v1",)


def _again(event: Any) -> Any:
    """The same kind of fact under a record of its own."""
    return event.model_copy(update={"source": event.source.model_copy(update={"id": "again"})})


def test_an_enrolment_after_a_departure_undoes_it_only_with_a_new_screening() -> None:
    """Withdrawn on day -3, enrolled again on day -1: withdrawn she stays, and both records are asked about.

    With a consent on day -2 between them the screening begins anew (T36), and nothing is asked.
    """
    facts = [screened(), enrolled(), withdrawn(-3), _again(enrolled(day=-1))]
    for order in permutations(facts):
        played = Played(order)
        found = played.one("data_query", code="enrolled_after_withdrawal")
        assert found.sources == ("test|departure v1", "test|again v1")
        assert (status := played.record.header.status) is not None
        assert status.phase == "withdrawn"
    played.take(_again(screened(day=-2)).model_copy(update={"source": facts[0].source.model_copy(update={"id": "c2"})}))
    assert not played.of("data_query", code="enrolled_after_withdrawal")
    assert (status := played.record.header.status) is not None
    assert status.phase == "enrolled"


def test_a_departure_of_the_day_of_an_enrolment_asks_nothing() -> None:
    """Told by dates alone, the departure may have come after it."""
    left = withdrawn(-3).model_copy(update={"withdrawn": Moment(told(-3)[:10])})
    again = _again(enrolled(day=-3, enrolled=told(-3)[:10]))
    assert not Played([screened(), enrolled(), left, again]).of("data_query", code="enrolled_after_withdrawal")


def test_two_reports_that_no_laboratory_supports_are_two_questions_in_any_order() -> None:
    """Neutrophils decreased of grade 3 and of grade 4, and no count on file: neither question hides the other."""
    term = "Neutrophil count decreased"
    reports = [adverse(term, 3, grade=3, record="a"), adverse(term, 9, grade=4, record="b")]
    ends = [
        Played([*DOSED_ONCE, *order]).of("data_query", code="report_without_laboratory")
        for order in (reports, reports[::-1])
    ]
    assert [(one.about, one.sources) for one in sorted(ends[0], key=lambda one: one.about)] == [
        (f"{term} (test|a)", ("test|a v1",)),
        (f"{term} (test|b)", ("test|b v1",)),
    ]
    assert ends[0] == ends[1]


def test_one_record_that_contradicts_itself_under_two_analytes_is_asked_about_under_each() -> None:
    """Two contents as potassium, two as sodium, all of version 2: two questions, in any order of arrival."""
    told_twice = [
        lab("K", 3, "4.0", record="r", version=2), lab("K", 3, "4.4", record="r", version=2),
        lab("SODIUM", 4, "140", record="r", version=2), lab("SODIUM", 4, "141", record="r", version=2),
    ]  # fmt: skip
    for order in (told_twice, told_twice[::-1]):
        found = Played([*DOSED_ONCE, *order]).of("data_query", code="contradictory_versions")
        assert {(one.about, one.sources) for one in found} == {
            ("K (test|r)", ("test|r v2",)),
            ("SODIUM (test|r)", ("test|r v2",)),
        }


TOLD_TWICE: dict[str, tuple[list[Any], str, str]] = {
    "sex": ([screened(), _again(screened(sex="male"))], "consents_disagree", "male and female"),
    "age": ([screened(), _again(screened(day=-15, age_years=50))], "consents_disagree", "50 years"),
    "left": ([*TREATED, withdrawn(20), _again(withdrawn(30))], "ends_disagree", f"withdrawn {told(20)} and {told(30)}"),
    "completed": ([*TREATED, completed(60), _again(completed(90))], "ends_disagree", "completed 2024-08-23 and"),
    "event": (
        [*DOSED_ONCE, adverse("Sepsis", 4, grade=3, record="a"), adverse("sepsis", 4.2, grade=4, record="b")],
        "event_told_twice",
        "grade 3 (test|a) and grade 4 (test|b)",
    ),
    "infusion 1": ([*TREATED[:5], infusion(2, 7)], "first_infusion_untold", f"infusion 2 given {told(7, 10)}"),
}


@pytest.mark.parametrize("what", TOLD_TWICE)
def test_two_records_of_what_is_only_once_are_asked_about(what: str) -> None:
    """One question with both records, in any order of the last two; what each says counts until one is corrected."""
    events, code, says = TOLD_TWICE[what]
    played = Played(events)
    found = played.one("data_query", code=code)
    assert says in found.found
    assert len(found.sources) == (1 if what == "infusion 1" else 2)
    assert Played([*events[:-2], events[-1], events[-2]]).findings == played.findings
    played.take(taken_back(events[-1]))
    assert not played.of("data_query", code=code)


@pytest.mark.parametrize(
    "events",
    [
        [screened(), _again(screened(day=400, age_years=35))],
        [*DOSED_ONCE, adverse("Sepsis", 4, grade=3, record="a"), adverse("Sepsis", 5, grade=4, record="b")],
        [*DOSED_ONCE, adverse("Nausea", 4, grade=1), adverse("Vomiting", 4, grade=1)],
        [*TREATED, withdrawn(20, "treatment"), _again(withdrawn(30))],
        [screened(), withdrawn(-19), _again(screened(day=-10)), _again(withdrawn(-5)).model_copy(
            update={"source": screened().source.model_copy(update={"id": "w2"})})],
    ],
)  # fmt: skip
def test_what_may_well_be_twice_asks_nothing(events: list[Any]) -> None:
    """A birthday later, another day or term, treatment and then the study, two screenings that each failed."""
    codes = {one.code for one in Played(events).of("data_query")}
    assert not codes & {"consents_disagree", "ends_disagree", "event_told_twice", "first_infusion_untold"}
