"""Claims about reading a message: what is readable becomes events, what is not becomes a reason, nothing escapes."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from messages_made import ADVERSE_EVENT, LAB_RESULT, STUDY, TICK, UNREADABLE, told

from safety_stream.clinical.events import AdverseEvent, LabResult
from safety_stream.intake import Rejected, admit, content_type_of, read, together


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


@pytest.mark.parametrize(
    ("payload", "code", "where"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE]
)
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


def test_the_answer_to_an_alert_of_no_study_is_admitted_and_nothing_else_of_no_study() -> None:
    """An alert about an unreadable message names no study: its answer is kept, a result of no study is rejected."""
    answer = {
        "kind": "acknowledged",
        "study": "-",
        "source": {"system": "safety-stream-answers", "id": "AL-GLRROVR7-1"},
        "reported_at": "2026-03-04T07:30:00+08:00",
        "alert": "AL-GLRROVR7",
        "revision": 1,
        "by": "Dr Lee",
        "response": "will-act",
        "acknowledged_at": "2026-03-04T07:30:00+08:00",
    }
    (event,) = read(None, told(answer))
    assert not isinstance(event, Rejected)
    assert event.subject == "-"  # type: ignore[union-attr]  # every event but a tick has one
    assert admit(event, {STUDY}) is None
    (result,) = read(None, told(LAB_RESULT | {"study": "-"}))
    assert not isinstance(result, Rejected)
    assert admit(result, {STUDY}) is not None
