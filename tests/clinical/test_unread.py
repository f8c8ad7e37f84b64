"""What nobody can read is asked about: facts of a wrong name or kind, other treatments, amounts without a measure."""

from typing import Any

import pytest
from stories import (
    Played,
    bundled,
    bundled_with,
    enrolled,
    fact,
    infusion,
    lab,
    lymphodepletion,
    screened,
    taken_back,
)

from safety_stream.alerting.policy import revise
from safety_stream.clinical.findings_subject import DataQuery
from safety_stream.rulebook.protocol import Infusions

NUMBER, DATED = "selena-sledai", "hemodialysis-last"
ALONE = (screened(), lymphodepletion(-5), infusion(1, 0))


def asked(played: Played, code: str) -> list[DataQuery]:
    """The standing questions of one code."""
    return played.of("data_query", code=code)


def test_a_slip_in_the_name_of_a_fact_is_asked_about_with_the_name_that_was_meant() -> None:
    """Two records under one wrong name are one question, and the likeliest name stands first."""
    wrong = [fact("hbsag_positve", -6, value=False), fact("hbsag_positve", -3, value=False)]
    (question,) = asked(Played([*ALONE, *wrong]), "unknown_fact")
    assert question.count == 2
    assert "perhaps hbsag-positive" in question.evidence.sentence


@pytest.mark.parametrize("name", ["hbsag-positive", "on_anticoagulant", "baseline_abnormal", "uncontrolled-infection"])
def test_a_fact_that_a_rule_reads_is_no_question(name: str) -> None:
    """Facts of criteria, a criterion's own name, facts of the book, and the flag of a baseline (G41)."""
    assert not asked(Played([*ALONE, fact(name, -3, value=False)]), "unknown_fact")


def test_a_fact_told_in_error_leaves_no_question() -> None:
    """Taken back, it asks nothing."""
    wrong = fact("hbsag_positve", -6, value=False)
    assert not asked(Played([*ALONE, wrong, taken_back(wrong)]), "unknown_fact")


@pytest.mark.parametrize(
    ("dose", "about"),
    [
        (infusion(1, 0, treatment="CAR-T 19"), "infusion CAR-T 19"),
        (lymphodepletion(-5, treatment="bendamustine"), "lymphodepletion bendamustine"),
    ],
)
def test_a_treatment_that_the_protocol_does_not_give_counts_and_is_asked_about(dose: Any, about: str) -> None:
    """The window opens and the baseline ends all the same: a slip in a name must not hide a toxicity."""
    played = Played([screened(), dose])
    (question,) = asked(played, "unknown_treatment")
    assert question.about == about
    frame = played.record.frame
    assert frame is not None
    assert frame.frame.start is not None


def test_another_name_of_the_product_is_learnt_from_the_protocol() -> None:
    """``also_called`` ends the question; case and spaces do not count."""
    plan = bundled().protocols["CAR-NK-SLE-01"].versions[0].infusions
    assert plan is not None
    told = plan.model_copy(update={"also_called": ("CAR-T 19",)})
    dose = infusion(1, 0, treatment="car-t  19")
    assert not asked(Played([screened(), dose], book=bundled_with(infusions=told)), "unknown_treatment")
    assert asked(Played([screened(), dose]), "unknown_treatment")
    assert Infusions.model_fields["also_called"].default == ()


def test_one_name_is_one_mail_for_the_whole_study() -> None:
    """Every subject's record under a wrong name raises the same question: the alert is shared."""
    change = next(
        one
        for one in Played([*ALONE, fact("hbsag_positve", -6, value=False)]).changes
        if isinstance(one.finding, DataQuery) and one.finding.code == "unknown_fact"
    )
    of_another = change.finding.model_copy(update={"id": "F-22222222222222AA", "subject": "002"})
    one, other = (revise(each)[0] for each in (change, change.model_copy(update={"finding": of_another})))
    assert (one.subject, one.id) == (None, other.id)


def test_an_infusion_beyond_the_plan_is_asked_about() -> None:
    """The bundled protocol plans three; a fourth is a slip of the number, or a dose that nobody approved."""
    (question,) = asked(Played([*ALONE, infusion(4, 21)]), "infusion_not_planned")
    assert (question.about, question.expected) == ("infusion 4", "infusions 1 to 3")
    assert not asked(Played([*ALONE, infusion(2, 7), infusion(3, 14)]), "infusion_not_planned")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("at_rest", "yes", "true or false"),
        ("hbsag-positive", "negative", "true or false"),
        (NUMBER, "ten", "a number"),
        (NUMBER, True, "a number"),
        (DATED, "in spring", "a date, or false for never"),
        (DATED, True, "a date, or false for never"),
        ("at_rest", True, None),
        (NUMBER, "10", None),
        (DATED, "2024-03", None),
        (DATED, False, None),
    ],
)
def test_a_value_of_another_kind_than_the_rules_read(name: str, value: bool | str, expected: str | None) -> None:
    """A yes in words, a number in words, a date in words: each is told what was expected instead."""
    found = asked(Played([*ALONE, fact(name, -3, value=value)]), "unreadable_fact")
    assert [one.expected for one in found] == ([] if expected is None else [expected])


def test_two_values_of_another_kind_are_one_question() -> None:
    """A "no" and a "yes" in words: counted together, the one of the last record by name shown."""
    wrong = [fact("at_rest", -3, value="yes"), fact("at_rest", -2, value="no")]
    (question,) = asked(Played([*ALONE, *wrong]), "unreadable_fact")
    assert (question.count, question.found, len(question.sources)) == (2, "yes", 2)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount": "2000000"}, None),
        ({"amount": "2.0E6"}, None),
        ({"amount": "20000000"}, "dose_off_plan"),
        ({"unit": "cells"}, "dose_not_comparable"),
        ({"unit": None}, "dose_not_comparable"),
        ({"amount": "two million"}, "dose_not_comparable"),
        ({"amount": None}, "dose_without_amount"),
    ],
)
def test_an_amount_that_cannot_be_compared_with_the_plan(given: dict[str, Any], code: str | None) -> None:
    """2 x 10^6 cells/kg of dose level 1: ten times as much in another unit must not pass in silence."""
    played = Played([screened(), enrolled(), infusion(1, 0, **given)])
    codes = {"dose_off_plan", "dose_not_comparable", "dose_without_amount"}
    assert {one.code for one in played.of("data_query")} & codes == ({code} if code else set())


@pytest.mark.parametrize(
    ("test", "differs"), [("Sodium", True), ("Potassium", False), ("K in serum, our own name", False)]
)
def test_a_code_and_a_name_that_stand_for_two_analytes(test: str, differs: bool) -> None:
    """2823-3 is potassium: it decides, is graded at once, and a name of another analyte is asked about."""
    result = lab("K", 3, "7.3").model_copy(update={"test": test, "loinc": "2823-3"})
    played = Played([*ALONE, result])
    assert played.one("toxicity").term == "Hyperkalemia"
    assert [one.found for one in asked(played, "test_and_code_differ")] == (
        ["Potassium by its code, Sodium by its name"] if differs else []
    )
