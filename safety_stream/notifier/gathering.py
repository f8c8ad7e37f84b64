"""What is not mailed one by one: silences in force, and the storm that turns mails into one list every five minutes."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, insert, select, update
from sqlalchemy.engine import Row

from safety_stream.alerting.alert import Alert, alert_id
from safety_stream.alerting.holding import STORM_EVERY, STORM_WITHIN, Gate, Silence, silence_problems
from safety_stream.alerting.notes import Gathered
from safety_stream.errors import ConfigurationError
from safety_stream.notifier.courses import moment, ms
from safety_stream.notifier.day import line_of
from safety_stream.notifier.ledger import from_json
from safety_stream.notifier.routing import Recipient
from safety_stream.notifier.tables import ALERTS, COURSES, MESSAGES, NOTICES, PLANS, SILENCES

_STORM = "storm|"
_AT_ONCE = 200


def gate(db: Connection, now_ms: int, storm_over: int) -> Gate:
    """What was told lately, and which silences are in force."""
    recent: dict[str, set[str]] = {}
    if storm_over:
        since = now_ms - STORM_WITHIN // timedelta(milliseconds=1)
        lately = (
            select(ALERTS.c.study, MESSAGES.c.alert_id)
            .join(ALERTS, and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision))
            .where(MESSAGES.c.queued_at > since, MESSAGES.c.kind.in_(("alert", "reminder")))
            .distinct()
        )
        for row in db.execute(lately):
            recent.setdefault(row.study, set()).add(row.alert_id)
    return Gate(moment(now_ms), storm_over, recent, silences(db, now_ms))


def silences(db: Connection, now_ms: int) -> tuple[Silence, ...]:
    """Those in force now."""
    found = db.execute(select(SILENCES).where(SILENCES.c.until_at > now_ms, SILENCES.c.from_at <= now_ms))
    return tuple(
        Silence(row.study, row.type, row.reason, row.by, moment(row.from_at), moment(row.until_at)) for row in found
    )


def silence(engine: Engine, wanted: Silence) -> None:
    """Put a silence on record; ConfigurationError says why it cannot be."""
    if problems := silence_problems(wanted):
        raise ConfigurationError(problems)
    with engine.begin() as db:
        db.execute(
            insert(SILENCES).values(
                study=wanted.study,
                type=wanted.type,
                reason=wanted.reason,
                by=wanted.by,
                from_at=ms(wanted.since),
                until_at=ms(wanted.until),
            )
        )


def studies_told(engine: Engine) -> frozenset[str]:
    """The studies of which anything was ever told."""
    with engine.begin() as db:
        return frozenset(db.scalars(select(ALERTS.c.study).distinct()))


def plan_storms(db: Connection, studies: Iterable[str], now_ms: int) -> None:
    """A list is due at once, unless one is planned already."""
    for study in sorted(set(studies)):
        if db.scalar(select(PLANS.c.due_at).where(PLANS.c.name == _STORM + study)) is None:
            db.execute(insert(PLANS).values(name=_STORM + study, due_at=now_ms))


def send_lists(db: Connection, now_ms: int) -> int:
    """The lists that are due, one a person and study; how many. While mails gather the next is due in 5 minutes."""
    due = select(PLANS).where(PLANS.c.name.startswith(_STORM), PLANS.c.due_at <= now_ms)
    made = 0
    for plan in db.execute(due.with_for_update(skip_locked=True)).all():
        study = plan.name.removeprefix(_STORM)
        lists = _by_person(_waiting(db, study))
        made += len(lists)
        for person, rows in sorted(lists.items()):
            _list(db, study, person, rows, now_ms)
        here = PLANS.c.name == plan.name
        if lists:
            db.execute(update(PLANS).where(here).values(due_at=now_ms + STORM_EVERY // timedelta(milliseconds=1)))
        else:
            db.execute(PLANS.delete().where(here))
    return made


def _waiting(db: Connection, study: str) -> Sequence[Row[Any]]:
    its_alert = and_(ALERTS.c.id == MESSAGES.c.alert_id, ALERTS.c.revision == MESSAGES.c.revision)
    return db.execute(
        select(MESSAGES, ALERTS.c.content, ALERTS.c.recipients, COURSES.c.step_at)
        .join(ALERTS, its_alert)
        .outerjoin(COURSES, COURSES.c.alert_id == MESSAGES.c.alert_id)
        .where(MESSAGES.c.state == "gathered", ALERTS.c.study == study)
        .order_by(MESSAGES.c.rank, MESSAGES.c.id)
    ).all()


def _by_person(rows: Sequence[Row[Any]]) -> dict[tuple[str, int], list[Row[Any]]]:
    """What each person is told, in lists of at most some hundreds."""
    lists: dict[tuple[str, int], list[Row[Any]]] = {}
    counts: dict[str, int] = {}
    for row in rows:
        number = counts[row.recipient] = counts.get(row.recipient, 0) + 1
        lists.setdefault((row.recipient, (number - 1) // _AT_ONCE), []).append(row)
    return lists


def _list(db: Connection, study: str, who: tuple[str, int], rows: list[Row[Any]], now_ms: int) -> None:
    person = next(one for one in from_json(rows[0].recipients) if one.key == who[0])
    lines = tuple(line_of(Alert.model_validate_json(row.content), row.step_at, row.level) for row in rows)
    content = Gathered(study=study, lines=lines, messages=tuple(row.id for row in rows), at=moment(now_ms))
    id_ = alert_id("storm", study, *who, now_ms)
    db.execute(
        insert(NOTICES).values(
            id=id_,
            kind="storm",
            study=study,
            person=json.dumps([person.channel, person.address, person.display_name]),
            content=content.model_dump_json(),
            made_at=now_ms,
        )
    )
    db.execute(update(MESSAGES).where(MESSAGES.c.id.in_([row.id for row in rows])).values(state="listed"))
    db.execute(insert(MESSAGES).values(**notice_message(id_, "storm", person, 0, now_ms)))


def notice_message(id_: str, kind: str, person: Recipient, rank: int, now_ms: int) -> dict[str, Any]:
    """The message of a list, as a row."""
    return {
        "alert_id": id_,
        "revision": 1,
        "recipient": person.key,
        "channel": person.channel,
        "level": 1,
        "round": 1,
        "kind": kind,
        "rank": rank,
        "state": "pending",
        "possible_repeat": False,
        "tries": 0,
        "queued_at": now_ms,
        "next_try": now_ms,
        "claimed_until": 0,
        "shelf": None,
    }
