"""The processes of a demo, put together: two workers and the messenger beside a broker and an inbox, all local.

Each is started as an operator would start it, ``python -m safety_stream worker`` with settings in its environment.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_urlsafe
from uuid import uuid4

import safety_stream
from safety_stream.broker import topics
from safety_stream.broker.topics import administrator
from safety_stream.errors import SafetyStreamError
from safety_stream.sandbox.guarded import Guarded, stop_all
from safety_stream.sandbox.inbox import Inbox
from safety_stream.sandbox.loopback import free_ports
from safety_stream.settings import PREFIX, Settings

WORKERS = ("worker-1", "worker-2")
PARTITIONS = 4
_ROLES = (
    "safety_physician", "safety_physician_backup", "medical_monitor", "sponsor_safety", "dsmb_chair",
    "site_investigator", "data_manager", "operator",
)  # fmt: skip


class ProcessEnded(SafetyStreamError):
    """A process of the demo ended by itself; the message ends with the last lines of its log."""


class Household:
    """The running processes. ``metrics`` maps each to where its numbers can be read."""

    def __init__(self, settings: Settings, folder: Path, inbox: Inbox) -> None:
        *metrics, page = free_ports(len(WORKERS) + 2)
        ports = dict(zip((*WORKERS, "notifier"), metrics, strict=True))
        self._answers = {"answer_port": page, "answer_keys": token_urlsafe(32)}  # the links in the demo's mails work
        self.metrics = {name: f"http://127.0.0.1:{port}/metrics" for name, port in ports.items()}
        self.outbox = folder / "outbox.db"
        self.processes = [
            Guarded(name, folder / name, _command(name), self._environment(settings, folder, inbox, name, ports[name]))
            for name in ports
        ]

    def __enter__(self) -> "Household":
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        stop_all(self.processes)

    def check(self) -> None:
        """Raises ProcessEnded when one of them has gone."""
        for process in self.processes:
            if not process.running:
                last = "\n".join(f"    {line}" for line in process.last_lines())
                raise ProcessEnded(f"{process.name} ended with exit code {process.exit_code}. Its last words:\n{last}")

    def logs(self) -> Sequence[Path]:
        """Where each of them writes what it does."""
        return [process.log for process in self.processes]

    def _environment(self, settings: Settings, folder: Path, inbox: Inbox, name: str, port: int) -> dict[str, str]:
        told = {
            "bootstrap_servers": settings.bootstrap_servers,
            "topic_prefix": settings.topic_prefix,
            "partitions": settings.partitions,
            "replication": settings.replication,
            "min_insync_replicas": settings.min_insync_replicas,
            "clock": "event",
            "worker_id": name,
            "data_folder": folder / "data" / name,
            "metrics_port": port,
            "notifier_metrics_port": port,
            "outbox_url": f"sqlite:///{self.outbox}",
            "alert_routing_file": _routing(folder),
            "smtp_port": inbox.port,
            "smtp_tls": "none",
            "smtp_sender": "safety-stream@demo.example",
        }
        told |= self._answers if name == "notifier" else {}
        ours = {PREFIX + key.upper(): str(value) for key, value in told.items()}
        # What the operator has set stays (security of an existing broker, for one), where the demo says nothing.
        return {**os.environ, **ours, "PYTHONPATH": _importable(), "PYTHONUNBUFFERED": "1"}


def _command(name: str) -> list[str]:
    return [sys.executable, "-P", "-m", "safety_stream", name.partition("-")[0]]


def _importable() -> str:
    """This very package, also where it runs from its source folder."""
    ours = str(Path(safety_stream.__file__).parent.parent)
    return os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))


def _routing(folder: Path) -> Path:
    """A person behind each role, all of them in the local inbox."""
    file = folder / "alerting.yaml"
    people = "".join(
        f"    {role}:\n      - email: {role.replace('_', ' ').title()} <{role.replace('_', '.')}@demo.example>\n"
        for role in _ROLES
    )
    file.write_text(f'people:\n  "*":\n{people}', encoding="utf-8")
    return file


@contextmanager
def topics_of_our_own(settings: Settings) -> Iterator[Settings]:
    """Topics under a prefix that nobody else has, deleted afterwards with what our groups committed.

    They are replicated as the settings ask, or as often as there are brokers.
    """
    with administrator(settings) as admin:
        replicas = min(settings.replication, len(admin.describe_cluster()["brokers"]))
    shape = {"replication": replicas, "min_insync_replicas": min(settings.min_insync_replicas, replicas)}
    own = settings.model_copy(update={"topic_prefix": f"demo-{uuid4().hex[:8]}", **shape})
    topics.create(own)
    try:
        yield own
    finally:
        with administrator(own) as admin:
            ours = [name for name in admin.list_topics() if own.topic_prefix in name]
            if ours:
                admin.delete_topics(ours)
            groups = [group["group_id"] for group in admin.list_groups() if own.topic_prefix in group["group_id"]]
            with suppress(Exception):  # a group whose members have not all left yet goes by itself later
                admin.delete_groups(groups)
