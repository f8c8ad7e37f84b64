"""Stream a file of events through a real Kafka, two workers and the messenger, to the end; compare with a replay.

    python tests/benchmarks/stream_file.py EVENTS.ndjson --protocols FOLDER

Prints one JSON object: times, events a second, findings by kind and grade, dead letters by reason, mails, peak memory
of each process, and whether the streamed findings equal the replayed ones. Run by hand; it asserts no time.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from safety_stream.broker import topics
from safety_stream.broker.publishing import publisher
from safety_stream.broker.reading import committed_offsets, end_offsets, read_topic
from safety_stream.broker.topic_table import INBOUND, worker_group
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.guarded import Guarded
from safety_stream.sandbox.household import Household
from safety_stream.sandbox.inbox import Inbox
from safety_stream.sandbox.kafka import LocalKafka
from safety_stream.sandbox.publish import publish_lines
from safety_stream.sandbox.replay import final_findings, replay
from safety_stream.settings import Settings

LIMIT_SECONDS = 3_600


def main() -> None:
    """Run it."""
    asked = _arguments()
    if asked.protocols:
        os.environ["SAFETY_STREAM_PROTOCOLS_FOLDER"] = str(asked.protocols.resolve())
    os.environ["SAFETY_STREAM_ALLOW_UNSIGNED_RULEBOOK"] = "true"
    os.environ["SAFETY_STREAM_STORE"] = asked.store
    lines = asked.events.read_bytes().splitlines()
    with tempfile.TemporaryDirectory() as folder, LocalKafka(Settings().cache_folder) as kafka:
        settings = Settings(
            bootstrap_servers=kafka.bootstrap_servers, topic_prefix="bench", partitions=4, replication=1,
            min_insync_replicas=1, clock="event",
        )  # fmt: skip
        topics.create(settings)
        measured = _stream(settings, Path(folder), lines)
    began = monotonic()
    replayed = final_findings(replay(lines, load_book(None, asked.protocols, allow_unsigned=True)))
    seconds = monotonic() - began
    streamed = measured.pop("findings")
    measured["replay_seconds"] = round(seconds, 1)
    measured["replay_events_per_second"] = round(len(lines) / seconds)
    measured["streamed_findings"] = len(streamed)
    measured["replayed_findings"] = len(replayed)
    measured["equal_to_replay"] = streamed == replayed
    measured["differing"] = sorted({*streamed, *replayed} - {k for k in streamed if streamed[k] == replayed.get(k)})[:5]
    measured["by_kind"] = Counter(finding.kind for finding in streamed.values())
    measured["toxicities_by_peak_grade"] = dict(
        sorted(Counter(str(f.peak) for f in streamed.values() if f.kind == "toxicity").items())
    )
    print(json.dumps(measured, indent=2))  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path)
    parser.add_argument("--protocols", type=Path, default=None)
    parser.add_argument("--store", default="rocksdb", choices=("rocksdb", "memory"))
    return parser.parse_args()


def _stream(settings: Settings, folder: Path, lines: list[bytes]) -> dict[str, Any]:
    with Inbox(folder / "mails") as inbox, Household(settings, folder, inbox) as household:
        _await_owners(settings, household)
        began = monotonic()
        with publisher(settings) as out:
            published = publish_lines(lines, out, settings)
        published_after = monotonic() - began
        peaks = _await_end(settings, household, began)
        judged_after = monotonic() - began
        _await_mails(household, inbox)
        return {
            "events": len(lines),
            "publish_seconds": round(published_after, 1),
            "refused_by_publisher": len(published.refused),
            "judged_seconds": round(judged_after, 1),
            "events_per_second": round(len(lines) / judged_after),
            "peak_memory_mib": peaks,
            "log_of_record": sum(end_offsets(settings, settings.topic("events")).values()),
            "dead_letters": _dead_letters(settings),
            "mails": len(inbox.mails),
            "findings": _standing(settings),
        }


def _await_owners(settings: Settings, household: Household) -> None:
    """Wait until both workers have recovered, so that their start is not measured."""
    limit = monotonic() + 120
    while monotonic() < limit:
        household.check()
        said = [log.read_text(errors="replace") if log.exists() else "" for log in household.logs()[:2]]
        if all("Recovered" in words for words in said):
            return
        sleep(0.2)
    raise SystemExit("the workers did not come up")


def _await_end(settings: Settings, household: Household, began: float) -> dict[str, int]:
    """Wait until the group has committed the end of every log; the peak memory of each process on the way."""
    peaks: Counter[str] = Counter()
    group = worker_group(settings)
    logs = [*(spec.full_name(settings) for spec in INBOUND), settings.topic("events"), settings.topic("statuses")]
    while monotonic() - began < LIMIT_SECONDS:
        household.check()
        for process in household.processes:
            peaks[process.name] = max(peaks[process.name], _memory(process))
        if all(_behind(settings, group, topic) == 0 for topic in logs):
            return dict(peaks)
        sleep(0.5)
    raise SystemExit("the end was not reached")


def _behind(settings: Settings, group: str, topic: str) -> int:
    committed = committed_offsets(settings, group, topic)
    return sum(end - committed.get(partition, 0) for partition, end in end_offsets(settings, topic).items())


def _memory(process: Guarded) -> int:
    """Resident memory in MiB of the process behind its guard."""
    try:
        return sum(child.memory_info().rss for child in psutil.Process(process.pid).children(recursive=True)) // 2**20
    except psutil.NoSuchProcess:
        return 0


def _await_mails(household: Household, inbox: Inbox) -> None:
    """Wait until no more mail comes."""
    held = -1
    while len(inbox.mails) > held:
        household.check()
        held = len(inbox.mails)
        sleep(5)


def _dead_letters(settings: Settings) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for message in read_topic(settings, settings.topic("dead-letters")):
        reasons[dict(message.headers).get("safety-stream-reason", b"?").decode()] += 1
    return dict(reasons)


def _standing(settings: Settings) -> dict[str, AnyFinding]:
    return final_findings(_changes(settings))


def _changes(settings: Settings) -> Iterator[FindingChange]:
    for topic in ("findings", "cohorts"):
        for message in read_topic(settings, settings.topic(topic)):
            yield FindingChange.model_validate_json(message.value or b"")


if __name__ == "__main__":
    main()
