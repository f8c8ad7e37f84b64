"""Episodes of one term: when they open, worsen, end and come again, from results in the order of their samples."""

import pytest
from stories import TREATED, Played, lab

from safety_stream.clinical.findings_measured import Toxicity

ALT = "Alanine aminotransferase increased"


def episodes(test: str, *results: tuple[float, str]) -> list[Toxicity]:
    """The episodes that results of one test make, by number; any order of arrival makes the same."""
    told = [lab(test, day, value) for day, value in results]
    played = Played([*TREATED, *told])
    assert Played([*reversed(told), *TREATED]).findings == played.findings
    return sorted(played.of("toxicity"), key=lambda one: one.episode)


def brief(found: list[Toxicity]) -> list[tuple[int, str, str, bool, bool | None]]:
    """Number, worst grade, last grade, open, treatment-emergent."""
    return [(one.episode, str(one.peak), str(one.current), one.open, one.emergent) for one in found]


def test_worsening_and_improvement_are_one_episode() -> None:
    """1.9, 1.2 (2), 0.4 (4), 0.7 (3), 1.6 (1), 2.0 (normal): one episode, worst on day 5, ended on day 20."""
    (found,) = episodes("NEUT", (-10, "1.9"), (3, "1.2"), (5, "0.4"), (9, "0.7"), (15, "1.6"), (20, "2.0"))
    assert brief([found]) == [(1, "4", "0", False, True)]
    days = [str(one)[:10] for one in (found.onset, found.peak_observed, found.resolved)]
    assert days == ["2024-06-27", "2024-06-29", "2024-07-14"]


@pytest.mark.parametrize(
    ("test", "sure", "vague", "peak"),
    [
        ("K", "2.7", "<3.4", "3-4"),  # 2.5 to below 3.0 is grade 3; below 3.4 is every grade from 1 to 4
        ("K", "6.5", ">5.6", "3-4"),  # above 6.0 to 7.0 is grade 3; above 5.6 is 2 to 4
        ("PLAT", "40", "<100", "3-4"),  # 25 to below 50 is grade 3; below 100 is 1 to 4
        ("HGB", "70", "<100", "3"),  # below 80 is grade 3, and from a number no higher one
        ("NEUT", "0.4", "<1.0", "4"),  # below 0.5 is grade 4; below 1.0 is 3 or 4
    ],
)
def test_a_vague_result_makes_no_sure_grade_unsure(test: str, sure: str, vague: str, peak: str) -> None:
    """Whichever came first: at its worst the episode is at least what one result surely shows."""
    for results in (((2, sure), (3, vague)), ((2, vague), (3, sure))):
        (found,) = episodes(test, *results)
        assert str(found.peak) == peak


def test_an_improvement_short_of_normal_ends_nothing() -> None:
    """Grade 3, then 1, then 3 again is one episode that goes on; only a normal result ends it."""
    assert brief(episodes("NEUT", (-10, "1.9"), (3, "0.9"), (9, "1.6"), (15, "0.8"))) == [(1, "3", "3", True, True)]


def test_after_a_normal_result_it_is_another_episode() -> None:
    """Each with its own onset and its own worst grade."""
    found = episodes("NEUT", (-10, "1.9"), (3, "0.9"), (9, "2.5"), (15, "0.3"))
    assert brief(found) == [(1, "3", "0", False, True), (2, "4", "4", True, True)]


@pytest.mark.parametrize("value", ["Hello", "-1"])
def test_what_cannot_be_graded_ends_nothing(value: str) -> None:
    """Nonsense between two results of grade 3 is a question; it is not a recovery."""
    assert brief(episodes("NEUT", (-10, "1.9"), (3, "0.9"), (9, value), (15, "0.9"))) == [(1, "3", "3", True, True)]


def test_a_value_that_may_be_normal_ends_nothing() -> None:
    """ "<2.5" may be anything from 0 to normal: the episode stays open."""
    (found,) = episodes("NEUT", (-10, "1.9"), (3, "0.9"), (9, "<2.5"))
    assert found.open


def test_what_was_there_before_treatment_is_not_emergent_until_it_worsens() -> None:
    """Neutrophils of 1.2 (grade 2) before and after treatment are the subject's own; 0.9 (grade 3) is not (T12)."""
    assert brief(episodes("NEUT", (-10, "1.2"), (3, "1.3"))) == [(1, "2", "2", True, False)]
    assert brief(episodes("NEUT", (-10, "1.2"), (3, "0.9"))) == [(1, "3", "3", True, True)]


def test_an_excursion_above_the_grade_before_treatment_ends_when_it_is_back() -> None:
    """From a baseline of grade 2: 0.9 (3), back at 1.2 (2), and 0.8 (3) is an excursion of its own."""
    found = episodes("NEUT", (-10, "1.2"), (3, "0.9"), (9, "1.2"), (15, "0.8"))
    assert [(one.episode, str(one.peak), one.open) for one in found] == [(1, "3", False), (2, "3", True)]


def test_a_late_earlier_result_joins_the_episode_and_keeps_its_name() -> None:
    """0.9 of day 5, then 1.2 of day 3 arrives: the same finding, with an onset two days earlier."""
    first = Played([*TREATED, lab("NEUT", -10, "1.9"), lab("NEUT", 5, "0.9")])
    before = first.one("toxicity")
    first.take(lab("NEUT", 3, "1.2"))
    after = first.one("toxicity")
    assert after.id == before.id
    assert (str(before.onset)[:10], str(after.onset)[:10]) == ("2024-06-29", "2024-06-27")


@pytest.mark.parametrize(
    ("value", "grade"), [("89", "0"), ("90", "1"), ("180", "1"), ("181", "2"), ("300", "2"), ("301", "3")]
)
def test_an_abnormal_baseline_grades_by_multiples_of_it(value: str, grade: str) -> None:
    """With 60 U/L before treatment (ULN 40): from 1.5 x 60 grade 1, above 3 x 60 grade 2, above 5 x 60 grade 3 (G7)."""
    (found,) = episodes("ALT", (-10, "60"), (16, value))
    assert (found.term, str(found.current), str(found.baseline_grade)) == (ALT, grade, "1")


def test_what_outlasts_the_expected_band_stays_unexpected_after_recovery() -> None:
    """Leukocytes below 2.0 (grade 3), expected to day 28: still so on day 34, normal on day 41; one is over in time."""
    for last_low, expected in ((27, True), (34, False)):
        for recovered in ((), ((41, "5.0"),)):
            (found,) = episodes("WBC", (-10, "6.0"), (10, "1.5"), (last_low, "1.6"), *recovered)
            assert (found.expected, found.open) == (expected, not recovered)
