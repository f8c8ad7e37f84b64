"""The inbox keeps every mail it is given, and can misbehave on demand."""

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from safety_stream.sandbox.inbox import Inbox, Mail


def _mail(subject: str = "[CRITICAL] CAR-NK-SLE-01: grade 4") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "safety-stream@localhost"
    message["To"] = "physician@hospital.example"
    message["Message-ID"] = "<al.1.r1@localhost>"
    message.set_content("Neutrophils 0.42 x 10^9/L\n")
    return message


def _send(inbox: Inbox, message: EmailMessage | None = None) -> None:
    with smtplib.SMTP("127.0.0.1", inbox.port, timeout=10) as client:
        client.send_message(message or _mail())


def test_a_mail_becomes_a_file_that_is_named_for_whom_and_what(tmp_path: Path) -> None:
    """One mail, one .eml file, readable as it was sent, counted and announced."""
    heard: list[Mail] = []
    with Inbox(tmp_path / "mails", heard.append) as inbox:
        _send(inbox)
        mails = inbox.wait_for(lambda mails: len(mails) == 1)
    assert [path.name for path in inbox.folder.iterdir()] == ["0001-physician-CRITICAL-CAR-NK-SLE-01-grade-4.eml"]
    assert mails[0].recipients == ("physician@hospital.example",)
    assert mails[0].text() == "Neutrophils 0.42 x 10^9/L\n"
    assert mails[0].message_id == "<al.1.r1@localhost>"
    assert heard == list(mails)


def test_a_refusal_is_permanent_and_keeps_nothing(tmp_path: Path) -> None:
    """refuse answers 550."""
    with Inbox(tmp_path) as inbox:
        inbox.fault = "refuse"
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            _send(inbox)
        assert refused.value.recipients["physician@hospital.example"][0] == 550
        assert inbox.mails == ()


def test_a_deferral_is_temporary_and_can_end(tmp_path: Path) -> None:
    """defer answers 451 until it is switched off."""
    with Inbox(tmp_path) as inbox:
        inbox.fault = "defer"
        with pytest.raises(smtplib.SMTPRecipientsRefused) as deferred:
            _send(inbox)
        assert deferred.value.recipients["physician@hospital.example"][0] == 451
        inbox.fault = "none"
        _send(inbox)
        assert len(inbox.mails) == 1


def test_a_dropped_reply_leaves_the_sender_in_doubt_though_the_mail_is_kept(tmp_path: Path) -> None:
    """drop-reply takes the mail and hangs up: the sender cannot know."""
    with Inbox(tmp_path) as inbox:
        inbox.fault = "drop-reply"
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            _send(inbox)
        assert len(inbox.mails) == 1


def test_away_means_no_connection_and_back_on_the_same_port(tmp_path: Path) -> None:
    """stop is a server that is down; start brings it back where it was."""
    with Inbox(tmp_path) as inbox:
        port = inbox.port
        inbox.stop()
        with pytest.raises(ConnectionError):
            _send(inbox)
        inbox.start()
        assert inbox.port == port
        _send(inbox)
        assert len(inbox.mails) == 1


def test_a_dangerous_subject_makes_a_harmless_file_name(tmp_path: Path) -> None:
    """Only letters, digits and hyphens reach the file system."""
    with Inbox(tmp_path) as inbox:
        _send(inbox, _mail("../../etc/passwd; rm -rf"))
    assert [path.name for path in tmp_path.iterdir()] == ["0001-physician-etc-passwd-rm-rf.eml"]
