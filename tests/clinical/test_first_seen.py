"""Claims about a grade that is first seen after the DLT window (register T45).

Infusions on days 0, 7 and 14: the window ends on day 42. Visits that owe platelets: days 33 to 37, and 40 to 44.
Any grade 4 outside the list of cytopenias is a DLT at once; sodium is owed by no visit, potassium neither, ALT is.
"""

from itertools import permutations

import pytest
from stories import TREATED, Played, infusion, lab

from safety_stream.alerting.policy import revise

INFUSED = (*TREATED, infusion(2, 7), infusion(3, 14))
GRADE_4, NORMAL = "900", "30"  # ALT in U/L with a ULN of 40: 22.5 x ULN is above 20


def found(*results: tuple[float, str]) -> list[str]:
    """The states of the DLT findings on ALT, whatever the order of the results."""
    told = [lab("ALT", -10, NORMAL), *(lab("ALT", day, value) for day, value in results)]
    states = set[tuple[str, ...]]()
    for order in permutations(told):
        states.add(tuple(one.state for one in Played([*INFUSED, *order]).of("dose_limiting_toxicity")))
    assert len(states) == 1
    return list(states.pop())


@pytest.mark.parametrize(
    ("before", "first", "expected"),
    [
        (30, 43, ["possible"]),  # nothing on days 33 to 37
        (14, 60, ["possible"]),
        (36, 43, []),  # as the schedule asks
        (36, 56, []),  # days 40 to 44 missed, but they end after the window
        (37, 43, []),
        (32, 43, ["possible"]),
        (30, 37, ["candidate"]),  # seen inside: no question
        (43, 60, []),  # normal after the window
        (-10, 43, ["possible"]),  # never looked since the infusion
    ],
)
def test_after_a_gap_it_may_have_begun_inside(before: float, first: float, expected: list[str]) -> None:
    """Possible only where a visit inside the window owed a result after the last normal one, and had none."""
    earlier = [(before, NORMAL)] if before > 0 else []
    assert found(*earlier, (first, GRADE_4)) == expected


def test_a_window_that_is_over_is_not_opened_again() -> None:
    """Neutrophils of grade 4 first seen on day 60, none after day 14: possible, and no time that passes decides it."""
    played = Played([*INFUSED, lab("NEUT", -10, "3.1"), lab("NEUT", 14, "2.5"), lab("NEUT", 60, "0.3")])
    (one,) = played.of("dose_limiting_toxicity", rule="neutropenia-4")
    assert (one.state, one.rules[0].open, one.rules[0].candidate_from) == ("possible", ("duration", "window"), None)
    assert one.rules[0].ends_with == ("an onset shown by results to lie outside 2024-06-24 to 2024-08-05",)
    assert played.record.header.status is not None
    assert (played.record.header.status.phase, played.record.header.status.extended_because) == (
        "completed_window",
        None,
    )


def test_a_result_that_comes_late_decides_and_nobody_was_mailed() -> None:
    """A normal ALT of day 36 comes after the grade 4 of day 43 was told: no DLT, and no mail of one to take back."""
    played = Played([*INFUSED, lab("ALT", -10, NORMAL), lab("ALT", 30, NORMAL), lab("ALT", 43, GRADE_4)])
    (one,) = played.of("dose_limiting_toxicity")
    assert one.rules[0].open == ("window",)
    assert any(reason.startswith("T45: first seen after the window") for reason in one.evidence.reasons)
    assert any("2024-07-27 to 2024-07-31 (visit day-35)" in reason for reason in one.evidence.reasons)
    assert played.record.header.status is not None
    assert (played.record.header.status.dlt, played.record.header.status.evaluable) == ("possible", None)
    played.take(lab("ALT", 36, NORMAL))
    assert played.of("dose_limiting_toxicity") == []
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "dose_limiting_toxicity"]
    assert {one.decision.action for one in alerts} == {"hold"}
