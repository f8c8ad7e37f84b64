"""What records show by the printed limits, counted by hand: potassium above 6.0 and 7.0 mmol/L, crs-3 over 72 hours."""

from collections.abc import Sequence
from typing import Any

import pytest
from stories import adverse, at, lab, taken_back, told, vital

from safety_stream.sandbox.shown import Shown, shown_by, standing

RELEASE = "Cytokine release syndrome"


def shown(*events: Any) -> Shown:
    """What the records of one woman show."""
    return shown_by(standing(events).get("001", ()), at(0), "female", {"CRS after cells": RELEASE})


def line(grade: int, days: float, **more: Any) -> Any:
    """A reported event of that grade for so many days."""
    return adverse(more.pop("term", RELEASE), 9, grade=grade, outcome="recovered", resolved=told(9 + days), **more)


@pytest.mark.parametrize(
    ("events", "alarming", "limiting"),
    [
        ([lab("K", 9, "6.0")], set(), set()),
        ([lab("K", 9, "6.1")], {"Hyperkalemia"}, set()),
        ([lab("K", 9, "7.1")], {"Hyperkalemia"}, {"Hyperkalemia"}),
        ([lab("K", 43, "7.1")], {"Hyperkalemia"}, set()),  # the window of the third infusion ends on day 42
        ([lab("K", 9, "6.5"), lab("K", 12, "6.5")], {"Hyperkalemia"}, set()),  # 72 hours and not more
        ([lab("K", 9, "6.5"), lab("K", 12.1, "6.5")], {"Hyperkalemia"}, {"Hyperkalemia"}),
        ([lab("K", 9, "6.5"), lab("K", 10, "5.0"), lab("K", 13, "6.5")], {"Hyperkalemia"}, set()),
        ([lab("K", 9, "7.1"), lab("K", 9, "4.1", version=2, status="corrected")], set(), set()),
        ([lab("K", 9, "7.1"), taken_back(lab("K", 9, "7.1"))], set(), set()),
        ([lab("K", -7, "6.5")], set(), set()),  # before treatment a grade 3 is shown and not told, a grade 4 is told
        ([lab("K", -7, "7.1")], {"Hyperkalemia"}, set()),
        ([lab("NEUT", 9, "0.7")], set(), set()),  # expected after lymphodepletion
        ([lab("NEUT", 29, "0.7")], {"Neutrophil count decreased"}, set()),
        ([lab("NEUT", 9, "0.7"), vital("TEMP", 8, "38.4", "Cel")], {"Febrile neutropenia"}, set()),
        ([lab("NEUT", 9, "0.7"), vital("TEMP", 7.4, "38.4", "Cel")], set(), set()),  # 38 hours apart
        # neutropenia of yesterday that is over an hour before the fever
        ([lab("NEUT", 9, "0.9"), lab("NEUT", 10, "1.1"), vital("TEMP", 10.04, "39.3", "Cel")], set(), set()),
        ([lab("HGB", 9, "9.5")], set(), set()),  # g/dL called g/L
        ([line(3, 3)], {RELEASE}, set()),
        ([line(3, 3.1)], {RELEASE}, {RELEASE}),
        ([line(3, 3.1, term="CRS after cells")], {RELEASE}, {RELEASE}),
        ([line(4, 0.1)], {RELEASE}, {RELEASE}),
        ([line(3, 0.5, term="Encephalopathy")], {"Encephalopathy"}, {"Encephalopathy"}),
        ([lab("ALT", 9, "120"), lab("BILI", 22, "43")], set(), {"hys-law"}),  # 3 x 40, and above 2 x 21
        ([lab("ALT", 9, "120"), lab("BILI", 24, "43")], set(), set()),
    ],
)
def test_what_the_records_show(events: Sequence[Any], alarming: set[str], limiting: set[str]) -> None:
    """The standing version of each record; hours between the first and the last sample of an unbroken run."""
    found = shown(*events)
    assert (set(found.alarming), set(found.limiting)) == (alarming, limiting)


def test_what_the_records_show_has_its_time() -> None:
    """Potassium 6.5 on days 9 and 12.1 limits by its duration, 6.1 on day 20 does not; a line of grade 3 from day 9
    on for two days, looked at twice a day; neutrophils of 0.4 alarm from grade 4 on while they are expected."""
    long = shown(lab("K", 9, "6.5"), lab("K", 12.1, "6.5"), lab("K", 13, "5.0"), lab("K", 20, "6.1"))
    assert long.alarming == {"Hyperkalemia": ((at(9), 3), (at(12.1), 3), (at(20), 3))}
    assert long.limiting == {"Hyperkalemia": ((at(9), 3), (at(12.1), 3))}
    assert shown(line(3, 2)).alarming == {RELEASE: tuple((at(9 + half / 2), 3) for half in range(5))}
    assert shown(lab("NEUT", 9, "0.4")).alarming == {"Neutrophil count decreased": ((at(9), 4),)}
