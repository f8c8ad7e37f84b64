"""A laboratory system that sends in transactions: its log has holes, and what it took back never happened."""

import asyncio
import json

import pytest
from aiokafka import AIOKafkaProducer
from worker_process import await_done, labs, publish, worker

from safety_stream.broker.connection import aiokafka_arguments
from safety_stream.broker.reading import read_topic
from safety_stream.clinical.events import Accepted
from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
SENT = [message for _, _, message in labs(60)]
LAST = [message for _, _, message in labs(4, start=60)]


async def _send_in_transactions(settings: Settings) -> list[bytes]:
    """Each message in a transaction of its own, every fifth of them aborted; what was committed."""
    kept = []
    sender = AIOKafkaProducer(transactional_id="lis", **aiokafka_arguments(settings))
    await sender.start()
    try:
        for number, message in enumerate(SENT):
            await sender.begin_transaction()
            await sender.send_and_wait(settings.topic("labs"), message, partition=number % settings.partitions)
            if number % 5 == 4:
                await sender.abort_transaction()
            else:
                await sender.commit_transaction()
                kept.append(message)
    finally:
        await sender.stop()
    return kept


def test_what_was_committed_is_judged_and_what_was_aborted_is_not(kafka_topics: Settings) -> None:
    """Markers between the messages lose none of them; the log of record holds exactly what was committed."""
    kept = asyncio.run(_send_in_transactions(kafka_topics))
    publish(kafka_topics, LAST)  # so that every partition ends with a message, not with a marker
    with worker(kafka_topics) as running:
        await_done(kafka_topics, running, events=len(kept) + len(LAST))
        assert running.stop() == 0
    log = read_topic(kafka_topics, kafka_topics.topic("events"))
    found = [Accepted.model_validate_json(message.value or b"").event.model_dump(mode="json") for message in log]
    assert sorted(one["source"]["id"] for one in found) == sorted(
        json.loads(message)["source"]["id"] for message in (*kept, *LAST)
    )
