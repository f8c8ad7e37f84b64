"""What the whole test run shares: a real Kafka, settings that point at it, and the option for long tests.

The broker is, in this order: the one named in SAFETY_STREAM_TEST_BROKER; a container where a Docker engine answers;
a local one from its Maven artifacts. Each process of a parallel run starts its own, on ports of its own.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from debian_tools import NEEDED

from safety_stream.broker import topics
from safety_stream.broker.topics import administrator
from safety_stream.sandbox.artifacts import KAFKA_VERSION
from safety_stream.sandbox.kafka import LocalKafka
from safety_stream.sandbox.loopback import await_broker, free_ports
from safety_stream.settings import Settings

pytest_plugins = ["outbox_made"]  # tests/made: an outbox on each kind of database
KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"


def pytest_configure() -> None:
    """Hear Ctrl-C: a run in the background inherits an ignored SIGINT, and so would the processes it tests with it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart() -> None:
    """Remember no judgement from before: a mutant is tried in a fork of a run that the sound program has filled."""
    for name, module in list(sys.modules.items()):
        if name.startswith("safety_stream.clinical."):
            for one in vars(module).values():
                if hasattr(one, "cache_clear"):
                    one.cache_clear()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long`` runs what takes more than a minute."""
    parser.addoption("--long", action="store_true", help="run the tests that take more than a minute")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long tests out unless asked; keep Kafka tests in one process under ``--dist loadgroup``."""
    for item in items:
        if item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="takes more than a minute: run with --long"))
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The run's last lines count the tests that a missing system package skipped."""
    missing: Counter[str] = Counter()
    for report in terminalreporter.getreports("skipped"):
        told = str(report.longrepr[-1]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NEEDED in told:
            missing[told.partition(NEEDED)[2].partition(":")[0].strip()] += 1
    for package, count in sorted(missing.items()):
        terminalreporter.write_line(f"{count} tests skipped for want of the Debian package {package}", yellow=True)


@pytest.fixture(scope="session")
def kafka_cache() -> Path:
    """Where Kafka's libraries are kept between test runs."""
    return Settings().cache_folder


@pytest.fixture(scope="session")
def bootstrap_servers(kafka_cache: Path) -> Iterator[str]:
    """A real Kafka for the whole run: host:port."""
    named = os.environ.get("SAFETY_STREAM_TEST_BROKER")
    if named:
        yield named
    elif _docker_answers():
        with _container() as servers:
            yield servers
    else:
        with LocalKafka(kafka_cache) as kafka:
            yield kafka.bootstrap_servers


@pytest.fixture
def kafka_settings(bootstrap_servers: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings for that Kafka under a prefix of its own; whatever topics the test creates are deleted after it."""
    settings = Settings(
        bootstrap_servers=bootstrap_servers,
        topic_prefix=f"t{uuid4().hex[:10]}",
        partitions=4,
        replication=1,
        min_insync_replicas=1,
        data_folder=tmp_path / "data",
        outbox_url=f"sqlite:///{tmp_path}/outbox.db",
    )
    yield settings
    with administrator(settings) as admin:
        ours = [name for name in admin.list_topics() if name.startswith(settings.topic_prefix)]
        if ours:
            admin.delete_topics(ours)


@pytest.fixture
def kafka_topics(kafka_settings: Settings) -> Settings:
    """The same settings, with all our topics created."""
    topics.create(kafka_settings)
    return kafka_settings


def _docker_answers() -> bool:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(["docker", "info"], capture_output=True, timeout=5, check=False).returncode == 0
    return False


@contextlib.contextmanager
def _container() -> Iterator[str]:
    """Apache's own image on a loopback port that is known beforehand, as the broker must advertise it."""
    from testcontainers.core.container import DockerContainer

    (port,) = free_ports(1)
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }
    container = DockerContainer(KAFKA_IMAGE)
    container.ports[9092] = ("127.0.0.1", port)  # type: ignore[index, assignment]  # docker takes an address too
    for name, value in environment.items():
        container.with_env(name, value)
    with container:
        servers = f"127.0.0.1:{port}"
        await_broker(servers, alive=lambda: True, last_words=lambda: str(container.get_logs()))
        yield servers
