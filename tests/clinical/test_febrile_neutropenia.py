"""Febrile neutropenia (CTCAE v5.0): neutrophils below 1.0 with a temperature above 38.3 Cel, or 38.0 for over 1 hour.

How near in time the two must be is our reading (register G50). Each case is drawn by hour of day 8: `N` a count below
1.0, `n` one of 1.0 or more, `F` a temperature above 38.3, `f` one of 38.0 to 38.3, `.` one below 38.0.
"""

from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import (
    FAR,
    STUDY,
    TREATED,
    Played,
    at,
    bundled,
    bundled_with,
    lab,
    screened,
    taken_back,
    told,
    vital,
)

from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.rulebook.dlt_rules import DltRule, Matches
from safety_stream.rulebook.protocol import Expected
from safety_stream.rulebook.spans import GradeBound

VALUES = {
    "N": ("NEUT", "0.8"),
    "n": ("NEUT", "1.2"),
    "F": ("TEMP", "38.6"),
    "f": ("TEMP", "38.1"),
    ".": ("TEMP", "36.9"),
}
TERM = "Febrile neutropenia"


def sample(mark: str, hour: float, day: float = 8) -> SubjectEvent:
    """One drawn sample, so many hours after 08:00 of a study day."""
    test, value = VALUES[mark]
    return lab(test, day + hour / 24, value)


def episodes(samples: Iterable[SubjectEvent], before: Iterable[SubjectEvent] = TREATED) -> list[Toxicity]:
    """The episodes of febrile neutropenia of a treated subject, in order."""
    found = Played([*before, *samples]).of("toxicity", term=TERM)
    return sorted(found, key=lambda one: one.episode)


def drawn(*samples: tuple[str, float]) -> list[SubjectEvent]:
    """Marks and hours as samples."""
    return [sample(*one) for one in samples]


CASES: dict[str, tuple[list[tuple[str, float]], tuple[str, int] | None]] = {
    #  grade and the grade that alerts count with; None: nothing is concluded
    # hours  0    2
    #        N    F
    "a count below 1.0 two hours before": ([("N", 0), ("F", 2)], ("3", 3)),
    "a count below 1.0 twenty hours after": ([("F", 0), ("N", 20)], ("3", 3)),
    "exactly 36 hours before": ([("N", 0), ("F", 36)], ("3", 3)),
    # hours  0          37        72        too far from either, but it lies between the two
    #        N           F         N
    "36 hours and more from both, counts 74 hours apart": ([("N", 0), ("F", 37), ("N", 74)], ("0-3", 3)),
    "37 hours after one, 35 before the next": ([("N", 0), ("F", 37), ("N", 72)], ("3", 3)),
    "40 hours after one, none since": ([("N", 0), ("F", 40)], ("0-3", 3)),
    "73 hours after one": ([("N", 0), ("F", 73)], ("0-3", 3)),
    "a count of 1.0 or more an hour before": ([("n", 0), ("F", 1)], None),
    "below 1.0 a day before, recovered an hour before": ([("N", 0), ("n", 22), ("F", 23)], None),
    "above before and below after: they disagree": ([("n", 0), ("F", 4), ("N", 8)], ("0-3", 3)),
    # hours  0         20             60       falling, or recovering, between the two: it may have been below 1.0
    "above twenty hours before, below forty after": ([("n", 0), ("F", 20), ("N", 60)], ("0-3", 3)),
    "below forty hours before, above twenty after": ([("N", 0), ("F", 40), ("n", 60)], ("0-3", 3)),
    "above an hour before, below 73 hours after": ([("n", 0), ("F", 1), ("N", 74)], None),
    # hours  0         22   23   36    recovered before it and after it: what was a day before is no neighbour
    "below 1.0 a day before, recovered on both sides": ([("N", 0), ("n", 22), ("F", 23), ("n", 36)], None),
    "recovered on both sides, below 1.0 a day after": ([("n", 0), ("F", 1), ("n", 2), ("N", 25)], None),
    "low on both sides, recovered a day after": ([("N", 0), ("F", 1), ("N", 2), ("n", 25)], ("3", 3)),
    "recovered counts 72 hours apart on both sides": ([("n", 0), ("F", 35), ("n", 72)], None),
    "recovered 40 hours before, none since": ([("n", 0), ("F", 40)], ("0-3", 3)),
    "no count at all after lymphodepletion": ([("F", 0)], ("0-3", 3)),
    # hours  0    1    2      for how long: 38.0 and more for over 1 h
    "38.1 once, normal an hour before and after 30 minutes": ([("N", 0), (".", 1), ("f", 1.5), (".", 2)], None),
    "38.1 once, normal 4 hours before and after": ([("N", 0), (".", 1), ("f", 5), (".", 9)], ("0-3", 0)),
    "38.1 once and nothing since": ([("N", 0), (".", 1), ("f", 1.5)], ("0-3", 0)),
    "38.1 twice, an hour apart: not more than an hour": ([("N", 0), (".", 1), ("f", 1.5), ("f", 2.5)], ("0-3", 0)),
    "38.1 twice, 61 minutes apart": ([("N", 0), (".", 1), ("f", 1.5), ("f", 1.5 + 61 / 60)], ("3", 3)),
    "38.1 twice, 13 hours apart: nobody looked in between": ([("N", 0), ("f", 1), ("f", 14)], ("0-3", 0)),
    "38.1 and nothing else is known": ([("f", 0)], ("0-3", 0)),
    "a normal temperature": ([("N", 0), (".", 1)], None),
}


