"""Messages that cannot be read, each with the code and the field that its reason must name."""

import json
from typing import Any

STUDY = "CAR-NK-SLE-01"
LAB_RESULT: dict[str, Any] = {
    "kind": "lab_result",
    "study": STUDY,
    "subject": "001",
    "source": {"system": "hangzhou-lis", "id": "2026-000123-ANC", "version": 1},
    "status": "final",
    "reported_at": "2026-03-04T09:30:00+08:00",
    "test": "ANC",
    "loinc": "751-8",
    "value": "0.42",
    "unit": "10*9/L",
    "range_low": "1.8",
    "range_high": "6.3",
    "observed_at": "2026-03-04T07:30:00+08:00",
}
ADVERSE_EVENT: dict[str, Any] = {
    "kind": "adverse_event",
    "study": STUDY,
    "subject": "001",
    "source": {"system": "edc", "id": "AE-001-3", "version": 2},
    "reported_at": "2026-03-05T18:00:00+08:00",
    "term": "Cytokine release syndrome",
    "grade": 3,
    "onset": "2026-03",
    "outcome": "recovering",
    "seriousness": ["hospitalization"],
    "serious": True,
    "attribution": "probable",
    "narrative": "Fever from the evening.\nTocilizumab given.",
}
TICK: dict[str, Any] = {"kind": "clock_ticked", "as_of": "2026-03-04T00:00:00Z"}


def told(event: object) -> bytes:
    """The event as its sender writes it."""
    return json.dumps(event).encode()


UNREADABLE: list[tuple[str, bytes | None, str, str]] = [
    ("null value", None, "empty_message", "(message)"),
    ("no bytes", b"", "empty_message", "(message)"),
    ("blanks", b" \r\n", "empty_message", "(message)"),
    ("empty list", b"[]", "empty_message", "(message)"),
    ("5 MB", told({**LAB_RESULT, "narrative": "x" * 5_000_000}), "too_large", "(message)"),
    ("300,001 numbers", b"[1" + b",1" * 300_000 + b"]", "too_large", "(message)"),
    ("not UTF-8", b'{"kind": "lab_result", "value": "\xb5"}', "not_utf8", "(message)"),
    ("UTF-16", json.dumps(LAB_RESULT).encode("utf-16"), "not_utf8", "(message)"),
    ("not JSON", b"MSH|^~\\&|LIS|HANGZHOU", "not_json", "(message)"),
    ("cut off", told(LAB_RESULT)[:-20], "not_json", "(message)"),
    ("two messages in one", told(LAB_RESULT) * 2, "not_json", "(message)"),
    ("NaN", b'{"kind": "lab_result", "value": NaN}', "not_json", "(message)"),
    ("Infinity", b'{"kind": "lab_result", "value": -Infinity}', "not_json", "(message)"),
    ("half a character", b'{"kind": "lab_result", "value": "\\ud800"}', "not_json", "(message)"),
    ("NUL byte", b'{"kind": "lab_result\x00"}', "not_json", "(message)"),
    ("deep list", b"[" * 100_000, "too_deep", "(message)"),
    ("deep object", b'{"a":' * 100_000, "too_deep", "(message)"),
    ("deep and closed", b"[" * 300 + b"]" * 300, "too_deep", "(message)"),
    ("a name twice", b'{"kind": "lab_result", "value": "1", "value": "9"}', "duplicate_name", "value"),
    ("a string", b'"hello"', "not_an_object", "(message)"),
    ("a number", b"7", "not_an_object", "(message)"),
    ("a huge number", b"1" * 100_000, "not_an_object", "(message)"),
    ("null in JSON", b"null", "not_an_object", "(message)"),
    ("no kind", told({"study": STUDY}), "missing_field", "kind"),
    ("unknown kind", told({**LAB_RESULT, "kind": "lab"}), "unknown_kind", "kind"),
    ("kind is a list", told({**LAB_RESULT, "kind": [1]}), "unknown_kind", "kind"),
    ("kind is null", told({**LAB_RESULT, "kind": None}), "unknown_kind", "kind"),
    ("no subject", told({k: v for k, v in LAB_RESULT.items() if k != "subject"}), "missing_field", "subject"),
    ("no source id", told({**LAB_RESULT, "source": {"system": "lis"}}), "missing_field", "source.id"),
    ("no test", told({**LAB_RESULT, "test": None, "loinc": None}), "missing_field", "test"),
    ("one field too many", told({**LAB_RESULT, "comment": "see above"}), "unknown_field", "comment"),
    ("a list for text", told({**LAB_RESULT, "value": ["0.42"]}), "wrong_type", "value"),
    ("true for text", told({**LAB_RESULT, "value": True}), "wrong_type", "value"),
    ("text for true", told({**LAB_RESULT, "fasting": "yes"}), "wrong_type", "fasting"),
    ("1 for true", told({**LAB_RESULT, "fasting": 1}), "wrong_type", "fasting"),
    ("text for an object", told({**LAB_RESULT, "source": "lis"}), "wrong_type", "source"),
    ("version as text", told({**LAB_RESULT, "source": {"system": "l", "id": "1", "version": "2"}}), "wrong_type",
     "source.version"),
    ("version 10**400", told({**LAB_RESULT, "source": {"system": "l", "id": "1", "version": 10**400}}), "bad_value",
     "source.version"),
    ("number for value", told({**LAB_RESULT, "value": 3}), "number_not_text", "value"),
    ("number for a limit", told({**LAB_RESULT, "range_high": 6.3}), "number_not_text", "range_high"),
    ("30 February", told({**LAB_RESULT, "observed_at": "2026-02-30T07:30:00+08:00"}), "bad_time", "observed_at"),
    ("no zone", told({**LAB_RESULT, "observed_at": "2026-03-04T07:30:00"}), "bad_time", "observed_at"),
    ("month 13", told({**LAB_RESULT, "observed_at": "2026-13"}), "bad_time", "observed_at"),
    ("the year 9999", told({**LAB_RESULT, "observed_at": "9999-12-31"}), "bad_time", "observed_at"),
    ("the year 1", told({**LAB_RESULT, "reported_at": "0001-01-01T00:00:00+14:00"}), "bad_time", "reported_at"),
    ("a date for an instant", told({**LAB_RESULT, "reported_at": "2026-03-04"}), "bad_time", "reported_at"),
    ("seconds since 1970", told({**LAB_RESULT, "reported_at": 1772587800}), "bad_time", "reported_at"),
    ("seconds since 1970 as text", told({**LAB_RESULT, "reported_at": "1772587800"}), "bad_time", "reported_at"),
    ("grade 6", told({**ADVERSE_EVENT, "grade": 6}), "bad_value", "grade"),
    ("an unknown word", told({**ADVERSE_EVENT, "seriousness": ["fatal"]}), "bad_value", "seriousness[0]"),
    ("an empty value", told({**LAB_RESULT, "value": " "}), "bad_value", "value"),
    ("a bar in a key", told({**LAB_RESULT, "subject": "0|1"}), "bad_value", "subject"),
    ("a control character", told({**LAB_RESULT, "value": "4\u00002"}), "control_character", "value"),
    ("a line break in a term", told({**ADVERSE_EVENT, "term": "Fever\r\nBcc: x"}), "control_character", "term"),
    ("reversed reading order", told({**ADVERSE_EVENT, "term": "a\u202eb"}), "control_character", "term"),
]  # fmt: skip
