"""Open alerts for an operator, and the numbers that metrics show: by state, overdue, not mailed by reason."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, and_, func, select

from safety_stream.alerting.alert import Alert
from safety_stream.notifier.courses import kept, moment
from safety_stream.notifier.tables import ALERTS, COURSES, MESSAGES

COLUMNS: Final = ("alert", "revision", "urgency", "state", "level", "due", "study", "told", "headline")
_WAITING: Final = ("open", "acknowledged")
_ITS_ALERT: Final = and_(ALERTS.c.id == COURSES.c.alert_id, ALERTS.c.revision == COURSES.c.revision)
_NOT_MAILED: Final = ("silenced", "superseded", "answered", "gathered", "listed", "contained")


@dataclass(frozen=True, slots=True)
class Row:
    """One alert in the list. ``overdue``: nobody answered in time."""

    cells: tuple[str, ...]
    overdue: bool


@dataclass(frozen=True, slots=True)
class Standings:
    """Counts by (study, type, urgency): those that wait by state, those past their time, and since when the oldest."""

    waiting: dict[tuple[str, str, str, str], int]
    overdue: dict[tuple[str, str], int]
    oldest: dict[tuple[str, str], datetime]


def listed(engine: Engine, everything: bool = False) -> list[Row]:
    """The alerts that wait, the next due first."""
    query = select(COURSES, ALERTS.c.content).join(ALERTS, _ITS_ALERT)
    if not everything:
        query = query.where(COURSES.c.state.in_(_WAITING))
    with engine.begin() as db:
        rows = db.execute(query.order_by(COURSES.c.due_at.is_(None), COURSES.c.due_at, COURSES.c.alert_id)).all()
        told: dict[tuple[str, int], list[str]] = {}
        for one in db.execute(select(MESSAGES).where(MESSAGES.c.alert_id.in_([row.alert_id for row in rows]))):
            told.setdefault((one.alert_id, one.revision), []).append(f"{one.recipient} {one.state}")
    found = []
    for row in rows:
        alert, course = Alert.model_validate_json(row.content), kept(row).course
        due = course.step_at or course.decide_by
        cells = (
            *(alert.id, str(alert.revision), alert.urgency, course.state, str(course.level)),
            f"{due:%Y-%m-%dT%H:%M:%SZ}" if due is not None else "",
            *(alert.study, "; ".join(sorted(set(told.get((alert.id, alert.revision), ())))), alert.headline),
        )
        found.append(Row(cells, course.state == "open" and (course.level > 1 or course.round > 1)))
    return found


def standings(engine: Engine) -> Standings:
    """How many alerts wait, by state; how many of the unanswered are past their time, by study and urgency."""
    query = select(COURSES, ALERTS.c.study, ALERTS.c.type, ALERTS.c.urgency).join(ALERTS, _ITS_ALERT)
    waiting: Counter[tuple[str, str, str, str]] = Counter()
    overdue: Counter[tuple[str, str]] = Counter()
    oldest: dict[tuple[str, str], datetime] = {}
    with engine.begin() as db:
        for row in db.execute(query.where(COURSES.c.state.in_(_WAITING))):
            state = "unacknowledged" if row.state == "open" else "acknowledged"
            waiting[row.study, row.type, row.urgency, state] += 1
            if row.state == "open":
                key = (row.study, row.urgency)
                overdue[key] += row.level > 1 or row.round > 1
                oldest[key] = min(oldest.get(key, moment(row.opened_at)), moment(row.opened_at))
    return Standings(dict(waiting), dict(overdue), oldest)


def not_mailed(engine: Engine) -> dict[tuple[str, str], int]:
    """Alerts that were held, by study and the policy's reason; those held back later, by what became of them."""
    held = select(ALERTS.c.study, ALERTS.c.reason, func.count()).where(ALERTS.c.action == "hold")
    back = (
        select(ALERTS.c.study, MESSAGES.c.state, func.count(MESSAGES.c.alert_id.distinct()))
        .join(ALERTS, and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision))
        .where(MESSAGES.c.state.in_(_NOT_MAILED))
    )
    with engine.begin() as db:
        found = [
            *db.execute(held.group_by(ALERTS.c.study, ALERTS.c.reason)),
            *db.execute(back.group_by(ALERTS.c.study, MESSAGES.c.state)),
        ]
    return {(row[0], row[1]): row[2] for row in found}
