"""The timekeeper: waits for the next time that matters, moves what is due, and queues the mails that it asks for.

Times stand in the database, so a restart between two levels changes nothing; several timekeepers share the rows by
locks that skip what another has in hand. It never mails anything itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, func, select

from safety_stream.alerting.course import passed
from safety_stream.notifier.bell import Bell, heard
from safety_stream.notifier.courses import kept, moment, ms, tell, write
from safety_stream.notifier.digest import Digests
from safety_stream.notifier.gathering import gate, plan_storms, send_lists
from safety_stream.notifier.ledger import Ledger
from safety_stream.notifier.tables import COURSES, PLANS

_AT_ONCE: Final = 50
_LOOK_AGAIN_SECONDS: Final = 2.0  # another process (a command, the second look) may open or answer alerts too
_LOG = structlog.get_logger("safety_stream.notifier")


class Timetable:
    """What is due, in the database."""

    def __init__(self, engine: Engine, storm_over: int = 0, digests: Digests | None = None) -> None:
        self._engine = engine
        self._storm_over = storm_over
        self._digests = digests

    def move(self, now_ms: int) -> int:
        """Move everything that is due now; how many mails were queued."""
        queued = 0
        while True:
            with self._engine.begin() as db:
                moved, more = self._step(db, now_ms)
            queued += more
            if moved < _AT_ONCE:
                break
        with self._engine.begin() as db:
            queued += send_lists(db, now_ms)
        if self._digests is not None:
            with self._engine.begin() as db:
                queued += self._digests.send_due(db, now_ms)
        return queued

    def next_due(self) -> int | None:
        """When something is due next."""
        with self._engine.begin() as db:
            due = (db.scalar(select(func.min(COURSES.c.due_at))), db.scalar(select(func.min(PLANS.c.due_at))))
        return min((one for one in due if one is not None), default=None)

    def _step(self, db: Connection, now_ms: int) -> tuple[int, int]:
        due = select(COURSES).where(COURSES.c.due_at <= now_ms).order_by(COURSES.c.due_at).limit(_AT_ONCE)
        found = [kept(row) for row in db.execute(due.with_for_update(skip_locked=True))]
        if not found:
            return 0, 0
        ledger = Ledger(now_ms, again=False, gate=gate(db, now_ms, self._storm_over))
        ledger.load(db, (one.alert_id for one in found))
        for one in found:
            moves = passed(one.course, moment(now_ms))
            write(db, replace(one, course=moves[-1].course), moves, "the clock")
            tell(ledger, one, moves)
        plan_storms(db, ledger.gathered, now_ms)
        return len(found), ledger.write(db)[1]


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """The task that keeps the timetable."""

    timetable: Timetable
    work: Bell
    clock: Callable[[], datetime]

    async def run(self, stop: asyncio.Event) -> None:
        """Keep time until told to stop."""
        while not stop.is_set():
            bell = self.work.listen()
            if queued := await asyncio.to_thread(self.timetable.move, ms(self.clock())):
                _LOG.info("time has passed", messages=queued)
                self.work.ring()
                continue
            due = await asyncio.to_thread(self.timetable.next_due)
            wait = _LOOK_AGAIN_SECONDS if due is None else (due - ms(self.clock())) / 1000
            await heard(bell, max(0.05, min(wait, _LOOK_AGAIN_SECONDS)))
