"""What the policy promises: nobody who must know is left out, nobody is left with what no longer holds."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import findings_made as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety_stream.alerting.alert import Alert, Decision
from safety_stream.alerting.drafts import FOR_THE_LIST, OF_THE_WHOLE_STUDY
from safety_stream.alerting.policy import alerts_of, revise, unreadable
from safety_stream.clinical.conclusion import Evidence, GradeRange, Input
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_study import Tally
from safety_stream.clinical.findings_subject import EligibilityBreach
from safety_stream.clinical.queries import CODES

Told = tuple[str, str, str]


def said(alerts: tuple[Alert, ...]) -> set[Told]:
    """Type, state and reason of what goes out."""
    return {(a.type, a.state, a.decision.reason) for a in alerts if a.decision.action == "send"}


def held(alerts: tuple[Alert, ...]) -> set[Told]:
    """Type, state and reason of what does not."""
    return {(a.type, a.state, a.decision.reason) for a in alerts if a.decision.action == "hold"}


def test_a_grade_4_result_is_sent_and_holds_its_own_grade_3() -> None:
    """One critical mail for a grade 4, and the grade 3 of the same episode stays inside it, on the record."""
    alerts = revise(made.raised(made.toxicity(4)))
    assert said(alerts) == {("lab_grade_4", "raised", "new")}
    assert held(alerts) == {("lab_grade_3", "raised", "contained")}
    assert {a.urgency for a in alerts if a.type == "lab_grade_4"} == {"critical"}


def test_grade_2_tells_nobody() -> None:
    """Below grade 3 there is no alert, sent or held."""
    assert revise(made.raised(made.toxicity(2))) == ()


@pytest.mark.parametrize(
    ("fact", "reason"), [({"expected": True}, "expected"), ({"emergent": False}, "before_treatment")]
)
def test_grade_3_that_needs_nobody_is_held_with_its_reason(fact: dict[str, Any], reason: str) -> None:
    """An expected grade 3 and one that is not worse than before treatment (T12) are held, never dropped."""
    alerts = revise(made.raised(made.toxicity(3, "0.90", **fact)))
    assert said(alerts) == set()
    assert held(alerts) == {("lab_grade_3", "raised", reason)}


def test_grade_4_at_screening_is_sent_all_the_same() -> None:
    """T12: screening grades are shown, not alerted, except grade 4."""
    assert said(revise(made.raised(made.toxicity(4, emergent=False)))) == {("lab_grade_4", "raised", "new")}


def test_unknown_emergence_does_not_reassure() -> None:
    """Where it cannot be known whether a grade 3 is worse than before treatment, it is sent."""
    assert said(revise(made.raised(made.toxicity(3, "0.9", emergent=None)))) == {("lab_grade_3", "raised", "new")}


def test_a_second_grade_4_result_of_the_same_episode_is_no_news() -> None:
    """Same grade, same episode, another result: no second mail."""
    before, now = made.toxicity(4), made.toxicity(4, "0.30", readings=(made.reading(13, "0.30", 4),))
    shown = (*before.readings[1:], made.reading(13, "0.30", 4))
    assert revise(made.changed(before, now.model_copy(update={"readings": shown}))) == ()


def test_a_corrected_value_is_told_to_those_who_acted_on_it() -> None:
    """The record that was shown as 0.42 now says 0.24: same grade, but people must hear of it."""
    before = made.toxicity(4)
    now = made.toxicity(4, "0.24", readings=(*before.readings[:-1], made.reading(12, "0.24", 4, version=2)))
    assert said(revise(made.changed(before, now))) == {("lab_grade_4", "raised", "corrected")}


def test_a_result_taken_back_while_another_still_supports_the_alert_is_told() -> None:
    """The newest grade 4 reading was entered in error; an older one still makes it grade 4: corrected."""
    older, newest = made.reading(11, "0.45", 4), made.reading(12, "0.42", 4)
    before = made.toxicity(4, readings=(made.reading(1, "3.10", 0), older, newest))
    now = made.toxicity(4, "0.45", readings=(made.reading(1, "3.10", 0), older))
    taken_back = "lab_result hangzhou-lis|ANC-12 v2"
    assert said(revise(made.changed(before, now, because=taken_back))) == {("lab_grade_4", "raised", "corrected")}


def test_a_result_that_made_room_for_a_newer_one_was_not_corrected() -> None:
    """Only the last results are shown: an older grade 4 that leaves the list is no correction."""
    days = [made.reading(day, "0.42", 4) for day in (8, 9, 10, 11, 12)]
    before, now = made.toxicity(4, readings=days[:4]), made.toxicity(4, readings=days[1:])
    assert revise(made.changed(before, now)) == ()


def test_a_correction_from_4_to_3_withdraws_one_and_tells_the_other() -> None:
    """Grade 4 corrected to grade 3: the grade 4 is withdrawn, saying what holds now, and the grade 3 is told."""
    alerts = revise(made.changed(made.toxicity(4), made.toxicity(3, "0.62")))
    assert said(alerts) == {("lab_grade_4", "withdrawn", "withdrawn"), ("lab_grade_3", "raised", "corrected")}
    gone = next(a for a in alerts if a.state == "withdrawn")
    assert gone.headline.startswith("WITHDRAWN: Neutrophil count decreased, grade 4: 0.42 10*9/L")
    assert ("Now", "Neutrophil count decreased, grade 3: 0.62 10*9/L") in gone.facts


def test_grade_3_that_becomes_grade_4_keeps_both_ids_and_sends_one_mail() -> None:
    """The graver alert is new; the milder one stays as it was, held as contained."""
    first = revise(made.raised(made.toxicity(3, "0.90")))
    then = revise(made.changed(made.toxicity(3, "0.90"), made.toxicity(4)))
    assert said(then) == {("lab_grade_4", "raised", "new")}
    assert held(then) == {("lab_grade_3", "raised", "contained")}
    assert {a.id for a in first} < {a.id for a in then}


def test_what_was_never_told_is_taken_back_in_silence() -> None:
    """An expected grade 3 that was entered in error: recorded, not mailed."""
    alerts = revise(made.withdrawn(made.toxicity(3, "0.90", expected=True)))
    assert said(alerts) == set()
    assert held(alerts) == {("lab_grade_3", "withdrawn", "never_sent")}


def test_leaving_the_expected_band_is_new() -> None:
    """A neutropenia that outlasts its expected band is told then."""
    before, now = made.toxicity(4, expected=True), made.toxicity(4, expected=False)
    assert said(revise(made.changed(before, now))) == {("lab_grade_4", "raised", "new")}


@pytest.mark.parametrize(("hours", "reason"), [(71, "new"), (73, "historical")])
def test_old_results_are_marked_and_still_sent(hours: int, reason: str) -> None:
    """Older than 72 hours when it reaches us: marked historical, not dropped."""
    taken = datetime(2026, 3, 11, 23, 30, tzinfo=UTC)
    alerts = revise(made.raised(made.toxicity(4), as_of=taken + timedelta(hours=hours)))
    assert said(alerts) == {("lab_grade_4", "raised", reason)}


def test_a_possible_dlt_is_held_until_it_is_a_candidate_and_told_through_to_the_verdict() -> None:
    """possible: held. candidate: sent. confirmed: sent as adjudicated. refuted: ended, by whom and why."""
    possible, candidate = (made.dose_limiting_toxicity(state=state) for state in ("possible", "candidate"))
    verdict = {"adjudicated_by": "Dr Lee", "adjudication": "infection explains it"}
    confirmed, refuted = (made.dose_limiting_toxicity(state=s, **verdict) for s in ("confirmed", "refuted"))
    assert held(revise(made.raised(possible))) == {("dose_limiting_toxicity", "raised", "possible")}
    assert said(revise(made.changed(possible, candidate))) == {("dose_limiting_toxicity", "raised", "new")}
    assert said(revise(made.changed(candidate, confirmed))) == {("dose_limiting_toxicity", "raised", "adjudicated")}
    (over,) = revise(made.changed(candidate, refuted))
    assert (over.state, over.decision.action, over.decision.reason) == ("ended", "send", "refuted")
    assert "Dr Lee: infection explains it" in dict(over.facts)["Why"]
    assert ("Adjudicated by", "Dr Lee: infection explains it") in over.facts


def test_a_dlt_of_a_higher_grade_is_worse() -> None:
    """Candidate at grade 3, then grade 4: told again as worse."""
    worse = made.dose_limiting_toxicity(grade=GradeRange(lowest=4, highest=4))
    told = said(revise(made.changed(made.dose_limiting_toxicity(), worse)))
    assert told == {("dose_limiting_toxicity", "raised", "worse")}


def test_an_event_that_is_not_serious_tells_nobody_and_a_death_always_does() -> None:
    """Serious by its criteria or by its outcome: a fatal outcome alerts even if the box was not ticked, and once."""
    assert revise(made.raised(made.reported_event(grade=2, serious=False, seriousness=()))) == ()
    alerts = revise(made.raised(made.reported_event(serious=False, seriousness=(), outcome="fatal")))
    (death,) = (alert for alert in alerts if alert.decision.action == "send")
    assert death.type == "death"
    assert {alert.decision.reason for alert in alerts if alert is not death} == {"contained"}
    assert death.headline.startswith("DEATH, SAE: ")


def test_an_sae_that_ends_in_death_is_told_as_a_death_alone() -> None:
    """The death is new; the alert of the SAE sent before is contained in it, neither repeated nor withdrawn."""
    before, fatal = made.reported_event(), made.reported_event(grade=5, outcome="fatal", seriousness=("death",))
    change = made.changed(before, fatal)
    assert said(revise(change)) == {("death", "raised", "new")}
    assert held(revise(change)) >= {("serious_adverse_event", "raised", "contained")}
    back = made.changed(fatal, before, 3)
    assert said(revise(back)) == {("death", "withdrawn", "withdrawn"), ("serious_adverse_event", "raised", "corrected")}


@pytest.mark.parametrize(
    ("attribution", "grade", "told"),
    [
        ("possible", 3, True),
        ("definite", 3, True),
        ("unlikely", 3, False),
        ("unknown", 3, True),
        ("probable", 2, False),
    ],
)
def test_a_grade_3_event_is_told_where_the_treatment_may_have_caused_it(
    attribution: str, grade: int, told: bool
) -> None:
    """Grade 3, and the treatment is not excluded as its cause: told within four hours; else no mail."""
    event = made.reported_event(grade=grade, serious=False, seriousness=(), attribution=attribution)
    expected = {("adverse_event_grade_3_related", "raised", "new")} if told else set()
    assert said(revise(made.raised(event))) == expected


def test_a_panic_limit_is_a_critical_value_and_a_watch_limit_is_not() -> None:
    """The protocol calls a limit critical: told at once and stepped up; another limit is for information."""
    (critical,) = revise(made.raised(made.watch_limit(critical=True, tell=())))
    (watch,) = revise(made.raised(made.watch_limit()))
    assert (critical.type, critical.urgency, critical.decision.action) == ("critical_value", "critical", "send")
    assert (watch.type, watch.urgency) == ("watch_limit", "info")


def test_an_sae_that_gets_worse_is_told_again_and_recovery_is_not_news() -> None:
    """A criterion added is worse; an outcome of recovering wakes nobody."""
    before = made.reported_event()
    worse = made.reported_event(grade=4, seriousness=("hospitalization", "life-threatening"))
    assert said(revise(made.changed(before, worse))) == {("serious_adverse_event", "raised", "worse")}
    assert revise(made.changed(before, made.reported_event(outcome="recovering"))) == ()


@pytest.mark.parametrize(
    ("phase", "verdict", "action", "urgency"),
    [
        ("before_infusion", "breached", "send", "critical"),
        ("screening", "breached", "send", "warning"),
        ("before_infusion", "undetermined", "hold", "critical"),
        ("after_infusion", "breached", "hold", "critical"),
    ],
)
def test_eligibility_by_phase(phase: str, verdict: str, action: str, urgency: str) -> None:
    """T9: hold and ask before an infusion; a screen failure can wait for the morning; afterwards information only."""
    (alert,) = revise(made.raised(made.eligibility_breach(phase=phase, verdict=verdict)))
    assert (alert.decision.action, alert.urgency) == (action, urgency)


def test_cohort_advice_is_told_when_it_asks_for_an_action_and_when_it_has_changed() -> None:
    """Wait is routine, escalate is told; a late DLT changes the advice to escalate, and stop is told."""
    wait, escalate, stop = (made.cohort_decision(d, n) for d, n in (("wait", 0), ("escalate", 0), ("stop", 2)))
    assert held(revise(made.raised(wait))) == {("cohort_decision", "raised", "routine")}
    assert said(revise(made.changed(wait, escalate))) == {("cohort_decision", "raised", "new")}
    assert said(revise(made.changed(escalate, wait))) == {("cohort_decision", "ended", "advice_changed")}
    stopped = revise(made.changed(escalate, stop))
    assert said(stopped) == {("cohort_decision", "ended", "advice_changed"), ("cohort_decision", "raised", "new")}
    assert [a.urgency for a in stopped if a.state == "raised"] == ["critical"]


def test_a_late_dlt_changes_advice_without_naming_whose_it_was() -> None:
    """The status that changed names its subject; the mail to the board does not."""
    because = f"status {made.SUBJECT} revision 9"
    change = made.changed(made.cohort_decision("escalate"), made.cohort_decision("wait"), because=because)
    (alert,) = revise(change)
    assert alert.state == "ended"
    assert not any(made.SUBJECT in value for fact in alert.facts for value in fact)


def test_a_grade_4_event_that_nobody_called_serious_is_told_and_contained_once_it_is() -> None:
    """Grade 4 is life-threatening by definition: told even without the serious box; with it, one mail, the SAE's."""
    plain = made.reported_event(grade=4, serious=False, seriousness=())
    serious = made.reported_event(grade=4)
    (alert,) = (one for one in revise(made.raised(plain)) if one.decision.action == "send")
    assert alert.type == "adverse_event_grade_4"
    assert alert.headline == "AE: Cytokine release syndrome, grade 4, not reported as serious"
    assert ("Serious", "not reported as serious") in alert.facts
    assert said(revise(made.raised(serious))) == {("serious_adverse_event", "raised", "new")}
    assert held(revise(made.changed(plain, serious))) == {("adverse_event_grade_4", "raised", "contained")}


