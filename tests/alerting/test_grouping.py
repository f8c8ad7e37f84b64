"""One specimen is one mail, and the graver alert stands for the lesser one only where it tells the same."""

from itertools import permutations
from typing import Any

import alerts_made
import findings_made as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels_made import MORNING, NOON, ONE_TUBE, alt_4, bilirubin_3, candidate, hys, liver, result

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import CATALOGUE, entry
from safety_stream.alerting.grouping import MOST_IN_A_MAIL, groups, shelf, ties, together, worst_first
from safety_stream.alerting.inhibition import contained, may_contain
from safety_stream.alerting.policy import revise
from safety_stream.clinical.moment import Moment

URGENCY = ("critical", "warning", "info")
DEATH = alerts_made.sent(made.reported_event(grade=5, outcome="fatal", seriousness=("death",)))
SERIOUS = alerts_made.sent(made.reported_event())
RELATED = alerts_made.sent(made.reported_event(id="F-AE-3", grade=3, serious=False, seriousness=()))
GONE = next(one for one in revise(made.withdrawn(made.toxicity(4))) if one.decision.action == "send")


def test_a_liver_panel_is_one_mail_that_begins_with_hys_law() -> None:
    """Five alerts of one tube of blood: one mail, Hy's law first, the grade 3 last, nothing left out."""
    (mail,) = groups(ONE_TUBE)
    assert [one.type for one in mail] == [
        "hys_law", "liver_stop", "lab_grade_4", "dose_limiting_toxicity", "lab_grade_3",
    ]  # fmt: skip


def test_hys_law_and_the_stopping_criterion_are_each_answered_the_results_in_them_are_not() -> None:
    """The transaminase and the bilirubin stand in Hy's law; the criterion to stop and the DLT candidate ask apart."""
    assert {id_: one.type for id_, one in contained(ONE_TUBE).items()} == {
        alt_4.id: "hys_law", bilirubin_3.id: "hys_law",
    }  # fmt: skip


def test_a_result_that_hys_law_does_not_tell_is_answered_by_itself() -> None:
    """Neutropenia of the same tube is in the same mail and is no part of Hy's law."""
    neutrophils = result("NEUT", 4)
    assert groups([hys, neutrophils]) == ((hys, neutrophils),)
    assert contained([hys, neutrophils]) == {}


def test_another_tube_and_another_subject_are_other_mails() -> None:
    """The same test at noon, and of somebody else in the same minute."""
    somebody, noon = result("ALT", 4, "SUBJ-0002"), result("AST", 4, taken=NOON)
    assert len(groups([alt_4, somebody, noon])) == 3
    assert shelf(alt_4) == shelf(noon) != shelf(somebody)


def test_the_same_instant_in_two_zones_is_one_specimen() -> None:
    """07:30 in Shanghai is 23:30 UTC of the day before."""
    utc = result("BILI", 3, taken=Moment("2026-03-11T23:30:00Z"))
    assert len(groups([alt_4, utc])) == 1


def test_a_day_without_an_hour_ties_nothing() -> None:
    """Two results of the same day need not be of one specimen."""
    day = Moment("2026-03-12")
    assert len(groups([result("ALT", 4, taken=day), result("BILI", 3, taken=day)])) == 2


def test_a_death_leads_whatever_it_is_told_with() -> None:
    """The DLT candidate about a fatal event comes second, and contains nothing of it."""
    both = (candidate(DEATH), DEATH)
    assert [one.type for one in groups(both)[0]] == ["death", "dose_limiting_toxicity"]
    assert contained(both) == {}


def test_a_dlt_candidate_stands_for_the_related_grade_3_it_is_about() -> None:
    """The same event, one question: is it a DLT."""
    dlt = candidate(RELATED)
    assert contained([RELATED, dlt]) == {RELATED.id: dlt}
    assert contained([RELATED, candidate(SERIOUS)]) == {}


def test_what_is_taken_back_is_a_mail_of_its_own_and_contains_nothing() -> None:
    """A withdrawal goes in the thread of what it withdraws; what its alert contained stands by itself again."""
    assert ties(GONE) == frozenset()
    back = hys.model_copy(update={"state": "withdrawn"})
    assert contained([back, alt_4, bilirubin_3]) == {}


