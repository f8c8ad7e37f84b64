"""A result that is a little late folds only the last steps anew, and comes to the same as when all are folded."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import FAR, TREATED, Played, at, lab, taken_back, vital

from safety_stream.clinical import recent, series, subject
from safety_stream.clinical.events import LabResult, SubjectEvent, VitalSign
from safety_stream.clinical.moment import Moment

DAYS = tuple(range(-9, 31, 3))


@st.composite
def panels(draw: st.DrawFn) -> list[SubjectEvent]:
    """Calcium and albumin, QT and RR, test by test: most in order, some late, corrected or taken back."""
    told: list[SubjectEvent] = []
    for place, day in enumerate(draw(st.lists(st.sampled_from(DAYS), min_size=4, max_size=12).map(sorted))):
        told += draw(st.permutations(list(_panel(draw, place, day))))
        if draw(st.integers(0, 3)) == 0:
            one = draw(st.sampled_from(told[-8:]))
            told.append(draw(st.sampled_from([taken_back, _other]))(one))
    return told


def _panel(draw: st.DrawFn, place: int, day: int) -> Iterator[SubjectEvent]:
    calcium, albumin = draw(st.sampled_from(["1.60", "1.90", "2.30"])), draw(st.sampled_from(["20", "41"]))
    when: dict[str, Any] = {"specimen": f"s{place}", "observed_at": _when(draw, day)}
    yield lab("CA", day, calcium, record=f"ca-{place}", **when)
    yield lab("ALB", day, albumin, record=f"alb-{place}", **when)
    qt, rr = draw(st.sampled_from(["400", "460", "510"])), draw(st.sampled_from(["700", "1000"]))
    yield vital("QT", day, qt, "ms", record=f"qt-{place}", **when)
    yield vital("RR", day, rr, "ms", record=f"rr-{place}", **when)


def _when(draw: st.DrawFn, day: int) -> str:
    instant = at(day, draw(st.sampled_from([6.0, 8.0])))
    return draw(st.sampled_from([instant.isoformat(), instant.date().isoformat()]))


def _other(event: Any) -> Any:
    """The same record with another value."""
    source = event.source.model_copy(update={"version": event.source.version + 1})
    assert isinstance(event, LabResult | VitalSign)
    return event.model_copy(update={"source": source, "value": "450" if event.test in {"QT", "RR"} else "2.5"})


@settings(max_examples=40, deadline=None)
@given(panels())
def test_the_last_steps_folded_anew_write_the_pages_that_a_whole_fold_writes(told: list[SubjectEvent]) -> None:
    """In memory, where the last steps are at hand, and from stored pages, where they are not: byte by byte."""
    held, stored = Played(TREATED), Played(TREATED, stored=True)
    for event in told:
        one, other = held.take(event), stored.take(event)
        assert one.changes == other.changes
        for name in one.pages | other.pages:
            assert subject.page_json(one.record, name) == stored.store[name], name
    assert held.findings == subject.conclude(held.whole(), held.book, FAR).findings


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 10, 44, 50, 116, 187, 193, 195])  # the last five: about a page's half
def test_so_they_do_in_a_long_series_whose_results_come_late_and_are_corrected(seed: int) -> None:
    """Over pages that fill up and are sealed; some times are corrected too, so that a result changes its place."""
    chance = Random(seed)
    told: list[tuple[float, int, SubjectEvent]] = []
    for place in range(chance.choice([18, 45])):
        for number, event in enumerate(_long(chance, place)):
            late = chance.choice([0, 0, 0.4, 1.2, 3, 9])
            told.append((place + late, 10 * place + number, event))
    held, stored = Played(TREATED), Played(TREATED, stored=True)
    for _, _, event in sorted(told, key=lambda one: one[:2]):
        one, other = held.take(event), stored.take(event)
        assert one.changes == other.changes
        for name in one.pages | other.pages:
            assert subject.page_json(one.record, name) == stored.store[name], name


def _long(chance: Random, place: int) -> Iterator[SubjectEvent]:
    """One specimen, told by its hour or by the date alone; now and then corrected, moved in time, or taken back."""
    instant = at(place // 3, 6 * (place % 3))
    when = chance.choice([instant.isoformat(), instant.date().isoformat()])
    calcium = lab(
        "CA", 0, chance.choice(["1.60", "2.30"]), record=f"ca-{place}", specimen=f"s{place}", observed_at=when
    )
    albumin = lab("ALB", 0, chance.choice(["20", "41"]), record=f"al-{place}", specimen=f"s{place}", observed_at=when)
    yield from chance.choice([(calcium, albumin), (albumin, calcium)])
    again = chance.choice([None, None, taken_back, _other, _moved])
    if again is not None:
        yield again(chance.choice([calcium, albumin]))


def _moved(event: Any) -> Any:
    """The same record, observed a day and a half later."""
    later = at(int(event.source.id.split("-")[1]) // 3 + 1, 12).isoformat()
    source = event.source.model_copy(update={"version": 2})
    return event.model_copy(update={"source": source, "observed_at": Moment(later)})


def test_the_second_of_a_pair_folds_its_own_time_point_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight specimens of calcium and then its albumin: each albumin folds one time point, the calcium with it."""
    sizes = list[int]()

    def counted(results: Any, *more: Any) -> Any:
        results = tuple(results)
        sizes.append(len(results))
        return series.folded(results, *more)

    monkeypatch.setattr("safety_stream.clinical.recent.folded", counted)
    told = [
        lab(test, day, value, record=f"{test}-{day}", specimen=f"s{day}")
        for day in range(8)
        for test, value in (("CA", "2.0"), ("ALB", "30"))
    ]
    Played((*TREATED, *told))
    assert sizes == [2] * 8


def test_one_that_is_older_than_the_last_steps_is_folded_from_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """An albumin of the first of eight specimens comes last: the last steps do not reach back to it."""
    asked, refolded = list[bool](), recent.refolded

    def noted(*more: Any) -> Any:
        again = refolded(*more)
        asked.append(again is not None)
        return again

    monkeypatch.setattr("safety_stream.clinical.filing.refolded", noted)
    told = [lab("CA", day, "2.0", record=f"CA-{day}", specimen=f"s{day}") for day in range(8)]
    late = lab("ALB", 0, "30", record="ALB-0", specimen="s0", reported=at(9) + timedelta(hours=1))
    played = Played((*TREATED, *told, late))
    assert asked == [False]
    assert played.findings == Played((*TREATED, late, *told)).findings
