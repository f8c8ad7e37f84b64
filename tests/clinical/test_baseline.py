"""Which result is the baseline, and what a result is compared with."""

from datetime import UTC, datetime

import pytest

from safety_stream.clinical.baseline import baseline_for, other_period_of, period_of
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, Measured, NoBaseline
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.result import Result
from safety_stream.clinical.sample import Period
from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)
ALT = BOOK.analytes["ALT"]
VERSION = next(iter(BOOK.protocols.values())).versions[0]


def _at(hour: int) -> datetime:
    return datetime(2026, 3, 4, hour, tzinfo=UTC)


TREATED = Frame("S", "001", VERSION, start=(_at(8), _at(10)))


@pytest.mark.parametrize(
    ("earliest", "latest", "period"),
    [(6, 7, "before"), (6, 8, "unclear"), (7, 9, "unclear"), (10, 12, "unclear"), (11, 12, "after")],
)
def test_a_result_stands_before_after_or_unclear(earliest: int, latest: int, period: Period) -> None:
    """Treatment began some time from 8 to 10 h: only what surely ends before 8 is before, begins after 10 is after."""
    assert period_of(TREATED, (_at(earliest), _at(latest))) == period


@pytest.mark.parametrize(
    ("earliest", "latest", "period"),
    [
        (6, 7, "before"),
        (6, 8, "unclear"),
        (7, 9, "unclear"),
        (9, 9, "unclear"),
        (10, 12, "unclear"),
        (10, 10, "unclear"),
        (11, 12, "after"),
        (8, 8, "unclear"),
    ],
)
def test_the_other_reading_of_treatment_has_the_same_three_answers(earliest: int, latest: int, period: Period) -> None:
    """What the protocol does not count from is asked in the same way (G9): its ends belong to what is unclear."""
    frame = Frame("S", "001", VERSION, other_start=(_at(8), _at(10)))
    assert other_period_of(frame, (_at(earliest), _at(latest))) == period


def test_nobody_treated_by_the_other_reading_is_before() -> None:
    """While no such treatment is known, every result is before it, though the other treatment began."""
    assert other_period_of(TREATED, (_at(11), _at(12))) == "before"


def test_nobody_treated_is_before() -> None:
    """While no study treatment is known, every result is before it."""
    assert period_of(Frame("S", "001", VERSION), (_at(6), _at(7))) == "before"


def _result(value: str) -> Result:
    return Result(
        "lab_result", "lis|1", 2, "final", _at(9), Moment("2026-03-04"), "ALT", None, value, "U/L",
        "7", "40",
    )  # fmt: skip


@pytest.mark.parametrize("period", ["before", "unclear"])
def test_before_treatment_there_is_no_baseline(period: Period) -> None:
    """A result before the first dose, or of unclear order to it, is graded by its own range, whatever came before."""
    assert baseline_for(period, (_result("30"),), ALT, TREATED, BOOK) is NoBaseline.NOT_YET_TREATED


def test_after_treatment_the_standing_result_is_the_baseline() -> None:
    """With its own value, range and source; none, or one that cannot be measured, is an unknown baseline."""
    found: Baseline = baseline_for("after", (_result("30"),), ALT, TREATED, BOOK)
    assert isinstance(found, Measured)
    assert (str(found.value), found.ucum, str(found.range.high), found.source) == ("30", "U/L", "40", "lis|1 v2")
    assert baseline_for("after", (), ALT, TREATED, BOOK) is NoBaseline.UNKNOWN
    assert baseline_for("after", (_result("Hello"),), ALT, TREATED, BOOK) is NoBaseline.UNKNOWN


def test_of_a_time_point_the_last_quantity_that_could_be_measured_is_the_baseline() -> None:
    """Two results of one moment and one that cannot be read: one of the two that say something (register G45)."""
    results = (_result("30"), _result("31"), _result("Hello"))
    calcium = BOOK.analytes["CA"]
    point = tuple(
        one._replace(test="CA", unit="mmol/L", value=value, low=None, high=None)
        for one, value in zip(results, ("2.30", "2.40", "Hello"), strict=True)
    )
    found = baseline_for("after", point, calcium, TREATED, BOOK)
    assert isinstance(found, Measured)
    assert found.text == "2.30 or 2.40"


def test_replicates_before_treatment_are_a_baseline_of_their_mean() -> None:
    """QTcF 400 and 420 ms of one time point: 410 ms (register G15)."""
    first = _result("400")._replace(test="QTCF", unit="ms", low=None, high=None, specimen="predose")
    first = first._replace(observed_at=Moment("2026-03-04T06:00:00Z"))
    again = first._replace(record="lis|2", value="420", observed_at=Moment("2026-03-04T06:02:00Z"))
    found = baseline_for("after", (first, again), BOOK.analytes["QTCF"], TREATED, BOOK)
    assert isinstance(found, Measured)
    assert found.text == "410"
