"""How the alerts stand: open, overdue, oldest, from what is on record. Counts by study, type and urgency; no subject.

An alert is open while its newest revision is one that was sent and takes nothing back. Who has acknowledged what, and
when an answer is due, is asked of functions that the keeper of answers gives.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from sqlalchemy import Engine, and_, func, select

from safety_stream.alerting.alert import AlertType
from safety_stream.alerting.catalogue import CATALOGUE
from safety_stream.notifier.tables import ALERTS

State = Literal["unacknowledged", "acknowledged"]
_WITHIN_MS: Final[dict[str, int]] = {
    kind: min(
        int(entry.answer_within.total_seconds() * 1000) for (other, _), entry in CATALOGUE.items() if other == kind
    )
    for kind, _ in CATALOGUE
}


class Alerted(Protocol):
    """The newest revision of an open alert, as it is on record."""

    @property
    def id(self) -> str:
        """The alert's id."""
        ...

    @property
    def revision(self) -> int:
        """Its newest revision."""
        ...

    @property
    def type(self) -> str:
        """Its type."""
        ...

    @property
    def recorded_at(self) -> int:
        """When it was recorded, in Unix ms."""
        ...


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """The open alerts in numbers, by study, type, urgency and state; overdue and oldest by study and urgency."""

    open: dict[tuple[str, AlertType, str, State], int] = field(default_factory=dict)
    overdue: dict[tuple[str, str], int] = field(default_factory=dict)
    oldest_ms: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Reads the counts; whoever keeps answers gives ``acknowledged``: the ids of alerts whose newest revision has one.

    ``due``: when an alert that is not acknowledged is overdue; the catalogue's time after it was recorded by default.
    """

    engine: Engine
    now_ms: Callable[[], int]
    acknowledged: Callable[[], frozenset[str]] = frozenset
    due: Callable[[Alerted], int] | None = None

    def __call__(self) -> AlertCounts:
        """The counts now."""
        with self.engine.connect() as db:
            rows = db.execute(_OPEN).all()
        answered, now = self.acknowledged(), self.now_ms()
        opened: Counter[tuple[str, AlertType, str, State]] = Counter()
        overdue: Counter[tuple[str, str]] = Counter()
        oldest: dict[tuple[str, str], int] = {}
        for row in rows:
            key = (row.study, row.urgency)
            is_answered = row.id in answered
            opened[row.study, row.type, row.urgency, "acknowledged" if is_answered else "unacknowledged"] += 1
            overdue[key] += not is_answered and self._due(row) < now
            if not is_answered:
                oldest[key] = min(row.recorded_at, oldest.get(key, row.recorded_at))
        return AlertCounts(dict(opened), dict(overdue), oldest)

    def _due(self, row: Alerted) -> int:
        return self.due(row) if self.due else int(row.recorded_at) + _WITHIN_MS[row.type]


_NEWEST: Final = (
    select(ALERTS.c.id, func.max(ALERTS.c.revision).label("revision")).group_by(ALERTS.c.id).subquery("newest")
)
_OPEN: Final = (
    select(ALERTS.c.id, ALERTS.c.revision, ALERTS.c.study, ALERTS.c.type, ALERTS.c.urgency, ALERTS.c.recorded_at)
    .join(_NEWEST, and_(_NEWEST.c.id == ALERTS.c.id, _NEWEST.c.revision == ALERTS.c.revision))
    .where(ALERTS.c.action == "send", ALERTS.c.reason != "withdrawn")
)
