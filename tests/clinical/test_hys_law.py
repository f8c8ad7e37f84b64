"""Hy's law (T14): ALT or AST at least 3 x ULN and bilirubin above 2 x ULN within 14 days, without cholestasis.

The stories' laboratory has a ULN of 40 U/L for ALT, 35 for AST, 100 for alkaline phosphatase, 20 umol/L for bilirubin:
the limits are 120, 105, 200 and 40.
"""

from typing import Any

import pytest
from stories import TREATED, Played, at, infusion, lab

from safety_stream.clinical.events import SubjectEvent

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
