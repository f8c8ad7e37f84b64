"""Answers: by link, by command or by message, all end here and in the log of record, each exactly once.

An answer by link or command moves the alert at once, whether or not Kafka is there; the same transaction keeps the
event, and it goes to safety.decisions when the broker is back. There the worker reads it into the log of record, and
we read it again and find it on record. An answer by message comes the same way without the first half.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Final, Literal

from sqlalchemy import Connection, Engine, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.course import Course, Moves, Refusal, Response, Verdict, adjudicated, answered, taken_back
from safety_stream.clinical.events import NOBODY, Acknowledged, Adjudicated, Source
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.notifier.courses import Kept, kept, load, ms, tell, write
from safety_stream.notifier.ledger import Ledger
from safety_stream.notifier.tables import ALERTS, ANSWERS, COURSES, MESSAGES

Outcome = Literal["taken", "nothing_to_answer", "known", "unknown_alert", "other_subject"] | Refusal
Answer = Acknowledged | Adjudicated
SYSTEM: Final = "safety-stream-answers"
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert as a page or a command shows it: the revision that is to be answered, and where it stands."""

    alert: Alert
    course: Course


class Answers:
    """The answers in the database, and what they do to the alerts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def standing(self, alert_id: str) -> Standing | None:
        """Where an alert stands; null when it is not on record, or nobody was told of it."""
        row_of = (
            select(COURSES, ALERTS.c.content)
            .join(ALERTS, and_(ALERTS.c.id == COURSES.c.alert_id, ALERTS.c.revision == COURSES.c.revision))
            .where(COURSES.c.alert_id == alert_id)
        )
        with self._engine.begin() as db:
            row = db.execute(row_of).first()
        return None if row is None else Standing(Alert.model_validate_json(row.content), kept(row).course)

    def of_finding(self, finding: str) -> str | None:
        """The alert that asks for a decision on a finding."""
        with self._engine.begin() as db:
            return db.scalar(
                select(COURSES.c.alert_id).where(COURSES.c.finding == finding).order_by(COURSES.c.alert_id)
            )

    def take(self, event: Answer, at: datetime, origin: str, publish: bool) -> Outcome:
        """Take one answer; ``publish``: it came to us first and is to reach safety.decisions."""
        try:
            return self._take(event, at, origin, publish)
        except IntegrityError:  # the same answer came another way in this very moment: now it is there
            return self._take(event, at, origin, publish)

    def _take(self, event: Answer, at: datetime, origin: str, publish: bool) -> Outcome:
        with self._engine.begin() as db:
            known = _course_of(db, event)
            key = (ANSWERS.c.record == event.source.record, ANSWERS.c.version == event.source.version)
            if (before := db.scalar(select(ANSWERS.c.outcome).where(*key))) is not None:
                if not publish:  # it is on its way round, or was sent twice: the broker has it
                    db.execute(update(ANSWERS).where(*key).values(published=True))
                return "known" if before == "taken" else before
            outcome, moves = ("nothing_to_answer", ()) if _is_older(db, event) else _judged(db, known, event, at)
            if known is not None and moves:
                _apply(db, known, moves, at, origin)
            wanted = publish and outcome == "taken"  # what was said to change nothing changes nothing anywhere
            _keep(db, event, known, outcome, at=at, origin=origin, published=not wanted)
        return outcome

    def unpublished(self) -> Sequence[tuple[str, int, str]]:
        """Record, version and event of what the broker does not have yet, the oldest first."""
        wanted = select(ANSWERS).where(ANSWERS.c.published.is_(False)).order_by(ANSWERS.c.at, ANSWERS.c.record)
        with self._engine.begin() as db:
            return [(row.record, row.version, row.event) for row in db.execute(wanted.limit(_AT_ONCE))]

    def published(self, record: str, version: int) -> None:
        """The broker has acknowledged it."""
        with self._engine.begin() as db:
            key = (ANSWERS.c.record == record, ANSWERS.c.version == version)
            db.execute(update(ANSWERS).where(*key).values(published=True))


def acknowledgement(
    standing: Standing, revision: int, response: Response, by: str, *, at: datetime, place: str
) -> Acknowledged:
    """The event of an answer. The same person's same answer from the same place, while it is asked, is one record."""
    alert, asked = standing.alert, standing.course.opened_at.isoformat()
    return Acknowledged(
        study=alert.study,
        subject=alert.subject or NOBODY,
        source=Source(system=SYSTEM, id=_name(alert.id, str(revision), asked, response, by, place)),
        reported_at=at,
        alert=alert.id,
        revision=revision,
        by=by,
        response=response,
        acknowledged_at=at,
    )


