"""The course of one alert as it is on record, in the order of time: every move, every try to tell, every answer.

Who, when (the clock of the server), from where, why. Nothing of it is ever changed; this only reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, select

from safety_stream.notifier.courses import moment
from safety_stream.notifier.tables import ANSWERS, ATTEMPTS, MESSAGES, TRANSITIONS

COLUMNS: Final = ("at", "revision", "level", "what", "who", "from", "why")
_HELD_BACK: Final = ("silenced", "gathered", "listed", "superseded", "answered", "contained")


@dataclass(frozen=True, slots=True, order=True)
class Happened:
    """One thing that happened to an alert."""

    at: datetime
    revision: int
    level: int
    what: str
    who: str
    origin: str
    why: str

    @property
    def cells(self) -> tuple[str, ...]:
        """As a line of a list."""
        at = f"{self.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        return (at, str(self.revision), str(self.level), self.what, self.who, self.origin, self.why)


def history(engine: Engine, alert: str) -> list[Happened]:
    """Everything on record about an alert; nothing for one that is not there."""
    with engine.connect() as db:
        return sorted([*_moves(db, alert), *_tries(db, alert), *_held_back(db, alert), *_refused(db, alert)])


def _moves(db: Connection, alert: str) -> Iterator[Happened]:
    for row in db.execute(select(TRANSITIONS).where(TRANSITIONS.c.alert_id == alert)):
        yield Happened(moment(row.at), row.revision, row.level, row.what, row.who, row.origin, row.why)


def _tries(db: Connection, alert: str) -> Iterator[Happened]:
    """Each try that has ended, with what the server said."""
    tried = (
        select(ATTEMPTS, MESSAGES.c.revision, MESSAGES.c.level, MESSAGES.c.recipient, MESSAGES.c.kind)
        .join(MESSAGES, MESSAGES.c.id == ATTEMPTS.c.message_id)
        .where(MESSAGES.c.alert_id == alert)
    )
    for row in db.execute(tried):
        at = moment(row.finished_at if row.finished_at is not None else row.started_at)
        what = f"{row.kind} {row.result or 'on its way'}"
        yield Happened(at, row.revision, row.level, what, row.recipient, f"try {row.number}", row.said)


def _held_back(db: Connection, alert: str) -> Iterator[Happened]:
    """Each message that is no mail of its own."""
    held = select(MESSAGES).where(MESSAGES.c.alert_id == alert, MESSAGES.c.state.in_(_HELD_BACK))
    for row in db.execute(held):
        yield Happened(moment(row.queued_at), row.revision, row.level, f"{row.kind} {row.state}", row.recipient, "", "")


def _refused(db: Connection, alert: str) -> Iterator[Happened]:
    """Each answer that changed nothing."""
    told = select(ANSWERS).where(ANSWERS.c.alert_id == alert, ANSWERS.c.outcome != "taken")
    for row in db.execute(told):
        yield Happened(moment(row.at), 0, 0, "answer not taken", row.record, row.origin, row.outcome)
