"""What the database tells of a day: alerts that wait, what was not mailed and why, what a study cost its readers."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.engine import Row

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import REASONS
from safety_stream.alerting.notes import BudgetLine, Line, NotMailed
from safety_stream.notifier.courses import moment
from safety_stream.notifier.tables import ALERTS, COURSES, MESSAGES

DAY_MS: Final = 86_400_000
HELD_BACK: Final = {
    "silenced": "silenced",
    "superseded": "superseded",
    "answered": "answered_before",
    "contained": "contained",
}
"""What became of messages that were not sent, and the word for it."""
_ITS_ALERT: Final = and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision)


@dataclass(frozen=True, slots=True)
class Open:
    """An alert that waits, with its study."""

    study: str
    line: Line


def open_alerts(db: Connection) -> list[Open]:
    """What waits for an answer or a decision, the next due first; what is never due again comes last."""
    rows = db.execute(
        select(COURSES, ALERTS.c.content)
        .join(ALERTS, and_(ALERTS.c.id == COURSES.c.alert_id, ALERTS.c.revision == COURSES.c.revision))
        .where(COURSES.c.state.in_(("open", "acknowledged")))
        .order_by(COURSES.c.due_at.is_(None), COURSES.c.due_at, COURSES.c.alert_id)
    )
    return [_open(row) for row in rows]


def line_of(alert: Alert, due_ms: int | None, level: int) -> Line:
    """An alert in a list."""
    return Line(
        alert=alert.id,
        revision=alert.revision,
        type=alert.type,
        case=alert.case,
        urgency=alert.urgency,
        subject=alert.subject,
        headline=alert.headline,
        answer_by=moment(due_ms) if due_ms is not None else None,
        level=level,
        historical=alert.decision.reason == "historical",
    )


def _open(row: Row[Any]) -> Open:
    alert = Alert.model_validate_json(row.content)
    return Open(alert.study, line_of(alert, row.step_at or row.decide_by, row.level))


def not_mailed(db: Connection, now_ms: int, studies: Collection[str], days: int = 1) -> list[NotMailed]:
    """Alerts of the last days that were held, by the policy's reason; and messages held back afterwards."""
    since = now_ms - days * DAY_MS
    held = (
        select(ALERTS.c.type, ALERTS.c.reason, func.count())
        .where(ALERTS.c.action == "hold", ALERTS.c.recorded_at > since, ALERTS.c.study.in_(studies))
        .group_by(ALERTS.c.type, ALERTS.c.reason)
    )
    back = (
        select(ALERTS.c.type, MESSAGES.c.state, func.count(MESSAGES.c.alert_id.distinct()))
        .join(ALERTS, _ITS_ALERT)
        .where(MESSAGES.c.state.in_(HELD_BACK), MESSAGES.c.queued_at > since, ALERTS.c.study.in_(studies))
        .group_by(ALERTS.c.type, MESSAGES.c.state)
    )
    told = [NotMailed(type=row[0], why=str(REASONS.get(row[1], row[1])), count=row[2]) for row in db.execute(held)]
    told += [NotMailed(type=row[0], why=HELD_BACK[row[1]], count=row[2]) for row in db.execute(back)]
    return sorted(told, key=lambda one: (one.type, one.why))


def budget(db: Connection, now_ms: int, limit: Decimal) -> list[BudgetLine]:
    """Alerts mailed of each study in seven days, over the subjects that any alert on record names."""
    mailed = (
        select(ALERTS.c.study, func.count(MESSAGES.c.alert_id.distinct()).label("mailed"))
        .join(ALERTS, _ITS_ALERT)
        .where(MESSAGES.c.state == "accepted", MESSAGES.c.kind == "alert", MESSAGES.c.settled_at > now_ms - 7 * DAY_MS)
        .group_by(ALERTS.c.study)
        .order_by(ALERTS.c.study)
    )
    return [
        BudgetLine(study=row.study, mailed=row.mailed, subjects=_subjects(db, row.study), limit=limit)
        for row in db.execute(mailed).all()
    ]


def _subjects(db: Connection, study: str) -> int:
    content = db.scalars(select(ALERTS.c.content).where(ALERTS.c.study == study))
    return len({json.loads(one).get("subject") for one in content} - {None})
