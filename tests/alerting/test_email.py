"""Mail on a real SMTP server that refuses, defers, hangs up and goes away."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from email.headerregistry import Address
from pathlib import Path

import findings_made
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from safety_stream.alerting.channels.channel import Message
from safety_stream.alerting.channels.email import EmailChannel, MailServer
from safety_stream.sandbox.inbox import Fault, Inbox

SENDER = Address("", "safety-stream", "example.org")
MESSAGE = Message(
    Address("", "lee", "example.org"), "AL-AAAAAAAA", 1, "lab_grade_4", "critical", "subject", "text\n", "<p>text</p>"
)


def channel_to(port: int, **other: object) -> EmailChannel:
    """A channel to a loopback port."""
    told: dict[str, object] = {"tls": "none", "timeout_seconds": 3.0} | other
    return EmailChannel(MailServer("127.0.0.1", port, **told), SENDER, lambda: findings_made.AS_OF)  # type: ignore[arg-type]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """A real SMTP server."""
    with Inbox(tmp_path / "mails") as server:
        yield server


@pytest.mark.parametrize(
    ("fault", "result"), [("refuse", "rejected"), ("defer", "deferred"), ("drop-reply", "reply_lost")]
)
async def test_each_refusal_is_told_apart_and_the_next_message_goes(inbox: Inbox, fault: Fault, result: str) -> None:
    """5xx is for good, 4xx is for now, silence after DATA is not known; none of them blames the whole channel."""
    channel = channel_to(inbox.port)
    inbox.fault = fault
    outcome = await channel.send(MESSAGE)
    assert (outcome.result, outcome.whole_channel) == (result, False)
    inbox.fault = "none"
    assert (await channel.send(MESSAGE)).result == "accepted"
    await channel.close()


async def test_the_reply_of_the_server_is_kept(inbox: Inbox) -> None:
    """The audit trail holds the server's own words, code first."""
    channel = channel_to(inbox.port)
    assert (await channel.send(MESSAGE)).said == "250 OK kept"
    inbox.fault = "refuse"
    assert (await channel.send(MESSAGE)).said.startswith("550 5.1.1 no such recipient")
    await channel.close()


async def test_a_burst_uses_one_connection_and_survives_a_server_that_closed_it(inbox: Inbox) -> None:
    """A kept connection that died while idle costs nothing: the next message opens another."""
    channel = channel_to(inbox.port)
    assert (await channel.send(MESSAGE)).result == "accepted"
    inbox.stop()
    inbox.start()
    assert (await channel.send(MESSAGE)).result == "accepted"
    assert len(inbox.mails) == 2
    await channel.close()


async def test_a_server_that_never_answers_is_given_up_within_the_time_limit() -> None:
    """A port that accepts and stays silent: deferred, whole channel, after the configured seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = await channel_to(silent.getsockname()[1], timeout_seconds=0.3).send(MESSAGE)
    assert (outcome.result, outcome.whole_channel) == ("deferred", True)


async def test_starttls_is_never_skipped(inbox: Inbox) -> None:
    """A server that offers no STARTTLS gets no mail in the open when TLS was asked for."""
    outcome = await channel_to(inbox.port, tls="starttls").send(MESSAGE)
    assert (outcome.result, outcome.whole_channel) == ("deferred", True)
    assert inbox.mails == ()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("trusted", [True, False])
async def test_tls_is_verified(certificate: tuple[Path, Path], tls: str, trusted: bool) -> None:
    """With a certificate we trust the mail goes; with one nobody vouches for it does not, by either kind of TLS."""
    key, cert = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    options = {"ssl_context": context} if tls == "implicit" else {"tls_context": context, "require_starttls": True}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(Sink(), hostname="127.0.0.1", port=port, **options)
    server.start()
    try:
        ours = ssl.create_default_context(cafile=cert if trusted else None)
        channel = channel_to(port, tls=tls, tls_context=ours)
        outcome = await channel.send(MESSAGE)
        await channel.close()
    finally:
        server.stop()
    assert (outcome.result, outcome.whole_channel) == (("accepted", False) if trusted else ("deferred", True))
