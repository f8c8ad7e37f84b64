"""The whole messenger on a real Kafka and a real SMTP server: killed, restarted, and nothing lost."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import alerts_made as made
import findings_made
import pytest

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.policy import revise
from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import committed_offsets, read_topic
from safety_stream.sandbox.inbox import Inbox, Mail
from safety_stream.sandbox.loopback import free_ports
from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
ROUTING = Path(__file__).resolve().parents[2] / "deploy" / "alerting.yaml"
PROCESS = """
import sys
from safety_stream.notifier.app import run
from safety_stream.settings import Settings
sys.exit(run(Settings()))
"""


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """A real SMTP server."""
    with Inbox(tmp_path / "mails") as server:
        yield server


@pytest.fixture
def settings(kafka_topics: Settings, inbox: Inbox) -> Settings:
    """Settings of a messenger that mails to the inbox."""
    (port,) = free_ports(1)
    return kafka_topics.model_copy(
        update={
            "alert_routing_file": ROUTING,
            "smtp_port": inbox.port,
            "smtp_tls": "none",
            "notifier_metrics_port": port,
        }
    )


@contextmanager
def messenger(settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    """A messenger in a process of its own; killed if the test has not stopped it."""
    told = {f"SAFETY_STREAM_{name.upper()}": str(value) for name, value in settings if value is not None}
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS],
        env=os.environ | told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def send(settings: Settings, *values: Alert | bytes) -> None:
    """Put alerts on the topic as the engine does."""
    letters = [
        Letter(
            settings.topic("alerts"), value if isinstance(value, bytes) else value.model_dump_json().encode(), b"study"
        )
        for value in values
    ]
    with publisher(settings) as way_in:
        way_in.publish(letters)


def of(number: int) -> Alert:
    """A grade 4 alert of a subject of that number."""
    return made.sent(findings_made.toxicity(4, id=f"F-{number}", subject=f"S-{number:03d}"))


def deliveries(settings: Settings) -> list[dict[str, object]]:
    """What safety.deliveries holds."""
    return [json.loads(message.value or b"") for message in read_topic(settings, settings.topic("deliveries"))]


def test_alerts_become_mails_records_metrics_and_committed_offsets(settings: Settings, inbox: Inbox) -> None:
    """Three alerts, one of them twice and one held, and bytes that are no alert: the right mails, each once."""
    (held,) = revise(findings_made.raised(findings_made.toxicity(3, "0.9", expected=True)))
    with messenger(settings) as process:
        send(settings, of(1), of(1), held, b"no alert", of(2))
        mails = inbox.wait_for(lambda mails: len(mails) >= 4)
        page = urllib.request.urlopen(f"http://127.0.0.1:{settings.notifier_metrics_port}/metrics").read().decode()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert sorted((mail.subject.split(":")[0], *mail.recipients) for mail in mails) == [
        ("[CRITICAL] CAR-NK-SLE-01", "safety.oncall@example.org"),
        ("[CRITICAL] CAR-NK-SLE-01", "safety.oncall@example.org"),
        ("[WARNING] safety_stream", "data.manager@example.org"),
        ("[WARNING] safety_stream", "operator@example.org"),
    ]
    assert 'safety_stream_emails_total{outcome="accepted",template="lab_grade_4"}' in page
    assert not any(secret in page for secret in ("S-001", "example.org"))
    assert sum(committed_offsets(settings, f"{settings.topic_prefix}-notifier", settings.topic("alerts")).values()) == 5
    records = deliveries(settings)
    assert {(record["recipient"], record["outcome"]) for record in records} == {
        ("email:safety.oncall@example.org", "accepted"),
        ("email:data.manager@example.org", "accepted"),
        ("email:operator@example.org", "accepted"),
    }


def test_a_mail_in_hand_at_sigterm_is_reported_before_the_end(settings: Settings, tmp_path: Path) -> None:
    """The server answers only after SIGTERM was heard: the messenger waits for it, and its last report tells of it."""
    in_hand, answer = Event(), Event()

    def hold(_: Mail) -> None:
        in_hand.set()
        answer.wait(30)

    with Inbox(tmp_path / "slow", hold) as slow, messenger(settings.model_copy(update={"smtp_port": slow.port})) as one:
        send(settings, of(1))
        assert in_hand.wait(30)
        one.send_signal(signal.SIGTERM)
        assert one.stdout is not None
        assert any("told to stop" in line for line in one.stdout)
        answer.set()
        one.communicate(timeout=30)
    assert one.returncode == 0
    assert [record["outcome"] for record in deliveries(settings)] == ["accepted"]


def test_a_messenger_killed_again_and_again_loses_nothing(settings: Settings, inbox: Inbox) -> None:
    """SIGKILL in the middle of the work, three times: every alert arrives; a second copy only under the same id."""
    wanted = [of(number) for number in range(60)]
    for part in range(3):
        send(settings, *wanted[part * 20 : part * 20 + 20])
        with messenger(settings):
            inbox.wait_for(lambda mails, part=part: len(mails) >= part * 20 + 5)  # type: ignore[misc]
    with messenger(settings) as process:
        alerts = {alert.id for alert in wanted}
        mails = inbox.wait_for(lambda mails: {mail.message["X-Safety-Stream-Alert"] for mail in mails} >= alerts)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    copies = {mail.message_id: 0 for mail in mails}
    for mail in mails:
        assert copies[mail.message_id] == 0 or "POSSIBLE REPEAT" in mail.text()
        copies[mail.message_id] += 1
    assert len(copies) == 60


def test_logs_tell_no_subject_and_no_address(settings: Settings, inbox: Inbox) -> None:
    """What the messenger writes to its log names alerts by id only."""
    with messenger(settings) as process:
        send(settings, of(1))
        inbox.wait_for(lambda mails: len(mails) >= 1)
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=30)
    assert "message tried" in log
    assert not any(secret in log for secret in ("S-001", "safety.oncall", "0.42"))
