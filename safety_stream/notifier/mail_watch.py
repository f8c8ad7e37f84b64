"""Mail that is broken cannot say so by mail: what the mail channel does is watched, and trouble goes out by webhook."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import entry
from safety_stream.alerting.channels.channel import Channel, Message, Outcome
from safety_stream.alerting.letter import Standing, letter
from safety_stream.alerting.policy import mail_broken
from safety_stream.alerting.render import Templates
from safety_stream.notifier.routing import EVERY_STUDY, Recipient, Routing

_LOG: Final = structlog.get_logger("safety_stream.notifier")


class MailWatch:
    """How mail is doing, over all its couriers: tells the operators once an outage and hour, and of each refusal.

    What could not be told is told at the next try of a mail, which comes at least once a minute while one waits.
    """

    def __init__(
        self,
        webhook: Channel,
        *,
        people: Sequence[Recipient],
        routing: Routing,
        templates: Templates,
        clock: Callable[[], datetime],
        down_after: timedelta,
    ) -> None:
        self._webhook = webhook
        self._people = people
        self._routing = routing
        self._templates = templates
        self._clock = clock
        self._down_after = down_after
        self._since: datetime | None = None
        self._told: set[tuple[str, str]] = set()

    async def saw(self, outcome: Outcome) -> None:
        """One try of a mail and what became of it."""
        now = self._clock()
        if outcome.result == "rejected":
            await self._tell(mail_broken("email", now, now, outcome.said, refused=True))
        if not outcome.whole_channel:
            self._since = None
            return
        since = self._since = self._since or now
        if now - since >= self._down_after:
            hour = since + (now - since) // timedelta(hours=1) * timedelta(hours=1)
            await self._tell(mail_broken("email", hour, now, outcome.said))

    async def _tell(self, alert: Alert) -> None:
        for person in self._people:
            if (alert.id, person.key) not in self._told:
                outcome = await self._webhook.send(self._message(alert, person))
                _LOG.error("mail is broken", alert=alert.id, told=outcome.result)
                if outcome.result in {"accepted", "rejected"}:
                    self._told.add((alert.id, person.key))

    def _message(self, alert: Alert, person: Recipient) -> Message:
        within = entry(alert.type).answer_within
        language = self._routing.language_of(person, EVERY_STUDY)
        read = letter(alert, Standing(alert.as_of + within, zone=self._routing.zone, language=language))
        return Message.of(alert, self._templates.render(read), person.mailbox)

    async def close(self) -> None:
        """Let go of the webhook."""
        await self._webhook.close()


class WatchedChannel:
    """A mail channel whose every outcome is seen by the watch; it sends as the channel does."""

    def __init__(self, channel: Channel, watch: MailWatch) -> None:
        self._channel = channel
        self._watch = watch

    @property
    def name(self) -> str:
        """What alerting.yaml calls it."""
        return self._channel.name

    async def send(self, message: Message) -> Outcome:
        """Try once, and let the watch see what became of it."""
        outcome = await self._channel.send(message)
        await self._watch.saw(outcome)
        return outcome

    async def close(self) -> None:
        """Let go of both."""
        await self._channel.close()
        await self._watch.close()


def alarmed(routing: Routing) -> tuple[Recipient, ...]:
    """Who hears that mail is broken: the webhooks of the operators, else every webhook."""
    found = {
        role: [one for people in (roles.get(role, ()) for roles in routing.people.values()) for one in people]
        for role in {role for roles in routing.people.values() for role in roles}
    }
    hooks = {one for one in found.get("operator", ()) if one.channel == "webhook"}
    every = {one for people in found.values() for one in people if one.channel == "webhook"}
    return tuple(sorted(hooks or every))
