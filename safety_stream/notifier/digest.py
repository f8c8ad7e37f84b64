"""The daily digest: open alerts, what was not mailed and why, silences, and how many alerts a subject brings a week."""

import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, and_, func, insert, select, update

from safety_stream.alerting.alert import Alert, alert_id
from safety_stream.alerting.catalogue import REASONS
from safety_stream.alerting.notes import Digest, Line
from safety_stream.notifier.courses import moment, ms
from safety_stream.notifier.gathering import notice_message, silences
from safety_stream.notifier.routing import EVERY_STUDY, Recipient, Routing
from safety_stream.notifier.tables import ALERTS, COURSES, MESSAGES, NOTICES, PLANS
from safety_stream.rulebook.written import Role

NAME: Final = "digest"
TOLD: Final[tuple[Role, ...]] = ("safety_physician", "medical_monitor")
_DAY: Final = 86_400_000
_MOST_LINES: Final = 100
_HELD_BACK: Final = {
    "silenced": "silenced", "superseded": "the reader knew better already", "answered": "answered before it was sent"
}  # fmt: skip
_ITS_ALERT: Final = and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision)


class Digests:
    """Sends the digest at its hour, once a day, also when nothing happened."""

    def __init__(self, routing: Routing, at: time) -> None:
        self._routing = routing
        self._at = at

    def send_due(self, db: Connection, now_ms: int) -> int:
        """The digest if its hour has come; how many mails. The first start only plans it."""
        here = select(PLANS.c.due_at).where(PLANS.c.name == NAME).with_for_update()
        due = db.scalar(here)
        if due is None:
            db.execute(insert(PLANS).values(name=NAME, due_at=self._next(now_ms)))
            return 0
        if due > now_ms:
            return 0
        db.execute(update(PLANS).where(PLANS.c.name == NAME).values(due_at=self._next(now_ms)))
        people = self._people()
        content = digest_of(db, now_ms).model_dump_json()
        for person in people:
            _queue(db, person, content, due, now_ms)
        return len(people)

    def _next(self, now_ms: int) -> int:
        now = moment(now_ms)
        today = datetime.combine(now.date(), self._at, UTC)
        return ms(today if today > now else today + timedelta(days=1))

    def _people(self) -> list[Recipient]:
        everywhere = self._routing.people.get(EVERY_STUDY, {})
        return sorted({one.key: one for role in TOLD for one in everywhere.get(role, ())}.values())


def digest_of(db: Connection, now_ms: int) -> Digest:
    """The last day as the database has it."""
    return Digest(
        day=f"{moment(now_ms):%Y-%m-%d}",
        at=moment(now_ms),
        open=tuple(open_alerts(db)[:_MOST_LINES]),
        not_mailed=tuple(_not_mailed(db, now_ms)),
        silences=tuple((one.study, one.type, one.reason, one.by, one.until) for one in silences(db, now_ms)),
        budget=tuple(_budget(db, now_ms)),
    )


def open_alerts(db: Connection, states: tuple[str, ...] = ("open", "acknowledged")) -> list[Line]:
    """What waits for an answer or a decision, the next due first."""
    rows = db.execute(
        select(COURSES, ALERTS.c.content)
        .join(ALERTS, and_(ALERTS.c.id == COURSES.c.alert_id, ALERTS.c.revision == COURSES.c.revision))
        .where(COURSES.c.state.in_(states))
        .order_by(COURSES.c.due_at, COURSES.c.alert_id)
    )
    return [_line(row) for row in rows]


def _line(row: Any) -> Line:
    alert = Alert.model_validate_json(row.content)
    due = row.step_at or row.decide_by
    return Line(
        alert=alert.id,
        revision=alert.revision,
        urgency=alert.urgency,
        subject=alert.subject,
        headline=alert.headline,
        answer_by=moment(due) if due is not None else None,
        level=row.level,
    )


def _not_mailed(db: Connection, now_ms: int) -> list[tuple[str, str, int]]:
    """Alerts of the last day that were held, by the policy's reason; and messages held back afterwards."""
    since = now_ms - _DAY
    held = select(ALERTS.c.type, ALERTS.c.reason, func.count()).where(
        ALERTS.c.action == "hold", ALERTS.c.recorded_at > since
    )
    told: list[tuple[str, str, int]] = [
        (row[0], str(REASONS.get(row[1], row[1])), row[2])
        for row in db.execute(held.group_by(ALERTS.c.type, ALERTS.c.reason))
    ]
    back = (
        select(ALERTS.c.type, MESSAGES.c.state, func.count(MESSAGES.c.alert_id.distinct()))
        .join(ALERTS, _ITS_ALERT)
        .where(MESSAGES.c.state.in_(_HELD_BACK), MESSAGES.c.queued_at > since)
    )
    told += [(row[0], _HELD_BACK[row[1]], row[2]) for row in db.execute(back.group_by(ALERTS.c.type, MESSAGES.c.state))]
    return sorted(told)


def _budget(db: Connection, now_ms: int) -> list[tuple[str, int, int, str]]:
    """Alerts mailed of each study in seven days, over the subjects that any alert on record names."""
    mailed = (
        select(ALERTS.c.study, MESSAGES.c.alert_id)
        .join(ALERTS, _ITS_ALERT)
        .where(MESSAGES.c.state == "accepted", MESSAGES.c.kind == "alert", MESSAGES.c.settled_at > now_ms - 7 * _DAY)
        .distinct()
    )
    counts: dict[str, int] = {}
    for row in db.execute(mailed):
        counts[row.study] = counts.get(row.study, 0) + 1
    subjects: dict[str, set[str]] = {}
    for row in db.execute(select(ALERTS.c.study, ALERTS.c.content).where(ALERTS.c.study.in_(counts))):
        if (subject := json.loads(row.content).get("subject")) is not None:
            subjects.setdefault(row.study, set()).add(subject)
    return [
        (study, number, len(subjects.get(study, ())), _rate(number, len(subjects.get(study, ()))))
        for study, number in sorted(counts.items())
    ]


def _rate(mailed: int, subjects: int) -> str:
    return f"{Decimal(mailed) / subjects:.1f}" if subjects else "no subject"


def _queue(db: Connection, person: Recipient, content: str, due: int, now_ms: int) -> None:
    id_ = alert_id("digest", due, person.key)
    told = json.dumps([person.channel, person.address, person.display_name])
    db.execute(insert(NOTICES).values(id=id_, kind="digest", study="-", person=told, content=content, made_at=now_ms))
    db.execute(insert(MESSAGES).values(**notice_message(id_, "digest", person, 2, now_ms)))
