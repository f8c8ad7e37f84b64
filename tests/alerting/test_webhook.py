"""The webhook: signed so that a receiver can believe it, over TLS that is verified, every answer told apart."""

import base64
import json
import ssl
import subprocess
from pathlib import Path

import alerts_made as made
import findings_made
import pytest
from webhook_made import KEY, Receiver

from safety_stream.alerting.channels.channel import Message, WebAddress
from safety_stream.alerting.channels.webhook import WebhookChannel, body_of, signature


def message(url: str) -> Message:
    """A small message to one receiver."""
    alert = made.one_of_each()[0]
    return Message(WebAddress(url), alert.id, 1, alert.type, alert.urgency, "[CRITICAL] subject", "text", "<p>text</p>")


def channel(key: bytes = KEY, tls: ssl.SSLContext | None = None) -> WebhookChannel:
    """The channel with a clock that stands still."""
    return WebhookChannel(key, lambda: findings_made.AS_OF, timeout_seconds=5, tls=tls)


def test_the_signature_is_what_openssl_computes() -> None:
    """HMAC-SHA256 over id, time and body with points between, in base64 after "v1,"."""
    told = signature(KEY, "msg_1", "1614265330", b'{"test": 1}')
    computed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{KEY.hex()}", "-binary"],
        input=b'msg_1.1614265330.{"test": 1}',
        capture_output=True,
        check=True,
    ).stdout
    assert told == f"v1,{base64.b64encode(computed).decode()}"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        *((status, "accepted") for status in (200, 201, 202, 204)),
        *((status, "rejected") for status in (400, 401, 403, 404, 410, 413)),
        *((status, "deferred") for status in (302, 408, 425, 429, 500, 502, 503)),
    ],
)
async def test_every_answer_is_told_apart(status: int, result: str) -> None:
    """2xx accepted, 4xx rejected but for those that ask to come back, anything else deferred; no redirect followed."""
    async with Receiver() as receiver:
        receiver.answers = [status]
        hook = channel()
        outcome = await hook.send(message(receiver.url()))
        await hook.close()
    assert outcome.result == result
    assert str(status) in outcome.said


async def test_a_receiver_that_hangs_up_may_have_read_it() -> None:
    """The message was handed over and no answer came: a possible repeat next time."""
    async with Receiver() as receiver:
        receiver.hang_up = True
        hook = channel()
        assert (await hook.send(message(receiver.url()))).result == "reply_lost"
        await hook.close()


async def test_a_wrong_key_is_refused_by_the_receiver() -> None:
    """The receiver computes the signature itself; another key does not pass."""
    async with Receiver() as receiver:
        hook = channel(b"another key, of somebody else")
        assert (await hook.send(message(receiver.url()))).result == "rejected"
        await hook.close()
        assert receiver.posts == []


def test_the_body_is_the_same_for_every_copy_and_holds_no_html() -> None:
    """Deterministic bytes: the id is that of the mail, the text is the mail's text."""
    one = message("https://example.org/hook")
    assert body_of(one) == body_of(message("https://example.org/hook"))
    told = json.loads(body_of(one))
    assert told["id"] == one.id
    assert told["text"] == "text"
    assert "html" not in told


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a self-signed certificate for 127.0.0.1."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


@pytest.mark.parametrize("trusted", [True, False])
async def test_tls_is_verified(certificate: tuple[Path, Path], trusted: bool) -> None:
    """A receiver with a certificate that we trust gets the message; one that nobody vouches for gets nothing."""
    key, vouched = certificate
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(vouched, key)
    async with Receiver(theirs) as receiver:
        hook = channel(tls=ssl.create_default_context(cafile=vouched if trusted else None))
        outcome = await hook.send(message(receiver.url()))
        await hook.close()
        assert outcome.result == ("accepted" if trusted else "deferred")
        assert len(receiver.posts) == trusted
