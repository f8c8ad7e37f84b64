"""Mail that is broken is told by webhook: after a while, once an hour, and of each refusal at once."""

from datetime import datetime, timedelta

import alerts_made as made
import findings_made
from webhook_made import KEY, Receiver

from safety_stream.alerting.channels.channel import Message, Outcome
from safety_stream.alerting.channels.webhook import WebhookChannel
from safety_stream.alerting.render import Templates
from safety_stream.bundled import bundled_folder
from safety_stream.notifier.mail_watch import MailWatch, WatchedChannel, alarmed
from safety_stream.notifier.routing import Recipient, Routing

DOWN = Outcome("deferred", "SMTPConnectError: connection refused", whole_channel=True)
REFUSED = Outcome("rejected", "550 no such person")
SENT = Outcome("accepted", "250 queued")
TEMPLATES = Templates(bundled_folder("alert_templates"))


class Mail:
    """A mail channel that answers as it is told."""

    name = "email"

    def __init__(self) -> None:
        self.answer = SENT

    async def send(self, message: Message) -> Outcome:
        """Answer."""
        return self.answer

    async def close(self) -> None:
        """Nothing is held."""


class Bench:
    """A watched mail channel, a clock to turn, and the webhook's receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self.now, self.mail, self.receiver = findings_made.AS_OF, Mail(), receiver
        hook, physician = Recipient("webhook", receiver.url()), Recipient("email", "a@example.org")
        routing = Routing({"*": {"operator": (hook,), "safety_physician": (physician,)}})
        watch = MailWatch(
            WebhookChannel(KEY, self.clock, timeout_seconds=5),
            people=alarmed(routing),
            routing=routing,
            templates=TEMPLATES,
            clock=self.clock,
            down_after=timedelta(minutes=5),
        )
        self.channel = WatchedChannel(self.mail, watch)

    def clock(self) -> datetime:
        """The time."""
        return self.now

    async def tries(self, answer: Outcome, minutes: int) -> None:
        """A try a minute, each with this answer."""
        alert, to = made.one_of_each()[0], Recipient("email", "a@example.org").mailbox
        for _ in range(minutes):
            self.mail.answer = answer
            message = Message(to, alert.id, 1, alert.type, alert.urgency, "subject", "text", "<p>")
            assert await self.channel.send(message) == answer
            self.now += timedelta(minutes=1)

    @property
    def told(self) -> list[str]:
        """What the receiver was told, repeats left out."""
        return [str(body["text"]) for body in self.receiver.distinct()]


async def test_a_mail_server_away_for_five_minutes_is_told_once() -> None:
    """Nothing before five minutes are over; then one message, and no other within the hour."""
    async with Receiver() as receiver:
        bench = Bench(receiver)
        await bench.tries(DOWN, 5)
        assert bench.told == []
        await bench.tries(DOWN, 20)
        await bench.channel.close()
        (text,) = bench.told
        assert "Alert mails do not go out: SMTPConnectError: connection refused" in text
        assert len(receiver.posts) == 1


async def test_an_outage_is_told_again_every_hour_and_a_new_one_anew() -> None:
    """Two hours of outage: told at 5, 60 and 120 minutes; mail comes back and goes again: told anew."""
    async with Receiver() as receiver:
        bench = Bench(receiver)
        await bench.tries(DOWN, 125)
        assert len(bench.told) == 3
        await bench.tries(SENT, 60)
        await bench.tries(DOWN, 6)
        await bench.channel.close()
        assert len(bench.told) == 4


async def test_a_refusal_is_told_at_once() -> None:
    """A person whose mailbox refuses for good is not reached: the operators hear of it with the first refusal."""
    async with Receiver() as receiver:
        bench = Bench(receiver)
        await bench.tries(REFUSED, 1)
        await bench.channel.close()
        (text,) = bench.told
        assert "An alert mail was refused for good: 550 no such person" in text


async def test_what_the_webhook_did_not_take_is_told_at_the_next_try() -> None:
    """The receiver is away too: the message goes when it is back, without a second outage."""
    async with Receiver() as receiver:
        bench = Bench(receiver)
        receiver.answers = [503, 503]
        await bench.tries(DOWN, 9)
        await bench.channel.close()
        assert len(receiver.posts) == 1


def test_where_the_operators_have_no_webhook_every_webhook_is_told() -> None:
    """Better the safety desk's than nobody's; without any, nobody."""
    hook, mail = Recipient("webhook", "https://example.org/a"), Recipient("email", "a@example.org")
    assert alarmed(Routing({"*": {"operator": (mail,), "sponsor_safety": (hook,)}})) == (hook,)
    assert alarmed(Routing({"*": {"operator": (mail,)}})) == ()
