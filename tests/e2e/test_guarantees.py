"""The guarantees, proved by killing processes under load on a real Kafka: from the message to the physician's inbox.

Each run publishes the simulated trial as one backlog, lets go wrong what its plan says, and compares what is there at
the end with what must be there (proving/verdict.py): the log of record with the file; findings, statuses, decisions and
alerts with what the pure core derives from the log; the findings that stand with those that ``replay`` concludes from
the file; the mails with the alerts; committed offsets with the ends; and no agent saw a gap.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from proving.whole_run import WholePlan, run

from safety_stream.sandbox.kafka import LocalKafka
from safety_stream.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(1800)]
BOTH = (SIGKILL, SIGTERM)
# A corrected result, a torn message, a DLT.
FEW = frozenset({"001", "007", "009"})
SHORT = WholePlan(seed=1, subjects=FEW, tick_every=14)


@pytest.fixture
def own_kafka(kafka_cache: Path) -> Iterator[LocalKafka]:
    """A broker that this test may restart."""
    with LocalKafka(kafka_cache) as kafka:
        yield kafka


def settings_of(kafka: LocalKafka, prefix: str = "proof") -> Settings:
    """Settings for a broker of the test's own."""
    return Settings(
        bootstrap_servers=kafka.bootstrap_servers, topic_prefix=prefix, replication=1, min_insync_replicas=1
    )


# A client of kafka-python whose broker goes away while it connects leaves its socket to the garbage collector.
BROKER_GONE = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


@BROKER_GONE
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(
            replace(SHORT, seed=1, wrong=("first output", "recovery", "inbox away", "notifier")),
            id="one-worker-memory-killed-before-its-first-commit-and-in-recovery-mail-server-away",
        ),
        pytest.param(
            replace(
                SHORT,
                seed=2,
                wrong=("progress", "broker"),
                workers=2,
                store="rocksdb",
                signals=BOTH,
                fault_rate=0.0005,
            ),
            id="two-workers-rocksdb-killed-under-backlog-broker-restarted-some-faults",
        ),
    ],
)
def test_nothing_is_lost_and_nothing_is_invented(own_kafka: LocalKafka, tmp_path: Path, plan: WholePlan) -> None:
    """Whatever goes wrong: no event, finding, alert or mail is missing, none is extra, a repeat says that it is one."""
    outcome = run(settings_of(own_kafka), plan, tmp_path, own_kafka)
    print(outcome)  # noqa: T201 - shown by -rP: the numbers are the point
    assert not outcome.differences, str(outcome)


@pytest.mark.long
def test_one_percent_of_all_judgements_fail(own_kafka: LocalKafka, tmp_path: Path) -> None:
    """One event in a hundred ends its worker, at a random step: it starts again, and nothing is lost or invented."""
    plan = WholePlan(seed=3, wrong=(), subjects=frozenset({"009"}), tick_every=30, fault_rate=0.01)
    outcome = run(settings_of(own_kafka), plan, tmp_path, own_kafka)
    print(outcome)  # noqa: T201 - shown by -rP: the numbers are the point
    assert outcome.crashes
    assert not outcome.differences, str(outcome)


@BROKER_GONE
@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1020))
def test_twenty_seeds_keep_every_promise(own_kafka: LocalKafka, tmp_path: Path, seed: int) -> None:
    """The whole trial, everything going wrong: one and two workers, both stores, each signal alone and both."""
    plan = WholePlan(
        seed=seed,
        wrong=("first output", "progress", "progress", "recovery", "notifier", "broker", "inbox away"),
        workers=1 + seed % 2,
        store="rocksdb" if seed % 4 < 2 else "memory",
        signals=((SIGKILL,), (SIGTERM,), BOTH)[seed % 3],
        fault_rate=0.001 if seed % 5 == 0 else 0.0,
    )
    outcome = run(settings_of(own_kafka), plan, tmp_path, own_kafka)
    print(f"seed {seed}: {outcome}")  # noqa: T201 - shown by -rP: the numbers are the point
    assert not outcome.differences, str(outcome)


@pytest.mark.long
def test_the_stock_engine_breaks_its_promises(own_kafka: LocalKafka, tmp_path: Path) -> None:
    """The canary: the same worker on stock transport and recovery loses. When it stops losing, worker/strict may go."""
    for seed in range(6):
        folder = tmp_path / str(seed)
        folder.mkdir()
        plan = replace(SHORT, seed=seed, wrong=("progress",) * 4, workers=1 + seed % 2, stock=True)
        outcome = run(settings_of(own_kafka, f"canary{seed}"), plan, folder, own_kafka)
        print(f"stock, seed {seed}: {outcome}")  # noqa: T201 - shown by -rP: the numbers are the point
        if outcome.differences:
            return
    pytest.fail("stock Faust kept every promise in six runs")