def test_another_result_below_the_limit_is_no_news_and_a_corrected_one_is() -> None:
    """Platelets 44, then another specimen with 41: no second mail; the 44 corrected to 14: told."""

    def breach(value: str, source: str) -> EligibilityBreach:
        told = Input(name="value", value=value, unit="10*9/L", source=source)
        evidence = made.eligibility_breach().evidence.model_copy(update={"inputs": (told,)})
        return made.eligibility_breach(value=value, evidence=evidence)

    before = breach("44", "lis|P-1 v1")
    assert revise(made.changed(before, breach("41", "lis|P-2 v1"))) == ()
    corrected = said(revise(made.changed(before, breach("14", "lis|P-1 v2"))))
    assert corrected == {("eligibility_breach", "raised", "corrected")}


def test_a_newer_result_that_cannot_be_judged_is_no_go() -> None:
    """Platelets 44 hold the infusion; a newer specimen cannot be judged: the hold stands. Its own correction: gone."""
    told = Input(name="value", value="44", unit="10*9/L", source="lis|P-1 v1")
    evidence = made.eligibility_breach().evidence.model_copy(update={"inputs": (told,)})
    before, open_ = made.eligibility_breach(evidence=evidence), made.eligibility_breach(verdict="undetermined")
    assert revise(made.changed(before, open_, because="lab_result lis|P-9 v1")) == ()
    corrected = revise(made.changed(before, open_, because="lab_result lis|P-1 v2"))
    assert said(corrected) == {("eligibility_breach", "withdrawn", "withdrawn")}


