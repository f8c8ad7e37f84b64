"""The canary walks: a real notifier sends it, a real worker judges it, a real SMTP server takes its mail."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from time import monotonic, sleep

import pytest
from worker_process import worker

from safety_stream.notifier.outbox import Outbox
from safety_stream.notifier.readiness import open_database_of
from safety_stream.sandbox.inbox import Inbox
from safety_stream.sandbox.loopback import free_ports
from safety_stream.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]


def test_from_kafka_to_the_mailbox_and_into_nothing_else(kafka_topics: Settings, tmp_path: Path) -> None:
    """Two songs, two mails to the canary's mailbox alone; no alert on record, no study of that name in the metrics."""
    worker_port, notifier_port = free_ports(2)
    with Inbox(tmp_path / "mails") as inbox:
        settings = kafka_topics.model_copy(
            update={
                "alert_routing_file": ROOT / "deploy/alerting.yaml",
                "smtp_port": inbox.port,
                "smtp_tls": "none",
                "metrics_port": worker_port,
                "notifier_metrics_port": notifier_port,
                "canary_minutes": 0.05,
                "canary_mailbox": "canary@example.org",
            }
        )
        told = {f"SAFETY_STREAM_{name.upper()}": str(value) for name, value in settings if value is not None}
        with worker(settings, told, clinical=True), (tmp_path / "notifier.log").open("w") as log:
            notifier = subprocess.Popen(
                [sys.executable, "-m", "safety_stream", "notifier"],
                env={**os.environ, "PYTHONPATH": str(ROOT), **told},
                stdout=log,
                stderr=log,
            )
            try:
                began = monotonic()
                while len(inbox.mails) < 2:
                    assert monotonic() - began < 200, (tmp_path / "notifier.log").read_text()
                    sleep(0.2)
                while page(notifier_port).count("safety_stream_canary_seconds ") < 3:  # help, type and the series
                    assert monotonic() - began < 200
                    sleep(0.2)
                judged = page(worker_port)
            finally:
                notifier.kill()
                notifier.wait(10)
        assert {mail.recipients for mail in inbox.mails} == {("canary@example.org",)}
        assert all(mail.subject.startswith("[CRITICAL] CANARY-000: ") for mail in inbox.mails)
        assert len({mail.subject for mail in inbox.mails}) == len(inbox.mails)
        assert "CANARY" not in judged
        assert 'safety_stream_feed_last_message_timestamp_seconds{topic="' not in judged
        assert Outbox(open_database_of(settings)).keys() == []


def page(port: int) -> str:
    """What a process exports now."""
    return str(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode())
