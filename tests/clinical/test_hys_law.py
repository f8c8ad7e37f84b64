"""Hy's law (T14): ALT or AST at least 3 x ULN and bilirubin above 2 x ULN within 14 days, without cholestasis.

The stories' laboratory has a ULN of 40 U/L for ALT, 35 for AST, 100 for alkaline phosphatase, 20 umol/L for bilirubin:
the limits are 120, 105, 200 and 40.
"""

from typing import Any

import pytest
from stories import STUDY, SUBJECT, TREATED, Played, adjudicated, at, infusion, lab

from safety_stream.alerting.policy import revise
from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.events import SubjectEvent

CASE = finding_id(STUDY, SUBJECT, "dlt", "composite|hys-law")
NORMAL = (lab("ALT", -10, "30"), lab("AST", -10, "25"), lab("BILI", -10, "12"))


def state(*results: SubjectEvent) -> str | None:
    """The state of the finding by the rule on Hy's law; None: there is none."""
    played = Played([*TREATED, *NORMAL, *results])
    found = played.of("dose_limiting_toxicity", rule="hys-law")
    assert Played([*results, *NORMAL, *TREATED]).of("dose_limiting_toxicity", rule="hys-law") == found
    return str(found[0].state) if found else None


FIGURES = [
    ("ALT", "120", "40.1", "99", "candidate"),  # at least 3 x ULN: the limit itself counts
    ("ALT", "119", "40.1", "99", None),
    ("AST", "105", "40.1", "99", "candidate"),
    ("AST", "104", "40.1", "99", None),
    ("ALT", "400", "40", "99", None),  # above 2 x ULN: the limit itself does not
    ("ALT", "120", "40.1", "199", "candidate"),
    ("ALT", "120", "40.1", "200", None),  # cholestasis from 2 x ULN
    ("ALT", "120", "40.1", None, "possible"),
    ("ALT", ">100", "50", "99", "possible"),  # may be 120 or more
    ("ALT", "130", "50", "<300", "possible"),  # may be cholestasis
]


@pytest.mark.parametrize(("test", "transaminase", "bilirubin", "phosphatase", "expected"), FIGURES)
def test_each_figure_on_its_limit(
    test: str, transaminase: str, bilirubin: str, phosphatase: str | None, expected: str | None
) -> None:
    """On the limit and beside it; what is missing or not exact makes it possible, never nothing."""
    phosphatases = [] if phosphatase is None else [lab("ALP", 16, phosphatase)]
    assert state(lab(test, 16, transaminase), lab("BILI", 17, bilirubin), *phosphatases) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(16, 30, "candidate"), (16, 30.1, None), (30, 16, "candidate"), (30.1, 16, None), (16, 16, "candidate")],
)
def test_the_two_lie_within_14_days(first: float, second: float, expected: str | None) -> None:
    """To the hour: 14 days are inside, 2 h 24 min more are outside; which of the two comes first does not matter."""
    results = [lab("ALT", first, "150"), lab("BILI", second, "50"), lab("ALP", 16, "90")]
    assert state(*results) == expected


def test_both_of_one_sample() -> None:
    """A phosphatase that rises later is no initial cholestasis: the one nearest to the onset decides."""
    together = [lab("ALT", 16, "150"), lab("BILI", 16, "50"), lab("ALP", 16, "90")]
    assert state(*together, lab("ALP", 20, "300")) == "candidate"
    assert state(*together[:2], lab("ALP", 16, "300"), lab("ALP", 20, "90")) is None


@pytest.mark.parametrize(
    ("phosphatases", "expected"),
    [
        ([(17, "300")], None),  # a day after it was complete: of the onset
        ([(17.1, "300")], "possible"),
        ([(26, "300")], "possible"),
        ([(30.1, "300")], "possible"),  # beyond 14 days there is no answer at all
        ([(10, "90"), (18, "300")], "possible"),  # normal six days before, raised two days after
        ([(15, "300")], None),  # the day before: of the onset
        ([(14.9, "300")], "possible"),  # more than a day before: of an earlier time
        ([(10, "300")], "possible"),
        ([(10, "300"), (16, "300")], None),
        ([(26, "90")], "candidate"),  # no cholestasis then, so none that began it
        ([(16, "90"), (18, "300")], "candidate"),
    ],
)
def test_a_phosphatase_raised_only_before_or_afterwards_rules_nothing_out(
    phosphatases: list[tuple[float, str]], expected: str | None
) -> None:
    """Enzymes and bilirubin of day 16: only the initial findings, within a day, show initial cholestasis (T14).

    Hepatocellular injury may turn cholestatic later, and what was raised days before may have been of something else.
    """
    both = [lab("ALT", 16, "400"), lab("BILI", 16, "60")]
    assert state(*both, *[lab("ALP", day, value) for day, value in phosphatases]) == expected


