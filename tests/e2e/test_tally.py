"""The engine alone, under kills on a real Kafka: a small application whose every loss shows (proving/tally_app.py)."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from proving.tally_run import Plan, run

from safety_stream.sandbox.kafka import LocalKafka
from safety_stream.settings import Settings

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_spec("safety_stream.worker.strict.tables") is None, reason="the strict layer is not here"),
]
BOTH = (SIGKILL, SIGTERM)
SHORT = Plan(seed=1, numbers=50, moments=("first output", "progress", "recovery"))
LONG = Plan(seed=1, numbers=100, moments=("first output", "progress", "progress", "recovery", "progress"))


@pytest.fixture
def own_kafka(kafka_cache: Path) -> Iterator[LocalKafka]:
    """A broker that this test may restart."""
    with LocalKafka(kafka_cache) as kafka:
        yield kafka


def settings_of(kafka: LocalKafka) -> Settings:
    """Settings for a broker of the test's own."""
    return Settings(
        bootstrap_servers=kafka.bootstrap_servers, topic_prefix="tally", replication=1, min_insync_replicas=1
    )


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(replace(SHORT, signals=(SIGKILL,)), id="one-worker-memory-sigkill", marks=pytest.mark.long),
        pytest.param(replace(SHORT, seed=2, workers=2, store="rocksdb", signals=BOTH), id="two-workers-rocksdb-both"),
        pytest.param(
            replace(SHORT, seed=3, moments=(), fault_rate=0.01, numbers=25), id="faults", marks=pytest.mark.long
        ),
    ],
)
def test_nothing_is_lost_when_workers_are_killed(kafka_settings: Settings, tmp_path: Path, plan: Plan) -> None:
    """Kills before the first commit, under backlog and during recovery, and 1 % faults: all is there, nothing else."""
    outcome = run(kafka_settings, plan, tmp_path)
    assert outcome.kept_its_word, str(outcome)


@pytest.mark.long
def test_nothing_is_lost_when_the_broker_restarts(own_kafka: LocalKafka, tmp_path: Path) -> None:
    """The broker goes away and comes back while two workers have work in hand."""
    plan = replace(SHORT, seed=4, workers=2, moments=("progress",), broker_restarts=1)
    outcome = run(settings_of(own_kafka), plan, tmp_path, own_kafka)
    assert outcome.kept_its_word, str(outcome)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_twenty_seeds_lose_nothing(own_kafka: LocalKafka, tmp_path: Path, seed: int) -> None:
    """One and two workers, both stores, every signal, each fourth with a broker restart and each fifth with faults."""
    plan = replace(
        LONG,
        seed=seed,
        workers=1 + seed % 2,
        store="rocksdb" if seed % 4 < 2 else "memory",
        signals=((SIGKILL,), (SIGTERM,), BOTH)[seed % 3],
        broker_restarts=1 if seed % 4 == 0 else 0,
        fault_rate=0.002 if seed % 5 == 0 else 0.0,
    )
    outcome = run(settings_of(own_kafka), plan, tmp_path, own_kafka)
    print(f"seed {seed}: {outcome}")  # noqa: T201 - shown by -rP: the numbers are the point
    assert outcome.kept_its_word, str(outcome)


@pytest.mark.long
def test_the_stock_engine_still_loses(own_kafka: LocalKafka, tmp_path: Path) -> None:
    """The canary: stock Faust with the same correct application loses events. When it stops, worker/strict may go."""
    outcomes = []
    for seed in range(1, 9):
        folder = tmp_path / str(seed)
        folder.mkdir()
        settings = settings_of(own_kafka).model_copy(update={"topic_prefix": f"canary{seed}"})
        outcome = run(settings, replace(LONG, seed=seed, engine="stock", workers=1 + seed % 2), folder)
        outcomes.append(outcome)
        if outcome.missing and outcome.committed == outcome.events:
            return
    pytest.fail("stock Faust lost nothing in eight runs:\n" + "\n".join(map(str, outcomes)))
