"""How the alerts stand and were answered, from their courses on record. By study, type and urgency; never a subject.

An alert is open while an answer, or a decision after the answer, is asked of somebody. It is overdue when the time for
its first answer has passed and nobody has answered: the next in line being told does not make it less late.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import Engine, and_, select

from safety_stream.alerting.alert import AlertType
from safety_stream.notifier.tables import ALERTS, COURSES

State = Literal["unacknowledged", "acknowledged"]
_STATES: Final[dict[str, State]] = {"open": "unacknowledged", "acknowledged": "acknowledged"}


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """The open alerts in numbers, by study, type, urgency and state; overdue and oldest by study and urgency."""

    open: dict[tuple[str, AlertType, str, State], int] = field(default_factory=dict)
    overdue: dict[tuple[str, str], int] = field(default_factory=dict)
    oldest_ms: dict[tuple[str, str], int] = field(default_factory=dict)
    studies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """Reads the counts."""

    engine: Engine
    now_ms: Callable[[], int]

    def __call__(self) -> AlertCounts:
        """The counts now, and every study that ever had an alert: a study without an open one is shown with zero."""
        with self.engine.connect() as db:
            rows, studies = db.execute(_OPEN).all(), frozenset(db.scalars(_STUDIES))
        now = self.now_ms()
        opened: Counter[tuple[str, AlertType, str, State]] = Counter()
        overdue: Counter[tuple[str, str]] = Counter()
        oldest: dict[tuple[str, str], int] = {}
        for row in rows:
            key = (row.study, row.urgency)
            opened[row.study, row.type, row.urgency, _STATES[row.state]] += 1
            if row.state == "open":
                overdue[key] += row.opened_at + 1000 * json.loads(row.ladder)["within"] < now
                oldest[key] = min(row.opened_at, oldest.get(key, row.opened_at))
        return AlertCounts(dict(opened), dict(overdue), oldest, studies)


_STUDIES: Final = select(ALERTS.c.study).where(ALERTS.c.action == "send").distinct()
_OPEN: Final = (
    select(ALERTS.c.study, ALERTS.c.type, ALERTS.c.urgency, COURSES.c.state, COURSES.c.opened_at, COURSES.c.ladder)
    .join(ALERTS, and_(ALERTS.c.id == COURSES.c.alert_id, ALERTS.c.revision == COURSES.c.revision))
    .where(COURSES.c.state.in_(_STATES))
)
