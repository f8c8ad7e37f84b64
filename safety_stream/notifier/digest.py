"""The daily digest: open alerts, what was not mailed and why, silences, and how many alerts a subject brings a week.

On Mondays the safety board has its own: seven days, pooled, no subject.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, insert, select, update

from safety_stream.alerting.alert import alert_id
from safety_stream.alerting.notes import Digest, SilenceLine
from safety_stream.notifier.courses import moment, ms
from safety_stream.notifier.day import DAY_MS, budget, not_mailed, open_alerts
from safety_stream.notifier.gathering import notice_message, silences
from safety_stream.notifier.routing import EVERY_STUDY, Recipient, Routing
from safety_stream.notifier.tables import ALERTS, MESSAGES, NOTICES, PLANS
from safety_stream.rulebook.written import Role

NAME: Final = "digest"
TOLD: Final[tuple[Role, ...]] = ("safety_physician", "medical_monitor")
TOLD_WEEKLY: Final[tuple[Role, ...]] = ("dsmb_chair",)
_MONDAY: Final = 0
_MOST_LINES: Final = 100


class Digests:
    """Sends the digest at its hour, once a day, also when nothing happened."""

    def __init__(self, routing: Routing, at: time, limit: Decimal) -> None:
        self._routing = routing
        self._at = at
        self._limit = limit

    def send_due(self, db: Connection, now_ms: int) -> int:
        """The digest if its hour has come; how many mails. The first start only plans it."""
        due = db.scalar(select(PLANS.c.due_at).where(PLANS.c.name == NAME).with_for_update())
        if due is None:
            db.execute(insert(PLANS).values(name=NAME, due_at=self._next(now_ms)))
            return 0
        if due > now_ms:
            return 0
        db.execute(update(PLANS).where(PLANS.c.name == NAME).values(due_at=self._next(now_ms)))
        made = self._send(db, TOLD, due, now_ms)
        hours_passed = range(due, self._next(now_ms), DAY_MS)  # more than one where nobody was at work
        if any(moment(hour).weekday() == _MONDAY for hour in hours_passed):
            made += self._send(db, TOLD_WEEKLY, due, now_ms, weekly=True)
        return made

    def _send(self, db: Connection, roles: tuple[Role, ...], due: int, now_ms: int, *, weekly: bool = False) -> int:
        people = self._people(_studies(db), roles)
        for person, studies in sorted(people.items()):
            told = digest_of(db, now_ms, studies, self._limit, weekly=weekly)
            _queue(db, person, told, due, now_ms)
        return len(people)

    def _next(self, now_ms: int) -> int:
        now = moment(now_ms)
        today = datetime.combine(now.date(), self._at, UTC)
        return ms(today if today > now else today + timedelta(days=1))

    def _people(self, studies: Iterable[str], roles: tuple[Role, ...]) -> dict[Recipient, frozenset[str]]:
        """Each reader once, with the studies that are theirs to see; '*' and '-' are nobody's study."""
        theirs: dict[Recipient, set[str]] = {}
        for study in {EVERY_STUDY, *studies}:
            for role in roles:
                for person in self._routing.behind(study, role):
                    theirs.setdefault(person, set()).add(study)
        return {person: frozenset(named) for person, named in theirs.items()}


def digest_of(db: Connection, now_ms: int, studies: frozenset[str], limit: Decimal, *, weekly: bool = False) -> Digest:
    """The last day, or week, of these studies as the database has it."""
    waiting = [one for one in open_alerts(db) if one.study in studies]
    in_force = [one for one in silences(db, now_ms) if one.study in studies or one.study == EVERY_STUDY]
    return Digest(
        day=f"{moment(now_ms):%Y-%m-%d}",
        at=moment(now_ms),
        open=tuple(one.line for one in waiting[:_MOST_LINES]),
        waiting=len(waiting),
        not_mailed=tuple(not_mailed(db, now_ms, studies, 7 if weekly else 1)),
        silences=tuple(
            SilenceLine(study=one.study, type=one.type, reason=one.reason, by=one.by, until=one.until)
            for one in in_force
        ),
        budget=tuple(one for one in budget(db, now_ms, limit) if one.study in studies),
        weekly=weekly,
    )


def _studies(db: Connection) -> list[str]:
    return list(db.scalars(select(ALERTS.c.study).distinct()))


def _queue(db: Connection, person: Recipient, content: Digest, due: int, now_ms: int) -> None:
    id_ = alert_id("weekly digest" if content.weekly else "digest", due, person.key)
    told = json.dumps([person.channel, person.address, person.display_name])
    db.execute(
        insert(NOTICES).values(
            id=id_, kind="digest", study="-", person=told, content=content.model_dump_json(), made_at=now_ms
        )
    )
    db.execute(insert(MESSAGES).values(**notice_message(id_, "digest", person, 2, now_ms)))
