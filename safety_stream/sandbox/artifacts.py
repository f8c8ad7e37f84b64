"""What a local Kafka is made of: a Java to run it and its libraries, fetched once from Maven Central and kept.

``KAFKA_HOME`` (an unpacked Apache Kafka 4.x) goes before the cache; ``JAVA_HOME`` before the search path.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from safety_stream.errors import BrokerUnavailable

KAFKA_VERSION = "4.3.0"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_INSTEAD = "or name an existing broker (SAFETY_STREAM_BOOTSTRAP_SERVERS, demo --broker HOST:PORT)"
_DOWNLOAD_LIMIT_SECONDS = 900.0


@dataclass(frozen=True)
class Java:
    """A Java that can run Kafka; ``version`` as it tells it itself, e.g. 17.0.15."""

    executable: Path
    version: str


def java() -> Java:
    """The Java that runs Kafka: 17 or newer. Raises BrokerUnavailable with one sentence that says what to install."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else None
    found = found or shutil.which("java")
    if found is None:
        raise BrokerUnavailable(f"No Java was found: install Java 17 or newer and Maven, or start Docker, {_INSTEAD}.")
    version = _java_version(found)
    if int(version.split(".")[0]) < 17:
        raise BrokerUnavailable(f"{found} is Java {version}; Kafka needs Java 17 or newer: install it, {_INSTEAD}.")
    return Java(Path(found), version)


def _java_version(executable: str) -> str:
    shown = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=False)
    match = re.search(r'version "(\d[\w.]*)', shown.stderr + shown.stdout)
    return match[1] if match else "0"


def libraries(cache: Path) -> Path:
    """The folder of Kafka's jar files, downloaded into ``cache`` on first use. Raises BrokerUnavailable."""
    home = os.environ.get("KAFKA_HOME")
    if home:
        return _of_kafka_home(Path(home))
    kept = cache.expanduser() / f"kafka-{KAFKA_VERSION}"
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(kept.with_name(f"{kept.name}.lock")):
            if not kept.is_dir():
                _download(kept)
    return kept


def version_of(libraries: Path) -> str:
    """Kafka's version, told by the name of its own jar file; empty when there is none."""
    names = sorted(path.name for path in libraries.glob("kafka_2.13-*.jar"))
    found = [match[1] for name in names if (match := re.fullmatch(r"kafka_2\.13-(\d[\d.]*)\.jar", name))]
    return found[0] if found else ""


def class_archive(libraries: Path, cache: Path, java: Java) -> Path:
    """Where the archive of Kafka's loaded classes is kept for this Java and these libraries; it need not exist."""
    place = hashlib.sha256(str(libraries.resolve()).encode()).hexdigest()[:8]
    return cache.expanduser() / f"classes-{version_of(libraries)}-java-{java.version}-{place}.jsa"


def _of_kafka_home(home: Path) -> Path:
    libs = home / "libs"
    version = version_of(libs)
    if not version or int(version.split(".")[0]) < 4:
        raise BrokerUnavailable(
            f"KAFKA_HOME={home} holds no Apache Kafka 4.x (found {version or 'no kafka_2.13 jar in libs/'}): "
            "correct it, or unset it to use the downloaded one."
        )
    return libs


def _download(kept: Path) -> None:
    """Fill a folder beside ``kept`` and rename it: a reader sees all of it or nothing."""
    mvn = shutil.which("mvn")
    if mvn is None:
        raise BrokerUnavailable(
            f"Apache Kafka {KAFKA_VERSION} is not in {kept.parent} yet and Maven (mvn) is missing to fetch it: "
            f"install Maven, set KAFKA_HOME, start Docker, {_INSTEAD}."
        )
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="fetching-") as folder:
        pom = Path(folder, "pom.xml")
        pom.write_bytes(files("safety_stream.sandbox").joinpath("kafka_pom.xml").read_bytes())
        libs = Path(folder, "libs")
        properties = [f"-Dkafka.version={KAFKA_VERSION}", "-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
        _maven([mvn, "-q", "-B", "-f", str(pom), *properties, _COPY])
        if version_of(libs) != KAFKA_VERSION:
            raise BrokerUnavailable(f"Maven ended well but fetched no Apache Kafka {KAFKA_VERSION} into {libs}.")
        libs.rename(kept)


def _maven(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_LIMIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise BrokerUnavailable(
            f"Maven did not fetch Kafka within {_DOWNLOAD_LIMIT_SECONDS:.0f} s: {command}"
        ) from None
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise BrokerUnavailable(
            f"Maven could not fetch Apache Kafka {KAFKA_VERSION} (exit {done.returncode}): "
            + (said[0] if said else "it gave no reason")
        )


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Hold ``lock`` against other processes; the system releases it however we end."""
    limit = time.monotonic() + _DOWNLOAD_LIMIT_SECONDS
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > limit:
                    raise BrokerUnavailable(f"Another process has been fetching Kafka for too long ({lock}).") from None
                time.sleep(0.2)
        yield
