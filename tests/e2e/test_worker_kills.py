"""Workers killed under load lose no event and no finding, and send nothing that does not follow from the log."""

from random import Random

import pytest
from worker_process import await_done, expected_findings, findings, labs, publish, worker

from safety_stream.broker.reading import end_offsets
from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
QUICK = {"session_timeout_seconds": 6.0, "metrics_port": 0}


def check(settings: Settings, published: int) -> None:
    """Every published event is in the log of record; the findings are exactly those that follow from it."""
    expected, sent = expected_findings(settings), findings(settings)
    assert len(expected) == published
    assert set(sent) - expected == set(), "findings that do not follow from the log"
    assert expected - set(sent) == set(), "findings that are missing"


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
def test_kills_under_backlog(kafka_topics: Settings, store: str) -> None:
    """One worker, four SIGKILLs at uneven moments, a backlog all the while."""
    settings = kafka_topics.model_copy(update={**QUICK, "store": store})
    total = 3000
    publish(settings, [message for _, _, message in labs(total)])
    chance = Random(7)  # the same moments in every run
    for _ in range(4):
        with worker(settings) as victim:
            _some_progress(settings, victim, chance.randint(20, 500))
            victim.kill()
    with worker(settings) as running:
        await_done(settings, running, events=total)
        assert running.stop() == 0, running.said[-2000:]
    check(settings, total)


def _some_progress(settings: Settings, victim: object, more: int) -> None:
    """Wait until the log of record has grown."""
    topic = settings.topic("findings")
    goal = sum(end_offsets(settings, topic).values()) + more
    for _ in range(400):
        if sum(end_offsets(settings, topic).values()) >= goal:
            return
    raise AssertionError(f"no progress: {victim}")
