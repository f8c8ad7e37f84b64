"""A real Apache Kafka of our own: one node (KRaft) on free loopback ports in a temporary folder, gone when we are.

    with LocalKafka(cache) as kafka:
        ...                      # kafka.bootstrap_servers
        kafka.stop()             # the data stay
        kafka.start()            # same ports, same data

The broker runs under guard.py, so a killed owner leaves neither process nor folder.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from pathlib import Path
from types import TracebackType
from typing import Self

from safety_stream.errors import BrokerUnavailable
from safety_stream.sandbox import artifacts
from safety_stream.sandbox.guarded import Guarded
from safety_stream.sandbox.loopback import START_LIMIT_SECONDS, await_broker, free_ports

HEAP = ("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
# An archive that does not fit is no archive: the JVM goes on without it, and without a word.
_QUIET_ARCHIVE = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")
_LOGGING = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server=info")
_BROKER = "kafka.Kafka"
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=8388608
log.index.size.max.bytes=1048576
log.segment.delete.delay.ms=1000
"""


class LocalKafka:
    """One broker process with its data. Starting raises BrokerUnavailable, with the end of the broker's own log."""

    def __init__(self, cache: Path) -> None:
        self._java = artifacts.java()
        self._libraries = artifacts.libraries(cache)
        self._archive = artifacts.class_archive(self._libraries, cache, self._java)
        self.version = artifacts.version_of(self._libraries)
        self.folder = Path(tempfile.mkdtemp(prefix="safety-stream-kafka-"))
        self._recording = self.folder / "classes.jsa"
        self._process = self._broker()
        try:
            self._port = self._prepare()
        except BaseException:
            self.close()
            raise

    @property
    def bootstrap_servers(self) -> str:
        """``host:port`` of the broker, the same after a restart."""
        return f"127.0.0.1:{self._port}"

    @property
    def running(self) -> bool:
        """Whether the broker process lives."""
        return self._process.running

    def start(self) -> None:
        """Start on the same ports and data, and wait until the broker answers an administrator."""
        if self.running:
            return
        self._process = self._broker()
        self._process.start()
        try:
            await_broker(self.bootstrap_servers, lambda: self.running, self._last_words)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop in good order; the data stay."""
        self._tell("stop")
        self._keep_archive()

    def kill(self) -> None:
        """End the broker at once, as a power cut would; the data stay."""
        self._tell("kill")

    def close(self) -> None:
        """End the broker and remove its folder."""
        if not self._archive.exists():
            self.stop()  # a broker that ends in good order writes the class archive
        self._tell("kill")
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _broker(self) -> Guarded:
        return Guarded("broker", self.folder, self._command(_BROKER), os.environ)

    def _tell(self, word: str) -> None:
        self._process.tell(word)
        self._process.wait()

    def _command(self, tool: str, *arguments: str) -> list[str]:
        properties = str(self.folder / "server.properties")
        options = [*HEAP, *self._class_options(tool), *_LOGGING, "-cp", f"{self._libraries}/*", tool]
        return [str(self._java.executable), *options, *arguments, properties]

    def _prepare(self) -> int:
        broker, controller = free_ports(2)
        data = self.folder / "data"
        properties = _PROPERTIES.format(broker=broker, controller=controller, data=data)
        (self.folder / "server.properties").write_text(properties)
        cluster = urlsafe_b64encode(os.urandom(16)).decode().rstrip("=").replace("-", "A")
        command = self._command("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c")
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_LIMIT_SECONDS, check=False)
        if done.returncode:
            raise BrokerUnavailable(f"Kafka's storage could not be prepared: {(done.stderr or done.stdout)[-500:]}")
        return broker

    def _class_options(self, tool: str) -> list[str]:
        """Load Kafka's classes from the archive (it halves the start), or record one for the next time."""
        if self._archive.is_file():
            return [f"-XX:SharedArchiveFile={self._archive}", *_QUIET_ARCHIVE]
        return [f"-XX:ArchiveClassesAtExit={self._recording}", *_QUIET_ARCHIVE] if tool == _BROKER else []

    def _keep_archive(self) -> None:
        """Move a recorded archive to where the next start finds it: all of it or nothing."""
        if self._recording.is_file() and not self._archive.exists():
            beside = self._archive.with_suffix(f".{os.getpid()}")
            with contextlib.suppress(OSError):
                shutil.copyfile(self._recording, beside)
                beside.replace(self._archive)

    def _last_words(self) -> str:
        return "\n".join(self._process.last_lines()) or "(none)"
