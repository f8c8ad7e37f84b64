"""The messages that make one mail: to the same person, of the same specimen, frozen at the first try.

A mail that was tried is tried again with the same alerts under the same Message-ID: a copy that did arrive and one
that comes after it must not differ. What comes in later is the next mail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, select, update
from sqlalchemy.engine import Row

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.grouping import together, worst_first
from safety_stream.notifier.containing import inside
from safety_stream.notifier.tables import ALERTS, MESSAGES

_EARLIER: Final = MESSAGES.alias("before")
_ITS_ALERT: Final = and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision)
_AT_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Mail:
    """The rows of one mail, worst first; ``inside``: by alert the graver one that is answered for it."""

    rows: tuple[Row[Any], ...]
    inside: Mapping[str, str]


def mail_of(db: Connection, row: Row[Any], now_ms: int) -> Mail:
    """The message with all that its mail tells; the message may be left for the next one when there is worse."""
    if row.shelf is None or (row.mail is None and row.tries > 0):
        return Mail((row,), {})
    if row.mail is not None:
        return _tried(_ordered(_waiting(db, MESSAGES.c.mail == row.mail, now_ms)) or (row,))
    fresh = (MESSAGES.c.shelf == row.shelf, MESSAGES.c.recipient == row.recipient)
    rows = _tied(row, _waiting(db, and_(*fresh, MESSAGES.c.mail.is_(None), MESSAGES.c.tries == 0), now_ms))
    if len(rows) < 2:
        return Mail(rows or (row,), {})
    found = inside(db, [_alert(one) for one in rows])
    for one in rows:
        told = {"mail": rows[0].id, "contained_in": found.get(one.alert_id)}
        db.execute(update(MESSAGES).where(MESSAGES.c.id == one.id).values(**told))
    return Mail(rows, found)


def _tried(rows: tuple[Row[Any], ...]) -> Mail:
    """The mail again as it was first tried; what its graver alert no longer tells is told when it is out."""
    here = {one.alert_id for one in rows}
    return Mail(rows, {one.alert_id: one.contained_in for one in rows if one.contained_in in here})


def _waiting(db: Connection, which: ColumnElement[bool], now_ms: int) -> Sequence[Row[Any]]:
    """Those that nobody has in hand; of one alert the earliest revision alone."""
    first = not_(
        exists().where(
            _EARLIER.c.alert_id == MESSAGES.c.alert_id,
            _EARLIER.c.recipient == MESSAGES.c.recipient,
            _EARLIER.c.revision < MESSAGES.c.revision,
            _EARLIER.c.state == "pending",
        )
    )
    free = (MESSAGES.c.state == "pending", MESSAGES.c.claimed_until <= now_ms)
    return db.execute(
        select(MESSAGES, ALERTS.c.content, ALERTS.c.recipients)
        .join(ALERTS, _ITS_ALERT)
        .where(which, *free, first)
        .order_by(MESSAGES.c.rank, MESSAGES.c.id)
        .limit(_AT_MOST)
        .with_for_update(skip_locked=True, of=MESSAGES)
    ).all()


def _tied(row: Row[Any], waiting: Sequence[Row[Any]]) -> tuple[Row[Any], ...]:
    by_id = {one.alert_id: one for one in waiting} | {row.alert_id: row}
    alerts = {id_: _alert(one) for id_, one in by_id.items()}
    seed = alerts.pop(row.alert_id)
    return tuple(by_id[one.id] for one in together(seed, alerts.values()))


def _ordered(rows: Sequence[Row[Any]]) -> tuple[Row[Any], ...]:
    by_id = {one.alert_id: one for one in rows}
    return tuple(by_id[one.id] for one in worst_first(map(_alert, rows)))


def _alert(row: Row[Any]) -> Alert:
    return Alert.model_validate_json(row.content)