def test_a_third_dlt_on_a_stopped_level_is_worse() -> None:
    """The advice stays stop, the count does not: told again."""
    more = made.cohort_decision("stop", 3, tally=Tally(enrolled=4, dosed=4, evaluable=4, dlt=3))
    assert said(revise(made.changed(made.cohort_decision("stop", 2), more))) == {("cohort_decision", "raised", "worse")}


def test_a_cohort_alert_names_no_subject() -> None:
    """What may go to a data monitoring board is pooled."""
    (alert,) = revise(made.raised(made.cohort_decision()))
    assert alert.subject is None
    assert not any(made.SUBJECT in value for fact in alert.facts for value in fact)


def test_the_same_question_on_more_records_is_no_news() -> None:
    """A data query whose count grows is one mail."""
    more = made.data_query(count=7, sources=("a|1 v1", "a|7 v1"))
    assert said(revise(made.raised(made.data_query()))) == {("ungradable", "raised", "new")}
    assert revise(made.changed(made.data_query(), more)) == ()


def test_a_test_that_the_rulebook_does_not_know_is_one_alert_for_the_whole_study() -> None:
    """Two subjects, one unknown test: the same alert id and revision, and nobody is named in it."""
    one, other = (
        made.data_query(
            id=f"F-{subject}", code="unknown_analyte", about="NEUTRO", subject=subject, sources=("lis|1 v1",)
        )
        for subject in ("SUBJ-1", "SUBJ-2")
    )
    (first,), (second,) = revise(made.raised(one)), revise(made.raised(other, revision=3))
    assert (first.id, first.revision, first.subject) == (second.id, second.revision, None)
    assert not any("SUBJ" in value for fact in first.facts for value in fact)
    assert revise(made.withdrawn(one)) == ()


