"""What is to be told and to whom: one row an alert revision, one row a revision and recipient, never two.

Everything here can be done again: what is already on record stays as it is, and a message once queued is queued once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, and_, exists, insert, select, tuple_, update

from safety_stream.alerting.alert import Alert, Urgency
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import ALERTS, EDITIONS, MESSAGES

RANKS: Final[dict[Urgency, int]] = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Arrival:
    """An alert revision and where it came from."""

    alert: Alert
    origin: str


@dataclass(slots=True)
class Recorded:
    """What a recording changed. ``contradicted``: revisions on record with another content, left as they were."""

    alerts: int = 0
    messages: int = 0
    contradicted: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OnRecord:
    """One alert revision as the database has it."""

    content: str
    recipients: tuple[Recipient, ...]
    queued: frozenset[str]


class Outbox:
    """The two tables of what is to be told."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, arrivals: Iterable[Arrival], routing: Routing, now_ms: int, again: bool = False) -> Recorded:
        """Put alert revisions and their messages on record, in one transaction.

        ``again``: nobody can know whether they were sent before, so every message is a possible repeat.
        """
        recorded = Recorded()
        with self._engine.begin() as connection:
            for arrival in arrivals:
                known = connection.scalar(select(ALERTS.c.content).where(_this(arrival.alert)))
                if known is None:
                    recorded.alerts += 1
                    recorded.messages += _take(connection, arrival, routing, now_ms, again)
                elif _contradicts(known, arrival.alert):
                    recorded.contradicted.append(f"{arrival.alert.id} revision {arrival.alert.revision}")
        return recorded

    def requeue(self, alert: Alert, people: Sequence[Recipient], now_ms: int) -> int:
        """Queue again what the database lost; how many messages. Each is a possible repeat."""
        with self._engine.begin() as connection:
            return _queue(connection, alert, people, now_ms, again=True)

    def on_record(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], OnRecord]:
        """What the database has of these alert revisions (at most some hundreds at a time)."""
        rows = select(ALERTS.c.id, ALERTS.c.revision, ALERTS.c.content, ALERTS.c.recipients).where(
            tuple_(ALERTS.c.id, ALERTS.c.revision).in_(keys)
        )
        messages = select(MESSAGES.c.alert_id, MESSAGES.c.revision, MESSAGES.c.recipient).where(
            tuple_(MESSAGES.c.alert_id, MESSAGES.c.revision).in_(keys)
        )
        with self._engine.begin() as connection:
            queued = {tuple(row) for row in connection.execute(messages)}
            found = connection.execute(rows).all()
        return {
            (row.id, row.revision): OnRecord(
                row.content,
                people := _from_json(row.recipients),
                frozenset(one.key for one in people if (row.id, row.revision, one.key) in queued),
            )
            for row in found
        }

    def keys(self) -> list[tuple[str, int]]:
        """Every alert revision on record."""
        with self._engine.begin() as connection:
            return [(row.id, row.revision) for row in connection.execute(select(ALERTS.c.id, ALERTS.c.revision))]

    def other_editions(self, editions: Mapping[str, str], adopt: bool) -> set[str]:
        """The studies whose alerts on record follow another edition of the book; ``adopt``: from now on this one."""
        with self._engine.begin() as connection:
            known = {row.study: row.edition for row in connection.execute(select(EDITIONS))}
            for study, edition in editions.items():
                if study not in known:
                    connection.execute(insert(EDITIONS).values(study=study, edition=edition))
                elif adopt:
                    connection.execute(update(EDITIONS).where(EDITIONS.c.study == study).values(edition=edition))
        return (
            set() if adopt else {study for study, edition in editions.items() if known.get(study, edition) != edition}
        )


def _this(alert: Alert) -> ColumnElement[bool]:
    return and_(ALERTS.c.id == alert.id, ALERTS.c.revision == alert.revision)


def _contradicts(known: str, alert: Alert) -> bool:
    """An alert that stands for many (messages of a day, a test that nobody knows) is told in the first one's words."""
    return alert.finding is not None and known != alert.model_dump_json()


def _take(db: Connection, arrival: Arrival, routing: Routing, now_ms: int, again: bool) -> int:
    alert = arrival.alert
    people = _told(db, alert, routing)
    db.execute(
        insert(ALERTS).values(
            id=alert.id,
            revision=alert.revision,
            type=alert.type,
            study=alert.study,
            action=alert.decision.action,
            reason=alert.decision.reason,
            content=alert.model_dump_json(),
            recipients=_as_json(people),
            origin=arrival.origin,
            recorded_at=now_ms,
        )
    )
    queued = _queue(db, alert, people, now_ms, again)
    return queued + _tell_the_later_ones(db, alert, people, now_ms, again)


def _told(db: Connection, alert: Alert, routing: Routing) -> tuple[Recipient, ...]:
    """Everybody who was told of it before, and unless it is a withdrawal those behind its roles now."""
    if alert.decision.action == "hold":
        return ()
    before = select(ALERTS.c.recipients).where(ALERTS.c.id == alert.id, ALERTS.c.revision < alert.revision)
    people = {one.key: one for row in db.scalars(before) for one in _from_json(row)}
    if alert.state != "withdrawn":
        people |= {one.key: one for one in routing.recipients(alert)}
    return tuple(people[key] for key in sorted(people))


def _queue(db: Connection, alert: Alert, people: Sequence[Recipient], now_ms: int, again: bool) -> int:
    queued = 0
    for person in people:
        same = and_(MESSAGES.c.alert_id == alert.id, MESSAGES.c.recipient == person.key)
        if db.scalar(select(MESSAGES.c.id).where(same, MESSAGES.c.revision == alert.revision)) is not None:
            continue
        later = exists().where(same, MESSAGES.c.revision > alert.revision, MESSAGES.c.state == "accepted")
        db.execute(
            insert(MESSAGES).values(
                alert_id=alert.id,
                revision=alert.revision,
                recipient=person.key,
                channel=person.channel,
                rank=RANKS[alert.urgency],
                state="superseded" if db.scalar(select(later)) else "pending",
                possible_repeat=again,
                tries=0,
                queued_at=now_ms,
                next_try=now_ms,
                claimed_until=0,
            )
        )
        queued += 1
    return queued


def _tell_the_later_ones(db: Connection, alert: Alert, people: Sequence[Recipient], now_ms: int, again: bool) -> int:
    """A revision that comes late (only the second look finds one): those it names must hear the later ones too."""
    later = select(ALERTS).where(ALERTS.c.id == alert.id, ALERTS.c.revision > alert.revision, ALERTS.c.action == "send")
    queued = 0
    for row in db.execute(later).all() if people else ():
        whole = {one.key: one for one in (*_from_json(row.recipients), *people)}
        known = and_(ALERTS.c.id == row.id, ALERTS.c.revision == row.revision)
        db.execute(update(ALERTS).where(known).values(recipients=_as_json([whole[key] for key in sorted(whole)])))
        queued += _queue(db, Alert.model_validate_json(row.content), people, now_ms, again)
    return queued


def _as_json(people: Sequence[Recipient]) -> str:
    return json.dumps([[one.channel, one.address, one.display_name] for one in people])


def _from_json(told: str) -> tuple[Recipient, ...]:
    return tuple(map(Recipient.of, json.loads(told)))
