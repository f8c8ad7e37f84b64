"""Random trials: the same seed gives the same trial, the truth is the course's own, and the score is arithmetic."""

from random import Random

import pytest
from stories import bundled

from safety_stream.clinical.events import AdverseEvent, LabResult
from safety_stream.intake.native import write
from safety_stream.sandbox.courses import constitution
from safety_stream.sandbox.judging import judge, naive, ours
from safety_stream.sandbox.misfortunes import Misfortune, cytokine_release, draw, liver, marrow
from safety_stream.sandbox.random_trials import RandomTrial, random_trial
from safety_stream.sandbox.trial_report import Report, Score
from safety_stream.sandbox.true_course import LIMITS, grade_at_least_3, true_level, truth_of


@pytest.fixture(scope="module")
def trials() -> list[RandomTrial]:
    """Twenty trials of a series: enough for every error to come up."""
    return [random_trial(7, number) for number in range(1, 21)]


def test_the_same_seed_gives_the_same_bytes(trials: list[RandomTrial]) -> None:
    """One trial made again is the same, byte for byte; the next one is another."""
    again = random_trial(7, 1)
    assert [write(event) for event in again.events] == [write(event) for event in trials[0].events]
    assert again.volunteers["001-1"].truth == trials[0].volunteers["001-1"].truth
    assert [one.misfortune for one in trials[1].volunteers.values()] != [
        one.misfortune for one in trials[0].volunteers.values()
    ]


@pytest.mark.parametrize(
    ("code", "value", "grade"),
    [
        ("NEUT", 1.0, 0), ("NEUT", 0.99, 3), ("NEUT", 0.5, 3), ("NEUT", 0.49, 4), ("PLT", 49, 3), ("PLT", 24, 4),
        ("HGB", 80, 0), ("HGB", 79, 3), ("K", 6.0, 0), ("K", 6.1, 3), ("K", 7.1, 4), ("ALT", 200, 0), ("ALT", 201, 3),
        ("ALT", 801, 4), ("AST", 176, 3), ("BILI", 63, 0), ("BILI", 64, 3), ("WBC", 0.99, 4), ("LYMPH", 0.19, 4),
    ],
)  # fmt: skip
def test_the_limits_of_the_truth_are_the_printed_ones(code: str, value: float, grade: int) -> None:
    """CTCAE v5.0 as printed, for a woman's ranges (ULN of ALT 40, AST 35, bilirubin 21)."""
    assert grade_at_least_3(code, value, "female") == grade


def test_lymphodepletion_has_the_kinetics_that_trials_print(trials: list[RandomTrial]) -> None:
    """Without a misfortune the neutrophils are lowest about day 7 to 10 and above 1.0 again between day 14 and 28."""
    bodies = [
        one.records.body for trial in trials for one in trial.volunteers.values() if one.misfortune.name == "nothing"
    ]
    assert len(bodies) > 20
    for body in bodies:
        course = {day / 2: true_level("NEUT", body, day / 2) for day in range(-10, 85)}
        assert 7 <= min(course, key=lambda day: course[day]) <= 10
        assert all(value > 1.0 for day, value in course.items() if day >= 28)
        assert course[28] > 0.7 * course[-5]


def test_what_limits_the_dose_is_read_off_the_course() -> None:
    """Release of grade 3 for over 72 h, of grade 4, an ALT above 5 x ULN for days, no neutrophils for a month: yes."""
    chance = Random(1)

    def limiting(misfortune: Misfortune) -> frozenset[str]:
        body = constitution("female", 30, Random(2), {"NEUT": 0.8}, misfortune.syndrome)
        return truth_of(body, misfortune).limiting

    release = "Cytokine release syndrome"
    assert limiting(cytokine_release("", 3, (80, 80), chance)) == {release}
    assert limiting(cytokine_release("", 3, (60, 60), chance)) == set()
    assert limiting(cytokine_release("", 4, (12, 12), chance)) == {release}
    assert limiting(liver("", (4, 4), None, chance)) >= {LIMITS["ALT"].term}
    assert limiting(liver("", (0.2, 0.2), None, chance)) == set()
    assert "hys-law" in limiting(liver("", (2, 2), 55, chance))
    assert limiting(marrow("", (40, 40), chance)) == {LIMITS["NEUT"].term}
    assert limiting(marrow("", (20, 20), chance)) == set()


