"""What a worker knew when it stopped is what the next one knows, byte for byte."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rocksdict import AccessType, Options, Rdict
from worker_process import await_done, labs, publish, worker

from safety_stream.broker.reading import read_topic
from safety_stream.broker.topic_table import worker_group
from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
OFFSET_KEY = b"__faust\0offset__"


def on_disk(settings: Settings) -> dict[tuple[str, int], dict[bytes, bytes]]:
    """Every key and value of the worker's databases, by table and partition."""
    found: dict[tuple[str, int], dict[bytes, bytes]] = {}
    for folder in (settings.data_folder / settings.worker_id).rglob("*.db"):
        table, _, partition = folder.stem.rpartition("-")
        database = Rdict(str(folder), Options(raw_mode=True), access_type=AccessType.read_only())
        found[table, int(partition)] = dict(_pages(database))
        database.close()
    return found


def _pages(database: Any) -> Iterator[tuple[bytes, bytes]]:
    yield from ((key, value) for key, value in database.items() if key != OFFSET_KEY)


def in_changelog(settings: Settings, table: str) -> dict[int, dict[bytes, bytes]]:
    """The last value of every key of a changelog, by partition."""
    last: dict[int, dict[bytes, bytes]] = {}
    for message in read_topic(settings, f"{worker_group(settings)}-{table}-changelog"):
        last.setdefault(message.partition, {})[message.key or b""] = message.value or b""
    return last


def test_live_state_changelog_and_recovered_state_are_the_same(kafka_topics: Settings, tmp_path: Path) -> None:
    """Work; stop; compare the disk with the changelog; throw the disk away; recover; compare again."""
    settings = kafka_topics.model_copy(update={"session_timeout_seconds": 6.0, "metrics_port": 0})
    publish(settings, [message for _, _, message in labs(400)])
    with worker(settings) as running:
        await_done(settings, running, events=400)
        assert running.stop() == 0
    live = on_disk(settings)
    for table in ("pages", "cohorts"):
        changelog = in_changelog(settings, table)
        assert changelog
        assert changelog == {at: kept for (name, at), kept in live.items() if name == table and kept}
    shutil.rmtree(settings.data_folder / settings.worker_id)
    publish(settings, [message for _, _, message in labs(1, start=400)])
    with worker(settings) as running:
        await_done(settings, running, events=401)
        assert running.stop() == 0
    recovered = on_disk(settings)
    subject = b"COUNT-01|S000|"
    for place, kept in live.items():
        same = {key: value for key, value in recovered[place].items() if not key.startswith(subject)}
        before = {key: value for key, value in kept.items() if not key.startswith(subject)}
        assert same == before or place[0] == "cohorts"
