"""What a graver alert of its mail is answered for: closed when the mail is out, open again when that is taken back."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, select, update

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.course import Moves, contained, revived
from safety_stream.notifier.courses import Kept, load, moment, write
from safety_stream.notifier.tables import MESSAGES

_ASKS: Final = ("pending", "accepted", "gathered", "listed")


def close_contained(db: Connection, alert: Alert, graver: str, now_ms: int) -> None:
    """Nobody has to answer it, unless somebody was told of it by itself."""
    known = load(db, [alert.id]).get(alert.id)
    if known is None or known.course.revision != alert.revision or _asked(db, alert):
        return
    _move(db, known, contained(known.course, graver, moment(now_ms)))


def revive(db: Connection, gravers: Iterable[str], now_ms: int) -> None:
    """Graver alerts were taken back: what they contained is told and answered by itself, where it still stands."""
    for graver in sorted(set(gravers)):
        held = MESSAGES.c.contained_in == graver, MESSAGES.c.state == "contained"
        for row in db.execute(select(MESSAGES).where(*held).order_by(MESSAGES.c.id)).all():
            known = load(db, [row.alert_id]).get(row.alert_id)
            here = MESSAGES.c.id == row.id
            if known is None or known.course.revision != row.revision:
                continue  # a newer revision has told what holds, or took it back
            again = {"state": "pending", "mail": None, "contained_in": None, "settled_at": None, "next_try": now_ms}
            db.execute(update(MESSAGES).where(here).values(**again))
            _move(db, known, revived(known.course, moment(now_ms)))


def _asked(db: Connection, alert: Alert) -> bool:
    mine = MESSAGES.c.alert_id == alert.id, MESSAGES.c.revision == alert.revision, MESSAGES.c.kind == "alert"
    return db.execute(select(MESSAGES.c.id).where(*mine, MESSAGES.c.state.in_(_ASKS)).limit(1)).first() is not None


def _move(db: Connection, known: Kept, moves: Moves) -> None:
    if moves:
        write(db, replace(known, course=moves[-1].course), moves, "alerts")