@pytest.mark.parametrize(("type_", "case"), CATALOGUE, ids="-".join)
def test_nothing_that_must_be_told_is_ever_contained(type_: str, case: str) -> None:
    """Deaths, serious events, clocks, advice to stop and what a person decides: by no entry of the catalogue."""
    told = entry(type_, case)
    if told.never_silenced or told.decide_within is not None:
        assert not any(may_contain(one, told) for one in CATALOGUE.values())
        assert not any(type_ in one.contains for one in CATALOGUE.values())


TESTS, SUBJECTS, TIMES = ("ALT", "BILI", "NEUT"), ("SUBJ-0001", "SUBJ-0002"), (MORNING, NOON)


@st.composite
def some(draw: st.DrawFn) -> list[Alert]:
    """Alerts of two subjects and two tubes, deaths and serious events among them."""
    subjects, times = st.sampled_from(SUBJECTS), st.sampled_from(TIMES)
    made_ = [
        *draw(st.lists(st.builds(result, st.sampled_from(TESTS), st.sampled_from([3, 4]), subjects, times))),
        *draw(st.lists(st.builds(liver, st.sampled_from(["hys_law", "liver_stop"]), subject=subjects, taken=times))),
        *draw(st.lists(st.sampled_from([DEATH, SERIOUS, RELATED, GONE]))),
    ]
    about = draw(st.lists(st.sampled_from(made_), max_size=3)) if made_ else []
    made_ += [candidate(one) for one in about if one.finding is not None and one.state == "raised"]
    return list({one.id: one for one in made_}.values())


@settings(max_examples=60, deadline=None)
@given(some(), st.randoms())
def test_the_mails_do_not_depend_on_the_order_of_arrival(alerts: list[Alert], chance: Any) -> None:
    """However the alerts come, the same mails; and each alert is in exactly one of them."""
    mails = groups(alerts)
    shuffled = list(alerts)
    chance.shuffle(shuffled)
    assert groups(shuffled) == mails
    assert sorted(one.id for mail in mails for one in mail) == sorted(one.id for one in alerts)
    for mail in mails:
        assert len({(one.study, one.subject) for one in mail}) == 1
        assert len(mail) <= MOST_IN_A_MAIL
        assert mail == worst_first(mail)
        if len(alerts) <= MOST_IN_A_MAIL:  # nothing had to be left for another mail
            assert all(together(one, alerts) == mail for one in mail)


@settings(max_examples=60, deadline=None)
@given(some())
def test_nothing_is_both_unanswered_and_uncontained(alerts: list[Alert]) -> None:
    """What is contained stands in a mail whose graver alert is answered itself, as urgently and no later."""
    for mail in groups(alerts):
        inside = contained(mail)
        for lesser in mail:
            graver = inside.get(lesser.id)
            if graver is None:
                continue
            assert graver in mail
            assert graver.id not in inside
            assert URGENCY.index(graver.urgency) <= URGENCY.index(lesser.urgency)
            assert entry(graver.type).answer_within <= entry(lesser.type, lesser.case).answer_within
            assert lesser.type not in {"death", "serious_adverse_event", "sae_clock", "cohort_decision"}
            assert lesser.type not in {"liver_stop", "dose_limiting_toxicity", "hys_law"}


@settings(max_examples=60, deadline=None)
@given(some())
def test_without_the_graver_alert_the_lesser_ones_stand_again(alerts: list[Alert]) -> None:
    """Taking the graver alerts back leaves nothing contained in them."""
    for mail in groups(alerts):
        gravers = {one.id for one in contained(mail).values()}
        left = [one for one in mail if one.id not in gravers]
        assert not {one.id for one in contained(left).values()} & gravers


def test_of_very_many_alerts_the_worst_are_in_the_first_mail() -> None:
    """Twelve results of one tube: mails of five, five and two, the critical ones first, none lost."""
    many = [result(f"TEST{number}", 3 + number % 2) for number in range(12)]
    mails = groups(many)
    assert [len(mail) for mail in mails] == [5, 5, 2]
    assert [one.urgency for mail in mails for one in mail] == ["critical"] * 6 + ["warning"] * 6


def test_any_order_of_one_tube_is_the_same_mail() -> None:
    """All orders of five alerts."""
    assert len({groups(order) for order in permutations(ONE_TUBE)}) == 1
