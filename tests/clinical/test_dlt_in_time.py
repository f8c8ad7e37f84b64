"""Claims about what time can still decide: the earliest candidate, what ends a possibility, observation that goes on.

day      0      7      14 ........... 42           20 + 28 = 48
infusion 1      2      3   window to  |            |
neutrophils below 0.5 from day 20     [-- observed on, because of them --]
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import (
    DAY_ZERO,
    STUDY,
    TREATED,
    Played,
    adjudicated,
    adverse,
    at,
    bundled_with,
    infusion,
    lab,
    taken_back,
    told,
    withdrawn,
    without_schedule,
)

from safety_stream.clinical.dlt_windows import in_window
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.frame import Frame, Infusion
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Window
from safety_stream.rulebook.tables import Book

CRS = "Cytokine release syndrome"
DAY_42, DAY_48 = DAY_ZERO + timedelta(days=42), DAY_ZERO + timedelta(days=48)


def _day(day: float) -> datetime:
    return at(day)


def _seen(
    events: Iterable[Any], as_of: datetime, book: Book | None = None
) -> tuple[Played, SubjectStatus, datetime | None]:
    """A subject told in order, at one moment."""
    played, deadline = Played(book=book or without_schedule()), None
    for event in events:
        deadline = played.take(event, as_of).deadline
    assert played.record.header.status is not None
    return played, played.record.header.status, deadline


def _neutropenia(*days: float) -> list[Any]:
    return [*TREATED, lab("NEUT", 19, "1.2"), *(lab("NEUT", day, "0.3") for day in days)]


def test_observation_goes_on_while_a_rule_longer_than_the_window_can_be_met() -> None:
    """Grade 4 from day 20 can pass 28 days on day 48: observed to then, in the window, and it says by which rule."""
    _, status, deadline = _seen(_neutropenia(20, 24), _day(43))
    assert (status.phase, status.window_to, status.evaluable, status.dlt) == ("in_window", DAY_48, None, "possible")
    assert status.extended_because is not None
    assert "neutropenia-4" in status.extended_because
    assert deadline == at(49, 0)


def test_after_the_extension_it_is_still_not_decided_and_never_no_dlt() -> None:
    """Nobody took a sample on: the observation is over, the DLT is possible, and the subject does not count yet."""
    _, status, deadline = _seen(_neutropenia(20, 24), _day(60))
    assert (status.phase, status.evaluable, status.dlt, deadline) == ("completed_window", None, "possible", None)


def test_recovery_ends_the_extension() -> None:
    """Above 0.5 on day 30 it lasted 11 days at most: no DLT, the window is the protocol's, the subject counts."""
    _, status, _ = _seen([*_neutropenia(20, 24), lab("NEUT", 30, "2.5")], _day(43))
    assert (status.window_to, status.extended_because) == (DAY_42, None)
    assert (status.phase, status.evaluable, status.dlt) == ("completed_window", True, "none")


def test_a_sample_after_28_days_makes_it_a_candidate() -> None:
    """Still below 0.5 on day 49, 29 days after the first sample."""
    _, status, _ = _seen(_neutropenia(20, 34, 49), _day(50))
    assert (status.dlt, status.evaluable, status.extended_because) == ("candidate", True, None)


def test_a_refuted_one_extends_nothing() -> None:
    """A person decided that it is none: nothing is waited for."""
    played = Played(_neutropenia(20, 24))
    decision = adjudicated(played.one("dose_limiting_toxicity").id, 25, "refuted")
    _, status, _ = _seen([*_neutropenia(20, 24), decision], _day(43))
    assert (status.window_to, status.dlt, status.evaluable) == (DAY_42, "none", True)


def test_who_dies_of_something_else_within_the_window_was_not_observed_to_its_end() -> None:
    """An unrelated death on day 20 after all three infusions: no DLT, not evaluable."""
    death = adverse("Sepsis", 18, grade=5, outcome="fatal", resolved=told(20), attribution="unrelated", reported=at(21))
    _, status, _ = _seen([*TREATED, death], _day(43))
    assert (status.dlt, status.evaluable) == ("none", False)


