"""Open alerts for an operator: how urgent, how old, due when, and who was told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, and_, select

from safety_stream.alerting.alert import Alert
from safety_stream.notifier.courses import kept
from safety_stream.notifier.tables import ALERTS, COURSES, MESSAGES

COLUMNS: Final = ("alert", "revision", "urgency", "state", "level", "age", "due", "study", "told", "headline")
_WAITING: Final = ("open", "acknowledged")
_ITS_ALERT: Final = and_(ALERTS.c.id == COURSES.c.alert_id, ALERTS.c.revision == COURSES.c.revision)


@dataclass(frozen=True, slots=True)
class Row:
    """One alert in the list. ``overdue``: nobody answered in time."""

    cells: tuple[str, ...]
    overdue: bool


def listed(engine: Engine, now: datetime, everything: bool = False) -> list[Row]:
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
            _age(course.opened_at, now),
            f"{due:%Y-%m-%dT%H:%M:%SZ}" if due is not None else "",
            *(alert.study, "; ".join(sorted(set(told.get((alert.id, alert.revision), ())))), alert.headline),
        )
        found.append(Row(cells, course.state == "open" and (course.level > 1 or course.round > 1)))
    return found


def _age(since: datetime, now: datetime) -> str:
    minutes = max(0, int((now - since).total_seconds() // 60))
    return f"{minutes // 60}h{minutes % 60:02}m"
