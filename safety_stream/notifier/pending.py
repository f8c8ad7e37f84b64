"""The messages that wait: claimed one at a time, gravest first, revisions of one alert in their order; then settled.

A try is on record BEFORE it is made. One that nobody settled (the process died) may have reached its reader: whoever
claims the message next marks it a possible repeat.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Update,
    and_,
    case,
    exists,
    func,
    insert,
    not_,
    select,
    update,
)
from sqlalchemy.engine import Row

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Outcome
from safety_stream.notifier.routing import Recipient
from safety_stream.notifier.tables import ALERTS, ATTEMPTS, MESSAGES

FINAL: Final = {"accepted": "accepted", "rejected": "rejected"}
_EARLIER: Final = MESSAGES.alias("earlier")


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours to send until the claim runs out, and what a letter needs to know about it."""

    message: int
    attempt: int
    alert: Alert
    person: Recipient
    possible_repeat: bool
    tries: int
    queued_at: int
    told_before: Alert | None
    newest_revision: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages wait, and since when the oldest does."""

    queued: int
    retrying: int
    oldest_ms: int | None


class Pending:
    """The messages table as a queue that several processes may share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, channel: str, now_ms: int, lease_ms: int) -> Claim | None:
        """The next message of a channel that is due, with a try put on record; None when none is."""
        with self._engine.begin() as db:
            row = db.execute(_next_due(channel, now_ms)).first()
            if row is None:
                return None
            repeat = bool(row.possible_repeat) | _close_open_tries(db, row.id, now_ms)
            attempt = db.execute(
                insert(ATTEMPTS).values(message_id=row.id, number=row.tries + 1, started_at=now_ms, said="")
            ).inserted_primary_key
            db.execute(
                update(MESSAGES)
                .where(MESSAGES.c.id == row.id)
                .values(claimed_until=now_ms + lease_ms, tries=row.tries + 1, possible_repeat=repeat)
            )
            return _claim(db, row, int(attempt[0]) if attempt else 0, repeat)

    def settle(self, claim: Claim, outcome: Outcome, now_ms: int, next_try_ms: int) -> None:
        """Put the outcome on record; what is not final is tried again at ``next_try_ms``."""
        final = FINAL.get(outcome.result)
        told = (
            {"state": final, "settled_at": now_ms}
            if final
            else {"next_try": next_try_ms, "possible_repeat": claim.possible_repeat or outcome.result == "reply_lost"}
        )
        with self._engine.begin() as db:
            db.execute(_settled(claim.attempt, outcome.result, outcome.said, now_ms))
            db.execute(update(MESSAGES).where(MESSAGES.c.id == claim.message).values(claimed_until=0, **told))

    def next_due(self, channel: str) -> int | None:
        """When the next message of a channel is due; None when none waits."""
        free = case(
            (MESSAGES.c.next_try > MESSAGES.c.claimed_until, MESSAGES.c.next_try), else_=MESSAGES.c.claimed_until
        )
        with self._engine.begin() as db:
            due: int | None = db.scalar(select(func.min(free)).where(*_waits(channel)))
        return due

    def release_all(self) -> None:
        """Take back every claim: only for a database that no other process sends from."""
        with self._engine.begin() as db:
            db.execute(update(MESSAGES).where(MESSAGES.c.claimed_until > 0).values(claimed_until=0))

    def waiting(self) -> Waiting:
        """What waits now."""
        tried = func.coalesce(func.sum(case((MESSAGES.c.tries > 0, 1), else_=0)), 0)
        counts = select(func.count(), tried, func.min(MESSAGES.c.queued_at)).where(MESSAGES.c.state == "pending")
        with self._engine.begin() as db:
            every, retrying, oldest = db.execute(counts).one()
        return Waiting(every - retrying, retrying, oldest)


def _waits(channel: str) -> tuple[ColumnElement[bool], ...]:
    """Pending on this channel, and no earlier revision of the same alert waits for the same person."""
    overtakes = exists().where(
        _EARLIER.c.alert_id == MESSAGES.c.alert_id,
        _EARLIER.c.recipient == MESSAGES.c.recipient,
        _EARLIER.c.revision < MESSAGES.c.revision,
        _EARLIER.c.state == "pending",
    )
    return MESSAGES.c.state == "pending", MESSAGES.c.channel == channel, not_(overtakes)


def _next_due(channel: str, now_ms: int) -> Select[Any]:
    return (
        select(MESSAGES)
        .where(*_waits(channel), MESSAGES.c.next_try <= now_ms, MESSAGES.c.claimed_until <= now_ms)
        .order_by(MESSAGES.c.rank, MESSAGES.c.queued_at, MESSAGES.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=MESSAGES)
    )


def _close_open_tries(db: Connection, message: int, now_ms: int) -> bool:
    """Whether a try was begun and never settled: its process died, and the mail may be out."""
    abandoned = and_(ATTEMPTS.c.message_id == message, ATTEMPTS.c.finished_at.is_(None))
    said = "the messenger stopped before the reply"
    closed = db.execute(update(ATTEMPTS).where(abandoned).values(finished_at=now_ms, result="reply_lost", said=said))
    return closed.rowcount > 0


def _settled(attempt: int, result: str, said: str, now_ms: int) -> Update:
    return update(ATTEMPTS).where(ATTEMPTS.c.id == attempt).values(finished_at=now_ms, result=result, said=said)


def _claim(db: Connection, row: Row[Any], attempt: int, repeat: bool) -> Claim:
    told = select(ALERTS.c.content, ALERTS.c.recipients).where(
        ALERTS.c.id == row.alert_id, ALERTS.c.revision == row.revision
    )
    content, people = db.execute(told).one()
    heard = (
        select(ALERTS.c.content)
        .join(MESSAGES, and_(MESSAGES.c.alert_id == ALERTS.c.id, MESSAGES.c.revision == ALERTS.c.revision))
        .where(ALERTS.c.id == row.alert_id, ALERTS.c.revision < row.revision)
        .where(MESSAGES.c.recipient == row.recipient, MESSAGES.c.state == "accepted")
        .order_by(ALERTS.c.revision.desc())
        .limit(1)
    )
    before = db.scalar(heard)
    newest = select(func.max(MESSAGES.c.revision)).where(
        MESSAGES.c.alert_id == row.alert_id, MESSAGES.c.recipient == row.recipient
    )
    return Claim(
        message=row.id,
        attempt=attempt,
        alert=Alert.model_validate_json(content),
        person=next(one for one in map(Recipient.of, json.loads(people)) if one.key == row.recipient),
        possible_repeat=repeat,
        tries=row.tries + 1,
        queued_at=row.queued_at,
        told_before=Alert.model_validate_json(before) if before is not None else None,
        newest_revision=db.scalar(newest) or row.revision,
    )