@pytest.mark.parametrize("name", CASES)
def test_how_near_and_for_how_long(name: str) -> None:
    """Each drawing has the grade its distances give; told backwards it has the same."""
    marks, expected = CASES[name]
    found = episodes(drawn(*marks))
    assert [(str(one.peak), one.alerting_grade) for one in found] == ([] if expected is None else [expected])
    assert episodes(reversed(drawn(*marks))) == found


FIGURES = [
    ("0.99", "38.4", "Cel", "3"),
    ("1.0", "38.4", "Cel", None),
    ("0.99", "38.3", "Cel", "0-3"),
    ("0.99", "37.9", "Cel", None),
    ("0.99", "101.1", "[degF]", "3"),  # printed beside 38.3 Cel: 101 degrees Fahrenheit
    ("0.99", "101.0", "[degF]", "0-3"),
    ("<1.0", "38.4", "Cel", "3"),
    ("<1.5", "38.4", "Cel", "0-3"),
]


@pytest.mark.parametrize(("count", "temperature", "unit", "grade"), FIGURES)
def test_the_printed_figures(count: str, temperature: str, unit: str, grade: str | None) -> None:
    """On each figure and one digit beside it: below 1.0, above 38.3 Cel (101 F), not less than 38.0."""
    found = episodes([lab("NEUT", 8, count), vital("TEMP", 8.1, temperature, unit)])
    assert [str(one.peak) for one in found] == ([] if grade is None else [grade])


#   hours    0      3      5      9
#           0.8    38.6   39.2   36.9
def test_the_finding_names_both_records_and_their_times() -> None:
    """Onset is the first fever, both values are inputs with their records, the normal temperature ends the episode."""
    samples = [sample("N", 0), sample("F", 3), lab("TEMP", 8 + 5 / 24, "39.2"), sample(".", 9)]
    (one,) = episodes(samples)
    assert [(given.name, given.value, given.source) for given in one.evidence.inputs] == [
        ("Body temperature", "38.6", f"test|TEMP@{8 + 3 / 24} v1"),
        ("Neutrophils", "0.8", "test|NEUT@8.0 v1"),
    ]
    assert told(8) in one.evidence.sentence
    assert told(8 + 3 / 24) in one.evidence.sentence
    assert (one.onset.text, one.resolved and one.resolved.text) == (told(8 + 3 / 24), told(8 + 9 / 24))
    assert (one.open, str(one.current), one.emergent, one.meddra_code) == (False, "0", True, "10016288")
    assert "G50" in one.evidence.reasons


def test_fevers_of_three_days_are_one_episode_and_a_later_one_another() -> None:
    """Normal every morning, 38.6 in the evening of days 8, 9, 10, and again on day 15; counts below 1.0 throughout."""
    counts = [sample("N", 0, day) for day in range(7, 17)]
    fevers = [sample(mark, hour, day) for day in (8, 9, 10, 15) for mark, hour in ((".", 0), ("F", 10), (".", 20))]
    first, second = episodes([*counts, *fevers])
    assert (first.onset.text, second.onset.text) == (told(8 + 10 / 24), told(15 + 10 / 24))


def test_no_count_is_only_suspected_after_lymphodepletion() -> None:
    """At screening, long after, and without lymphodepletion a fever alone says nothing of neutrophils."""
    assert episodes([sample("F", 0, -10)]) == []
    assert len(episodes([sample("F", 0, 30)])) == 1  # 35 days from day -5
    assert episodes([sample("F", 12, 31)]) == []
    assert episodes([sample("F", 0, 2)], [screened()]) == []


def test_before_treatment_it_is_not_emergent() -> None:
    """Neutropenia and fever at screening are febrile neutropenia, and are held as not emergent (T12)."""
    (one,) = episodes([sample("N", 0, -10), sample("F", 3, -10)])
    assert (str(one.peak), one.emergent) == ("3", False)


