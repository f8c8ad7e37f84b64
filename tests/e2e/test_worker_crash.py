"""A worker that breaks: it stops with nothing acknowledged, and an event that breaks it every time is set aside."""

import json

import pytest
from worker_process import await_done, expected_findings, findings, lab, labs, publish, worker

from safety_stream.broker.reading import read_topic
from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
QUICK = {"session_timeout_seconds": 6.0, "metrics_port": 0}


def test_an_event_that_rewrites_more_than_a_batch_holds_is_judged_like_any_other(kafka_topics: Settings) -> None:
    """7 MB of pages for one result among eighty: no dead letter, no restart, and a worker without a local copy
    recovers all of it and goes on."""
    settings = kafka_topics.model_copy(update=QUICK)
    publish(settings, [message for _, _, message in labs(40)])
    publish(settings, [lab(9999, "S003", "ANC", value="flood")])
    with worker(settings) as running:
        await_done(settings, running, events=41)
        assert running.stop() == 0, running.said[-2000:]
    publish(settings, [message for _, _, message in labs(40, start=40)])
    with worker(settings.model_copy(update={"worker_id": "another"})) as anew:
        await_done(settings, anew, events=81)
        assert anew.stop() == 0, anew.said[-2000:]
    assert set(findings(settings)) == expected_findings(settings)
    assert not list(read_topic(settings, settings.topic("dead-letters")))


def test_an_event_that_always_fails_is_set_aside_after_its_attempts(kafka_topics: Settings) -> None:
    """Each start ends with exit code 1 and acknowledges nothing; after three the event is a dead letter with its
    traceback and an alert, and every other event is judged."""
    settings = kafka_topics.model_copy(update={**QUICK, "quarantine_after": 3})
    publish(settings, [message for _, _, message in labs(40)])
    publish(settings, [lab(9999, "S003", "ANC", value="boom")])
    publish(settings, [message for _, _, message in labs(40, start=40)])
    for _ in range(3):
        with worker(settings) as broken:
            assert broken.process.wait(40) == 1, broken.said[-2000:]
    with worker(settings) as running:
        await_done(settings, running, events=81)
        assert running.stop() == 0, running.said[-2000:]
    assert len({(subject, test, count) for subject, test, count, _ in findings(settings)}) == 80
    # A crash before intake has committed sends the event into the log again: every copy is set aside.
    letters = list(read_topic(settings, settings.topic("dead-letters")))
    assert len({letter.value for letter in letters}) == 1
    letter = letters[0]
    headers = dict(letter.headers)
    assert headers["safety-stream-reason"] == b"quarantined"
    assert b"a judgement that always fails" in headers["safety-stream-detail"]
    alerts = list(read_topic(settings, settings.topic("alerts")))
    assert len({json.loads(alert.value or b"")["id"] for alert in alerts}) == 1
    alert = alerts[0]
    assert json.loads(alert.value or b"")["type"] == "unreadable_message"