def test_a_question_on_which_no_grade_hangs_waits_for_the_list() -> None:
    """A result that was not done is on record, and wakes nobody."""
    assert held(revise(made.raised(made.data_query(code="no_value")))) == {
        ("ungradable", "raised", "no_grade_at_stake")
    }


def test_every_question_the_judgement_can_ask_is_decided_on() -> None:
    """The policy's lists of codes name only codes that exist."""
    assert {*OF_THE_WHOLE_STUDY, *FOR_THE_LIST} < set(CODES)


def test_unreadable_messages_are_one_alert_a_topic_reason_and_day() -> None:
    """A run of unreadable messages is one mail, and the next day one more."""
    day = made.AS_OF.date()
    first = unreadable("safety.labs", "not_json", "byte 0", day, made.AS_OF)
    again = unreadable("safety.labs", "not_json", "byte 77", day, made.AS_OF + timedelta(hours=1))
    other = unreadable("safety.labs", "not_json", "byte 0", day + timedelta(days=1), made.AS_OF)
    assert first.id == again.id != other.id
    assert (first.study, first.revision, first.decision.action) == ("-", 1, "send")


def test_alert_ids_have_the_shape_that_people_read_out() -> None:
    """AL- and eight capital letters or digits 2-7; the expected one was computed with b2sum and base32."""
    (sent, _) = revise(made.raised(made.toxicity()))
    assert sent.id == "AL-7PZCNHNB"


