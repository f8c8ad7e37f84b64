"""What one more result costs does not grow with the results on file: counted in calls, not in seconds."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import FrameType

import pytest
from stepping import stepped

from safety_stream.clinical import subject
from safety_stream.clinical.events import LabResult, Screened, SubjectEvent
from safety_stream.clinical.record import SubjectRecord
from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)
STUDY, FIRST = "CAR-NK-SLE-01", datetime(2024, 6, 24, tzinfo=UTC)
FEW, MANY, SAMPLES = 70, 1_500, 64
COURSES = {
    "K": (("4.1", "5.4", "4.0"), "mmol/L", "3.5", "5.3"),
    "ALT": (("22", "52", "110", "19"), "U/L", "7", "40"),
    "NEUT": (("3.1", "0.9", "0.4", "2.4", "3.3"), "10*9/L", "1.8", "6.3"),
}


@pytest.mark.parametrize("analyte", sorted(COURSES))
def test_an_append_makes_as_many_calls_with_1500_results_on_file_as_with_70(analyte: str) -> None:
    """The mean over 64 appends, the sealing of a chunk among them, grows by less than the 20 % that are allowed."""
    record, calls = _screened(), {FEW: 0, MANY: 0}
    for number, event in enumerate(_results(analyte, MANY + SAMPLES)):
        begun = next((begin for begin in calls if begin <= number < begin + SAMPLES), None)
        if begun is None:
            record = _stepped(record, event)
        else:
            record, more = _counted(record, event)
            calls[begun] += more
    assert calls[MANY] < 1.2 * calls[FEW], {begun: count / SAMPLES for begun, count in calls.items()}


def _counted(record: SubjectRecord, event: SubjectEvent) -> tuple[SubjectRecord, int]:
    calls = 0

    def count(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal calls
        calls += what in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return _stepped(record, event), calls
    finally:
        sys.setprofile(before)


def _stepped(record: SubjectRecord, event: SubjectEvent) -> SubjectRecord:
    return stepped(record, event, BOOK, event.reported_at).record


def _screened() -> SubjectRecord:
    told = {"kind": "screened", "study": STUDY, "subject": "001", "source": {"system": "edc", "id": "screening"}}
    at = (FIRST - timedelta(days=14)).isoformat()
    event = Screened.model_validate({**told, "reported_at": at, "consented": at, "site": "hangzhou", "age_years": 31})
    return _stepped(subject.empty(STUDY, "001"), event)


def _results(analyte: str, count: int) -> Iterator[LabResult]:
    values, unit, low, high = COURSES[analyte]
    for number in range(count):
        taken = FIRST + timedelta(hours=6 * number)
        yield LabResult.model_validate({
            "kind": "lab_result", "study": STUDY, "subject": "001",
            "source": {"system": "lis", "id": f"{analyte}-{number}"}, "test": analyte,
            "value": values[number % len(values)], "unit": unit, "range_low": low, "range_high": high,
            "observed_at": taken.isoformat(), "reported_at": (taken + timedelta(hours=1)).isoformat(),
        })  # fmt: skip
