"""The messages that wait: claimed one at a time, gravest first, revisions of one alert in their order; then settled.

A try is on record BEFORE it is made. One that nobody settled (the process died) may have reached its reader: whoever
claims the message next marks it a possible repeat.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    bindparam,
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
from safety_stream.alerting.course import Course
from safety_stream.alerting.notes import Gathered
from safety_stream.notifier.containing import close_contained, lock, revive
from safety_stream.notifier.courses import kept
from safety_stream.notifier.ledger import from_json
from safety_stream.notifier.routing import Recipient
from safety_stream.notifier.sharing import mail_of
from safety_stream.notifier.tables import ALERTS, ATTEMPTS, COURSES, MESSAGES, NOTICES, TRANSITIONS

FINAL: Final = {"accepted": "accepted", "rejected": "rejected"}


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours to send until the claim runs out, and what a letter needs to know about it."""

    message: int
    attempt: int
    alert: Alert
    person: Recipient
    level: int
    possible_repeat: bool
    tries: int
    queued_at: int
    told_before: Alert | None
    newest_revision: int
    round: int = 1
    kind: str = "alert"
    course: Course | None = None
    answered: tuple[str, int] | None = None
    told_by: str | None = None
    contained_in: str | None = None
    beside: tuple["Claim", ...] = ()

    @property
    def whole(self) -> tuple["Claim", ...]:
        """Everything that its mail tells."""
        return (self, *self.beside)


@dataclass(frozen=True, slots=True)
class NoticeClaim:
    """A list to one person (a storm of alerts, the daily digest) that is ours to send until the claim runs out."""

    message: int
    attempt: int
    id: str
    kind: str
    person: Recipient
    content: str
    possible_repeat: bool
    tries: int


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

    def claim(self, channel: str, now_ms: int, lease_ms: int) -> Claim | NoticeClaim | None:
        """The next message of a channel that is due, with a try put on record; None when none is."""
        with self._engine.begin() as db:
            row = db.execute(_NEXT, {"channel": channel, "now": now_ms}).first()
            if row is None:
                return None
            if row.content is None:
                return _notice(db, row, *_begun(db, row, now_ms, lease_ms))
            mail = mail_of(db, row, now_ms)
            claims = [
                _claim(db, one, *_begun(db, one, now_ms, lease_ms), mail.inside.get(one.alert_id)) for one in mail.rows
            ]
            return replace(claims[0], beside=tuple(claims[1:]))

    def settle(self, claim: Claim | NoticeClaim, outcome: Outcome, now_ms: int, next_try_ms: int) -> None:
        """Put the outcome on record; what is not final is tried again at ``next_try_ms``."""
        whole = claim.whole if isinstance(claim, Claim) else ()
        gravers = {one.contained_in for one in whole if one.contained_in is not None}
        with self._engine.begin() as db:
            if gravers:
                lock(db, gravers)
            for one in whole or (claim,):
                self._settle(db, one, outcome, now_ms, next_try_ms)
            revive(db, gravers, now_ms)  # a revision may have come in while the mail was on its way

    def _settle(
        self, db: Connection, claim: Claim | NoticeClaim, outcome: Outcome, now_ms: int, next_try_ms: int
    ) -> None:
        ended = {"a": claim.attempt, "now": now_ms, "how": outcome.result, "words": outcome.said}
        final = FINAL.get(outcome.result)
        graver = claim.contained_in if isinstance(claim, Claim) and final == "accepted" else None
        db.execute(_END, ended)
        if final:
            db.execute(_CLOSE, {"m": claim.message, "how": "contained" if graver else final, "now": now_ms})
            if isinstance(claim, NoticeClaim) and claim.kind == "storm":
                _listed(db, claim, final, now_ms)
            if isinstance(claim, Claim) and graver:
                close_contained(db, claim.alert, graver, now_ms)
        else:
            repeat = claim.possible_repeat or outcome.result == "reply_lost"
            db.execute(_PUT_BACK, {"m": claim.message, "next": next_try_ms, "repeat": repeat})

    def next_due(self, channel: str) -> int | None:
        """When the next message of a channel is due; None when none waits."""
        with self._engine.begin() as db:
            due: int | None = db.scalar(_DUE, {"channel": channel})
        return due

    def release_all(self) -> None:
        """Take back every claim: only for a database that no other process sends from."""
        with self._engine.begin() as db:
            db.execute(update(MESSAGES).where(MESSAGES.c.claimed_until > 0).values(claimed_until=0))

    def waiting(self) -> Waiting:
        """What waits now."""
        with self._engine.begin() as db:
            every, retrying, oldest = db.execute(_COUNTS).one()
        return Waiting(every - retrying, retrying, oldest)


