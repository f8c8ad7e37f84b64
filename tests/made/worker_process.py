"""Worker processes with the counting judgement, for the tests on a real Kafka: start, kill, wait for the end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import committed_offsets, end_offsets, read_topic
from safety_stream.broker.topic_table import INBOUND, worker_group
from safety_stream.clinical.conclusion import finding_id
from safety_stream.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COUNTING = ROOT / "tests/made/counting_worker.py"
STUDY = "COUNT-01"


@dataclass
class WorkerProcess:
    """One worker process and where it writes its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, within: float = 40) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    @property
    def said(self) -> str:
        """What it logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def worker(
    settings: Settings, environment: Mapping[str, str] | None = None, *, clinical: bool = False
) -> Iterator[WorkerProcess]:
    """A running worker, with the counting judgement or the clinical one; killed at the end if it still runs."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    log = settings.data_folder / f"{settings.worker_id}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *(["-m", "safety_stream", "worker"] if clinical else [str(COUNTING)])],
            env={**os.environ, "PYTHONPATH": str(ROOT), **_environment(settings), **(environment or {})},
            stdout=out,
            stderr=out,
        )
    try:
        yield WorkerProcess(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def lab(number: int, subject: str, test: str, value: str = "1.5") -> bytes:
    """A laboratory result with an id of its own."""
    return json.dumps(
        {
            "kind": "lab_result",
            "study": STUDY,
            "subject": subject,
            "source": {"system": "lis", "id": f"R{number:06d}"},
            "reported_at": "2026-03-04T07:30:00+08:00",
            "test": test,
            "value": value,
            "unit": "10*9/L",
            "observed_at": "2026-03-04T07:00:00+08:00",
        }
    ).encode()


def labs(count: int, subjects: int = 20, start: int = 0) -> list[tuple[str, str, bytes]]:
    """Subject, test and message of ``count`` results."""
    made = []
    for number in range(start, start + count):
        subject, test = f"S{number % subjects:03d}", "ANC" if number % 3 else "PLT"
        made.append((subject, test, lab(number, subject, test)))
    return made


def publish(settings: Settings, messages: list[bytes], topic: str = "labs") -> None:
    """Send inbound messages, spread over the partitions by nobody's key."""
    with publisher(settings) as way_in:
        way_in.publish(
            [
                Letter(settings.topic(topic), message, partition=number % settings.partitions)
                for number, message in enumerate(messages)
            ]
        )


def await_done(settings: Settings, *running: WorkerProcess, events: int, within: float = 90) -> None:
    """Wait until the log of record holds ``events`` entries or more and everything is committed to its end."""
    end = monotonic() + within
    while monotonic() < end:
        for each in running:
            assert each.process.poll() is None, f"a worker ended with {each.process.poll()}:\n{each.said[-3000:]}"
        if _done(settings, events):
            return
        sleep(0.2)
    raise AssertionError(f"not done within {within} s: {remaining(settings)}")


def committed(settings: Settings, topic: str) -> int:
    """How many messages of a topic are committed."""
    return sum(committed_offsets(settings, worker_group(settings), settings.topic(topic)).values())


def remaining(settings: Settings) -> dict[str, tuple[int, int]]:
    """For each topic the worker reads: committed, and end."""
    topics = [*(spec.name for spec in INBOUND), "events", "statuses"]
    return {
        name: (committed(settings, name), sum(end_offsets(settings, settings.topic(name)).values())) for name in topics
    }


def findings(settings: Settings) -> list[tuple[str, str, int, str]]:
    """Subject, test, count and chain of every finding sent, repeats included, a partition's in their order."""
    sent = []
    for message in read_topic(settings, settings.topic("findings")):
        finding = json.loads(message.value or b"{}")["finding"]
        sent.append((finding["subject"], finding["about"], finding["count"], finding["expected"]))
    return sent


def events_in_order(settings: Settings) -> dict[tuple[str, str], list[str]]:
    """For each subject and test: the ids of its entries in the log of record, in the order of the log."""
    order: dict[tuple[str, str], list[str]] = {}
    for message in read_topic(settings, settings.topic("events")):
        event = json.loads(message.value or b"{}")["event"]
        if event["kind"] == "lab_result":
            order.setdefault((event["subject"], event["test"]), []).append(event["source"]["id"])
    return order


def stalled(settings: Settings, running: WorkerProcess, quiet: float = 25) -> bool:
    """Wait until all is committed, or nothing has been committed for ``quiet`` seconds; whether it was the latter."""
    last, since = remaining(settings), monotonic()
    while monotonic() - since < quiet and running.process.poll() is None:
        if _done(settings, 1):
            return False
        now = remaining(settings)
        if now != last:
            last, since = now, monotonic()
        sleep(0.5)
    return True


def _done(settings: Settings, events: int) -> bool:
    left = remaining(settings)
    return left["events"][1] >= events and all(at == end for at, end in left.values())


def _environment(settings: Settings) -> dict[str, str]:
    changed = settings.model_dump(exclude_unset=True, mode="json")
    return {f"SAFETY_STREAM_{name.upper()}": str(value) for name, value in changed.items() if value is not None}


def expected_findings(settings: Settings) -> set[tuple[str, str, int, str]]:
    """What must follow from the log of record, worked out without the engine: each event once, in the log's order."""
    expected = set()
    for (subject, test), ids in events_in_order(settings).items():
        chain = ""
        for count, source in enumerate(dict.fromkeys(ids), 1):
            chain = finding_id(chain, source)
            expected.add((subject, test, count, chain))
    return expected
