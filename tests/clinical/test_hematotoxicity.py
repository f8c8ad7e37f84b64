"""Hematotoxicity after effector cells (ICAHT): the table of Rejeski et al., Blood 2023, and the readings T40 to T42.

Early, days 0 to 30: at or below 0.5 for 1-6 / 7-13 / 14 days and more is 1 / 2 / 3, never above it 4; at or below 0.1
for 7-13 / 14 days and more is 3 / 4. Late: two counts in a row at or below 1.5 / 1.0 / 0.5 / 0.1 are 1 / 2 / 3 / 4.
"""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import FAR, TREATED, Played, infusion, lab, taken_back

from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent


def counts(*told: tuple[float, str]) -> list[SubjectEvent]:
    """Neutrophils by study day, in 10^9/L."""
    return [lab("NEUT", day, value) for day, value in told]


def daily(first: int, last: int, value: str) -> tuple[tuple[float, str], ...]:
    """One count a day."""
    return tuple((float(day), value) for day in range(first, last + 1))


def graded(*results: SubjectEvent) -> dict[str, str]:
    """Early and late, each with its grade or range."""
    played = Played([*TREATED, *results])
    concluded = subject.conclude(played.whole(), played.book, FAR)
    assert played.findings == concluded.findings
    status = played.record.header.status
    assert status is not None
    found = {one.composite.removeprefix("icaht-"): str(one.grade) for one in played.of("composite")}
    assert {key.removeprefix("icaht-"): grade for key, grade in status.hematotoxicity.items()} == found
    return found


EARLY = [
    (((0, "1.6"), *daily(1, 30, "0.51")), None),  # never at or below
    (((4, "1.6"), (5, "0.50"), (6, "1.6")), "1"),  # 0.5 itself; one day
    (((4, "1.6"), *daily(5, 10, "0.3"), (11, "1.6")), "1"),  # 6 days
    (((4, "1.6"), *daily(5, 11, "0.3"), (12, "1.6")), "2"),  # 7 days
    (((4, "1.6"), *daily(5, 17, "0.3"), (18, "1.6")), "2"),  # 13 days
    (((4, "1.6"), *daily(5, 18, "0.3"), (19, "1.6")), "3"),  # 14 days
    (((4, "1.6"), *daily(5, 10, "0.1"), (11, "1.6")), "1"),  # 6 days at 0.1
    (((4, "1.6"), *daily(5, 11, "0.1"), (12, "1.6")), "3"),  # 7 days at 0.1
    (((4, "1.6"), *daily(5, 17, "0.1"), (18, "1.6")), "3"),  # 13 days at 0.1
    (((4, "1.6"), *daily(5, 18, "0.1"), (19, "1.6")), "4"),  # 14 days at 0.1
    (((4, "1.6"), *daily(5, 11, "0.11"), (12, "1.6")), "2"),  # 0.11 is above 0.1
    (((4, "1.6"), *daily(5, 30, "0.3"), (31, "1.6")), "3"),  # never above since day 5: low by day 3 is asked for
    (((0, "1.6"), *daily(3, 30, "0.3")), "4"),  # days 1 and 2 without a count do not matter
    (((0, "1.6"), (2, "0.8"), *daily(3, 30, "0.3")), "4"),  # low by day 3 and above on no day since
    (((2, "0.8"), *daily(3, 29, "0.3")), "3"),  # day 30 is not shown
    (((2, "0.8"), *daily(3, 29, "0.3"), (31, "0.4")), "4"),  # low before and after it
    (((2, "0.8"), *daily(3, 29, "0.3"), (31, "0.9")), "3-4"),  # may have been above on day 30
    (((2, "0.8"), *daily(3, 15, "0.3"), (16, "0.6"), *daily(17, 30, "0.3")), "3"),  # seen above once
    (((-2, "0.3"), (-1, "0.3"), (0, "0.3"), (1, "1.6")), "1"),  # days before day 0 are none of it
    (((28, "1.6"), (29, "0.3"), (30, "0.3"), *daily(31, 45, "0.3")), "1"),  # days 29 and 30: the rest is late
]  # fmt: skip


@pytest.mark.parametrize(("told", "grade"), EARLY)
def test_early_on_each_limit(told: tuple[tuple[float, str], ...], grade: str | None) -> None:
    """Each figure of the table and each edge of its days, by daily counts with one above on either side."""
    assert graded(*counts(*told)).get("early") == grade


