"""Claims about publishing a file: a line ends on the right topic under the right key, or is told with its number."""

import json
from collections.abc import Iterable
from typing import Any, get_args

import pytest

from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import read_topic
from safety_stream.broker.topic_table import INBOUND_OF
from safety_stream.clinical.events import ClockTicked, SubjectEvent
from safety_stream.sandbox.publish import LARGEST, address, publish_lines
from safety_stream.settings import Settings

EVENT: dict[str, Any] = {
    "kind": "withdrawn",
    "study": "S",
    "subject": "001",
    "source": {"system": "edc", "id": "W-1"},
    "reported_at": "2026-03-04T09:30:00+08:00",
    "reason": "moved away",
    "withdrawn": "2026-03-04",
}


class Collected:
    """Takes letters as the broker would, and keeps them."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def publish(self, letters: Iterable[Letter]) -> list[tuple[int, int]]:
        """Take the letters."""
        taken = list(letters)
        self.letters += taken
        return [(0, number) for number, _ in enumerate(taken)]


def told(event: object) -> bytes:
    """The event as one line."""
    return json.dumps(event).encode()


def test_every_kind_of_event_has_one_inbound_topic() -> None:
    """A kind that no topic names would have nowhere to go."""
    kinds = {each.model_fields["kind"].default for each in (*get_args(get_args(SubjectEvent)[0]), ClockTicked)}
    assert set(INBOUND_OF) == kinds


@pytest.mark.parametrize(
    ("line", "topic", "key"),
    [
        (told(EVENT), "subjects", b"S|001"),
        (told({**EVENT, "kind": "lab_result"}), "labs", b"S|001"),
        (told([EVENT, EVENT]), "subjects", b"S|001"),
        (told({"kind": "clock_ticked", "as_of": "2026-03-04T00:00:00Z"}), "decisions", None),
        (told({**EVENT, "subject": 1}), "subjects", None),
        (told({**EVENT, "kind": ["x"]}), "labs", b"S|001"),
        (b"not JSON \xff", "labs", None),
        (b"[]", "labs", None),
    ],
)
def test_a_line_is_addressed_by_its_kind(line: bytes, topic: str, key: bytes | None) -> None:
    """Kind decides the topic, study and subject the key; a line that tells neither goes to the laboratories."""
    assert address(line) == (topic, key)


def test_lines_are_counted_and_the_unreadable_are_left_to_the_engine() -> None:
    """Of five lines one is blank, one too large for Kafka, one unreadable: three are sent, progress is told."""
    way_in, seen = Collected(), []
    lines = [told(EVENT) + b"\r\n", b"\n", b"x" * (LARGEST + 1), b"hello\n", told({**EVENT, "kind": "completed"})]
    published = publish_lines(lines, way_in, Settings(), progress=lambda *done: seen.append(done))
    assert published.sent == {"safety.subjects": 2, "safety.labs": 1}
    assert [number for number, _ in published.refused] == [3]
    assert [letter.value for letter in way_in.letters] == [lines[0].strip(), b"hello", lines[4]]
    assert seen == [(5, sum(len(line.strip()) for line in lines))]


def test_only_readable_lines_if_asked() -> None:
    """With ``only_readable`` the reason is told here: line 2 has a number where text belongs."""
    way_in = Collected()
    lines = [told(EVENT), told({**EVENT, "reason": 7})]
    published = publish_lines(lines, way_in, Settings(), only_readable=True)
    assert len(way_in.letters) == 1
    assert [(number, "reason: found 7" in reason) for number, reason in published.refused] == [(2, True)]


@pytest.mark.kafka
def test_a_file_arrives_on_a_real_broker(kafka_topics: Settings) -> None:
    """5,000 events of 50 subjects and one unreadable line are all there afterwards, each subject in its order."""
    lines = [told({**EVENT, "subject": f"{n % 50:03}", "source": {"system": "edc", "id": str(n)}}) for n in range(5000)]
    with publisher(kafka_topics) as way_in:
        published = publish_lines([*lines, b"hello"], way_in, kafka_topics)
    topic = kafka_topics.topic("subjects")
    assert published.sent == {topic: 5000, kafka_topics.topic("labs"): 1}
    arrived = list(read_topic(kafka_topics, topic))
    assert sorted(message.value or b"" for message in arrived) == sorted(lines)
    order: dict[str, list[int]] = {}
    for message in arrived:
        event = json.loads(message.value or b"")
        order.setdefault(event["subject"], []).append(int(event["source"]["id"]))
    assert all(ids == sorted(ids) for ids in order.values())
    assert {message.headers for message in arrived} == {(("content-type", b"application/json"),)}
