"""Claims about baselines: both readings stated where they differ (G9), and a late or corrected one says so.

day   -10      -5 ... -3          -1           0            9
      ALT 30   lymphodepletion    ALT 90       infusion     ALT 300      ULN 40
"""

import pytest
from stories import TREATED, Played, lab

FROM_LATER = "G9: with the baseline before the first infusion (90 U/L of test|ALT@-1 v1) it would be grade 2"


def _alt(*told: tuple[float, str]) -> Played:
    return Played([*TREATED, *(lab("ALT", day, value) for day, value in told)])


def test_both_readings_of_the_baseline_are_stated_where_they_differ() -> None:
    """300 U/L is 7.5 x ULN, grade 3 over a normal baseline of 30; over the 90 of day -1 it is 3.3 x, grade 2."""
    found = _alt((-10, "30"), (-1, "90"), (9, "300")).one("toxicity", analyte="ALT", peak__lowest=3)
    assert FROM_LATER in found.evidence.reasons


@pytest.mark.parametrize("day_before", ["30", "38"])
def test_where_both_readings_agree_nothing_is_said(day_before: str) -> None:
    """A normal result on either side of lymphodepletion leads to the same grade."""
    found = _alt((-10, "30"), (-1, day_before), (9, "300")).one("toxicity", analyte="ALT")
    assert not [one for one in found.evidence.reasons if one.startswith("G9")]


def test_the_other_reading_needs_no_second_result() -> None:
    """No result between lymphodepletion and infusion: both readings have the same baseline."""
    found = _alt((-10, "90"), (9, "300")).one("toxicity", analyte="ALT", peak__lowest=2)
    assert not [one for one in found.evidence.reasons if one.startswith("G9")]


@pytest.mark.parametrize("first", ["late", "corrected"])
def test_a_late_or_corrected_baseline_regrades_and_the_change_says_so(first: str) -> None:
    """ALT 300 is grade 3 until the abnormal baseline of 90 is known: then grade 2, and the change names that result."""
    played = _alt((9, "300")) if first == "late" else _alt((-10, "30"), (9, "300"))
    done = played.take(lab("ALT", -10, "90", version=2))
    (change,) = [one for one in done.changes if one.finding.kind == "toxicity" and one.finding.study_day == 9]
    assert change.finding.peak.lowest == change.finding.peak.highest == 2  # type: ignore[union-attr]
    assert change.because == "lab_result test|ALT@-10 v2"
    assert change.regraded == (
        "the baseline is now 90 U/L of test|ALT@-10 v2 (G9); the worst grade before treatment is now 1 (T12)"
    )


def test_a_result_after_treatment_is_no_baseline_and_the_change_does_not_say_so() -> None:
    """A late result of day 7 changes nothing that was compared with the baseline."""
    done = _alt((-10, "30"), (9, "300")).take(lab("ALT", 7, "250"))
    assert {one.because for one in done.changes} == {"lab_result test|ALT@7 v1"}


def test_in_any_order_both_readings_are_the_same() -> None:
    """Told backwards, the same is stated."""
    told = ((-10, "30"), (-1, "90"), (9, "300"))
    assert _alt(*told).findings == _alt(*reversed(told)).findings
