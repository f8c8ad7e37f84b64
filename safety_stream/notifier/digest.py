"""The daily digest: open alerts, what was not mailed and why, silences, and how many alerts a subject brings a week."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, insert, select, update

from safety_stream.alerting.alert import alert_id
from safety_stream.alerting.notes import Digest, SilenceLine
from safety_stream.notifier.courses import moment, ms
from safety_stream.notifier.day import budget, not_mailed, open_alerts
from safety_stream.notifier.gathering import notice_message, silences
from safety_stream.notifier.routing import EVERY_STUDY, Recipient, Routing
from safety_stream.notifier.tables import ALERTS, MESSAGES, NOTICES, PLANS
from safety_stream.rulebook.written import Role

NAME: Final = "digest"
TOLD: Final[tuple[Role, ...]] = ("safety_physician", "medical_monitor")
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
        people = self._people(_studies(db))
        for person, studies in sorted(people.items()):
            content = digest_of(db, now_ms, studies, self._limit).model_dump_json()
            _queue(db, person, content, due, now_ms)
        return len(people)

    def _next(self, now_ms: int) -> int:
        now = moment(now_ms)
        today = datetime.combine(now.date(), self._at, UTC)
        return ms(today if today > now else today + timedelta(days=1))

    def _people(self, studies: Iterable[str]) -> dict[Recipient, frozenset[str]]:
        """Each reader once, with the studies that are theirs to see; '*' and '-' are nobody's study."""
        theirs: dict[Recipient, set[str]] = {}
        for study in {EVERY_STUDY, *studies}:
            for role in TOLD:
                for person in self._routing.behind(study, role):
                    theirs.setdefault(person, set()).add(study)
        return {person: frozenset(named) for person, named in theirs.items()}


def digest_of(db: Connection, now_ms: int, studies: frozenset[str], limit: Decimal) -> Digest:
    """The last day of these studies as the database has it."""
    waiting = [one for one in open_alerts(db) if one.study in studies]
    in_force = [one for one in silences(db, now_ms) if one.study in studies or one.study == EVERY_STUDY]
    return Digest(
        day=f"{moment(now_ms):%Y-%m-%d}",
        at=moment(now_ms),
        open=tuple(one.line for one in waiting[:_MOST_LINES]),
        waiting=len(waiting),
        not_mailed=tuple(not_mailed(db, now_ms, studies)),
        silences=tuple(
            SilenceLine(study=one.study, type=one.type, reason=one.reason, by=one.by, until=one.until)
            for one in in_force
        ),
        budget=tuple(one for one in budget(db, now_ms, limit) if one.study in studies),
    )


def _studies(db: Connection) -> list[str]:
    return list(db.scalars(select(ALERTS.c.study).distinct()))


def _queue(db: Connection, person: Recipient, content: str, due: int, now_ms: int) -> None:
    id_ = alert_id("digest", due, person.key)
    told = json.dumps([person.channel, person.address, person.display_name])
    db.execute(insert(NOTICES).values(id=id_, kind="digest", study="-", person=told, content=content, made_at=now_ms))
    db.execute(insert(MESSAGES).values(**notice_message(id_, "digest", person, 2, now_ms)))
