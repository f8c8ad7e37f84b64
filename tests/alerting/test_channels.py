"""What every channel promises, whichever it is: one suite for email, file and webhook."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import alerts_made as made
import findings_made
import pytest
from webhook_made import KEY, Receiver

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Channel, Message, WebAddress
from safety_stream.alerting.channels.email import EmailChannel, MailServer
from safety_stream.alerting.channels.file import FileChannel
from safety_stream.alerting.channels.webhook import WebhookChannel
from safety_stream.alerting.letter import Standing, letter
from safety_stream.alerting.render import Templates
from safety_stream.bundled import bundled_folder
from safety_stream.sandbox.inbox import Inbox

SENDER = Address("safety_stream", "safety-stream", "trial.example.org")
TEMPLATES = Templates(bundled_folder("alert_templates"))


def message_of(alert: Alert, standing: Standing = made.STANDING, to: str = "lee@example.org") -> Message:
    """The alert as a message to one person."""
    return message_to(Address("Dr Lee", addr_spec=to), alert, standing)


def message_to(recipient: Address | WebAddress, alert: Alert, standing: Standing = made.STANDING) -> Message:
    """The alert as a message to one address."""
    mail = TEMPLATES.render(letter(alert, standing))
    return Message(
        recipient=recipient,
        alert=alert.id,
        revision=alert.revision,
        type=alert.type,
        urgency=alert.urgency,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
    )


@dataclass(frozen=True)
class Got:
    """One message as it came out at the other end of a channel."""

    id: str
    thread: str
    subject: str
    text: str
    html: str | None
    urgency: str


@dataclass
class Bench:
    """A channel, what has come out at its other end, whom it reaches, and how to put it out of order and back."""

    channel: Channel
    received: Callable[[], list[Got]]
    break_it: Callable[[], Awaitable[None]]
    mend_it: Callable[[], Awaitable[None]]
    readers: tuple[Address | WebAddress, ...]
    whole_channel: bool = True


URGENCIES = {"high": "critical", "normal": "warning", "low": "info"}
PEOPLE = (Address("Dr Lee", addr_spec="lee@example.org"), Address("Dr Chen", addr_spec="chen@example.org"))


def got(mail: EmailMessage) -> Got:
    """A mail as it came."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert mail["Auto-Submitted"] == "auto-generated"
    return Got(
        id=str(mail["Message-ID"]).strip("<>").partition("@")[0],
        thread=str(mail["References"]).strip("<>").partition("@")[0],
        subject=str(mail["Subject"]),
        text=text.get_content().replace("\r\n", "\n"),
        html=html.get_content().replace("\r\n", "\n"),
        urgency=URGENCIES[mail["Importance"]],
    )


@pytest.fixture(params=["email", "file", "webhook"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Each channel in turn: mail to a real SMTP server, files in a folder, posts to a real HTTP server."""
    folder = tmp_path / "mails"
    if request.param == "file":
        yield file_bench(folder)
    elif request.param == "email":
        with Inbox(folder) as inbox:
            server = MailServer("127.0.0.1", inbox.port, "none", timeout_seconds=5)
            channel = EmailChannel(server, SENDER, lambda: findings_made.AS_OF)
            stop, start = (lambda: asyncio.to_thread(inbox.stop)), (lambda: asyncio.to_thread(inbox.start))
            yield Bench(channel, lambda: [got(one.message) for one in inbox.mails], stop, start, PEOPLE)
    else:
        async with Receiver() as receiver:
            hook = WebhookChannel(KEY, lambda: findings_made.AS_OF, timeout_seconds=5)
            readers = (WebAddress(receiver.url("/one")), WebAddress(receiver.url("/two")))
            read = lambda: [web_got(body) for body in receiver.distinct()]  # noqa: E731
            yield Bench(hook, read, receiver.stop, receiver.start, readers, whole_channel=False)
            await hook.close()


def file_bench(folder: Path) -> Bench:
    """The channel that writes files."""

    async def broken() -> None:
        await asyncio.to_thread(folder.write_text, "a file where a folder should be")

    async def mended() -> None:
        await asyncio.to_thread(folder.unlink)

    def files() -> list[Got]:
        names = sorted(folder.glob("*.eml")) if folder.is_dir() else []
        return [got(message_from_bytes(name.read_bytes(), policy=default)) for name in names]

    return Bench(FileChannel(folder, SENDER, lambda: findings_made.AS_OF), files, broken, mended, PEOPLE)


def web_got(body: dict[str, Any]) -> Got:
    """A post as it came; it carries the text alone."""
    return Got(body["id"], f"al.{body['alert']}", body["subject"], body["text"], None, body["urgency"])


async def test_a_message_arrives_whole(bench: Bench) -> None:
    """Every type of alert arrives with its text, its HTML where the channel has one, its thread and its urgency."""
    messages = [message_to(bench.readers[0], alert) for alert in made.one_of_each()]
    outcomes = [await bench.channel.send(message) for message in messages]
    await bench.channel.close()
    assert {outcome.result for outcome in outcomes} == {"accepted"}
    received = {one.id: one for one in bench.received()}
    assert len(received) == len(messages)
    for message in messages:
        one = received[message.id]
        assert (one.text, one.subject, one.urgency) == (message.text, message.subject, message.urgency)
        assert one.html in {message.html, None}
        assert one.thread == message.thread


async def test_revisions_share_a_thread_and_nothing_else_does(bench: Bench) -> None:
    """Two revisions refer to the same message that was never sent; another alert refers to another."""
    first, other = made.one_of_each()[:2]
    for alert in (first, made.withdrawal(), other):
        await bench.channel.send(message_to(bench.readers[0], alert))
    await bench.channel.close()
    threads = {one.id: one.thread for one in bench.received()}
    assert len(threads) == 3
    assert len(set(threads.values())) == 2
    assert set(threads.values()).isdisjoint(threads)


async def test_a_repeat_is_known_by_its_id(bench: Bench) -> None:
    """The same revision to the same person has the same id however often it goes; to another, another one."""
    alert, (lee, chen) = made.one_of_each()[0], bench.readers
    again = Standing(answer_by=made.STANDING.answer_by, possible_repeat=True)
    for message in (message_to(lee, alert), message_to(lee, alert, again), message_to(chen, alert)):
        assert (await bench.channel.send(message)).result == "accepted"
    await bench.channel.close()
    assert len({one.id for one in bench.received()}) == 2


async def test_a_channel_out_of_order_defers_and_works_again_when_it_is_back(bench: Bench) -> None:
    """Trouble with the channel is no exception and no refusal: the message can go later."""
    message = message_to(bench.readers[0], made.one_of_each()[0])
    await bench.break_it()
    outcome = await bench.channel.send(message)
    assert (outcome.result, outcome.whole_channel) == ("deferred", bench.whole_channel)
    await bench.mend_it()
    assert (await bench.channel.send(message)).result == "accepted"
    await bench.channel.close()
    assert len(bench.received()) == 1


async def test_what_is_no_message_is_rejected_not_raised(bench: Bench) -> None:
    """A subject with a line break in it, or an address of another channel, is refused, and that is an outcome."""
    good = message_to(bench.readers[0], made.one_of_each()[0])
    stranger = WebAddress("https://example.org") if isinstance(good.recipient, Address) else PEOPLE[0]
    for bad in (replace(good, subject="a\r\nBcc: x@example.org"), replace(good, recipient=stranger)):
        assert (await bench.channel.send(bad)).result == "rejected"
    await bench.channel.close()
    assert bench.received() == []