@pytest.mark.parametrize(
    ("onset", "earliest", "ended_by"),
    [
        ("2024-07-03T08:00:00+08:00", "2024-07-06T08:00:00+08:00", "2024-07-06T08:00+08:00"),
        ("2024-07-03T00:00:00Z", "2024-07-06T08:00:00+08:00", "2024-07-06T08:00+08:00"),
        ("2024-07-03", "2024-07-06T23:59:59.999999+08:00", "2024-07-06T00:00+08:00"),
        ("2024-07", "2024-08-03T23:59:59.999999+08:00", "2024-07-04T00:00+08:00"),
    ],
)
def test_the_earliest_it_can_become_a_candidate_and_what_ends_it(onset: str, earliest: str, ended_by: str) -> None:
    """72 hours from the latest that the onset can mean; over for certain by 72 hours from the earliest."""
    event = adverse(CRS, 9, grade=3, onset=onset, outcome="not-recovered", attribution="probable")
    (met,) = Played([*TREATED, event]).one("dose_limiting_toxicity").rules
    assert met.candidate_from is not None
    assert abs(met.candidate_from - datetime.fromisoformat(earliest)) < timedelta(seconds=1)
    assert f"known to be below grade 3 by {ended_by}" in met.ends_with


@pytest.mark.parametrize(
    ("says", "open_", "ends"),
    [
        ({"onset": "2024-08"}, ("window",), "an onset outside 2024-07-08 to 2024-08-05"),
        ({"grade": None, "onset": told(9)}, ("grade",), "a grade of at most 3"),
    ],
)
def test_what_time_does_not_decide_says_what_would(says: dict[str, Any], open_: tuple[str, ...], ends: str) -> None:
    """A window or a grade that is open has no earliest day: only a better fact ends it."""
    event = adverse(CRS, 9, attribution="probable", reported=at(60), **{"grade": 4, **says})
    (met,) = (one for one in Played([*TREATED, event]).one("dose_limiting_toxicity").rules if one.rule == "crs-4")
    assert (met.open, met.candidate_from) == (open_, None)
    assert met.ends_with == (ends,)


def test_once_it_cannot_be_met_any_more_the_finding_is_withdrawn_because_of_that_fact() -> None:
    """Recovered after two days: 'cannot any more', and the change names the report that said so."""
    says: dict[str, Any] = {"grade": 3, "attribution": "probable", "record": "crs"}
    played = Played([*TREATED, adverse(CRS, 9, outcome="not-recovered", **says)])
    done = played.take(adverse(CRS, 9, outcome="recovered", resolved=told(11), version=2, reported=at(11, 20), **says))
    (gone,) = (one for one in done.changes if one.finding.kind == "dose_limiting_toxicity")
    assert (gone.change, gone.because) == ("withdrawn", "adverse_event test|crs v2")


def test_an_attribution_not_known_is_possible_where_the_rule_does_not_name_it() -> None:
    """A rule that asks for a stated relation: 'unknown' may still become one, 'unrelated' may not."""
    rule = {"id": "x", "text": "any", "source": "test", "grade": ">= 4", "attribution": ["probable", "definite"]}
    book = bundled_with(dlt={"example": True, "note": "test", "window": {"days": 28}, "rules": [rule]})
    found = {
        said: [one.state for one in Played([*TREATED, event], book=book).of("dose_limiting_toxicity")]
        for said in ("definite", "unknown", "possible", "unrelated")
        for event in [adverse("Sepsis", 9, grade=4, attribution=said)]
    }
    assert found == {"definite": ["candidate"], "unknown": ["possible"], "possible": [], "unrelated": []}


def _late_event() -> Any:
    return adverse(CRS, 40, grade=4, attribution="probable")


def test_infusions_that_are_moved_removed_or_told_twice() -> None:
    """Day 40 is in the window of the third infusion only: without it no DLT; told again, the same; moved off, none."""

    def states(*more: Any) -> list[tuple[str, tuple[int, ...]]]:
        found = Played([*TREATED, _late_event(), *more]).of("dose_limiting_toxicity")
        return [(one.state, one.infusions) for one in found]

    assert states() == [("candidate", (3,))]
    assert states(infusion(3, 14)) == [("candidate", (3,))]
    assert states(taken_back(infusion(3, 14))) == []
    assert states(infusion(3, 11, version=2)) == []
    assert states(infusion(3, 20, version=2)) == [("candidate", (3,))]


