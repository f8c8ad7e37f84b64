"""One alert from beginning to end, on a real Kafka, SMTP server and HTTP, with the messenger killed in between.

Raised, mailed, passed on by link, the next in line mailed, SIGKILL, answered by link, everybody told who answered, the
answer in safety.decisions; a second alert answered by a message there, as another system would send it.
"""

import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alerts_made as made
import findings_made
import pytest

from safety_stream.alerting.alert import Alert
from safety_stream.broker.publishing import Letter, publisher
from safety_stream.broker.reading import read_topic
from safety_stream.clinical.events import Acknowledged, Source
from safety_stream.intake import native
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
GRADE_4 = made.sent(findings_made.toxicity(4))
OTHER = made.sent(findings_made.toxicity(4, id="F-other", subject="SUBJ-0099"))
Mails = tuple[Mail, ...]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """A real SMTP server."""
    with Inbox(tmp_path / "mails") as server:
        yield server


@pytest.fixture
def settings(kafka_topics: Settings, inbox: Inbox) -> Settings:
    """A messenger with an answer page."""
    metrics, page = free_ports(2)
    return kafka_topics.model_copy(
        update={
            "alert_routing_file": ROUTING,
            "smtp_port": inbox.port,
            "smtp_tls": "none",
            "notifier_metrics_port": metrics,
            "answer_port": page,
        }
    )


@contextmanager
def messenger(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """A messenger in a process of its own; killed at the end if it is still there."""
    told = {f"SAFETY_STREAM_{name.upper()}": str(value) for name, value in settings if value is not None}
    told["SAFETY_STREAM_ANSWER_KEYS"] = "a key for this test of 32 or more characters"
    process = subprocess.Popen([sys.executable, "-c", PROCESS], env=os.environ | told, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def send(settings: Settings, topic: str, value: bytes, *headers: tuple[str, bytes]) -> None:
    """Put a message on one of our topics."""
    with publisher(settings) as way_in:
        way_in.publish([Letter(settings.topic(topic), value, b"study", headers)])


def answer(mail: Mail, response: str, by: str) -> str:
    """Open the link that stands in the mail's text, type the form, send it; the page that comes back."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)/ack\?t=(\S+)", mail.text())
    assert found is not None
    port, token = found.groups()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ack?t={token}") as page:
        assert b"<form" in page.read()
    form = {"t": token, "readback": (GRADE_4.subject or "")[-4:], "by": by, "response": response}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ack", urllib.parse.urlencode(form).encode()) as page:
        return str(page.read().decode())


def to(mails: Mails, alert: Alert, name: str) -> list[Mail]:
    """The mails of an alert to one person, without the copies that the kill may have made."""
    theirs = {
        mail.message_id: mail
        for mail in reversed(mails)
        if mail.recipients == (f"{name}@example.org",) and mail.message["X-Safety-Stream-Alert"] == alert.id
    }
    return list(reversed(theirs.values()))


def test_an_alert_is_mailed_passed_on_answered_and_then_silent(settings: Settings, inbox: Inbox) -> None:
    """The whole way, over a SIGKILL: who is told when, what everybody hears at the end, and what the log gets."""
    with messenger(settings) as process:
        send(settings, "alerts", GRADE_4.model_dump_json().encode())
        mails = inbox.wait_for(lambda mails: bool(to(mails, GRADE_4, "safety.oncall")))
        assert "Your answer is on record" in answer(to(mails, GRADE_4, "safety.oncall")[0], "pass-on", "Dr Lee")
        mails = inbox.wait_for(
            lambda mails: bool(to(mails, GRADE_4, "safety.backup") and to(mails, GRADE_4, "medical.monitor"))
        )
        process.kill()
    with messenger(settings) as process:
        send(settings, "alerts", OTHER.model_dump_json().encode())  # it is at work again when this is mailed
        inbox.wait_for(lambda mails: bool(to(mails, OTHER, "safety.oncall")))
        assert "Your answer is on record" in answer(to(mails, GRADE_4, "medical.monitor")[0], "will-act", "Dr Wu")
        told = ("safety.oncall", "safety.backup", "medical.monitor")
        mails = inbox.wait_for(lambda mails: all(len(to(mails, GRADE_4, name)) == 2 for name in told))
        by_message = Acknowledged(
            study=OTHER.study,
            subject=OTHER.subject or "",
            source=Source(system="another system", id="ack-1"),
            reported_at=OTHER.as_of,
            alert=OTHER.id,
            revision=OTHER.revision,
            by="Dr Kim",
            response="already-known",
            acknowledged_at=OTHER.as_of,
        )
        for value in (b"no answer at all", b"", native.write(by_message)):  # what cannot be read stops nobody
            send(settings, "decisions", value, ("content-type", b"application/json"))
        mails = inbox.wait_for(lambda mails: len(to(mails, OTHER, "safety.oncall")) == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "acknowledged by Dr Wu" in to(mails, GRADE_4, "safety.oncall")[1].text()
    assert "acknowledged by Dr Kim" in to(mails, OTHER, "safety.oncall")[1].text()
    assert "PASSED ON TO YOU" in to(mails, GRADE_4, "medical.monitor")[0].text()
    assert (
        len({mail.message["References"] for mail in mails if mail.message["X-Safety-Stream-Alert"] == GRADE_4.id}) == 1
    )
    assert len({mail.message_id for mail in mails}) == 8
    seen: set[str] = set()
    for mail in mails:
        assert mail.message_id not in seen or "POSSIBLE REPEAT" in mail.text()
        seen.add(mail.message_id)
    events = [
        one
        for message in read_topic(settings, settings.topic("decisions"))
        for one in native.read(message.value or b"")
    ]
    answers = [(one.alert, one.by, one.response) for one in events if isinstance(one, Acknowledged)]
    assert sorted(answers) == sorted(
        [
            (GRADE_4.id, "Dr Lee", "pass-on"),
            (GRADE_4.id, "Dr Wu", "will-act"),
            (OTHER.id, "Dr Kim", "already-known"),
        ]
    )