def adjudication(alert: Alert, verdict: Verdict, by: str, why: str, *, at: datetime, place: str) -> Adjudicated | None:
    """The event of a decision; null when the alert is none that asks for one."""
    finding = alert.finding
    if not isinstance(finding, DoseLimitingToxicity) or alert.subject is None:
        return None
    return Adjudicated(
        study=alert.study,
        subject=alert.subject,
        source=Source(system=SYSTEM, id=_name(alert.id, verdict, by, why, place, at.isoformat())),
        reported_at=at,
        finding=finding.id,
        onset=finding.onset,
        verdict=verdict,
        by=by,
        why=why,
        decided_at=at,
    )


def _name(alert_id: str, *parts: str) -> str:
    return f"{alert_id}-{blake2b('|'.join(parts).encode(), digest_size=8).hexdigest()}"


def _course_of(db: Connection, event: Answer) -> Kept | None:
    if isinstance(event, Acknowledged):
        return load(db, [event.alert]).get(event.alert)
    row = db.execute(
        select(COURSES).where(COURSES.c.finding == event.finding).order_by(COURSES.c.alert_id).with_for_update()
    ).first()
    return None if row is None else kept(row)


def _is_older(db: Connection, event: Answer) -> bool:
    """Whether a newer version of the same record came first: it stands."""
    newest = db.scalar(select(func.max(ANSWERS.c.version)).where(ANSWERS.c.record == event.source.record))
    return newest is not None and newest > event.source.version


def _judged(db: Connection, known: Kept | None, event: Answer, at: datetime) -> tuple[Outcome, Moves]:
    if known is None:
        return "unknown_alert", ()
    content = db.scalar(
        select(ALERTS.c.content).where(ALERTS.c.id == known.alert_id, ALERTS.c.revision == known.course.revision)
    )
    alert = Alert.model_validate_json(content or "")
    if (alert.study, alert.subject or NOBODY) != (event.study, event.subject):
        return "other_subject", ()
    if event.status == "entered-in-error":
        moves: Moves | Refusal = taken_back(known.course, event.by, at)
    elif isinstance(event, Acknowledged):
        moves = answered(known.course, event.revision, event.response, event.by, at)
    else:
        moves = adjudicated(known.course, event.verdict, event.by, event.why, at)
    if isinstance(moves, str):
        return moves, ()
    return ("taken" if moves else "nothing_to_answer"), moves


def _apply(db: Connection, known: Kept, moves: Moves, at: datetime, origin: str) -> None:
    """The alert moves; what still waits of its mails waits for nobody any more; who got it hears who answered."""
    write(db, replace(known, course=moves[-1].course), moves, origin)
    ledger = Ledger(ms(at), again=False)
    ledger.load(db, [known.alert_id])
    if moves[-1].course.is_answered:
        waits = and_(
            MESSAGES.c.alert_id == known.alert_id,
            MESSAGES.c.revision <= moves[-1].course.revision,
            MESSAGES.c.state.in_(("pending", "gathered", "silenced")),
            MESSAGES.c.kind.in_(("alert", "reminder")),
        )
        db.execute(update(MESSAGES).where(waits).values(state="answered"))
    tell(ledger, known, moves)
    ledger.write(db)


def _keep(
    db: Connection, event: Answer, known: Kept | None, outcome: Outcome, *, at: datetime, origin: str, published: bool
) -> None:
    alert = event.alert[:16] if isinstance(event, Acknowledged) else (known.alert_id if known is not None else "")
    db.execute(
        insert(ANSWERS).values(
            record=event.source.record,
            version=event.source.version,
            alert_id=alert,
            outcome=outcome,
            event=event.model_dump_json(),
            at=ms(at),
            origin=origin,
            published=published,
        )
    )
