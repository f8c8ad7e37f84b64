import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from safety_stream.broker import topics
from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import read_topic
from safety_stream.broker.topics import administrator
from safety_stream.errors import BrokerUnavailable
from safety_stream.sandbox import artifacts
from safety_stream.sandbox.kafka import LocalKafka
from safety_stream.settings import Settings


def settings_of(kafka: LocalKafka) -> Settings:
    """Settings for a broker of the test's own."""
    return Settings(
        bootstrap_servers=kafka.bootstrap_servers,
        topic_prefix="own",
        partitions=2,
        replication=1,
        min_insync_replicas=1,
    )


def processes_naming(folder: str) -> list[int]:
    """Processes whose command line names the broker's folder."""
    running = psutil.process_iter(["pid", "cmdline"])
    return [each.info["pid"] for each in running if any(folder in part for part in each.info["cmdline"] or [])]


def eventually(what: str, holds: Callable[[], bool], limit_seconds: float = 30.0) -> None:
    """Wait for a condition, bounded."""
    limit = time.monotonic() + limit_seconds
    while not holds():
        assert time.monotonic() < limit, f"not within {limit_seconds:.0f} s: {what}"
        time.sleep(0.05)


@pytest.mark.kafka
def test_it_is_a_real_kafka_4_and_its_data_outlive_a_restart(kafka_cache: Path) -> None:
    """The broker tells that it is Kafka 4.x; what was acknowledged is read again after a stop and after a kill."""
    with LocalKafka(kafka_cache) as kafka:
        settings = settings_of(kafka)
        with administrator(settings) as admin:
            major, _minor = admin._manager.broker_version
        assert major == 4
        assert kafka.version.startswith("4.")
        topics.create(settings)
        before = kafka.bootstrap_servers
        for end, value in ((kafka.stop, b"first"), (kafka.kill, b"second")):
            with publisher(settings) as way_in:
                way_in.publish([Letter("own.events", value, key=b"S|001")])
            end()
            assert not kafka.running
            kafka.start()
        assert kafka.bootstrap_servers == before
        assert [message.value for message in read_topic(settings, "own.events")] == [b"first", b"second"]
        assert topics.check(settings) == []


@pytest.mark.kafka
def test_closing_leaves_neither_process_nor_folder(kafka_cache: Path) -> None:
    """However a block ends, the broker is gone with its folder; an exception passes through."""

    def interrupted(kafka: LocalKafka) -> None:
        with kafka:
            assert len(processes_naming(str(kafka.folder))) == 2, "the broker and its guard"
            raise KeyboardInterrupt

    kafka = LocalKafka(kafka_cache)
    folder = str(kafka.folder)
    with pytest.raises(KeyboardInterrupt):
        interrupted(kafka)
    assert processes_naming(folder) == []
    assert not Path(folder).exists()


OWNER = """
import sys, time
from pathlib import Path
from safety_stream.sandbox.kafka import LocalKafka
with LocalKafka(Path(sys.argv[1])) as kafka:
    print(kafka.folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.kafka
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_an_owner_that_dies_leaves_neither_process_nor_folder(kafka_cache: Path, number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and even SIGKILL of the process that started the broker end the broker too."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(kafka_cache)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with owner:
        assert owner.stdout is not None
        folder = owner.stdout.readline().strip()
        assert len(processes_naming(folder)) == 2
        os.kill(owner.pid, number)
        owner.wait(timeout=60)
    eventually("broker, guard and folder are gone", lambda: not processes_naming(folder) and not Path(folder).exists())


def test_without_java_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Java: BrokerUnavailable in one sentence that names Java, Docker and the way to name a broker."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BrokerUnavailable, match=r"^No Java was found: install Java 17 .*Docker.*BOOTSTRAP_SERVERS.*$"):
        LocalKafka(tmp_path)


def test_an_old_java_is_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Java 8 names itself 1.8; it is refused with its version."""
    fake = tmp_path / "bin" / "java"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match=r"is Java 1\.8\.0_392; Kafka needs Java 17"):
        artifacts.java()


def test_without_maven_and_cache_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache and no mvn: BrokerUnavailable names Maven and KAFKA_HOME; nothing half-made stays."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    with pytest.raises(BrokerUnavailable, match=r"Maven \(mvn\) is missing.*KAFKA_HOME"):
        artifacts.libraries(tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("kafka-*.*.*[0-9]"))


def _fake_maven(folder: Path, script: str) -> None:
    fake = folder / "mvn"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)


def test_a_failed_download_says_mavens_reason_and_leaves_no_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Maven exits 1: its first ERROR line reaches the user, and the next try starts from nothing."""
    _fake_maven(tmp_path, "echo '[ERROR] Could not transfer artifact'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    with pytest.raises(BrokerUnavailable, match=r"exit 1\): \[ERROR\] Could not transfer artifact"):
        artifacts.libraries(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"kafka-{artifacts.KAFKA_VERSION}.lock"]


def test_two_at_once_fetch_only_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two users of an empty cache: Maven runs once, both get the whole folder."""
    jar = f"kafka_2.13-{artifacts.KAFKA_VERSION}.jar"
    _fake_maven(
        tmp_path,
        f"""echo run >> {tmp_path}/runs
for word in "$@"; do case "$word" in -DoutputDirectory=*) into="${{word#*=}}";; esac; done
mkdir -p "$into"; : > "$into/{jar}" """,
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    found: list[Path] = []
    users = [threading.Thread(target=lambda: found.append(artifacts.libraries(tmp_path / "cache"))) for _ in range(2)]
    for user in users:
        user.start()
    for user in users:
        user.join(timeout=30)
    assert (tmp_path / "runs").read_text().splitlines() == ["run"]
    assert [artifacts.version_of(libraries) for libraries in found] == [artifacts.KAFKA_VERSION] * 2


@pytest.mark.parametrize("jars", [[], ["kafka_2.13-3.9.0.jar"]], ids=["empty", "kafka-3"])
def test_a_kafka_home_that_cannot_serve_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jars: list[str]
) -> None:
    """KAFKA_HOME goes first, and one without Kafka 4 is an error, not a reason to look elsewhere."""
    (tmp_path / "libs").mkdir()
    for jar in jars:
        (tmp_path / "libs" / jar).touch()
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match=r"holds no Apache Kafka 4\.x"):
        artifacts.libraries(tmp_path / "cache")
