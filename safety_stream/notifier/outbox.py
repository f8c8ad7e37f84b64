"""What is to be told and to whom: one row an alert revision, one row a revision and recipient, never two.

Everything here can be done again: what is already on record stays as it is, and a message once queued is queued once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.course import refused_mail
from safety_stream.notifier.containing import lock, revive
from safety_stream.notifier.courses import load, moment, take_in, tell, write
from safety_stream.notifier.gathering import gate, plan_storms
from safety_stream.notifier.ledger import Ledger, from_json
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import ALERTS, EDITIONS, MESSAGES

_ATTEMPTS: Final = 3
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An alert revision and where it came from."""

    alert: Alert
    origin: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording changed. ``contradicted``: revisions on record with another content, left as they were."""

    alerts: int
    messages: int
    contradicted: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class OnRecord:
    """One alert revision as the database has it."""

    content: str
    recipients: tuple[Recipient, ...]
    queued: frozenset[str]


class Outbox:
    """The two tables of what is to be told.

    ``gather_ms``: how long a mail waits for more of its specimen; ``waits``: whether what often settles itself waits.
    """

    def __init__(self, engine: Engine, storm_over: int = 0, gather_ms: int = 0, *, waits: bool = False) -> None:
        self._engine = engine
        self._storm_over = storm_over
        self._gather_ms, self._waits = gather_ms, waits

    def record(self, arrivals: Sequence[Arrival], routing: Routing, now_ms: int, again: bool = False) -> Recorded:
        """Put alert revisions and their messages on record, in one transaction.

        ``again``: nobody can know whether they were sent before, so every message is a possible repeat.
        """

        def work(db: Connection) -> Recorded:
            held_back = gate(db, now_ms, self._storm_over)
            ledger = Ledger(now_ms, again, gate=held_back, gather_ms=self._gather_ms, waits=self._waits)
            contradicted = []
            ledger.load(db, (one.alert.id for one in arrivals))
            new: list[Alert] = []
            for one in arrivals:
                content = one.alert.model_dump_json()
                held = ledger.alerts[one.alert.id].get(one.alert.revision)
                if held is None:
                    ledger.add(one.alert, content, one.origin, routing)
                    new.append(one.alert)
                elif one.alert.finding is not None and held.content != content:
                    # What stands for many (messages of a day, an unknown test) is told in the first one's words.
                    contradicted.append(f"{one.alert.id} revision {one.alert.revision}")
            lock(db, ids := {one.id for one in new})
            take_in(db, new, routing, moment(now_ms))
            plan_storms(db, ledger.gathered, now_ms)
            alerts, messages = ledger.write(db)
            ledger.settle_unseen(db, sorted(ids) if self._waits else ())
            return Recorded(alerts, messages + revive(db, ids, now_ms), tuple(contradicted))

        return self._done(work)

    def requeue(self, alert: Alert, people: Sequence[Recipient], now_ms: int) -> int:
        """Queue again what the database lost; how many messages. Each is a possible repeat."""

        def work(db: Connection) -> int:
            ledger = Ledger(now_ms, again=True)
            ledger.load(db, [alert.id])
            ledger.queue(alert.id, alert.revision, people)
            return ledger.write(db)[1]

        return self._done(work)

    def refused(self, alert: Alert, level: int, now_ms: int) -> int:
        """Somebody of a level cannot be reached: tell the next in line now; how many are told that were not."""

        def work(db: Connection) -> int:
            known = load(db, [alert.id]).get(alert.id)
            moves = refused_mail(known.course, level, moment(now_ms)) if known is not None else ()
            if known is None or not moves:
                return 0
            write(db, replace(known, course=moves[-1].course), moves, "mail")
            ledger = Ledger(now_ms, again=False)
            ledger.load(db, [alert.id])
            tell(ledger, known, moves, alert.revision)
            return ledger.write(db)[1]

        return self._done(work)

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
                people := from_json(row.recipients),
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

    def _done(self, work: Callable[[Connection], _T]) -> _T:
        """The work in a transaction; again when another process put the same rows there meanwhile."""
        for _ in range(_ATTEMPTS - 1):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except IntegrityError:
                continue
        with self._engine.begin() as connection:
            return work(connection)
