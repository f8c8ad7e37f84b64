"""The courier: claims a message, renders it, sends it, settles it, and comes back for as long as the alert is open.

A message that is refused for now waits for its own next try. A channel in trouble (server away) rests as a whole,
so that an outage costs one try a minute, not one a message. Nothing here ever blocks the reading of alerts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from time import perf_counter
from typing import Final

import structlog

from safety_stream.alerting.channels.channel import Channel, ListKind, Message, Outcome
from safety_stream.alerting.letter import Detail, SubjectStyle, letter
from safety_stream.alerting.render import Templates, plain
from safety_stream.notifier.backoff import wait_ms
from safety_stream.notifier.bell import Bell, heard
from safety_stream.notifier.courses import moment
from safety_stream.notifier.links import Links
from safety_stream.notifier.metrics import Metrics
from safety_stream.notifier.note_desk import NoteDesk
from safety_stream.notifier.outbox import Outbox
from safety_stream.notifier.pending import Claim, NoticeClaim, Pending
from safety_stream.notifier.routing import Routing
from safety_stream.notifier.standing_now import standing_now

_LOOK_AGAIN_SECONDS: Final = 2.0  # another process (the second look) may queue messages too
_LOG = structlog.get_logger("safety_stream.notifier")


@dataclass(slots=True)
class Health:
    """How a channel is doing, shared by its couriers."""

    failures: int = 0
    rests_until_ms: int = 0


@dataclass(slots=True)
class Courier:
    """One task that carries messages over one channel."""

    channel: Channel
    pending: Pending
    outbox: Outbox
    routing: Routing
    templates: Templates
    metrics: Metrics
    health: Health
    work: Bell
    settled: Bell
    clock: Callable[[], datetime]
    lease: timedelta
    notes: NoteDesk
    links: Links = field(default_factory=Links)
    detail: Detail = "full"
    subject_style: SubjectStyle = "type"
    wall_clock: bool = True
    chance: Random = field(default_factory=Random)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until told to stop; a message in hand is brought to its end first."""
        try:
            while not stop.is_set():
                bell = self.work.listen()
                if not await self._carry_one():
                    await heard(bell, await self._idle_seconds())
        finally:
            await self.channel.close()

    async def _carry_one(self) -> bool:
        if self.health.rests_until_ms > self._now_ms():
            return False
        lease_ms = int(self.lease.total_seconds() * 1000)
        claim = await asyncio.to_thread(self.pending.claim, self.channel.name, self._now_ms(), lease_ms)
        if claim is None:
            return False
        began = perf_counter()
        if isinstance(claim, NoticeClaim):
            outcome = await self.channel.send(self.notes.of_notice(claim))
            now = await self._settled(claim, outcome)
            kind: ListKind = "storm" if claim.kind == "storm" else "digest"
            self.metrics.tried(kind, outcome, perf_counter() - began, now / 1000)
            self.settled.ring()
            return True
        outcome = await self.channel.send(self._message(claim))
        await self._settle(claim, outcome, perf_counter() - began)
        return True

    async def _settled(self, claim: Claim | NoticeClaim, outcome: Outcome) -> int:
        """The outcome on record, and how the channel does; when that was."""
        now = self._now_ms()
        if outcome.whole_channel:
            self.health.failures += 1
            self.health.rests_until_ms = now + wait_ms(self.health.failures, self.chance)
        else:
            self.health.failures = self.health.rests_until_ms = 0
        next_try = now + wait_ms(claim.tries, self.chance)
        await asyncio.to_thread(self.pending.settle, claim, outcome, now, next_try)
        return now

    async def _settle(self, claim: Claim, outcome: Outcome, seconds: float) -> None:
        now = await self._settled(claim, outcome)
        self.metrics.tried(claim.alert.type, outcome, seconds, now / 1000)
        for one in claim.whole:
            await self._told(one, outcome, now)
        _LOG.info(
            "message tried",
            alert=claim.alert.id,
            revision=claim.alert.revision,
            channel=self.channel.name,
            attempt=claim.tries,
            outcome=outcome.result,
        )
        self.settled.ring()

    async def _told(self, claim: Claim, outcome: Outcome, now: int) -> None:
        """One alert of the mail: who is next where it was refused, how long it took where it was taken."""
        if outcome.result == "rejected" and claim.kind != "answered":
            await self._step_up(claim, now)
        if outcome.result == "accepted" and self.wall_clock and not claim.possible_repeat:
            taken = now / 1000 - claim.alert.as_of.timestamp()
            self.metrics.event_to_alert_seconds.labels(claim.alert.type).observe(
                max(0.0, taken), {"alert_id": claim.alert.id}
            )

    async def _step_up(self, claim: Claim, now_ms: int) -> None:
        """A person who cannot be reached is not waited for: those next in line are told at once."""
        told = await asyncio.to_thread(self.outbox.refused, claim.alert, claim.level, now_ms)
        _LOG.error("refused for good", alert=claim.alert.id, level=claim.level, others_told=told)
        self.work.ring()

    def _message(self, claim: Claim) -> Message:
        alert, now = claim.alert, self.clock()
        told = [
            (one.alert, standing_now(one, self.routing, self.links, now, self.subject_style)) for one in claim.whole
        ]
        read = letter(*told[0], self.detail, told[1:])
        try:
            mail = self.templates.render(read)
        except Exception as error:  # a broken template must not keep an alert from its reader
            _LOG.error("template failed, sent plain", alert=alert.id, template=alert.type, error=str(error))
            self.metrics.unrendered.inc()
            mail = plain(read)
        if claim.answered is not None:
            who, at = claim.answered
            mail = self.notes.answered(alert, who, moment(at), mail.subject, claim.person)
        return Message.of(
            alert,
            mail,
            claim.person.mailbox,
            level=claim.level,
            repeat=claim.round,
            kind=claim.kind,
            beside=tuple((one.alert.id, one.alert.revision) for one in claim.beside),
        )

    async def _idle_seconds(self) -> float:
        now = self._now_ms()
        due = await asyncio.to_thread(self.pending.next_due, self.channel.name)
        waits = [_LOOK_AGAIN_SECONDS]
        if due is not None:
            waits.append(max(due, self.health.rests_until_ms) / 1000 - now / 1000)
        return max(0.05, min(waits))

    def _now_ms(self) -> int:
        return int(self.clock().timestamp() * 1000)
