"""Any order, any duplication, any correction of the same facts ends in the same findings."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import (
    FAR,
    TREATED,
    Played,
    adjudicated,
    adverse,
    at,
    bundled,
    enrolled,
    fact,
    infusion,
    lab,
    lymphodepletion,
    planned,
    screened,
    taken_back,
    vital,
    withdrawn,
)

from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import AnyFinding

VALUES = {
    "NEUT": ["0.3", "0.49", "0.5", "0.9", "1.4", "2.5", "<0.5", "Hello"],
    "ALT": ["20", "41", "90", "130", "210", "900"],
    "BILI": ["10", "25", "45", "70"],
    "ALP": ["60", "150", "250"],
    "K": ["4.1", "2.8", "7.3"],
    "HGB": ["120", "95", "79"],
    "LVEF": ["60", "45"],
    "CA": ["1.7", "2.1", "3.2"],
    "ALB": ["20", "41"],
    "CAION": ["0.7", "1.2"],
    "WBC": ["4.0", "0.8"],
    "NEUTLE": ["5", "60"],
    "CREAT": ["70", "190"],
    "QTCF": ["440", "490", "510"],
    "TEMP": ["36.8", "37.9", "38.1", "38.4", "40.1", "40.6", ">39.9"],
    "SYSBP": ["82", "118", "144", "166"],
    "GLUC": ["5.5", "13.9", "14.0", "25.1", "<15", ">30", "Hello"],
}


def events() -> st.SearchStrategy[SubjectEvent]:
    """Any one event of a subject of the bundled study, from a small world so that events meet each other."""
    days = st.sampled_from([-12.0, -6.0, -5.0, -1.0, 0.0, 0.2, 3.0, 8.0, 8.1, 8.4, 8.8, 9.0, 14.0, 29.0, 42.0, 43.0])
    versions = st.integers(1, 2)
    statuses = st.sampled_from(["preliminary", "final", "corrected", "entered-in-error"])
    labs = st.sampled_from(sorted(VALUES)).flatmap(
        lambda test: st.builds(
            lambda day, value, version, status, partial: lab(
                test, day, value, version=version, status=status, **_on(day, partial=partial)
            ),
            days, st.sampled_from(VALUES[test]), versions, statuses, st.booleans(),
        )
    )  # fmt: skip
    adverses = st.builds(
        lambda term, day, grade, version, status, extra: adverse(
            term, day, grade=grade, version=version, status=status, record=f"ae-{term}", **extra
        ),
        st.sampled_from(["Cytokine release syndrome", "Nausea", "Feeling odd"]),
        days, st.sampled_from([None, 1, 3, 4, 5]), versions, statuses,
        st.sampled_from([
            {}, {"seriousness": ["hospitalization"]}, {"outcome": "fatal"},
            {"resolved": at(14).isoformat(), "outcome": "recovered"},
            {"onset": "2024-07"}, {"onset": None}, {"attribution": "unrelated"},
        ]),
    )  # fmt: skip
    infusions = st.builds(
        lambda n, day, v, s: infusion(n, day, version=v, status=s), st.integers(1, 3), days, versions, statuses
    )
    others = st.sampled_from(
        [
            *TREATED, enrolled(9), enrolled(2, source={"system": "test", "id": "other"}), planned(2, 8), withdrawn(9),
            withdrawn(10, "treatment"), fact("on_anticoagulant", -6, value=True), screened(age_years=16),
            screened(protocol_version="2.0"), vital("TEMP", 8, "39.1", "Cel"),
            lymphodepletion(-4, status="entered-in-error"),
            adjudicated(_dlt_id(), 20, "refuted"), adjudicated(_dlt_id(), 21, "confirmed"),
        ]
    )  # fmt: skip
    return st.one_of(labs, labs, adverses, infusions, others)


def _on(day: float, *, partial: bool) -> dict[str, str]:
    """The day alone, where the time of day is not known."""
    return {"observed_at": str(at(day).date())} if partial else {}


def _dlt_id() -> str:
    story = Played([*TREATED, adverse("Cytokine release syndrome", 8, grade=4, record="ae-Cytokine release syndrome")])
    return str(story.one("dose_limiting_toxicity", rule="crs-4").id)


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
    fixed = datetime(2000, 1, 1, tzinfo=FAR.tzinfo)
    return conclusions.status.model_copy(update={"as_of": fixed}), conclusions.deadline


def test_a_withdrawn_finding_goes_on_counting_when_it_is_raised_again() -> None:
    """Revision 1 raised, 2 withdrawn, 3 raised: the alert that follows from it is never taken for an old one."""
    played = Played([screened(), infusion(1, 0), lab("K", 1, "7.4")])
    played.take(lab("K", 1, "4.7", version=2, status="corrected"))
    played.take(lab("K", 1, "7.5", version=3, status="corrected"))
    course = [(one.change, one.revision) for one in played.changes if one.finding.kind == "toxicity"]
    assert course == [("raised", 1), ("withdrawn", 2), ("raised", 3)]
