"""From what a laboratory sends to a measured quantity, or to the question that it raises."""

import pytest

from safety_stream.clinical.events import LabResult
from safety_stream.clinical.grading import Measured, Unmeasurable, measure
from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)


def told(
    test: str | None = None,
    value: str | None = None,
    unit: str | None = None,
    *,
    loinc: str | None = None,
    **limits: str,
) -> Measured | Unmeasurable:
    """What is made of one result."""
    event = LabResult.model_validate(
        {
            "study": "S", "subject": "001", "source": {"system": "lis", "id": "7", "version": 2},
            "reported_at": "2026-03-04T08:00:00Z", "observed_at": "2026-03-04",
            "test": test, "loinc": loinc, "value": value, "unit": unit, **limits,
        }
    )  # fmt: skip
    return measure(event, BOOK)


def test_it_keeps_what_was_reported() -> None:
    """Value, unit and range stay as they were sent; the source is the record with its version."""
    measured = told("ANC", "0.42", "THOU/uL", range_low="1.8", range_high="7.5")
    assert isinstance(measured, Measured)
    assert (measured.key, measured.text, measured.ucum, measured.source) == ("NEUT", "0.42", "10*3/uL", "lis|7 v2")
    assert [str(limit) for limit in measured.range] == ["1.8", "7.5"]
    assert not measured.remarks


QUERIES = [
    ({"test": "XYZ", "value": "1"}, "unknown_analyte"),
    ({"test": "PH", "value": "7.1"}, "unknown_analyte"),
    ({"loinc": "2161-8", "test": "CREAT", "value": "1", "unit": "mg/dL"}, "unknown_analyte"),
    ({"test": "ANC", "value": None, "unit": "10*9/L"}, "no_value"),
    ({"test": "ANC", "value": "Hello", "unit": "10*9/L"}, "unreadable_value"),
    ({"test": "ANC", "value": "1,000", "unit": "/uL"}, "unreadable_value"),
    ({"test": "ANC", "value": "NaN", "unit": "10*9/L"}, "unreadable_value"),
    ({"test": "ANC", "value": "4.3 to 6.2", "unit": "10*9/L"}, "unreadable_value"),
    ({"test": "ANC", "value": "1e40", "unit": "10*9/L"}, "unreadable_value"),
    ({"test": "ANC", "value": "0.4"}, "missing_unit"),
    ({"test": "ANC", "value": "0.4", "unit": "g/L"}, "unknown_unit"),
    ({"test": "ANC", "value": "-0.4", "unit": "10*9/L"}, "implausible_value"),
    ({"test": "HGB", "value": "8.5", "unit": "g/L"}, "implausible_value"),
    ({"test": "HGB", "value": "850", "unit": "g/dL"}, "implausible_value"),
    ({"test": "HGB", "value": "<10", "unit": "g/L"}, "implausible_value"),
    ({"test": "ALT", "value": "90"}, "missing_unit"),
    ({"test": "ALT", "value": "-90", "range_high": "40"}, "implausible_value"),
    ({"test": "GLUC", "value": "73", "unit": "mmol/L", "range_low": "70", "range_high": "110"}, "implausible_range"),
    ({"test": "HGB", "value": "130", "unit": "g/L", "range_low": "12", "range_high": "16"}, "implausible_range"),
    ({"test": "CREAT", "value": "8", "unit": "umol/L", "range_high": "1.2"}, "implausible_range"),
    ({"test": "UPROTSTK", "value": "lots"}, "unreadable_value"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "code"), QUERIES)
def test_what_cannot_be_graded_is_asked_about(sent: dict[str, str], code: str) -> None:
    """Trouble in a result is a question with what was found and what was expected; nothing is corrected or dropped."""
    result = told(**sent)
    assert isinstance(result, Unmeasurable)
    assert result.code == code
    assert result.query
    assert result.found
    assert result.expected


def test_a_test_in_words_raises_no_query() -> None:
    """The colour of urine is known, is no number, and is nobody's question."""
    result = told("COLOR", "YELLOW")
    assert isinstance(result, Unmeasurable)
    assert not result.query


def test_a_ratio_term_is_graded_without_a_unit() -> None:
    """ALT 90 with its own ULN of 40 needs no unit to be 2.25 x ULN; the missing unit is remarked (G39)."""
    measured = told("ALT", "90", range_high="40")
    assert isinstance(measured, Measured)
    assert measured.unit is None
    assert [remark.code for remark in measured.remarks] == ["missing_unit"]


@pytest.mark.parametrize("unit", [None, "", "INR", "ratio"])
def test_some_quantities_have_no_unit(unit: str | None) -> None:
    """INR is a pure number."""
    assert isinstance(told("INR", "1.1", unit), Measured)


@pytest.mark.parametrize(
    ("low", "high", "code"),
    [("7.5", "1.8", "range_upside_down"), ("4.3 to 6.2", "7", "unreadable_range"), ("1.8", "0", "unreadable_range"),
     ("-1", "7", "unreadable_range")],
)  # fmt: skip
def test_a_range_that_makes_no_sense_is_not_used(low: str, high: str, code: str) -> None:
    """A broken limit counts as missing, and is asked about (G40)."""
    measured = told("ANC", "3.0", "10*9/L", range_low=low, range_high=high)
    assert isinstance(measured, Measured)
    assert [remark.code for remark in measured.remarks] == [code]
    assert None in measured.range


def test_a_dipstick_is_an_order_of_words() -> None:
    """1+ lies above trace, in whatever way it is written."""
    ranks = [told("UPROTSTK", text) for text in ("negative", "Trace", "+", "1+", "+++", "4+")]
    values = [str(one.value) for one in ranks if isinstance(one, Measured)]
    assert values == ["0", "0.5", "1", "1", "3", "4"]
