"""Whether an alert tells of what was true: matched by hand over one neutropenia of two days and one illness."""

from datetime import timedelta

import pytest
from stories import TREATED, Played, adverse, at, bundled, lab, told

from safety_stream.sandbox.judging import judge
from safety_stream.sandbox.matching import ABOUT, ELSEWHERE, Told, about, cases_told, kind_of, told_by, told_of
from safety_stream.sandbox.true_course import FEBRILE, lowest_alarming

CASE = ("001", "Neutrophil count decreased")
TRUTH = {CASE: ((at(8), 4), (at(9), 4), (at(10), 4))}  # grade 4 on days 8 to 10: grade 3 is expected then


def alert(day: float, grade: int, sent: float) -> Told:
    """One alert about the case."""
    return Told(CASE, grade, at(day), at(day), at(sent))


@pytest.mark.parametrize(
    ("day", "grade", "is_about"),
    [
        (8, 4, True),
        (9.5, 4, True),  # between two moments
        (7, 4, True),  # a day before the first
        (6.9, 4, False),
        (11, 4, True),
        (11.1, 4, False),
        (9, 3, False),  # the grade that was expected is not the one that alarms
        (30, 4, False),
    ],
)
def test_an_alert_is_about_the_truth_within_a_day_and_of_its_grade(day: float, grade: int, is_about: bool) -> None:
    """A chance hit at another time, or of a milder grade, finds nothing."""
    assert timedelta(days=1) == ABOUT
    hits = about([alert(day, grade, day)], TRUTH)
    assert (CASE in hits) is is_about
    assert set(cases_told({CASE}, hits, TRUTH)) == {CASE if is_about else (CASE[0], CASE[1] + ELSEWHERE)}


def test_the_delay_is_counted_from_the_beginning_to_the_first_alert_about_it() -> None:
    """True from day 8: told on day 9.5 of day 9, on day 12 of day 10 once more, and on day 8.1 of something else."""
    hits = about([alert(10, 4, 12), alert(9, 4, 9.5), alert(3, 4, 8.1)], TRUTH)
    assert hits == {CASE: timedelta(hours=36)}


def test_a_report_is_about_all_the_days_it_tells_of() -> None:
    """One line from day 2 to day 6 with grade 3 from day 4 on tells of it; a line that ended before does not."""
    truth = {("001", "Pneumonitis"): ((at(4), 3), (at(5), 3))}
    ends = {6: True, 2.5: False, None: True}  # one that is not told to be over goes on
    for end, is_about in ends.items():
        report = adverse("Pneumonitis", 2, grade=3, resolved=told(end) if end else None)
        assert bool(about(told_by(report, "Pneumonitis", 3), truth)) is is_about


def test_an_episode_is_about_its_worst_and_its_latest_sample() -> None:
    """Leukocytes of grade 4 on day 9 (expected) and of grade 3 still on day 30, when only that alarms."""
    played = Played((*TREATED, lab("WBC", 9, "0.8"), lab("WBC", 30, "1.5")))
    (finding,) = played.of("toxicity")
    case = ("001", "White blood cell decreased")
    assert about(told_of(finding, at(30)), {case: ((at(30), 3),)})
    assert about(told_of(finding, at(30)), {case: ((at(9), 4),)})
    assert not about(told_of(finding, at(30)), {case: ((at(20), 3),)})


def test_what_no_single_message_shows_is_counted_apart() -> None:
    """Fever and neutropenia are two measurements; an unknown term can only be a report."""
    assert [kind_of(one) for one in (CASE[1], FEBRILE, "Sepsis", FEBRILE + ELSEWHERE)] == [
        "one laboratory value", "joined", "reported", "joined",
    ]  # fmt: skip


def test_the_lowest_grade_that_alarms_is_the_one_beyond_the_expected_band() -> None:
    """Neutrophils: grade 4 to the end of day 28, then 3; everything else 3."""
    assert [lowest_alarming("NEUT", day) for day in (10, 28.9, 29)] == [4, 4, 3]
    assert lowest_alarming("K", 10) == 3


def test_both_ways_are_compared_over_the_same_cases() -> None:
    """Each kind of the two has the same number of true cases; the whole is their sum, without what is joined."""
    *_, report = judge(2, 7, bundled())
    true = {name.strip(): score.true for name, score in report.scores.items()}
    ours = [true[f"{kind}, ours"] for kind in ("one laboratory value", "reported")]
    assert ours == [true[f"{kind}, naive"] for kind in ("one laboratory value", "reported")]
    assert true["grade 3+ alerts that stand, ours"] == true["grade 3+ alerts naive"] == sum(ours)