def _begun(db: Connection, row: Row[Any], now_ms: int, lease_ms: int) -> tuple[int, bool]:
    """A try on record before it is made: its number, and whether the message may have arrived before."""
    # A try that was begun and never settled: its process died, and the mail may be out.
    repeat = bool(row.possible_repeat) or db.execute(_ABANDONED, {"m": row.id, "now": now_ms}).rowcount > 0
    number = row.tries + 1
    begun = {"message_id": row.id, "number": number, "started_at": now_ms, "reported": row.content is None}
    attempt = db.execute(_BEGIN, begun)
    db.execute(_TAKE, {"m": row.id, "until": now_ms + lease_ms, "number": number, "repeat": repeat})
    return int((attempt.inserted_primary_key or (0,))[0]), repeat


def _notice(db: Connection, row: Row[Any], attempt: int, repeat: bool) -> NoticeClaim:
    notice = db.execute(_NOTICE, {"notice": row.alert_id}).one()
    person = Recipient.of(json.loads(notice.person))
    return NoticeClaim(row.id, attempt, row.alert_id, row.kind, person, notice.content, repeat, row.tries + 1)


def _claim(db: Connection, row: Row[Any], attempt: int, repeat: bool, contained_in: str | None) -> Claim:
    mine = {"alert": row.alert_id, "revision": row.revision, "recipient": row.recipient}
    before = db.scalar(_HEARD, mine)
    course = db.execute(_COURSE, mine).first()
    return Claim(
        message=row.id,
        attempt=attempt,
        alert=Alert.model_validate_json(row.content),
        person=next(one for one in from_json(row.recipients) if one.key == row.recipient),
        level=row.level,
        possible_repeat=repeat,
        tries=row.tries + 1,
        queued_at=row.queued_at,
        told_before=Alert.model_validate_json(before) if before is not None else None,
        newest_revision=db.scalar(_NEWEST, mine) or row.revision,
        round=row.round,
        kind=row.kind,
        course=kept(course).course if course is not None else None,
        answered=_answered(db, row) if row.kind == "answered" else None,
        told_by=db.scalar(_MOVED, mine | {"level": row.level, "round": row.round}),
        contained_in=contained_in,
    )


def _answered(db: Connection, row: Row[Any]) -> tuple[str, int] | None:
    """Who answered, and when: the note tells it even when the alert has moved on meanwhile."""
    which = {"alert": row.alert_id, "revision": row.revision, "round": row.round}
    found = db.execute(_WHO, which).first()
    return None if found is None else (found.who, found.at)


def _listed(db: Connection, claim: NoticeClaim, final: str, now_ms: int) -> None:
    """A list that was taken told its alerts; one that was refused gives them back, each to be tried and stepped up."""
    listed = MESSAGES.c.id.in_(Gathered.model_validate_json(claim.content).messages)
    values = {"state": "accepted", "settled_at": now_ms} if final == "accepted" else {"state": "pending"}
    db.execute(update(MESSAGES).where(listed, MESSAGES.c.state == "listed").values(**values))


# The statements, built once: a queue asks the same questions thousands of times.