def test_it_counts_for_the_subject_and_alerts_as_an_emergency() -> None:
    """The worst grade of the subject is 3; the alert is critical; the bundled DLT list has no rule for it."""
    played = Played([*TREATED, lab("NEUT", 8, "0.8"), sample("F", 3)])
    one = played.one("toxicity", term=TERM)
    (alert,) = revise(FindingChange(change="raised", revision=1, finding=one, as_of=at(8, 12), because="x"))
    assert (alert.type, alert.case, alert.urgency) == ("lab_grade_3", "febrile_neutropenia", "critical")
    assert alert.decision.action == "send"
    assert alert.headline == "Febrile neutropenia, grade 3: Body temperature 38.6 Cel, Neutrophils 0.8 10*9/L"
    assert played.record.header.status is not None
    assert played.record.header.status.worst_grade == 3
    assert not played.of("dose_limiting_toxicity")


def test_dlt_rules_and_expected_bands_apply_by_term() -> None:
    """A protocol whose DLT list names the term has a candidate once both are known, a possible one before."""
    dlt = bundled().protocols[STUDY].versions[0].dlt
    assert dlt is not None
    rule = DltRule(id="fn", text="x", source="x", about=Matches(terms=(TERM,)), grade=GradeBound(">= 3"))
    band = Expected(term=TERM, up_to_grade=3, from_day=-5, to_day=28, source="x")
    book = bundled_with(dlt=dlt.model_copy(update={"rules": (*dlt.rules, rule)}), expected=(band,))
    played = Played([*TREATED, sample("F", 3)], book=book)
    assert played.one("dose_limiting_toxicity", rule="fn").state == "possible"
    played.take(sample("N", 0))
    found = played.one("dose_limiting_toxicity", rule="fn")
    assert (found.state, found.about) == ("candidate", (played.one("toxicity", term=TERM).id,))
    assert played.record.header.status is not None
    assert played.record.header.status.dlt == "candidate"
    assert played.one("toxicity", term=TERM).expected


def test_a_preliminary_count_makes_it_provisional() -> None:
    """Until the count is final the finding says that it leans on a preliminary result."""
    early = lab("NEUT", 8, "0.8", status="preliminary")
    assert [one.provisional for one in episodes([early, sample("F", 3)])] == [True]
    assert [one.provisional for one in episodes([early, lab("NEUT", 8, "0.8"), sample("F", 3)])] == [False]


def test_a_late_count_decides_and_a_correction_takes_back() -> None:
    """A count of 0.8 makes it grade 3; corrected to 1.8 nothing is left; taken back, it is possible again."""
    played = Played([*TREATED, sample("F", 3)])
    course = []
    count = lab("NEUT", 8, "0.8")
    for event in (count, lab("NEUT", 8, "1.8", version=2, status="corrected"), taken_back(count, 3)):
        played.take(event)
        course.append([str(one.peak) for one in played.of("toxicity", term=TERM)])
    assert course == [["3"], [], ["0-3"]]


def test_every_order_ends_the_same() -> None:
    """Counts, fevers and a normal temperature in every order: the same findings, and those of the facts alone."""
    samples = drawn(("n", 0), ("F", 4), ("N", 8), (".", 9), ("f", 30), ("N", 40))
    first = Played([*TREATED, *samples])
    concluded = subject.conclude(first.whole(), first.book, FAR)
    assert first.findings == concluded.findings
    for order in permutations(samples):
        assert Played([*TREATED, *order]).findings == first.findings


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("NnFf."), st.integers(0, 160)), max_size=14, unique_by=lambda one: one[1]),
    st.randoms(use_true_random=False),
)
def test_any_order_and_storage_ends_the_same(marks: list[tuple[str, int]], chance: Any) -> None:
    """Shuffled and told twice, through stored pages: the same episodes."""
    samples = drawn(*marks)
    again = [*samples, *samples]
    chance.shuffle(again)
    assert Played([*TREATED, *again], stored=True).findings == Played([*TREATED, *samples]).findings


def test_a_count_derived_from_the_differential_joins_a_fever() -> None:
    """1.2 x 30 % = 0.36 x 10^9/L around a fever of 38.5: grade 3, though no count was sent (G18)."""
    fever = vital("TEMP", 9.1, "38.5", "Cel")
    played = Played([*TREATED, lab("WBC", 9, "1.2"), lab("NEUTLE", 9, "30"), fever])
    assert str(played.one("toxicity", term="Febrile neutropenia").peak) == "3"
