"""Claims about the primary outcomes: exact intervals, and who is counted in which proportion."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from math import comb
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import STUDY, Played, at, bundled, enrolled, lab, lymphodepletion, screened

from safety_stream.clinical import cohort
from safety_stream.clinical.clopper_pearson import interval
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_study import CohortDecision, Proportion, StudyTally
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.study_tally import told

AS_OF = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "of", "lower", "upper"),
    [
        # Figures of published tables of exact limits; for 0 and for all they are 1 - 0.025 ** (1/n) and 0.025 ** (1/n).
        (0, 1, "0.0000", "0.9750"),
        (0, 3, "0.0000", "0.7076"),
        (1, 3, "0.0084", "0.9057"),
        (3, 3, "0.2924", "1.0000"),
        (1, 6, "0.0042", "0.6412"),
        (2, 6, "0.0433", "0.7772"),
        (0, 6, "0.0000", "0.4593"),
        (0, 10, "0.0000", "0.3085"),
        (5, 10, "0.1871", "0.8129"),
        (10, 10, "0.6915", "1.0000"),
        (0, 0, "0.0000", "1.0000"),
    ],
)
def test_the_limits_are_those_of_published_tables(count: int, of: int, lower: str, upper: str) -> None:
    """Four decimals, rounded half to even."""
    assert interval(count, of) == (Decimal(lower), Decimal(upper))


def _at_least(count: int, of: int, p: Fraction) -> Fraction:
    """The chance of so many or more, term by term from the chance of each number."""
    return sum((comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(count, of + 1)), Fraction(0))


@settings(max_examples=150, deadline=None)
@given(of=st.integers(1, 60), data=st.data())
def test_the_tails_are_a_fortieth_at_the_limits(of: int, data: st.DataObject) -> None:
    """What defines the interval: half a digit to either side of a limit, the tail is below and above 0.025."""
    count = data.draw(st.integers(0, of))
    lower, upper = (Fraction(one) for one in interval(count, of))
    half, tail = Fraction(1, 20000), Fraction(1, 40)
    if count:
        assert _at_least(count, of, max(lower - half, Fraction(0))) <= tail <= _at_least(count, of, lower + half)
    if count < of:
        above, below = upper - half, min(upper + half, Fraction(1))
        assert 1 - _at_least(count + 1, of, below) <= tail <= 1 - _at_least(count + 1, of, above)


def test_the_limits_mirror_and_grow() -> None:
    """Events and their absence mirror each other; one event more raises both limits. All of up to 40 subjects."""
    for of in range(1, 41):
        every = [interval(count, of) for count in range(of + 1)]
        assert [(1 - one.upper, 1 - one.lower) for one in reversed(every)] == every
        assert sorted(every) == every
        assert all(one.lower <= Decimal(count) / of <= one.upper for count, one in enumerate(every))


def test_more_than_all_is_no_proportion() -> None:
    """Nonsense is refused."""
    for count, of in ((2, 1), (-1, 3)):
        with pytest.raises(ValueError, match="is no proportion"):
            interval(count, of)


def _status(subject: str, level: int | None, **more: Any) -> SubjectStatus:
    """A dosed subject, through the window without a DLT or an event."""
    facts: dict[str, Any] = {
        "study": STUDY, "subject": subject, "dose_level": level, "phase": "completed_window", "dosed": True,
        "first_infusion": date(2024, 6, 24), "window_to": date(2024, 8, 5), "evaluable": True, "dlt": "none",
        "worst_grade": 0, "as_of": AS_OF,
    }  # fmt: skip
    return SubjectStatus.model_validate(facts | more)


STATUSES = (
    _status("001", 1, followed={"events": 2, "worst": 2}, worst_grade=3),
    _status("002", 1, dlt="confirmed", followed={"events": 3, "serious": 1, "worst": 4, "worst_serious": 3}),
    _status("003", 1, evaluable=False, phase="withdrawn", followed={"events": 1, "worst": 2, "uncertain": 1}),
    _status("004", 2, dlt="possible", worst_grade=4),
    _status("005", 2, dosed=False, first_infusion=None, evaluable=None, phase="enrolled"),
    _status("006", 9, followed={"events": 1, "serious": 1, "worst": 5, "worst_serious": 5}, worst_grade=5),
    _status("007", None, dosed=False, first_infusion=None, evaluable=None, phase="screened"),
)
UNTOLD = _status("008", None, dlt="candidate", followed={"events": 1, "worst": 4}, worst_grade=4)


def _concluded(statuses: tuple[SubjectStatus, ...]) -> list[AnyFinding]:
    record = cohort.empty(STUDY)
    for one in statuses:
        record, _ = cohort.step(record, one, bundled(), AS_OF)
    return [kept.finding for kept in record.kept.values() if kept.finding]


def _tally(statuses: tuple[SubjectStatus, ...]) -> StudyTally:
    (found,) = (one for one in _concluded(statuses) if isinstance(one, StudyTally))
    return found


def _rows(found: StudyTally, level: int | None) -> dict[tuple[str, str, int | None], Proportion]:
    return {(one.outcome, one.among, one.worst_grade): one for one in found.proportions if one.dose_level == level}


def test_who_is_counted_in_what() -> None:
    """Seven subjects counted by hand: a replaced one stays among the dosed, one not dosed is in no denominator.

    006 is at a level that the protocol does not have: counted in the whole, at no level. 007 is only screened.
    """
    found = _tally(STATUSES)
    assert (found.enrolled, found.planned, found.enrolment) == (6, 10, "below")
    assert (found.unknown_level, found.uncertain) == (("006",), ("003",))
    whole, first = _rows(found, None), _rows(found, 1)
    counted = {
        ("dlt", "dlt_evaluable", None): (("002",), 3),
        ("dlt", "dosed", None): (("002",), 5),
        ("adverse_event", "dosed", None): (("001", "002", "003", "006"), 5),
        ("adverse_event", "dosed", 2): (("001", "003"), 5),
        ("adverse_event", "dosed", 4): (("002",), 5),
        ("serious_adverse_event", "dosed", None): (("002", "006"), 5),
        ("serious_adverse_event", "dosed", 3): (("002",), 5),
        ("serious_adverse_event", "dosed", 5): (("006",), 5),
        ("toxicity", "dosed", None): (("001", "004", "006"), 5),
        ("toxicity", "dosed", 1): ((), 5),
    }
    assert {key: (whole[key].subjects, whole[key].of) for key in counted} == counted
    assert (first["dlt", "dlt_evaluable", None].count, first["dlt", "dlt_evaluable", None].of) == (1, 2)
    assert (first["dlt", "dosed", None].count, first["dlt", "dosed", None].of) == (1, 3)
    assert {one.dose_level for one in found.proportions} == {None, 1, 2}


def test_whose_toxicity_may_have_been_there_before_is_counted_and_named() -> None:
    """004 has a toxicity of grade 4 that may be no worse than before treatment: counted, for an event is never lost,
    and named beside the count. 005, who was not dosed, is in no proportion and is not named."""
    told_of = tuple(one.model_copy(update={"unclear_emergence": one.subject in {"004", "005"}}) for one in STATUSES)
    found = _tally(told_of)
    assert found.unclear == ("004",)
    assert "004" in _rows(found, None)["toxicity", "dosed", None].subjects
    assert "T12: 1 with a toxicity of which it is not known whether it is worse than before treatment" in (
        found.evidence.reasons
    )
    assert _tally(STATUSES).unclear == ()


def test_a_toxicity_whose_baseline_is_not_known_makes_its_emergence_unclear() -> None:
    """Potassium 6.5 on the day of the first treatment, of which only the date is told: before it or after, nobody
    knows. With the hour of the treatment told, it is known."""
    result = lab("K", -5, "6.5")
    dated = lymphodepletion(-5, given=at(-5).date().isoformat())
    for dose, unclear in ((dated, True), (lymphodepletion(-6), False)):
        played = Played((screened(), enrolled(), dose, result))
        assert [one.emergent is None for one in played.of("toxicity")] == [unclear]
        status = played.record.header.status
        assert status is not None
        assert status.unclear_emergence is unclear


def test_who_was_dosed_without_an_enrolment_is_in_the_safety_set_and_at_no_level() -> None:
    """008 was infused and had a DLT at a level nobody told: 2 of 6 dosed in place of 1 of 5, still 1 of 3 at level 1.

    The advice on each level says that somebody is counted at none.
    """
    found = _tally((*STATUSES, UNTOLD))
    assert (found.enrolled, found.unknown_level) == (7, ("006", "008"))
    whole, first = _rows(found, None)["dlt", "dosed", None], _rows(found, 1)["dlt", "dosed", None]
    assert (whole.subjects, whole.of, first.count, first.of) == (("002", "008"), 6, 1, 3)
    assert {one.dose_level for one in found.proportions} == {None, 1, 2}
    assert "T7: 1 dosed without an enrolment, counted only in the whole" in found.evidence.reasons
    advice = [one for one in _concluded((*STATUSES, UNTOLD)) if isinstance(one, CohortDecision)]
    assert len(advice) == 2
    assert all("T7: 1 dosed without an enrolment, counted at no dose level" in one.evidence.reasons for one in advice)


def test_a_study_of_nobody_but_one_dosed_without_an_enrolment_is_told() -> None:
    """One subject, one DLT, no dose level: 1 of 1, no advice."""
    (found,) = _concluded((UNTOLD,))
    assert isinstance(found, StudyTally)
    assert (found.enrolled, found.unknown_level) == (1, ("008",))
    assert _rows(found, None)["dlt", "dosed", None].subjects == ("008",)


VAGUE = (
    _status("010", 1, followed={"events": 1, "worst": 1, "worst_at_most": 4}, worst_grade=1, worst_grade_at_most=4),
    _status(
        "011", 1, followed={"events": 1, "serious": 1, "worst": 3, "worst_at_most": 5, "worst_serious": 3,
        "worst_serious_at_most": 5}, worst_grade=3, worst_grade_at_most=5,
    ),
    _status("012", 1, worst_grade=0, worst_grade_at_most=3),  # febrile neutropenia is possible, and nothing else
    _status("013", 1, followed={"events": 1, "worst": 4}, worst_grade=4),
)  # fmt: skip


def test_what_is_not_decided_is_told_between_a_lowest_and_a_highest_count() -> None:
    """An event without a grade (010), a death told as grade 3 (011): by hand, each grade from so many to so many."""
    found = _tally(VAGUE)
    rows = _rows(found, None)
    counted = {
        ("adverse_event", None): (("010", "011", "013"), ()),
        ("adverse_event", 1): ((), ("010",)),
        ("adverse_event", 2): ((), ("010",)),
        ("adverse_event", 3): ((), ("010", "011")),
        ("adverse_event", 4): (("013",), ("010", "011")),
        ("adverse_event", 5): ((), ("011",)),
        ("serious_adverse_event", None): (("011",), ()),
        ("serious_adverse_event", 5): ((), ("011",)),
        ("toxicity", None): (("010", "011", "013"), ("012",)),
        ("toxicity", 1): ((), ("010", "012")),
    }
    told_rows = {key: rows[key[0], "dosed", key[1]] for key in counted}
    assert {key: (one.subjects, one.undecided) for key, one in told_rows.items()} == counted
    assert all(one.at_most == one.count + len(one.undecided) for one in found.proportions)
    fourth = rows["adverse_event", "dosed", 4]
    assert (fourth.lower, fourth.upper) == (interval(1, 4).lower, interval(3, 4).upper)
    said = "1 to 3 of 4 dosed with an adverse event of grade 4 at worst (25.0 to 75.0 %, 95 % interval 0.63 to 99.37 %)"
    assert told(fourth) == said
    assert any(one.startswith("G24: 2 with reported events") for one in found.evidence.reasons)


def test_metrics_count_no_vague_grade_as_a_grade() -> None:
    """Three of four are at no grade: 1 to 4, 3 to 5 and 0 to 3."""
    record = cohort.empty(STUDY)
    for one in VAGUE:
        record, _ = cohort.step(record, one, bundled(), AS_OF)
    numbers = cohort.study_numbers(record, bundled())
    assert dict(numbers.subjects_by_worst_grade) == {"none": 3, "4": 1}
    (fifth,) = (
        one for one in numbers.proportions
        if (one.outcome, one.worst_grade, one.dose_level) == ("adverse_event", 5, None)
    )  # fmt: skip
    assert (fifth.counted, fifth.at_most) == (0, 1)


def test_the_tally_says_what_it_counts() -> None:
    """Reported events to 12 months after the first infusion; toxicities without an end (T51)."""
    reasons = " ".join(_tally(STATUSES).evidence.reasons)
    assert "from the first infusion to 12 mo after it" in reasons
    assert (
        "T51: toxicities, measured or reported, are counted from the first study treatment on, without an end"
        in reasons
    )


def test_grades_add_up_to_any() -> None:
    """Each subject with an event has one worst grade: the counts by grade add up to the count of any."""
    rows = _rows(_tally(STATUSES), None)
    for outcome in ("adverse_event", "serious_adverse_event", "toxicity"):
        by_grade = [rows[outcome, "dosed", grade].subjects for grade in range(1, 6)]
        assert sorted(sum(by_grade, ())) == sorted(rows[outcome, "dosed", None].subjects)


def test_the_words_hold_the_number_and_its_interval() -> None:
    """1 of 3 evaluable is 33.3 %, and 0.84 to 90.57 % by the tables; nobody evaluable has no percentage."""
    whole, second = _rows(_tally(STATUSES), None), _rows(_tally(STATUSES), 2)
    said = told(whole["dlt", "dlt_evaluable", None])
    assert said == "1 of 3 evaluable with a DLT (33.3 %, 95 % interval 0.84 to 90.57 %)"
    assert told(second["dlt", "dlt_evaluable", None]) == "0 of 0 evaluable with a DLT"


def test_any_order_of_statuses_is_the_same_tally() -> None:
    """All orders of five of the subjects."""
    assert len({_tally(order).model_dump_json() for order in permutations(STATUSES[1:6])}) == 1


def test_numbers_for_metrics_name_nobody() -> None:
    """The same proportions without their subjects."""
    record = cohort.empty(STUDY)
    for one in STATUSES:
        record, _ = cohort.step(record, one, bundled(), AS_OF)
    numbers = cohort.study_numbers(record, bundled())
    assert (numbers.planned_subjects, len(numbers.proportions)) == (10, 3 * 20)
    assert "subjects" not in numbers.proportions[0]._fields
