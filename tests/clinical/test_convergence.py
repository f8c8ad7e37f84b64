"""Any order, any duplication, any correction of the same facts ends in the same findings."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from any_event import events
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import (
    FAR,
    Played,
    adverse,
    at,
    bundled,
    infusion,
    lab,
    screened,
    taken_back,
    timeless,
)

from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import AnyFinding


def standing(told: Any, *, stored: bool = False) -> dict[str, AnyFinding]:
    """What stands after these events, in this order; and what the facts alone say must be the same."""
    played = Played(told, stored=stored)
    concluded = subject.conclude(played.whole(), played.book, FAR)
    assert played.findings == concluded.findings
    return played.findings


@settings(max_examples=30, deadline=None)
@given(st.lists(events(), max_size=14), st.randoms(use_true_random=False))
def test_any_order_and_duplication_ends_the_same(told: list[SubjectEvent], chance: Any) -> None:
    """Shuffled, and with some events told twice, the same facts end in the same findings."""
    again = [*told, *(chance.choice(told) for _ in range(4))] if told else []
    chance.shuffle(again)
    assert standing(told) == standing(again)


@settings(max_examples=20, deadline=None)
@given(st.lists(events(), max_size=12), st.randoms(use_true_random=False))
def test_a_clock_that_runs_on_ends_where_one_that_stood_still_does(told: list[SubjectEvent], chance: Any) -> None:
    """Time going by the reports in any order of arrival, then one look at a far day: as if all had come on that day."""
    again = list(told)
    chance.shuffle(again)
    played, now = Played(), at(-30)
    for event in again:
        now = max(now, event.reported_at)
        played.take(event, now)
        concluded = subject.conclude(played.whole(), played.book, now)
        assert (played.findings, played.record.header.deadline) == (concluded.findings, concluded.deadline)
        assert timeless(played.record.header.status) == timeless(concluded.status)
    played.take(None, FAR)
    assert played.findings == standing(told)


@settings(max_examples=25, deadline=None)
@given(st.lists(events(), max_size=10))
def test_pages_through_json_conclude_the_same(told: list[SubjectEvent]) -> None:
    """Every page written to JSON and read back before each event: findings and revisions are the same."""
    plain, stored = Played(told), Played(told, stored=True)
    assert plain.findings == stored.findings
    assert [(one.finding.id, one.revision, one.change) for one in plain.changes] == [
        (one.finding.id, one.revision, one.change) for one in stored.changes
    ]


@settings(max_examples=25, deadline=None)
@given(st.lists(events(), min_size=1, max_size=12))
def test_the_same_event_again_changes_nothing(told: list[SubjectEvent]) -> None:
    """An event stepped a second time brings no change, no status and no page to write."""
    played = Played(told)
    again = played.take(told[-1])
    assert (again.changes, again.status, again.pages) == ((), None, frozenset())


HISTORIES: dict[str, list[SubjectEvent]] = {
    "a corrected grade 4": [
        screened(), infusion(1, 0), lab("NEUT", 8, "0.30"), lab("NEUT", 8, "3.00", version=2, status="corrected"),
        lab("NEUT", 11, "1.20"),
    ],
    "a late baseline": [
        screened(), infusion(1, 0), lab("ALT", -6, "90"), lab("ALT", 8, "230"), lab("ALT", 12, "30"),
    ],
    "a moved infusion": [
        screened(), infusion(1, 0), infusion(1, 3, version=2), lab("K", 1, "7.4"), lab("K", 2, "4.0"),
    ],
    "taken back": [
        screened(), infusion(1, 0), lab("K", 1, "7.4"), taken_back(lab("K", 1, "7.4")), lab("K", 1.5, "7.3"),
    ],
    "a reaction that got worse": [
        screened(), infusion(1, 0), adverse("Cytokine release syndrome", 1, grade=2, record="crs"),
        adverse("Cytokine release syndrome", 1, grade=4, record="crs", version=2),
        taken_back(adverse("Cytokine release syndrome", 1, grade=4, record="crs"), 3),
    ],
    "two contents under one version": [
        screened(), lab("K", 1, "7.4"), lab("K", 1, "4.7"), lab("K", 1, "3.0"), lab("K", 2, "4.0"),
    ],
    "a liver in trouble": [
        screened(), infusion(1, 0), lab("ALT", 8, "200"), lab("ALP", 9, "80"), lab("BILI", 15, "45"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_every_permutation_of_a_history_ends_the_same(name: str) -> None:
    """All orders of the chosen histories, one by one."""
    told = HISTORIES[name]
    first = standing(told)
    for order in permutations(told):
        assert standing(order) == first


@settings(max_examples=30, deadline=None)
@given(st.lists(events(), max_size=10), st.integers(-30, 60), st.integers(0, 2000))
def test_time_alone_changes_nothing_before_the_deadline(told: list[SubjectEvent], day: int, hours: int) -> None:
    """Between an instant and the deadline that was announced for it, as_of makes no difference."""
    record = Played(told).record
    now = at(day)
    first = subject.conclude(record, bundled(), now)
    later = now + timedelta(hours=hours)
    if first.deadline is not None:
        later = min(later, first.deadline - timedelta(microseconds=1))
    second = subject.conclude(record, bundled(), later)
    assert first.findings == second.findings
    assert _but_time(first) == _but_time(second)


def _but_time(conclusions: subject.Conclusions) -> Any:
    return timeless(conclusions.status), conclusions.deadline


def test_a_withdrawn_finding_goes_on_counting_when_it_is_raised_again() -> None:
    """Revision 1 raised, 2 withdrawn, 3 raised: the alert that follows from it is never taken for an old one."""
    played = Played([screened(), infusion(1, 0), lab("K", 1, "7.4")])
    played.take(lab("K", 1, "4.7", version=2, status="corrected"))
    played.take(lab("K", 1, "7.5", version=3, status="corrected"))
    course = [(one.change, one.revision) for one in played.changes if one.finding.kind == "toxicity"]
    assert course == [("raised", 1), ("withdrawn", 2), ("raised", 3)]
