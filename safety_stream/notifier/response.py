"""How alerts were answered, in numbers for the metrics: from the moves and messages on record, so that a restart, a
command and a second messenger count alike. By study and type; never a subject.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Engine, and_, func, select

from safety_stream.alerting.notes import BudgetLine
from safety_stream.notifier.day import budget
from safety_stream.notifier.gathering import silences
from safety_stream.notifier.tables import ALERTS, MESSAGES, TRANSITIONS

HELD_BACK: Final = ("silenced", "gathered", "listed", "superseded", "answered", "contained")
"""What becomes of a message that is not a mail of its own, or not yet."""
_STEPS: Final = ("stepped_up", "passed_on", "refused_mail")
_BUDGET_EVERY_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Responses:
    """Steps up by study, type and level; seconds from the first mail to the answer by type; the rest by study."""

    steps: dict[tuple[str, str, int], int] = field(default_factory=dict)
    seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)
    held_back: dict[tuple[str, str], int] = field(default_factory=dict)
    budget: tuple[BudgetLine, ...] = ()
    silences: int = 0
    studies: tuple[str, ...] = ()


class Answered:
    """Reads the numbers; the budget, which reads every alert, at most once a minute."""

    def __init__(self, engine: Engine, now_ms: Callable[[], int], limit: Decimal) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self._limit = limit
        self._budget: tuple[int, tuple[BudgetLine, ...]] = (0, ())

    def __call__(self) -> Responses:
        """The numbers now."""
        now = self._now_ms()
        with self._engine.connect() as db:
            return Responses(
                steps={(row.study, row.type, row.level): row.n for row in db.execute(_STEPPED)},
                seconds=_seconds(db),
                held_back={(row.study, row.state): row.n for row in db.execute(_HELD_BACK)},
                budget=self._budget_now(db, now),
                silences=len(silences(db, now)),
                studies=tuple(db.scalars(select(ALERTS.c.study).distinct())),
            )

    def _budget_now(self, db: Connection, now: int) -> tuple[BudgetLine, ...]:
        read_at, lines = self._budget
        if now - read_at >= _BUDGET_EVERY_MS:
            lines = tuple(budget(db, now, self._limit))
            self._budget = (now, lines)
        return lines


def _seconds(db: Connection) -> dict[str, tuple[float, ...]]:
    found: dict[str, list[float]] = {}
    for type_, seconds in _waits(db):
        found.setdefault(type_, []).append(seconds)
    return {type_: tuple(seconds) for type_, seconds in found.items()}


def _waits(db: Connection) -> Iterator[tuple[str, float]]:
    for row in db.execute(_ANSWERED):
        yield row.type, max(0.0, (row.at - row.first) / 1000)


def _moves(*columns: Any) -> Any:
    its_alert = and_(ALERTS.c.id == TRANSITIONS.c.alert_id, ALERTS.c.revision == TRANSITIONS.c.revision)
    return select(*columns).join_from(TRANSITIONS, ALERTS, its_alert)


_STEPPED: Final = (
    _moves(ALERTS.c.study, ALERTS.c.type, TRANSITIONS.c.level, func.count().label("n"))
    .where(TRANSITIONS.c.what.in_(_STEPS))
    .group_by(ALERTS.c.study, ALERTS.c.type, TRANSITIONS.c.level)
)
_ANSWERED: Final = (
    _moves(ALERTS.c.type, TRANSITIONS.c.at, func.min(MESSAGES.c.settled_at).label("first"))
    .join(
        MESSAGES,
        and_(MESSAGES.c.alert_id == TRANSITIONS.c.alert_id, MESSAGES.c.revision == TRANSITIONS.c.revision),
    )
    .where(TRANSITIONS.c.what == "acknowledged", MESSAGES.c.state == "accepted", MESSAGES.c.kind == "alert")
    .group_by(TRANSITIONS.c.id, ALERTS.c.type, TRANSITIONS.c.at)
)
_HELD_BACK: Final = (
    select(ALERTS.c.study, MESSAGES.c.state, func.count().label("n"))
    .join(ALERTS, and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision))
    .where(MESSAGES.c.state.in_(HELD_BACK))
    .group_by(ALERTS.c.study, MESSAGES.c.state)
)
