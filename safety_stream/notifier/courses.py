"""The courses of alerts in the database: read with a lock, moved by the pure machine, every move written down.

One transaction moves an alert, writes the move and queues the mails that it asks for: all of it or nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.engine import Row

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import REASONS, entry, lines_of
from safety_stream.alerting.course import REPEAT_EVERY, Course, Ladder, Moves, ended, opened
from safety_stream.notifier.ledger import Ledger
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import COURSES, TRANSITIONS

People = tuple[tuple[Recipient, ...], ...]
_MOST_IDS: Final = 400


@dataclass(frozen=True, slots=True)
class Kept:
    """A course with the people of its ladder, as the database keeps it."""

    alert_id: str
    course: Course
    people: People
    finding: str | None


def load(db: Connection, ids: Iterable[str]) -> dict[str, Kept]:
    """The courses of these alerts, locked in the order of their ids until the transaction ends."""
    wanted, found = sorted(set(ids)), {}
    for start in range(0, len(wanted), _MOST_IDS):
        part = wanted[start : start + _MOST_IDS]
        for row in db.execute(
            select(COURSES).where(COURSES.c.alert_id.in_(part)).order_by(COURSES.c.alert_id).with_for_update()
        ):
            found[row.alert_id] = kept(row)
    return found


def kept(row: Row[Any]) -> Kept:
    """One row of the table."""
    told = json.loads(row.ladder)
    within = timedelta(seconds=told["within"])
    ladder = Ladder(within, len(told["people"]), _span(told["decide"]), _span(told["repeat"]))
    course = Course(
        revision=row.revision,
        state=row.state,
        ladder=ladder,
        opened_at=moment(row.opened_at),
        level=row.level,
        round=row.round,
        step_at=_moment(row.step_at),
        remind_at=_moment(row.remind_at),
        decide_by=_moment(row.decide_by),
        answered_at=_moment(row.answered_at),
        answered_by=row.answered_by,
    )
    people = tuple(tuple(map(Recipient.of, line)) for line in told["people"])
    return Kept(row.alert_id, course, people, row.finding)


def take_in(db: Connection, alerts: Sequence[Alert], routing: Routing, at: datetime) -> None:
    """Alert revisions that are new on record: their courses open, go on or end."""
    known = load(db, (alert.id for alert in alerts))
    for alert in sorted(alerts, key=lambda one: one.revision):
        before = known.get(alert.id)
        people = before.people if before is not None else people_of(alert, routing)
        moves = _engine_moves(alert, before.course if before else None, people, at)
        if moves:
            finding = alert.finding.id if alert.finding is not None else None
            known[alert.id] = Kept(alert.id, moves[-1].course, people, finding)
            write(db, known[alert.id], moves, "alerts", is_new=before is None)


def write(db: Connection, now: Kept, moves: Moves, origin: str, is_new: bool = False) -> None:
    """The course as it is now, and each move as it happened; a move is written once and never changed."""
    values = _values(now)
    if is_new:
        db.execute(insert(COURSES).values(alert_id=now.alert_id, **values))
    else:
        db.execute(update(COURSES).where(COURSES.c.alert_id == now.alert_id).values(**values))
    last = db.scalar(select(func.max(TRANSITIONS.c.number)).where(TRANSITIONS.c.alert_id == now.alert_id)) or 0
    db.execute(
        insert(TRANSITIONS),
        [
            {
                "alert_id": now.alert_id,
                "number": last + number,
                "revision": move.course.revision,
                "what": move.what,
                "before": move.before,
                "after": move.course.state,
                "level": move.course.level,
                "round": move.course.round,
                "at": ms(move.at),
                "who": move.who,
                "origin": origin,
                "why": move.why,
            }
            for number, move in enumerate(moves, 1)
        ],
    )


def tell(ledger: Ledger, now: Kept, moves: Moves, revision: int | None = None) -> None:
    """Queue the mails that the moves ask for; a note of an answer goes to everybody who got the alert."""
    for move in moves:
        if (to := move.tell) is None:
            continue
        number = move.course.revision if revision is None else revision
        held = ledger.alerts[now.alert_id].get(number)
        if held is None:
            continue
        if to.kind == "answered":
            got = tuple(one for one in held.people if _may_have_it(ledger, now.alert_id, number, one))
            ledger.queue(now.alert_id, number, got, to)
        else:
            ledger.widen(now.alert_id, number, held, now.people[to.level - 1], to)


def _may_have_it(ledger: Ledger, id_: str, revision: int, person: Recipient) -> bool:
    return "accepted" in ledger.messages.get((id_, revision, person.key), {}).values()


def people_of(alert: Alert, routing: Routing) -> People:
    """The ladder in people: each level that has somebody; the first may be empty only when all are."""
    lines = (routing.recipients(alert, level) for level in range(1, len(lines_of(alert)) + 1))
    return tuple(line for line in lines if line) or ((),)


def ladder_of(alert: Alert, people: People) -> Ladder:
    """The ladder of an alert. What is told for information is not repeated to the last level again and again."""
    told = entry(alert.type, alert.case)
    repeat = REPEAT_EVERY if alert.urgency != "info" else None
    return Ladder(told.answer_within, len(people), told.decide_within, repeat)


def _engine_moves(alert: Alert, before: Course | None, people: People, at: datetime) -> Moves:
    ladder = before.ladder if before is not None else ladder_of(alert, people)
    why = REASONS[alert.decision.reason]
    if alert.decision.action == "hold":
        return ended(before, alert.revision, ladder, at, state="closed", why=why) if before is not None else ()
    if alert.state == "withdrawn":
        return ended(before, alert.revision, ladder, at, state="withdrawn", why=why)
    if alert.state == "ended" or alert.decision.reason == "adjudicated":
        return ended(before, alert.revision, ladder, at, state="closed", why=why)
    return opened(before, alert.revision, ladder, at)


def _values(now: Kept) -> dict[str, Any]:
    course = now.course
    ladder = {
        "within": course.ladder.answer_within.total_seconds(),
        "repeat": _seconds(course.ladder.repeat_every),
        "decide": _seconds(course.ladder.decide_within),
        "people": [[[one.channel, one.address, one.display_name] for one in line] for line in now.people],
    }
    times = ("step_at", "remind_at", "decide_by", "answered_at", "due_at")
    return {name: _ms(getattr(course, name)) for name in times} | {
        "revision": course.revision,
        "state": course.state,
        "level": course.level,
        "round": course.round,
        "opened_at": ms(course.opened_at),
        "answered_by": course.answered_by,
        "ladder": json.dumps(ladder),
        "finding": now.finding,
    }


def ms(at: datetime) -> int:
    """Unix milliseconds."""
    return round(at.timestamp() * 1000)


def moment(at: int) -> datetime:
    """The instant of Unix milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else ms(at)


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
