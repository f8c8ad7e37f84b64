"""How many entries a second one worker judges on a real Kafka, and what each costs in processor time.

    python tests/benchmarks/engine_throughput.py BROKER [ENTRIES [CASE STORE AT_ONCE PROFILE_FILE]]

The judgement is next to nothing, so what is measured is the engine: reading, judging, sending, keeping, committing.

    nothing    no outputs, no pages
    table      one page of 2 KB an entry, acknowledged by the changelog
    durable    one finding sent and acknowledged, one page of 2 KB kept and acknowledged
"""

import cProfile
import pstats
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing import Process
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from safety_stream.broker import topics
from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import committed_offsets
from safety_stream.broker.topic_table import worker_group
from safety_stream.clinical.events import Accepted, LabResult
from safety_stream.settings import Settings
from safety_stream.worker import app as worker_app
from safety_stream.worker.outputs import Effects, Output
from safety_stream.worker.subjects_work import SubjectsWork

ENTRIES = 20_000
PAGE = b"\x01" + bytes(7) + b"\x01" + b"\x7f" + b"\xff" * 7 + b"x" * 2000
FINDING = b"y" * 600


def measured_work(case: str) -> type[SubjectsWork]:
    """The subjects' work with a judgement that does next to nothing."""

    class Measured(SubjectsWork):
        def judge(self, message: Any) -> Effects:
            self._guard.check(message)
            Accepted.model_validate_json(message.value)
            output = Output(self._settings.topic("findings"), message.key, FINDING)
            return Effects(
                (output,) if case == "durable" else (), {message.key: PAGE} if case in {"table", "durable"} else {}
            )

    return Measured


def work(settings: Settings, case: str, profile: str | None) -> None:
    """One worker process."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "made"))
    from counting import Counting

    setattr(worker_app, "SubjectsWork", measured_work(case))  # noqa: B010  # in this process only
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    code = worker_app.serve(settings, Counting)
    if profiler and profile:
        profiler.disable()
        profiler.dump_stats(profile)
    sys.exit(code)


def measure(broker: str, entries: int, case: str, store: str, at_once: int, profile: str | None = None) -> None:
    """Fill the log, start a worker, and time it from its first commit to its last."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            bootstrap_servers=broker,
            topic_prefix=f"b{uuid4().hex[:8]}",
            partitions=4,
            replication=1,
            min_insync_replicas=1,
            data_folder=Path(folder),
            store=store,
            events_at_once=at_once,
            metrics_port=0,
        )
        topics.create(settings)
        _fill(settings, entries)
        process = Process(target=work, args=(settings, case, profile))
        process.start()
        seconds, processor, counted = _timed(settings, process, entries)
        process.terminate()
        process.join(30)
        sys.stdout.write(
            f"{case:8} {store:8} {at_once:4} at once: {counted / seconds:7.0f} entries/s "
            f"{1e6 * processor / counted:6.0f} us of processor an entry\n"
        )
        sys.stdout.flush()
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)


def _fill(settings: Settings, entries: int) -> None:
    now = datetime(2026, 3, 4, tzinfo=UTC)
    event = LabResult.model_validate(
        {
            "study": "COUNT-01", "subject": "S001", "source": {"system": "lis", "id": "R1"}, "reported_at": now,
            "test": "ANC", "value": "1.5", "unit": "10*9/L", "observed_at": "2026-03-04T07:00:00+08:00",
        }
    )  # fmt: skip
    value = Accepted(event=event, received_at=now, origin="bench").model_dump_json().encode()
    with publisher(settings) as way_in:
        topic = settings.topic("events")
        way_in.publish(
            [Letter(topic, value, key=f"COUNT-01|S{number % 997:04d}".encode()) for number in range(entries)]
        )


def _timed(settings: Settings, process: Process, entries: int) -> tuple[float, float, int]:
    import psutil

    watched = psutil.Process(process.pid)
    began: tuple[float, float, int] | None = None
    while True:
        sleep(0.1)
        done = sum(committed_offsets(settings, worker_group(settings), settings.topic("events")).values())
        used = sum(watched.cpu_times()[:2])
        if began is None and done:
            began = monotonic(), used, done
        if began and done >= entries:
            return monotonic() - began[0], used - began[1], done - began[2]


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        where, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ENTRIES
        if len(sys.argv) > 3:
            measure(where, count, sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6])
        else:
            for case, store, at_once in (
                ("nothing", "memory", 64),
                ("table", "memory", 64),
                ("table", "rocksdb", 64),
                ("durable", "memory", 1),
                ("durable", "memory", 64),
                ("durable", "rocksdb", 64),
                ("durable", "rocksdb", 256),
            ):
                measure(where, count, case, store, at_once)