def test_a_change_without_its_previous_is_refused() -> None:
    """A revision cannot be derived from half a change."""
    with pytest.raises(ValueError, match="the finding before is not given"):
        revise(made.changed(made.toxicity(3), made.toxicity(4)).model_copy(update={"previous": None}))


states = st.one_of(
    st.none(),
    st.builds(
        lambda grade, expected, emergent: made.toxicity(grade, expected=expected, emergent=emergent),
        st.integers(2, 4),
        st.booleans(),
        st.sampled_from([True, False, None]),
    ),
)


@settings(deadline=None)
@given(st.lists(states, min_size=1, max_size=8))
def test_the_last_word_people_heard_is_the_truth(course: list[AnyFinding | None]) -> None:
    """Whatever the course of a finding, those who were told end up knowing exactly what it now supports."""
    heard: dict[tuple[str, str], str] = {}
    for revision, (before, now) in enumerate(pairwise([None, *course]), start=1):
        if before == now:
            continue
        if now is None and before is not None:
            change = made.withdrawn(before, revision)
        elif before is None and now is not None:
            change = made.raised(now, revision)
        elif before is not None and now is not None:
            change = made.changed(before, now, revision)
        for alert in revise(change):
            told = heard.get((alert.type, alert.case))
            if alert.decision.action == "send" and (alert.state == "raised" or told is not None):
                heard[alert.type, alert.case] = alert.state
    last = course[-1]
    drafts: dict[tuple[str, str], Decision] = {
        (d.type, d.case): d.decision for d in (alerts_of(last) if last is not None else ())
    }
    for case, state in heard.items():
        decision = drafts.get(case)
        if decision is None or decision.action == "hold":
            contained = decision is not None and decision.reason == "contained"
            assert state == "withdrawn" or contained
        else:
            assert state == "raised"
    assert all(case in heard for case, decision in drafts.items() if decision.action == "send")


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ({"tell": ()}, "recorded"),
        ({"verdict": "undetermined"}, "undetermined"),
        ({"emergent": False}, "before_treatment"),
    ],
)
def test_a_watch_limit_that_nobody_asked_to_be_told_of_is_held_with_its_reason(
    fact: dict[str, Any], reason: str
) -> None:
    """Recorded and shown by default; mailed only when surely outside, after treatment, to the roles of the protocol."""
    assert held(revise(made.raised(made.watch_limit(**fact)))) == {("watch_limit", "raised", reason)}


