"""The DLT window in calendar days: infusions on days 0, 7 and 14 (24 June, 1 and 8 July 2024, 10:00 in Shanghai)."""

import pytest
from stories import TREATED, Played, at, bundled

from safety_stream.clinical.dlt_windows import in_window
from safety_stream.clinical.frame import Frame, frame_of
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Window


def frame() -> Frame:
    """The frame of a subject with all three infusions."""
    record = Played(TREATED).record
    return frame_of("CAR-NK-SLE-01", "001", record.header.facts, bundled().protocols["CAR-NK-SLE-01"])


# onset, then inside? for each_infusion, first_infusion, last_infusion (None: maybe)
CASES = [
    ("2024-06-23T23:59:00+08:00", False, False, False),  # the day before
    ("2024-06-24T09:00:00+08:00", False, False, False),  # on day 0, an hour before the infusion
    ("2024-06-24T10:00:00+08:00", True, True, False),  # at the infusion
    ("2024-06-24", True, True, False),  # day 0, time not told: calendar days count
    ("2024-06-30T23:59:59+08:00", True, True, False),
    ("2024-07-08T12:00:00+08:00", True, True, True),  # day 14
    ("2024-07-22T23:59:59+08:00", True, True, True),  # day 28: inside (T2)
    ("2024-07-23T00:00:00+08:00", True, False, True),  # day 29: only the later infusions hold it
    ("2024-07-22T16:00:00+00:00", True, False, True),  # the same instant told in UTC: the zone of the study decides
    ("2024-07-22T15:59:59+00:00", True, True, True),
    ("2024-08-05T23:59:59+08:00", True, False, True),  # day 42 = day 28 of infusion 3
    ("2024-08-06", False, False, False),
    (
        "2024-07",
        True,
        None,
        None,
    ),  # every day lies in some window; the first ends on the 22nd, the last begins on the 8th
    ("2024-06", None, None, False),
    ("2024-08", None, False, None),
    ("2024", None, None, None),
    ("2023", False, False, False),
    ("2025-01-01", False, False, False),
]


@pytest.mark.parametrize(("onset", "each", "first", "last"), CASES)
def test_window(onset: str, *, each: bool | None, first: bool | None, last: bool | None) -> None:
    """Whether an onset lies in the window, for each of the three anchors (T1)."""
    found = [
        in_window(frame(), Moment(onset), Window(days=28, anchor=anchor)).inside
        for anchor in ("each_infusion", "first_infusion", "last_infusion")
    ]
    assert found == [each, first, last]


def test_the_finding_names_the_infusions_that_hold_the_onset() -> None:
    """Day 10 lies in the windows of infusions 1 and 2; day 20 in all three."""
    by_day = {
        day: in_window(frame(), Moment(at(day).isoformat()), Window(days=28)).infusions for day in (3, 10, 20, 30, 40)
    }
    assert by_day == {3: (1,), 10: (1, 2), 20: (1, 2, 3), 30: (2, 3), 40: (3,)}