GAPS = [
    (((1, "0.9"), (2, "0.4"), (9, "0.4"), (16, "0.4"), (19, "0.9")), "3"),  # 15 days known, 17 at most: the register's
    (((1, "0.9"), (2, "0.4"), (10, "0.4"), (11, "0.9")), "2"),  # 7 days without a count between them: 9 days
    (((1, "0.9"), (2, "0.4"), (11, "0.4"), (12, "0.9")), "1-2"),  # 8 days without: 1 day known, 10 possible
    (((1, "0.9"), (6, "0.4"), (14, "0.9")), "1-2"),  # one low count: days 2 to 13 are 12 at most
    (((1, "0.9"), (6, "0.4"), (7, "0.9")), "1"),  # days 2 to 6 are 5 at most
    (((6, "0.4"), (7, "0.9")), "1-2"),  # no count before: days 0 to 6 at most
    (((1, "0.9"), (2, "0.4"), (6, "0.4")), "1"),  # while it goes on no more is counted than was seen
    (((1, "0.9"), (2, "0.4"), (5, "0.4"), (40, "1.6")), "1-4"),  # and then nobody looked until day 40
    (((1, "0.9"), (2, "<0.5"), (3, "0.9")), "1"),  # "below 0.5" is at or below 0.5
    (((1, "0.9"), (2, "<1.0"), (3, "0.9")), "0-1"),  # below 1.0 may be
]  # fmt: skip


@pytest.mark.parametrize(("told", "grade"), GAPS)
def test_days_without_a_count_leave_a_range(told: tuple[tuple[float, str], ...], grade: str) -> None:
    """Known days join counts that lie close enough; the others are possible, and the grade is a range."""
    assert graded(*counts(*told))["early"] == grade


RECOVERIES = [
    ((*daily(2, 8, "0.4"), *daily(9, 10, "0.8"), *daily(11, 15, "0.4"), (16, "0.9")), "3"),  # 2 days above: 14 days
    ((*daily(2, 8, "0.4"), *daily(9, 11, "0.8"), *daily(12, 18, "0.4"), (19, "0.9")), "2"),  # 3 days: 7 and 7
    ((*daily(2, 8, "0.4"), (9, "0.8"), (13, "0.4"), (14, "0.4"), (15, "0.9")), "2"),  # 1 to 4 days above: 7, or 13
    ((*daily(2, 8, "0.4"), (9, "0.8"), *daily(13, 15, "0.4"), (16, "0.9")), "2-3"),  # 1 to 4 days above: 7, or 14
]  # fmt: skip


@pytest.mark.parametrize(("told", "grade"), RECOVERIES)
def test_a_recovery_of_fewer_than_three_days_counts_as_low(told: tuple[tuple[float, str], ...], grade: str) -> None:
    """Three days in a row above end a stretch; where their number is not known both are possible."""
    assert graded(*counts((1, "0.9"), *told))["early"] == grade


LATE = [
    (((31, "1.51"), (33, "1.51")), None),
    (((31, "1.50"), (33, "1.50")), "1"),
    (((31, "1.00"), (33, "1.00")), "2"),
    (((31, "0.50"), (33, "0.50")), "3"),
    (((31, "0.10"), (33, "0.10")), "4"),
    (((31, "0.10"), (33, "0.90")), "2"),  # two at or below 1.0; 0.1 alone was passing
    (((31, "0.40"),), "0-3"),  # one count waits for the next
    (((31, "0.40"), (32, "1.60")), None),  # above in between: it was passing
    (((31, "0.40"), (31.4, "0.40")), "0-3"),  # twice on one day is one measure
    (((30, "0.40"), (31, "0.40")), "0-3"),  # day 30 is early
    (((31, "0.40"), (32, "1.60"), (33, "0.40"), (36, "0.30")), "3"),
    (((31, "1.40"), (33, "1.40"), (35, "2.5"), (80, "0.9"), (83, "0.9"), (90, "2.5")), "2"),  # the worst that was
]  # fmt: skip


@pytest.mark.parametrize(("told", "grade"), LATE)
def test_late_asks_for_two_counts_in_a_row(told: tuple[tuple[float, str], ...], grade: str | None) -> None:
    """Each figure of the table on itself; one count, one above between, two on one day."""
    assert graded(*counts((29, "1.6"), *told)).get("late") == grade


def test_nothing_before_an_infusion() -> None:
    """The same counts of a subject who was not dosed: no hematotoxicity of cells that nobody gave."""
    played = Played([TREATED[0], *counts(*daily(2, 20, "0.05"))])
    assert played.of("composite") == []


def test_a_moved_infusion_moves_the_days() -> None:
    """Low on days 5 to 18 of the first telling; the infusion was on day 10: days -5 to 8, so 9 days."""
    played = Played([TREATED[0], infusion(1, 0), *counts((4, "1.6"), *daily(5, 18, "0.3"), (19, "1.6"))])
    assert str(played.one("composite").grade) == "3"
    played.take(infusion(1, 10, version=2))
    assert str(played.one("composite").grade) == "2"


def test_any_order_ends_the_same() -> None:
    """Low, above, low again and after day 30, with one count taken back, in all 120 orders."""
    told = counts((2, "0.4"), (9, "0.1"), (12, "0.9"), (40, "0.4"), (44, "0.4"))
    told[2:3] = [taken_back(told[2])]
    expected = graded(*told)
    assert expected == {"early": "2-4", "late": "3"}  # days 10 to 30 without a count
    for order in permutations(told):
        found = {one.composite: str(one.grade) for one in Played([*TREATED, *order]).of("composite")}
        assert found == {"icaht-early": "2-4", "icaht-late": "3"}