def test_the_hospital_errs_in_every_way(trials: list[RandomTrial]) -> None:
    """Hemolysed, another unit, another subject's tube; reports omitted, too low, late, in own words, one line."""
    wrong = {word for trial in trials for one in trial.volunteers.values() for word in one.wrong}
    for word in ("hemolysed, corrected", "hemolysed, never", "unit", "another", "report omitted", "report graded"):
        assert any(said.startswith(word) for said in wrong), word
    for word in ("report in the site's own words", "report days late", "one line"):
        assert any(said.startswith(word) for said in wrong), word
    events = [event for trial in trials for event in trial.events]
    keys = [(one.subject, one.source) for one in events if isinstance(one, LabResult)]
    assert len(keys) > len(set(keys))  # some came twice
    assert any(isinstance(one, LabResult) and one.status == "preliminary" for one in events)


def test_an_omitted_report_leaves_no_trace(trials: list[RandomTrial]) -> None:
    """Where the report was omitted nothing is told of the illness, and the truth still holds it."""
    omitted = [
        (trial, name) for trial in trials for name, one in trial.volunteers.items() if "report omitted" in one.wrong
    ]
    assert omitted
    for trial, name in omitted:
        assert not [one for one in trial.events if isinstance(one, AdverseEvent) and one.subject == name]


def test_the_arithmetic_of_a_score() -> None:
    """Three true, two of them found, one found that is not true: 66.7 % and 66.7 %; nothing true, nothing said."""
    score = Score()
    assert score.sentence == "sensitivity none (0/0), precision none (0/0)"
    score.add(frozenset({"a", "b"}), frozenset({"a"}))
    score.add(frozenset({"c"}), frozenset({"c", "d"}))
    assert score.sentence == "sensitivity 66.7% (2/3), precision 66.7% (2/3)"


def test_every_fate_is_drawn_in_time() -> None:
    """Six hundred draws hold every misfortune there is."""
    chance = Random(3)
    assert len({draw(chance).name for _ in range(600)}) == 12


def test_a_trial_judged() -> None:
    """A trial end to end: the naive rule cries wolf far more often than ours, over cases and over alerts."""
    *_, report = judge(1, 7, bundled())
    assert isinstance(report, Report)
    assert (report.trials, report.subjects) == (1, 6)
    ours_, theirs = (report.scores[name.ljust(32)[:32]] for name in _ALERTS)
    assert theirs.false > 5 * ours_.false
    assert report.alerts["by the naive rule"] > 5 * report.alerts["by ours (with corrections)"]
    assert any("trials" in line for line in report.lines())


_ALERTS = ("grade 3+ alerts that stand, ours", "grade 3+ alerts naive           ")


def test_the_naive_rule_reads_a_number_and_nothing_else(trials: list[RandomTrial]) -> None:
    """It tells of a hemolysed potassium that was corrected; ours told of it too, and took it back."""
    trial = next(one for one in trials if any("hemolysed, corrected" in two.wrong for two in one.volunteers.values()))
    who = {
        name
        for name, one in trial.volunteers.items()
        if "hemolysed, corrected" in one.wrong and "hemolysed, never corrected" not in one.wrong
    }
    cases = {(name, "Hyperkalemia") for name in who if "Hyperkalemia" not in trial.volunteers[name].truth.alarming}
    said = ours(trial, bundled())
    assert cases
    assert cases <= naive(trial.events).stands
    assert cases <= said.told
    assert not cases & said.stands
