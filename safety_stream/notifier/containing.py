"""What a graver alert of its mail is answered for: closed when the mail is out, open again when that tells it no more.

    Hy's law, revision 1: ALT, bilirubin      one mail; the alert of the ALT is contained, nobody is asked
    Hy's law, revision 2: AST, bilirubin      the ALT is told, and answered, by itself

Whether a graver alert tells a lesser one is asked of its newest revision on record, and asked again whenever a revision
comes in and whenever such a mail is out: so it does not matter which was first. In doubt the lesser alert is told.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, and_, exists, not_, select, update
from sqlalchemy.engine import Row

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.course import Moves, contained, revived
from safety_stream.alerting.inhibition import contained as told_by_graver
from safety_stream.alerting.inhibition import contains
from safety_stream.notifier.courses import Kept, load, moment, write
from safety_stream.notifier.tables import ALERTS, MESSAGES

_ASKS: Final = ("pending", "accepted", "gathered", "listed")
_LATER: Final = ALERTS.alias("later")
_ITS_ALERT: Final = and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision)


def lock(db: Connection, gravers: Collection[str]) -> None:
    """Take the courses of these alerts and of all that they contain, in one order: nobody waits in a circle."""
    inside = select(MESSAGES.c.alert_id).where(MESSAGES.c.contained_in.in_(gravers)).distinct()
    if found := db.scalars(inside).all():
        load(db, {*gravers, *found})


def inside(db: Connection, alerts: Collection[Alert]) -> dict[str, str]:
    """For each alert of a mail that needs no answer of its own: the graver one that tells it, here and by now."""
    if not told_by_graver(alerts):
        return {}
    newest = _newest(db, {one.id for one in alerts})
    return {id_: graver.id for id_, graver in told_by_graver(alerts, newest).items()}


def close_contained(db: Connection, alert: Alert, graver: str, now_ms: int) -> None:
    """Nobody has to answer it, unless somebody was told of it by itself."""
    known = load(db, [alert.id]).get(alert.id)
    if known is None or known.course.revision != alert.revision or _asked(db, alert):
        return
    _move(db, known, contained(known.course, graver, moment(now_ms)))


def revive(db: Connection, gravers: Collection[str], now_ms: int) -> int:
    """What these no longer tell, taken back or revised, is told and answered by itself; how many messages."""
    if not gravers:
        return 0
    held = MESSAGES.c.contained_in.in_(gravers), MESSAGES.c.state == "contained"
    rows = db.execute(select(MESSAGES, ALERTS.c.content).join(ALERTS, _ITS_ALERT).where(*held).order_by(MESSAGES.c.id))
    closed, again = rows.all(), 0
    newest = _newest(db, {row.contained_in for row in closed})
    for row in closed:
        graver = newest.get(row.contained_in)
        if graver is None or not contains(graver, Alert.model_validate_json(row.content)):
            again += _revive(db, row, now_ms)
    return again


def _revive(db: Connection, row: Row[Any], now_ms: int) -> int:
    known = load(db, [row.alert_id]).get(row.alert_id)
    if known is None or known.course.revision != row.revision:
        return 0  # a newer revision has told what holds, or took it back
    again = {"state": "pending", "mail": None, "contained_in": None, "settled_at": None, "next_try": now_ms}
    db.execute(update(MESSAGES).where(MESSAGES.c.id == row.id).values(**again))
    _move(db, known, revived(known.course, moment(now_ms)))
    return 1


def _newest(db: Connection, ids: Iterable[str]) -> Mapping[str, Alert]:
    """The newest revision on record of each."""
    overtaken = exists().where(_LATER.c.id == ALERTS.c.id, _LATER.c.revision > ALERTS.c.revision)
    rows = db.execute(select(ALERTS.c.id, ALERTS.c.content).where(ALERTS.c.id.in_(set(ids)), not_(overtaken)))
    return {row.id: Alert.model_validate_json(row.content) for row in rows}


def _asked(db: Connection, alert: Alert) -> bool:
    mine = MESSAGES.c.alert_id == alert.id, MESSAGES.c.revision == alert.revision, MESSAGES.c.kind == "alert"
    return db.execute(select(MESSAGES.c.id).where(*mine, MESSAGES.c.state.in_(_ASKS)).limit(1)).first() is not None


def _move(db: Connection, known: Kept, moves: Moves) -> None:
    if moves:
        write(db, replace(known, course=moves[-1].course), moves, "alerts")