def test_it_is_told_at_grade_3_and_again_at_4() -> None:
    """Held while 14 days are possible, sent when they are known, told again as worse at grade 4."""
    played = Played([*TREATED, *counts((1, "0.9"), *daily(2, 30, "0.4"))])
    told = [alert for change in played.changes for alert in revise(change) if alert.type == "hematotoxicity"]
    assert [(one.decision.action, one.decision.reason) for one in told] == [("send", "new"), ("send", "worse")]
    assert len({one.id for one in told}) == 1
    played = Played([*TREATED, *counts((1, "0.9"), (2, "0.4"), (17, "0.4"))])
    told = [alert for change in played.changes for alert in revise(change) if alert.type == "hematotoxicity"]
    assert [(one.decision.action, one.decision.reason) for one in told] == [("hold", "possible")]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["0.05", "0.4", "0.4", "0.9"]), min_size=31, max_size=31))
def test_daily_counts_are_graded_as_the_table_reads(values: list[str]) -> None:
    """Thirty-one daily counts against a plain count of the days: nothing is missing, so the grade is decided."""
    expected = _by_hand([float(value) for value in values])
    found = graded(*counts(*((float(day), value) for day, value in enumerate(values)))).get("early")
    assert found == (None if expected == 0 else str(expected))


def _by_hand(values: list[float]) -> int:
    """The table over 31 daily counts, by letters: L low, a above; fewer than three a between two L are L as well."""
    deep, low = (_longest_run([value <= limit for value in values]) for limit in (0.1, 0.5))
    since = next((day for day, value in enumerate(values) if value <= 0.5 and day <= 3), None)
    never = any(all(value <= 0.5 for value in values[day:]) for day in range(4)) and since is not None
    if never or deep >= 14:
        return 4
    if deep >= 7 or low >= 14:
        return 3
    return 2 if low >= 7 else 1 if low else 0


def _longest_run(low: list[bool]) -> int:
    letters = "".join("L" if one else "a" for one in low)
    for _ in range(2):
        letters = letters.replace("LaL", "LLL").replace("LaaL", "LLLL")
    return max((len(part) for part in letters.strip("a").split("a")), default=0)


MONTH = infusion(1, 0, given="2024-06")
LOW = counts((2, "0.3"), (9, "0.3"), (16, "0.3"), (30, "0.4"), (33, "0.4"))


def asked_for_day_zero(played: Played) -> list[tuple[str, int]]:
    """Questions for the day of an infusion, and of how many records."""
    return [(one.about, one.count) for one in played.of("data_query", code="icaht_day_zero_unknown")]


def test_an_infusion_of_a_month_leaves_it_undetermined_and_asks_once() -> None:
    """Infusion 1 "2024-06": neither graded nor silent; one question however many counts, one mail."""
    played = Played([*TREATED[:5], MONTH, *LOW])
    assert played.of("composite") == []
    assert asked_for_day_zero(played) == [("infusion 1", 1)]
    question = played.one("data_query", code="icaht_day_zero_unknown")
    assert question.found == "given 2024-06: some day from 2024-06-01 to 2024-06-30"
    assert "hematotoxicity (ICAHT) are undetermined" in question.expected
    assert question.sources == ("test|infusion-1",)
    status = played.record.header.status
    assert status is not None
    assert status.hematotoxicity == {"icaht-early": "undetermined", "icaht-late": "undetermined"}
    alerts = [one for change in played.changes for one in revise(change) if change.finding.id == question.id]
    assert [(one.type, one.state, one.decision.action) for one in alerts] == [("ungradable", "raised", "send")]


def test_the_day_grades_it_and_takes_the_question_back() -> None:
    """Told later that it was 24 June: low from day 2 to day 30 by four counts is 1 to 3, and two late ones are 3."""
    played = Played([*TREATED[:5], MONTH, *LOW, infusion(1, 0, version=2)])
    assert asked_for_day_zero(played) == []
    known = Played([*TREATED[:5], infusion(1, 0), *LOW])
    graded_as = {one.composite: one.grade for one in known.of("composite")}
    assert {one.composite: one.grade for one in played.of("composite")} == graded_as
    assert set(graded_as) == {"icaht-early", "icaht-late"}


def test_only_the_infusion_that_is_counted_from_is_asked_for() -> None:
    """A third infusion of a month leaves day 0 where it is; nor is anything asked of an infusion that was none."""
    assert asked_for_day_zero(Played([*TREATED[:7], infusion(3, 14, given="2024-07")])) == []
    assert asked_for_day_zero(Played([*TREATED[:5], MONTH, taken_back(MONTH)])) == []


def test_an_unknown_day_zero_hangs_on_no_order() -> None:
    """The infusion of a month, its repeat and low counts in every order, through stored pages."""
    told = [MONTH, *LOW[:3], infusion(2, 7)]
    first = Played([*TREATED[:5], *told])
    for order in permutations(told):
        assert Played([*TREATED[:5], *order, MONTH], stored=True).findings == first.findings
    assert first.findings == subject.conclude(first.whole(), first.book, FAR).findings
