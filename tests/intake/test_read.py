"""Claims about reading a message: what is readable becomes events, what is not becomes a reason, nothing escapes."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safety_stream.clinical.events import AdverseEvent, LabResult
from safety_stream.intake import Rejected, admit, content_type_of, read, together

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


def reason(payload: bytes | None, content_type: str | None = None) -> Rejected:
    """The one rejection of a message that must be unreadable."""
    (answer,) = read(content_type, payload)
    assert isinstance(answer, Rejected), answer
    return answer


def test_a_result_keeps_its_text() -> None:
    """The value, the range and the times are what the laboratory wrote, digit by digit."""
    (result,) = read(None, told({**LAB_RESULT, "value": "<0.420"}))
    assert isinstance(result, LabResult)
    assert (result.value, result.range_low, str(result.observed_at)) == ("<0.420", "1.8", "2026-03-04T07:30:00+08:00")
    assert result.source.record == "hangzhou-lis|2026-000123-ANC"


def test_a_partial_date_stays_partial() -> None:
    """An onset of which only the month is known is not filled in."""
    (event,) = read(None, told(ADVERSE_EVENT))
    assert isinstance(event, AdverseEvent)
    assert str(event.onset) == "2026-03"


def test_a_value_of_hello_is_readable() -> None:
    """The event can be read; that its value is no number is for the judgement to ask about."""
    (result,) = read(None, told({**LAB_RESULT, "value": "Hello"}))
    assert isinstance(result, LabResult)


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "application/vnd.safety-stream+json", 'Application/JSON; charset="UTF-8"'],
)
def test_native_json_answers_to_its_names(content_type: str | None) -> None:
    """No content type means native JSON; case and a UTF-8 charset do not matter."""
    assert isinstance(read(content_type, told(LAB_RESULT))[0], LabResult)


def test_a_byte_order_mark_is_no_content() -> None:
    """Windows programs begin UTF-8 with a mark; JSON readers may ignore it (RFC 8259, section 8.1)."""
    assert isinstance(read(None, b"\xef\xbb\xbf" + told(LAB_RESULT))[0], LabResult)


def test_one_slip_in_a_list_does_not_hold_back_the_rest() -> None:
    """Of three results the second is unreadable: two events and one rejection, each in its place, with its index."""
    first, second, third = read(None, told([LAB_RESULT, {**LAB_RESULT, "value": 7.2}, ADVERSE_EVENT]))
    assert isinstance(first, LabResult)
    assert isinstance(third, AdverseEvent)
    assert isinstance(second, Rejected)
    assert (second.index, second.where, second.found) == (1, "[1].value", "7.2")
    assert (second.study, second.record) == (STUDY, "hangzhou-lis|2026-000123-ANC")


def test_all_troubles_of_a_message_are_listed() -> None:
    """Three slips in one event are told at once, each with field, finding and expectation."""
    wrong = reason(told({**LAB_RESULT, "value": 0.42, "status": "FINAL", "observed_at": "2026-02-30"}))
    assert {trouble.where: (trouble.code, trouble.found) for trouble in wrong.troubles} == {
        "value": ("number_not_text", "0.42"),
        "status": ("bad_value", '"FINAL"'),
        "observed_at": ("bad_time", '"2026-02-30"'),
    }
    assert "does not keep its digits" in wrong.detail
    assert "preliminary, final, corrected, entered-in-error" in wrong.detail


def test_a_number_is_shown_as_it_was_written() -> None:
    """0.420 as a JSON number is refused, and the reason shows 0.420, not 0.42."""
    assert reason(told(LAB_RESULT).replace(b'"0.42"', b"0.420")).found == "0.420"


CASES: list[tuple[str, bytes | None, str, str]] = [
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


@pytest.mark.parametrize(("payload", "code", "where"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_unreadable_message_says_why(payload: bytes | None, code: str, where: str) -> None:
    """Each is one rejection with the right code and field, and a printable sentence of bounded length."""
    answer = reason(payload)
    assert (answer.code, answer.where) == (code, where)
    assert answer.detail.isprintable()
    assert len(answer.detail) < 3000
    assert answer.found
    assert answer.expected


@pytest.mark.parametrize("content_type", ["text/csv", "application/json; charset=latin-1", "", "\x00"])
def test_an_unknown_content_type_names_the_known_ones(content_type: str) -> None:
    """The sender learns what we can read."""
    answer = reason(told(LAB_RESULT), content_type)
    assert answer.code == "unknown_content_type"
    assert "application/vnd.safety-stream+json" in answer.expected


def test_the_header_is_found_in_any_case() -> None:
    """Header names are compared without case; the last one counts; bytes that are no text are still an answer."""
    assert content_type_of([("a", b"b"), ("Content-Type", b"application/json")]) == "application/json"
    assert content_type_of([("content-type", b"\xff")]) == "\ufffd"
    assert content_type_of([("content-type", None)]) is None


def test_a_strange_study_is_not_admitted() -> None:
    """An event of a study we do not run is rejected with our studies named; one of ours is admitted."""
    (event,) = read(None, told(LAB_RESULT))
    assert not isinstance(event, Rejected)
    assert admit(event, {STUDY}) is None
    refused = admit(event, {"OTHER-1", "OTHER-2"})
    assert refused is not None
    assert (refused.code, refused.where, refused.found) == ("unknown_study", "study", f'"{STUDY}"')
    assert "OTHER-1, OTHER-2" in refused.expected


def test_a_tick_is_only_for_an_event_clock() -> None:
    """A stranger cannot close windows on an engine that goes by the wall clock."""
    (tick,) = read(None, told(TICK))
    assert not isinstance(tick, Rejected)
    assert admit(tick, {STUDY}, event_clock=True) is None
    refused = admit(tick, {STUDY})
    assert refused is not None
    assert refused.code == "clock_not_accepted"


def test_a_hostile_list_makes_one_small_reason() -> None:
    """1,000 events of 20 wrong fields each are told as 20 sentences and a count: one message, one dead letter."""
    answers = read(None, told([{"kind": "lab_result", **{f"x{n}": n for n in range(20)}}] * 1000), max_bytes=10**6)
    rejections = [answer for answer in answers if isinstance(answer, Rejected)]
    assert len(rejections) == len(answers) == 1000
    whole = together(rejections)
    assert len(whole.troubles) == 20
    assert whole.unlisted == 1000 * 26 - 20  # 20 unknown fields and 6 missing ones in each
    assert len(whole.detail) < 10_000


def test_a_field_of_50000_slips_is_told_in_twenty() -> None:
    """Only the first troubles are put into words; the rest is counted: 5 missing fields and 50,000 wrong words."""
    wrong = reason(told({"kind": "adverse_event", "seriousness": ["x"] * 50_000}))
    assert len(wrong.troubles) == 20
    assert wrong.unlisted == 5 + 50_000 - 20


JSON_TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["lab_result", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*LAB_RESULT, *ADVERSE_EVENT, "system", "id", "x"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(payload=st.none() | st.binary(max_size=200), content_type=st.none() | st.text(max_size=20))
@example(payload=b"\xef\xbb\xbf", content_type=None)
@example(payload=b'{"kind":"lab_result","\xf4\x90\x80\x80":1}', content_type=None)
def test_any_bytes_are_events_or_a_reason(payload: bytes | None, content_type: str | None) -> None:
    """Whatever is sent, the answer is a tuple that is not empty, never an exception."""
    for type_ in (None, content_type):
        answers = read(type_, payload)
        assert answers
        assert all(answer.detail.isprintable() for answer in answers if isinstance(answer, Rejected))


@given(change=JSON_TREES, field=st.sampled_from([*LAB_RESULT, "extra"]), many=st.booleans())
def test_any_change_of_a_field_is_an_event_or_a_reason(change: Any, field: str, many: bool) -> None:
    """A readable event with any one field replaced by any JSON value is read, or refused in a sentence."""
    event = {**LAB_RESULT, field: change}
    for answer in read(None, told([event, LAB_RESULT] if many else event)):
        if isinstance(answer, Rejected):
            assert answer.detail.isprintable()


@given(tree=JSON_TREES)
def test_any_json_is_events_or_a_reason(tree: Any) -> None:
    """Any JSON whatever has an answer."""
    assert read(None, told(tree))
