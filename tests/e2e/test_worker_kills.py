"""Workers killed under load lose no event and no finding, and send nothing that does not follow from the log."""

import pytest
from trials import Trial, turn
from worker_process import await_done, expected_findings, findings, labs, publish, worker

from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
QUICK = {"session_timeout_seconds": 6.0, "metrics_port": 0}


def check(settings: Settings, published: int) -> None:
    """Every published event is in the log of record; the findings are exactly those that follow from it."""
    expected, sent = expected_findings(settings), findings(settings)
    assert len(expected) == published
    assert set(sent) - expected == set(), "findings that do not follow from the log"
    assert expected - set(sent) == set(), "findings that are missing"


TRIALS = [
    Trial(seed=2, workers=1, store="rocksdb", kills=3, lose_disk=True),
    Trial(seed=4, workers=2, store="memory", kills=2, faults="0.01"),
]
LONG = [
    Trial(
        seed,
        workers=1 + seed % 2,
        store=("memory", "rocksdb")[seed // 2 % 2],
        kills=6,
        faults=("0", "0.01")[seed // 4 % 2],
        lose_disk=seed % 5 == 0,
    )
    for seed in range(10, 30)
]


@pytest.mark.parametrize("trial", TRIALS, ids=str)
def test_nothing_is_lost(kafka_topics: Settings, trial: Trial) -> None:
    """SIGKILL and SIGTERM at uneven moments, a backlog all the while; then one quiet run to the end."""
    be_hard(kafka_topics, trial, total=2000)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("trial", LONG, ids=str)
def test_nothing_is_lost_in_twenty_trials(kafka_topics: Settings, trial: Trial) -> None:
    """The same, longer."""
    be_hard(kafka_topics, trial, total=6000)


def be_hard(settings: Settings, trial: Trial, total: int) -> None:
    """Run a trial and check what is left behind."""
    settings = settings.model_copy(update={**QUICK, "store": trial.store})
    publish(settings, [message for _, _, message in labs(total)])
    chance = trial.chance()
    for _ in range(trial.kills):
        turn(settings, trial, chance)
    with worker(settings) as running:
        await_done(settings, running, events=total, within=240)
        assert running.stop() == 0, running.said[-2000:]
    check(settings, total)