def _frame(days: list[int]) -> Frame:
    version = next(iter(Played().book.protocols.values())).version("1.0")
    given_on = [Moment((DAY_ZERO + timedelta(days=day)).isoformat()) for day in days]
    return Frame("S", "001", version, infusions=tuple(
        Infusion(n, one, *one.bounds(version.tz), *one.dates(version.tz), None, None, f"edc|{n}")
        for n, one in enumerate(given_on, start=1)
    ))  # fmt: skip


ORDER = {False: 0, None: 1, True: 2}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=3).map(sorted), st.integers(-10, 90), st.integers(1, 60),
    st.integers(0, 30), st.sampled_from(["day", "month"]),
)  # fmt: skip
def test_a_wider_window_and_one_more_infusion_never_remove_a_dlt(
    days: list[int], onset: int, length: int, more: int, told_as: str
) -> None:
    """From outside to maybe to inside, never back."""
    day: date = DAY_ZERO + timedelta(days=onset)
    moment = Moment(day.isoformat() if told_as == "day" else day.isoformat()[:7])
    narrow = in_window(_frame(days), moment, Window(days=length)).inside
    wide = in_window(_frame(days), moment, Window(days=length + more)).inside
    another = in_window(_frame(sorted([*days, more])), moment, Window(days=length)).inside
    assert ORDER[narrow] <= min(ORDER[wide], ORDER[another])


def _watching(days: int) -> Book:
    """The bundled protocol with so many days of its own for the rule on GvHD."""
    dlt = without_schedule().protocols[STUDY].version(None).dlt
    assert dlt is not None
    rules = tuple(one.model_copy(update={"window_days": days}) if one.id == "immune-3" else one for one in dlt.rules)
    return bundled_with(dlt=dlt.model_copy(update={"rules": rules}), schedule=None)


@pytest.mark.parametrize(
    ("day", "phase", "counts"), [(43, "in_window", None), (74, "in_window", None), (75, "completed_window", True)]
)
def test_a_rule_with_a_longer_window_of_its_own_is_waited_for(day: int, phase: str, counts: bool | None) -> None:
    """Infused on days 0, 7, 14; with 60 days for one rule day 74 is the last one inside. The rule is named."""
    _, status, deadline = _seen(TREATED, at(day, 0), _watching(60))
    assert (status.phase, status.evaluable, status.dlt) == (phase, counts, "none")
    assert status.window_to == at(74).date()
    assert status.extended_because is not None
    assert "immune-3" in status.extended_because
    assert "60 days" in status.extended_because
    assert deadline == (None if day == 75 else at(75, 0))


@pytest.mark.parametrize(("day", "dlt"), [(43, "candidate"), (74, "candidate"), (75, "none")])
def test_an_event_counts_as_long_as_its_rule_waits_for_it(day: int, dlt: str) -> None:
    """A GvHD of grade 3 on the last of the 60 days is a DLT of a subject whom nobody has counted before."""
    gvhd = adverse("Autoimmune disorder", day, grade=3, attribution="definite")
    assert _seen([*TREATED, gvhd], at(76, 0), _watching(60))[1].dlt == dlt


@pytest.mark.parametrize(("day", "counts"), [(50, False), (74, False), (75, True)])
def test_who_leaves_before_the_longest_window_has_closed_was_not_observed_to_its_end(day: int, counts: bool) -> None:
    """60 days for one rule: day 50 lies after the protocol's window and within that of the rule."""
    assert _seen([*TREATED, withdrawn(day)], at(80), _watching(60))[1].evaluable is counts


def test_a_rule_with_a_shorter_window_of_its_own_shortens_nothing() -> None:
    """14 days for one rule: everybody is observed for the protocol's 28, and there is nothing to say."""
    _, status, _ = _seen(TREATED, at(43, 0), _watching(14))
    assert (status.window_to, status.extended_because, status.evaluable) == (DAY_42, None, True)


def test_of_a_longer_window_and_a_longer_duration_the_later_end_is_told() -> None:
    """44 days for one rule end with day 58, after day 48; 30 days with day 44, before it."""
    for days, last, rule in ((44, 58, "immune-3"), (30, 48, "neutropenia-4")):
        _, status, _ = _seen(_neutropenia(20, 24), _day(43), _watching(days))
        assert status.window_to == at(last).date()
        assert status.extended_because is not None
        assert rule in status.extended_because