_EARLIER: Final = MESSAGES.alias("earlier")
_WAITS: Final = (
    MESSAGES.c.channel == bindparam("channel"),
    MESSAGES.c.state == "pending",
    not_(
        exists().where(  # no earlier revision of the same alert waits for the same person
            _EARLIER.c.alert_id == MESSAGES.c.alert_id,
            _EARLIER.c.recipient == MESSAGES.c.recipient,
            _EARLIER.c.revision < MESSAGES.c.revision,
            _EARLIER.c.state == "pending",
        )
    ),
)
_ITS_ALERT: Final = and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision)
_NEXT: Final = (
    select(MESSAGES, ALERTS.c.content, ALERTS.c.recipients)
    .outerjoin(ALERTS, _ITS_ALERT)  # a list is no alert
    .where(*_WAITS, MESSAGES.c.next_try <= bindparam("now"), MESSAGES.c.claimed_until <= bindparam("now"))
    .order_by(MESSAGES.c.rank, MESSAGES.c.queued_at, MESSAGES.c.id)
    .limit(1)
    .with_for_update(skip_locked=True, of=MESSAGES)
)
_DUE: Final = select(
    func.min(
        case((MESSAGES.c.next_try > MESSAGES.c.claimed_until, MESSAGES.c.next_try), else_=MESSAGES.c.claimed_until)
    )
).where(*_WAITS)
_COUNTS: Final = select(
    func.count(),
    func.coalesce(func.sum(case((MESSAGES.c.tries > 0, 1), else_=0)), 0),
    # one that is to stand for a while waits only from when it is due
    func.min(case((MESSAGES.c.tries > 0, MESSAGES.c.queued_at), else_=MESSAGES.c.next_try)),
).where(MESSAGES.c.state == "pending")
_ABANDONED: Final = (
    update(ATTEMPTS)
    .where(ATTEMPTS.c.message_id == bindparam("m"), ATTEMPTS.c.finished_at.is_(None))
    .values(finished_at=bindparam("now"), result="reply_lost", said="the messenger stopped before the reply")
)
_BEGIN: Final = insert(ATTEMPTS).values(said="")
_TAKE: Final = (
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("m"))
    .values(claimed_until=bindparam("until"), tries=bindparam("number"), possible_repeat=bindparam("repeat"))
)
_END: Final = (
    update(ATTEMPTS)
    .where(ATTEMPTS.c.id == bindparam("a"))
    .values(finished_at=bindparam("now"), result=bindparam("how"), said=bindparam("words"))
)
_CLOSE: Final = (
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("m"))
    .values(claimed_until=0, state=bindparam("how"), settled_at=bindparam("now"))
)
_PUT_BACK: Final = (
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("m"))
    .values(claimed_until=0, next_try=bindparam("next"), possible_repeat=bindparam("repeat"))
)
_MINE: Final = and_(MESSAGES.c.alert_id == bindparam("alert"), MESSAGES.c.recipient == bindparam("recipient"))
_HEARD: Final = (
    select(ALERTS.c.content)
    .join(MESSAGES, _ITS_ALERT)
    .where(
        _MINE, MESSAGES.c.kind == "alert", MESSAGES.c.revision < bindparam("revision"), MESSAGES.c.state == "accepted"
    )
    .order_by(ALERTS.c.revision.desc())
    .limit(1)
)
_COURSE: Final = select(COURSES).where(COURSES.c.alert_id == bindparam("alert"))
_NOTICE: Final = select(NOTICES).where(NOTICES.c.id == bindparam("notice"))
_WHO: Final = select(TRANSITIONS.c.who, TRANSITIONS.c.at).where(
    TRANSITIONS.c.alert_id == bindparam("alert"),
    TRANSITIONS.c.revision == bindparam("revision"),
    TRANSITIONS.c.round == bindparam("round"),
    TRANSITIONS.c.what == "acknowledged",
)
_MOVED: Final = (
    select(TRANSITIONS.c.what)
    .where(
        TRANSITIONS.c.alert_id == bindparam("alert"),
        TRANSITIONS.c.level == bindparam("level"),
        TRANSITIONS.c.round == bindparam("round"),
        TRANSITIONS.c.what.in_(("stepped_up", "passed_on", "refused_mail", "repeated")),
    )
    .order_by(TRANSITIONS.c.number.desc())
    .limit(1)
)
_NEWEST: Final = select(func.max(MESSAGES.c.revision)).where(_MINE)