def test_a_corrected_bilirubin_takes_it_back() -> None:
    """A bilirubin of 50 that was 15."""
    results = [lab("ALT", 16, "150"), lab("BILI", 17, "50"), lab("ALP", 16, "90")]
    assert state(*results) == "candidate"
    assert state(*results, lab("BILI", 17, "15", version=2)) is None


def test_its_grade_is_not_one_of_ctcae_and_its_evidence_names_the_results() -> None:
    """A physician sees which results make it: ALT and bilirubin with their values."""
    played = Played([*TREATED, *NORMAL, lab("ALT", 16, "150"), lab("BILI", 17, "50"), lab("ALP", 16, "90")])
    found = played.one("dose_limiting_toxicity", rule="hys-law")
    assert [one.source for one in found.evidence.inputs] == ["test|ALT@16 v1", "test|BILI@17 v1"]
    assert [one.value for one in found.evidence.inputs] == [
        "Alanine aminotransferase 150 U/L >= 3 x ULN",
        "Bilirubin 50 umol/L > 2 x ULN",
    ]


def test_before_the_first_infusion_it_is_no_dose_limiting_toxicity() -> None:
    """The same figures at screening are no DLT: there is nothing yet that could have limited a dose."""
    results = [lab("ALT", -9, "150"), lab("BILI", -8, "50"), lab("ALP", -9, "90")]
    assert Played([*TREATED, *results, infusion(1, 0)]).of("dose_limiting_toxicity", rule="hys-law") == []


def visit(day: float, alt: str, bilirubin: str, alp: str = "60", **more: Any) -> list[SubjectEvent]:
    """The three results of one sample."""
    return [lab("ALT", day, alt, **more), lab("BILI", day, bilirubin, **more), lab("ALP", day, alp, **more)]


def dlt(*results: SubjectEvent) -> Any:
    """The finding by the rule on Hy's law, the same in both orders; None: there is none."""
    found = Played([*TREATED, *NORMAL, *results]).of("dose_limiting_toxicity", rule="hys-law")
    assert Played([*reversed(results), *NORMAL, *TREATED]).of("dose_limiting_toxicity", rule="hys-law") == found
    return found[0] if found else None


def test_an_onset_before_the_infusion_does_not_hide_the_one_after_it() -> None:
    """ALT is 3.1 x ULN on day -1 and 5 x on day 2, bilirubin 2.75 x on day 4: days 2 and 4 lie in the window."""
    found = dlt(*visit(-1, "125", "10"), *visit(2, "200", "15"), *visit(4, "100", "55"))
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == ("candidate", at(2))
    assert [one.source for one in found.evidence.inputs] == ["test|ALT@2 v1", "test|BILI@4 v1"]


def test_the_morning_before_the_first_infusion_does_not_hide_a_later_onset() -> None:
    """ALT 3.1 x ULN at 8:00 of day 0, two hours before the infusion, and 5 x on day 3: the onset is day 3."""
    found = dlt(*visit(0, "125", "10"), *visit(3, "200", "15"), *visit(6, "110", "55"))
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == ("candidate", at(3))


def test_an_onset_is_no_more_exact_than_its_sample() -> None:
    """The day of the infusion without an hour lies in the window (T2); of June alone, days 1 to 23 lie before it."""
    later = [lab("BILI", 4, "55"), lab("ALP", 2, "60")]
    found = dlt(lab("ALT", 0, "125", observed_at="2024-06-24"), *later)
    assert (found.state, str(found.onset)) == ("candidate", "2024-06-24")
    june = lab("ALT", 0, "125", observed_at="2024-06")
    found = dlt(june, *later)
    assert (found.state, "window" in found.rules[0].open, str(found.onset)) == ("possible", True, "2024-06")
    found = dlt(june, lab("ALT", 2, "200"), *later)
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == ("candidate", at(2)), "this one is sure"


def test_a_sure_case_after_the_window_does_not_hide_a_possible_one_inside_it() -> None:
    """ALT above 100 on day 20 may be 3 x ULN; the sure case of day 60 is past day 42, the last of the window."""
    found = dlt(*visit(20, ">100", "55"), *visit(60, "400", "90"))
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == ("possible", at(20))
    assert dlt(*visit(60, "400", "90")) is None


