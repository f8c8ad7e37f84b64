"""The marks that the header is told make the same runs as all the marks there are, and seldom change."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from safety_stream.clinical.composites import Marks, thinned
from safety_stream.clinical.fold import Mark
from safety_stream.clinical.lasting import runs

START = datetime(2024, 6, 24, tzinfo=UTC)
STOP = frozenset({"stop"})

# Days since the sample before, hours that its time leaves open, and what it says: yes, perhaps, no.
SAMPLES = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([0, 0, 20, 70]), st.sampled_from(["yes", "perhaps", "no"]))
)


def _marks(samples: list[tuple[int, int, str]]) -> list[Mark]:
    """The samples as marks of one clause, one a day, in order of observation."""
    marks, day = list[Mark](), START
    for days, open_hours, says in samples:
        day += timedelta(days=days)
        answer = "no" if says == "no" else "yes"
        until = day + timedelta(hours=open_hours)
        marks.append(Mark(f"stop/alt/{answer}", day, until, says != "perhaps", says, f"r{len(marks)}", "ALT"))
    return marks


def _carried(marks: list[Mark]) -> list[Marks]:
    """What is held after each mark."""
    held = [Marks(())]
    for mark in marks:
        held.append(thinned(held[-1], iter([mark]), STOP))
    return held


@given(SAMPLES)
def test_the_runs_are_those_of_all_marks_after_every_sample(samples: list[tuple[int, int, str]]) -> None:
    """Each run with the sample before and the one after it, also where a time is known to some days only."""
    marks = _marks(samples)
    for count, held in enumerate(_carried(marks)):
        assert list(runs("stop/alt/", held.told)) == list(runs("stop/alt/", tuple(marks[:count])))


def test_samples_that_miss_the_clause_day_after_day_change_nothing_that_is_told() -> None:
    """Thirty days below: the first is told, the last stands aside, and bounds the run that begins on day 31."""
    below = _marks([(1, 0, "no")] * 30)
    held = _carried(below)
    assert [one.told for one in held[1:]] == [(below[0],)] * 30
    assert held[-1].aside == (below[-1],)
    above = _marks([(31, 0, "yes")])[0]
    assert thinned(held[-1], iter([above]), STOP) == Marks((below[0], below[-1], above))


def test_of_a_day_the_first_and_the_last_sample_count_a_sure_one_rather_than_one_that_may() -> None:
    """Of three samples of a day that answer alike the third takes the place of the second, unless only that is sure."""
    (first,) = _marks([(1, 0, "yes")])
    second, third = (
        first._replace(earliest=first.earliest + timedelta(hours=late), latest=first.latest + timedelta(hours=late))
        for late in (4, 12)
    )
    assert thinned(Marks((first, second)), iter([third]), STOP).told == (first, third)
    perhaps = third._replace(sure=False)
    assert thinned(Marks((first, second)), iter([perhaps]), STOP).told == (first, second)
    assert thinned(Marks((first, second._replace(sure=False))), iter([perhaps]), STOP).told == (first, perhaps)
