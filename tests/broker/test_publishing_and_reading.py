import pytest
from kafka.partitioner.default import murmur2

from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import committed_offsets, end_offsets, read_topic
from safety_stream.broker.topics import administrator
from safety_stream.errors import BrokerUnavailable, MessageRefused
from safety_stream.settings import Settings

FIVE_MB = 5_000_000


@pytest.mark.kafka
def test_bytes_come_back_as_they_were_sent(kafka_topics: Settings) -> None:
    """Key, value, headers and nothing: no key, no value, invalid UTF-8 pass unchanged, in order within a partition."""
    topic = kafka_topics.topic("labs")
    letters = [
        Letter(
            topic,
            b'{"a": 1}',
            key=b"S|001",
            headers=[("content-type", b"application/json"), ("x", b"\xff")],
            partition=2,
        ),
        Letter(topic, b"\xff\xfe", partition=2),
        Letter(topic, None, key=b"S|001", partition=2),
    ]
    with publisher(kafka_topics) as way_in:
        assert way_in.publish(letters) == [(2, 0), (2, 1), (2, 2)]
    messages = list(read_topic(kafka_topics, topic))
    assert [(message.key, message.value, message.headers) for message in messages] == [
        (letter.key, letter.value, tuple(letter.headers)) for letter in letters
    ]
    assert messages[1].origin == f"{topic}/2@1"
    assert end_offsets(kafka_topics, topic) == {0: 0, 1: 0, 2: 3, 3: 0}


@pytest.mark.kafka
def test_a_key_goes_where_murmur2_puts_it(kafka_topics: Settings) -> None:
    """The partition of a key is murmur2 of its bytes, as every Java client has it; one subject stays on one."""
    topic = kafka_topics.topic("events")
    keys = [f"CAR-NK-SLE-01|{number:03}".encode() for number in range(40)]
    with publisher(kafka_topics) as way_in:
        placed = way_in.publish(Letter(topic, b"x", key=key) for key in keys)
    assert [partition for partition, _ in placed] == [(murmur2(key) & 0x7FFFFFFF) % 4 for key in keys]
    assert len({partition for partition, _ in placed}) == 4


@pytest.mark.kafka
def test_five_megabytes_are_refused_by_us_and_by_the_broker(kafka_topics: Settings) -> None:
    """A 5 MB message is refused with its size, by the publisher's own limit and, above that, by the broker."""
    letter = Letter(kafka_topics.topic("labs"), b"x" * FIVE_MB)
    for ours in (1_048_576, 20_000_000):
        with publisher(kafka_topics, max_bytes=ours) as way_in, pytest.raises(MessageRefused, match="of 5000000 bytes"):
            way_in.publish([letter])
    assert sum(end_offsets(kafka_topics, letter.topic).values()) == 0


@pytest.mark.kafka
def test_a_topic_with_a_larger_limit_is_read_in_full(kafka_topics: Settings) -> None:
    """An operator may raise a topic's limit: then 5 MB go in, and what reads it gets them all."""
    from kafka.admin import ConfigResource, ConfigResourceType

    topic = kafka_topics.topic("labs")
    with administrator(kafka_topics) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "8000000"})])
    with publisher(kafka_topics, max_bytes=8_000_000) as way_in:
        way_in.publish([Letter(topic, b"x" * FIVE_MB), Letter(topic, b"after")])
    assert sorted(len(message.value or b"") for message in read_topic(kafka_topics, topic)) == [5, FIVE_MB]


@pytest.mark.kafka
def test_committed_offsets_are_those_the_group_committed(kafka_topics: Settings) -> None:
    """A group without commits has none; afterwards exactly what it committed, partition by partition."""
    from kafka import TopicPartition
    from kafka.structs import OffsetAndMetadata

    topic = kafka_topics.topic("events")
    group = f"{kafka_topics.topic_prefix}-group"
    assert committed_offsets(kafka_topics, group, topic) == {}
    with administrator(kafka_topics) as admin:
        admin.alter_group_offsets(group, {TopicPartition(topic, 1): OffsetAndMetadata(7, "", -1)})
    assert committed_offsets(kafka_topics, group, topic) == {1: 7}
    assert committed_offsets(kafka_topics, group, kafka_topics.topic("labs")) == {}


@pytest.mark.kafka
def test_a_topic_that_is_not_there_is_named(kafka_settings: Settings) -> None:
    """Reading a missing topic says so; it neither waits nor creates it."""
    with pytest.raises(BrokerUnavailable, match="There is no topic nothing-here"):
        list(read_topic(kafka_settings, "nothing-here"))