def test_a_watch_limit_is_told_once_an_episode_to_those_the_protocol_names() -> None:
    """The first result outside goes to the medical monitor; a worse one of the same episode and its end are no news."""
    before = made.watch_limit()
    (alert,) = revise(made.raised(before))
    assert (alert.decision.action, alert.urgency, alert.tell) == ("send", "info", ("medical_monitor",))
    assert "not a CTCAE grade" in alert.headline
    worse = made.watch_limit(value="70", worst_observed=before.worst_observed, evidence=_worse())
    assert revise(made.changed(before, worse)) == ()
    assert revise(made.changed(before, before.model_copy(update={"open": False}))) == ()


def _worse() -> Evidence:
    source = Input(name="Systolic blood pressure", value="70", unit="mm[Hg]", source="ward|BP-4 v1")
    return made.watch_limit().evidence.model_copy(update={"inputs": (source,)})


def test_a_corrected_watch_value_is_told_to_those_who_acted_on_it() -> None:
    """82 becomes 88 in a new version of the same record, still outside: corrected; taken back: withdrawn."""
    source = Input(name="Systolic blood pressure", value="88", unit="mm[Hg]", source="ward|BP-3 v2")
    evidence = made.watch_limit().evidence.model_copy(update={"inputs": (source,)})
    now = made.watch_limit(value="88", evidence=evidence)
    assert said(revise(made.changed(made.watch_limit(), now))) == {("watch_limit", "raised", "corrected")}
    assert said(revise(made.withdrawn(made.watch_limit()))) == {("watch_limit", "withdrawn", "withdrawn")}


def test_a_grade_3_that_was_contained_from_the_first_word_on_is_taken_back_in_silence() -> None:
    """Grade 4 at once, then entered in error: one withdrawal; after an earlier grade 3 there are two."""
    at_once = revise(made.withdrawn(made.toxicity(4), 2))
    assert said(at_once) == {("lab_grade_4", "withdrawn", "withdrawn")}
    assert held(at_once) == {("lab_grade_3", "withdrawn", "never_sent")}
    later = said(revise(made.withdrawn(made.toxicity(4), 3)))
    assert later == {("lab_grade_4", "withdrawn", "withdrawn"), ("lab_grade_3", "withdrawn", "withdrawn")}
