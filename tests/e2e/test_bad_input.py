"""Bad input on a real broker: nothing that can be sent stops a worker, and nothing that was sent disappears."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from messages_made import ADVERSE_EVENT, LAB_RESULT, UNREADABLE, told
from worker_process import STUDY, await_done, events_in_order, findings, labs, worker

from safety_stream.broker.connection import kafka_arguments
from safety_stream.broker.publishing import Letter, Publisher, publisher
from safety_stream.broker.reading import Message, read_topic
from safety_stream.broker.topic_table import DEAD_LETTER_BYTES
from safety_stream.broker.topics import administrator
from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
NOTHING = b"stands for no value"
GOOD = [message for _, _, message in labs(120)]
OURS: dict[str, Any] = {**LAB_RESULT, "study": STUDY}
HEADERS = [("sent-by", b"\xff\x00 not text"), ("content-type", b"application/json")]


def _bad(settings: Settings) -> list[tuple[Letter, str, str]]:
    """Every unreadable message, on every inbound topic in turn and without a key or with a strange one; code, field."""
    topics = ["labs", "vitals", "adverse-events", "subjects", "decisions"]
    keys = [None, b"", b"\xff\xfe", b"S|001"]
    named = [case[1:] for case in UNREADABLE]
    cases = [(value, HEADERS if number % 2 else [], code, where) for number, (value, code, where) in enumerate(named)]
    cases += [
        (told({**OURS, "study": "NOT-OURS"}), [], "unknown_study", "study"),
        (told({"kind": "clock_ticked", "as_of": "2026-03-04T00:00:00Z"}), [], "clock_not_accepted", "kind"),
        (told(OURS), [("content-type", b"text/csv")], "unknown_content_type", "header content-type"),
        (told(OURS), [("content-type", b"\xff")], "unknown_content_type", "header content-type"),
        (NOTHING, [], "empty_message", "(message)"),
        (told([{**OURS, "source": {"system": "l", "id": "in-list"}}, 7]), [], "not_an_object", "[1]"),
    ]
    return [
        (
            Letter(
                settings.topic("labs" if _large(value) else topics[n % 5]), _sent(value), keys[n % 4], headers, n % 4
            ),
            code,
            where,
        )
        for n, (value, headers, code, where) in enumerate(cases)
    ]


def _sent(value: bytes | None) -> bytes:
    return NOTHING if value is None else value


def _large(value: bytes | None) -> bool:
    return len(value or b"") > 900_000


def _allow_large(settings: Settings) -> None:
    """An operator whose laboratories send more than Kafka's default allows raises the topic's limit."""
    from kafka.admin import ConfigResource, ConfigResourceType

    limit = {"max.message.bytes": str(DEAD_LETTER_BYTES - 1_000_000)}
    with administrator(settings) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.topic("labs"), limit)])


@contextmanager
def _publisher(settings: Settings) -> Iterator[Publisher]:
    """A publisher of large messages, and of messages with neither key nor value, which Java clients can send."""
    from kafka import KafkaProducer
    from kafka.serializer import Serializer

    class WithNothing(Serializer):  # type: ignore[misc]
        def serialize(self, topic: str, headers: Any, data: bytes) -> bytes | None:
            return None if data == NOTHING else data

    producer = KafkaProducer(
        acks="all",
        max_request_size=20_000_000,
        value_serializer=WithNothing(),
        **kafka_arguments(settings),
    )
    try:
        yield Publisher(producer)
    finally:
        producer.close()


def _origin(letter: Message) -> str:
    headers = {name: value.decode() for name, value in letter.headers if name.startswith("safety-stream-")}
    place = (headers[f"safety-stream-{part}"] for part in ("topic", "partition", "offset"))
    return "{}/{}@{}".format(*place)


def test_every_bad_message_is_found_again_and_every_good_one_is_judged(kafka_topics: Settings) -> None:
    """Bad messages between good ones: each is a dead letter with its bytes, key, headers, origin, code and field."""
    settings = kafka_topics.model_copy(update={"session_timeout_seconds": 3.0, "metrics_port": 0})
    _allow_large(settings)
    bad = _bad(settings)
    with _publisher(settings) as way_in:
        expected = {}
        for number, (letter, code, where) in enumerate(bad):
            way_in.publish([Letter(settings.topic("labs"), GOOD[number % len(GOOD)], partition=number % 4)])
            ((partition, offset),) = way_in.publish([letter])
            expected[f"{letter.topic}/{partition}@{offset}"] = (letter, code, where)
        way_in.publish([Letter(settings.topic("labs"), message) for message in GOOD])
    with worker(settings) as running:
        await_done(settings, running, events=len(bad) + len(GOOD) + 1)
        assert running.stop() == 0, running.said[-2000:]
    letters = list(read_topic(settings, settings.topic("dead-letters")))
    assert Counter(map(_origin, letters)) == Counter(expected.keys())
    for kept in letters:
        sent, code, where = expected[_origin(kept)]
        headers = dict(kept.headers)
        nothing = None if sent.key is not None else b""  # our producer sends no message without key and value
        assert (kept.value, kept.key) == (nothing if sent.value == NOTHING else sent.value, sent.key)
        assert set(sent.headers) <= set(kept.headers)
        assert headers["safety-stream-reason"].decode() == code
        assert where in headers["safety-stream-detail"].decode()
    judged = {(subject, test, count) for subject, test, count, _ in findings(settings)}
    assert len(judged) == len(GOOD) + 1, "every good result, and the good one of a list"
    assert sum(len(set(ids)) for ids in events_in_order(settings).values()) == len(GOOD) + 1


QUESTIONED: list[tuple[str, dict[str, Any]]] = [
    ("unreadable_value", {"test": "ALT", "value": "Hello", "unit": "U/L"}),
    ("no_value", {"test": "AST", "value": None, "unit": "U/L"}),
    ("unknown_unit", {"test": "PLT", "value": "200", "unit": "bananas"}),
    ("missing_unit", {"test": "WBC", "value": "5.1", "unit": None}),
    ("unknown_analyte", {"test": "QWERTY", "loinc": None, "value": "5", "unit": "U/L"}),
    ("implausible_value", {"test": "HGB", "value": "8.5", "unit": "g/L"}),
    ("unreadable_range", {"test": "K", "value": "4.1", "unit": "mmol/L", "range_high": "about 5"}),
    ("range_upside_down", {"test": "CA", "value": "2.3", "unit": "mmol/L", "range_low": "2.6", "range_high": "2.1"}),
]


def test_what_can_be_read_but_not_believed_is_a_question(kafka_topics: Settings) -> None:
    """Readable events that cannot be true or graded: each is a data query with its code; none is a dead letter.

    All are about a subject whom nobody has screened, which is a question too; a grade 4 result beside them is graded.
    """
    settings = kafka_topics.model_copy(update={"session_timeout_seconds": 3.0, "metrics_port": 0})
    base = {name: value for name, value in LAB_RESULT.items() if name not in {"loinc", "range_low", "range_high"}}
    events = [LAB_RESULT, *({**base, **fields} for _, fields in QUESTIONED)]
    lines = [told({**event, "source": {"system": "lis", "id": str(number)}}) for number, event in enumerate(events)]
    report = {**ADVERSE_EVENT, "term": "Feeling blue in the face", "onset": "2026-03-20"}
    with publisher(settings) as way_in:
        way_in.publish([Letter(settings.topic("labs"), line) for line in lines])
        way_in.publish([Letter(settings.topic("adverse-events"), told(report))])
    with worker(settings, clinical=True) as running:
        await_done(settings, running, events=len(lines) + 1)
        assert running.stop() == 0, running.said[-2000:]
    stated = [
        json.loads(message.value or b"")["finding"] for message in read_topic(settings, settings.topic("findings"))
    ]
    asked = {finding["code"] for finding in stated if finding["kind"] == "data_query"}
    assert asked >= {code for code, _ in QUESTIONED} | {"unknown_term", "onset_after_report", "subject_not_registered"}
    graded = [finding for finding in stated if finding["kind"] == "toxicity"]
    assert {(one["analyte"], one["peak"]["lowest"]) for one in graded} >= {("NEUT", 4)}
    assert not list(read_topic(settings, settings.topic("dead-letters")))


def test_a_run_of_bad_messages_raises_one_alert_a_topic_and_reason(kafka_topics: Settings) -> None:
    """Thirty messages of one kind of unreadable are thirty dead letters, and one alert to the data manager."""
    settings = kafka_topics.model_copy(update={"session_timeout_seconds": 3.0, "metrics_port": 0})
    with publisher(settings) as way_in:
        way_in.publish([Letter(settings.topic("labs"), f"MSH|{n}".encode()) for n in range(30)])
        way_in.publish([Letter(settings.topic("labs"), message) for message in GOOD[:5]])
    with worker(settings) as running:
        await_done(settings, running, events=5)
    assert len(list(read_topic(settings, settings.topic("dead-letters")))) == 30
    alerts = [json.loads(message.value or b"") for message in read_topic(settings, settings.topic("alerts"))]
    assert {alert["type"] for alert in alerts} == {"unreadable_message"}
    assert len({(alert["id"], alert["revision"]) for alert in alerts}) == 1
