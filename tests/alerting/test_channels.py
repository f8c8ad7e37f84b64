"""What every channel promises, whichever it is: one suite for all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import alerts_made as made
import findings_made
import pytest

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Channel, Message
from safety_stream.alerting.channels.email import EmailChannel, MailServer
from safety_stream.alerting.channels.file import FileChannel
from safety_stream.alerting.letter import Standing, letter
from safety_stream.alerting.render import Templates
from safety_stream.bundled import bundled_folder
from safety_stream.sandbox.inbox import Inbox

SENDER = Address("safety_stream", "safety-stream", "trial.example.org")
TEMPLATES = Templates(bundled_folder("alert_templates"))


def message_of(alert: Alert, standing: Standing = made.STANDING, to: str = "lee@example.org") -> Message:
    """The alert as a message to one person."""
    mail = TEMPLATES.render(letter(alert, standing))
    return Message(
        recipient=Address("Dr Lee", addr_spec=to),
        alert=alert.id,
        revision=alert.revision,
        type=alert.type,
        urgency=alert.urgency,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
    )


@dataclass
class Bench:
    """A channel, what has come out at its other end, and how to put it out of order and back."""

    channel: Channel
    received: Callable[[], list[EmailMessage]]
    break_it: Callable[[], None]
    mend_it: Callable[[], None]


@pytest.fixture(params=["email", "file"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Each channel in turn: mail to a real SMTP server, and files in a folder."""
    folder = tmp_path / "mails"
    if request.param == "file":

        def broken() -> None:
            folder.write_text("a file where a folder should be")

        def files() -> list[EmailMessage]:
            names = sorted(folder.glob("*.eml")) if folder.is_dir() else []
            return [message_from_bytes(name.read_bytes(), policy=default) for name in names]

        channel = FileChannel(folder, SENDER, lambda: findings_made.AS_OF)
        yield Bench(channel, files, broken, folder.unlink)
    else:
        with Inbox(folder) as inbox:
            server = MailServer("127.0.0.1", inbox.port, "none", timeout_seconds=5)
            mail = EmailChannel(server, SENDER, lambda: findings_made.AS_OF)
            yield Bench(mail, lambda: [one.message for one in inbox.mails], inbox.stop, inbox.start)


async def test_a_message_arrives_whole(bench: Bench) -> None:
    """Every type of alert arrives with its text, its HTML, its thread and its importance."""
    messages = [message_of(alert) for alert in made.one_of_each()]
    outcomes = [await bench.channel.send(message) for message in messages]
    await bench.channel.close()
    assert {outcome.result for outcome in outcomes} == {"accepted"}
    received = {str(mail["Message-ID"]): mail for mail in bench.received()}
    assert len(received) == len(messages)
    for message in messages:
        mail = received[f"<{message.id}@trial.example.org>"]
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None
        assert html is not None
        assert text.get_content().replace("\r\n", "\n") == message.text
        assert html.get_content().replace("\r\n", "\n") == message.html
        assert mail["Subject"] == message.subject
        assert mail["Importance"] == {"critical": "high", "warning": "normal", "info": "low"}[message.urgency]
        assert mail["Auto-Submitted"] == "auto-generated"


async def test_revisions_share_a_thread_and_nothing_else_does(bench: Bench) -> None:
    """Two revisions refer to the same message that was never sent; another alert refers to another."""
    first, other = made.one_of_each()[:2]
    for alert in (first, made.withdrawal(), other):
        await bench.channel.send(message_of(alert))
    await bench.channel.close()
    threads = {str(mail["Message-ID"]): (mail["References"], mail["Thread-Index"]) for mail in bench.received()}
    assert len(threads) == 3
    assert len(set(threads.values())) == 2
    assert {references for references, _ in threads.values()}.isdisjoint(threads)


async def test_a_repeat_is_known_by_its_message_id(bench: Bench) -> None:
    """The same revision to the same person has the same Message-ID however often it goes; to another, another one."""
    alert = made.one_of_each()[0]
    again = Standing(answer_by=made.STANDING.answer_by, possible_repeat=True)
    for message in (message_of(alert), message_of(alert, again), message_of(alert, to="chen@example.org")):
        assert (await bench.channel.send(message)).result == "accepted"
    await bench.channel.close()
    assert len({str(mail["Message-ID"]) for mail in bench.received()}) == 2


async def test_a_channel_out_of_order_defers_and_works_again_when_it_is_back(bench: Bench) -> None:
    """Trouble with the channel is no exception and no refusal: the message can go later."""
    message = message_of(made.one_of_each()[0])
    bench.break_it()
    outcome = await bench.channel.send(message)
    assert (outcome.result, outcome.whole_channel) == ("deferred", True)
    bench.mend_it()
    assert (await bench.channel.send(message)).result == "accepted"
    await bench.channel.close()
    assert len(bench.received()) == 1


async def test_what_is_no_mail_is_rejected_not_raised(bench: Bench) -> None:
    """A subject with a line break in it is refused by the mail library, and that is an outcome."""
    good = message_of(made.one_of_each()[0])
    bad = Message(good.recipient, good.alert, 1, good.type, good.urgency, "a\r\nBcc: x@example.org", "text", "<p>")
    assert (await bench.channel.send(bad)).result == "rejected"
    await bench.channel.close()
    assert bench.received() == []