def test_each_combination_is_judged_by_the_phosphatase_of_its_own_onset() -> None:
    """Day 16 began with cholestasis (ALP 3 x ULN), day 20 did not (0.9 x): the combination of day 20 counts."""
    found = dlt(*visit(16, "150", "50", "300"), *visit(20, "150", "50", "90"))
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == ("candidate", at(20))


FIRST = (*visit(5, "190", "55"), adjudicated(CASE, 8, "refuted"))


def test_a_new_case_after_a_refutation_is_a_candidate_again() -> None:
    """Refuted on day 8, normal on day 12, ALT 10 x and bilirubin 4.5 x ULN on day 35: nobody judged this case.

    day 5         day 8      day 12     day 35            infusions on days 0, 7 and 14: the window ends on day 42
    190 and 55    refuted    normal     400 and 90
    """
    played = Played([*TREATED, *NORMAL, *FIRST, *visit(12, "30", "10")])
    assert played.one("dose_limiting_toxicity", rule="hys-law").state == "refuted"
    before = len(played.changes)
    for event in visit(35, "400", "90"):
        played.take(event)
    found = played.one("dose_limiting_toxicity", rule="hys-law")
    assert (found.id, found.state, found.onset.earliest(at(0).tzinfo)) == (CASE, "candidate", at(35))
    assert [one.source for one in found.evidence.inputs] == ["test|ALT@35 v1", "test|BILI@35 v1"]
    assert any("was met only after the decision" in one for one in found.evidence.reasons)
    assert found == dlt(*FIRST, *visit(12, "30", "10"), *visit(35, "400", "90"))
    alerts = [alert for change in played.changes[before:] for alert in revise(change)]
    told = [one for one in alerts if one.type == "dose_limiting_toxicity" and "Hy's law" in one.headline]
    assert [(one.state, one.decision.action) for one in told] == [("raised", "send")]


@pytest.mark.parametrize(
    ("after", "state", "onset"),
    [
        ([visit(9, "200", "60"), visit(12, "400", "90")], "refuted", 5),  # the same case goes on, though it is worse
        ([visit(9, "100", "60"), visit(12, "190", "60")], "candidate", 9),  # ALT was below 3 x ULN on day 9
        ([visit(9, "190", "40"), visit(12, "190", "41")], "candidate", 9),  # bilirubin was at 2 x ULN on day 9
        ([visit(19, "190", "55")], "refuted", 5),  # 14 days without a sample: nobody saw it end
        ([visit(19.1, "190", "55")], "candidate", 19.1),  # longer than that: nobody knows that it went on
        ([visit(12, "30", "10"), visit(15, ">100", "55")], "refuted", 5),  # what only may be is no new case
        ([visit(12, "30", "10"), visit(43, "400", "90")], "refuted", 5),  # after the window
    ],
)
def test_what_a_refutation_outlives(after: list[list[SubjectEvent]], state: str, onset: float) -> None:
    """Refuted on day 8 after 190 and 55 on day 5: it covers that case until a sample misses a clause."""
    found = dlt(*FIRST, *(one for sample in after for one in sample))
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == (state, at(onset))


def test_a_case_that_was_only_possible_when_it_was_refuted() -> None:
    """Bilirubin above 35 may be 2 x ULN; refuted on day 8; 55 on day 9: the law was met only then."""
    results = [*visit(5, "190", ">35"), adjudicated(CASE, 8, "refuted")]
    assert dlt(*results).state == "refuted"
    assert dlt(*results, *visit(9, "190", "55")).state == "candidate"


def test_each_decision_is_on_the_case_before_it() -> None:
    """Two cases, of days 5 and 15: the second is refuted too, or confirmed; a reversal on day 10 is about the first."""
    cases = [*FIRST, *visit(12, "30", "10"), *visit(15, "400", "90")]
    for verdict in ("refuted", "confirmed"):
        found = dlt(*cases, adjudicated(CASE, 20, verdict))
        assert (found.state, found.onset.earliest(at(0).tzinfo)) == (verdict, at(15))
    found = dlt(*cases, adjudicated(CASE, 10, "confirmed"))
    assert (found.state, found.onset.earliest(at(0).tzinfo)) == ("confirmed", at(5))


def test_one_enzyme_goes_on_where_the_other_falls_and_rises() -> None:
    """AST stays above 3 x ULN: that ALT falls below it and rises again is no new case."""
    ast = [lab("AST", day, "150") for day in (5, 12, 15)]
    assert dlt(*FIRST, *ast, *visit(12, "100", "55"), *visit(15, "190", "55")).state == "refuted"
