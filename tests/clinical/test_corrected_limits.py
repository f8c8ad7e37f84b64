"""What a protocol says of total calcium is judged on what total calcium is judged as: corrected for its albumin (G16).

By hand: 2.80 mmol/L with an albumin of 20 g/L is 2.80 + 0.02 x (40 - 20) = 3.20 mmol/L; with 40 g/L it stays 2.80.
"""

from typing import Any

import pytest
from stories import Played, bundled, bundled_with, infusion, lab, screened

from safety_stream.clinical.events import SubjectEvent
from safety_stream.rulebook.dlt_rules import Clause, Composite
from safety_stream.rulebook.protocol import Eligibility, WatchLimit
from safety_stream.rulebook.schedule_rules import Schedule

ABOVE = "> 2.9 mmol/L"


def specimen(day: float, albumin: str | None) -> list[SubjectEvent]:
    """Total calcium 2.80 mmol/L of a specimen, with its albumin in g/L if it was sent."""
    tube: dict[str, Any] = {"specimen": f"day {day}"}
    calcium = lab("CA", day, "2.80", **tube)
    return [calcium] if albumin is None else [calcium, lab("ALB", day, albumin, **tube)]


DOSED = (screened(), infusion(1, 0))
CASES = [(None, False), ("40", False), ("20", True)]


@pytest.mark.parametrize(("albumin", "outside"), CASES)
def test_a_watch_limit(albumin: str | None, outside: bool) -> None:
    """2.80 lies inside; corrected to 3.20 it lies 0.3 mmol/L outside, and the finding says so."""
    book = bundled_with(watch=(WatchLimit(analyte="CA", outside=ABOVE, source="test"),))
    found = Played([*DOSED, *specimen(3, albumin)], book=book).of("watch_limit")
    assert [(one.verdict, one.distance) for one in found] == (
        [("outside", "0.3 mmol/L above the limit")] if outside else []
    )


@pytest.mark.parametrize(("albumin", "outside"), CASES)
def test_an_eligibility_criterion(albumin: str | None, outside: bool) -> None:
    """At screening: met with 2.80, breached with 3.20, and never left unanswered."""
    rules = bundled().protocols["CAR-NK-SLE-01"].versions[0].eligibility
    assert rules is not None
    says = {"analyte": "CA", "text": "Calcium at most 2.9", "must": "<= 2.9 mmol/L", "source": "test"}
    only = Eligibility.model_validate({"criteria": {"calcium": says}})
    played = Played([screened(), *specimen(-10, albumin)], book=bundled_with(eligibility=only))
    (state,) = played.of("eligibility_status", check="screening")
    assert [(one.criterion, one.verdict) for one in state.criteria] == [("calcium", "breached" if outside else "met")]


@pytest.mark.parametrize(("albumin", "outside"), CASES)
def test_a_clause_of_a_composite(albumin: str | None, outside: bool) -> None:
    """A composite of one clause is met by the corrected value."""
    composite = Composite(
        text="High calcium", source="test", all_of=(Clause(name="calcium", any_of=("CA",), when=ABOVE),)
    )
    composites = bundled().protocols["CAR-NK-SLE-01"].versions[0].composites
    book = bundled_with(composites={**composites, "high-calcium": composite})
    found = Played([*DOSED, *specimen(3, albumin)], book=book).of("composite", composite="high-calcium")
    assert [one.state for one in found] == (["sure"] if outside else [])


@pytest.mark.parametrize(
    ("beside", "missing"),
    [
        ([], 0),
        ([lab("ALB", 3, "20", specimen="day 3")], 0),
        ([lab("CAION", 3, "1.2", specimen="day 3")], 0),  # total calcium is not judged beside it
    ],
)
def test_a_visit_that_owes_it(beside: list[SubjectEvent], missing: int) -> None:
    """A calcium that was corrected, or gave way to ionized calcium, was observed all the same; none at all was not."""
    visit = {"name": "day-3", "day": 3, "needs": ["CA"], "source": "test"}
    book = bundled_with(schedule=Schedule.model_validate({"results_within": "12 h", "visits": [visit]}))
    assert len(Played([*DOSED, *specimen(3, None), *beside], book=book).of("unobserved")) == missing
    assert len(Played([*DOSED, *beside], book=book).of("unobserved")) == 1
