"""The course of an alert: open, answered, decided, closed; who hears next, and when. Pure: every time is an argument.

    open --answer--> acknowledged --decision--> adjudicated --the engine's word--> closed
     |  ^                 |  |
     |  |                 |  '-- nothing to decide: closed at once
     |  '-- not decided --'
     '-- time, a refused mail, "not for me": the next level is told (the last one again and again)
    any --correction--> withdrawn

Looking at an alert is no move. The ladder (times and people) is frozen when the alert is raised, and a newer revision
of an alert that nobody answered does not turn its clock back.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

State = Literal["open", "acknowledged", "adjudicated", "closed", "withdrawn"]
Response = Literal["will-act", "already-known", "pass-on"]
Verdict = Literal["confirmed", "refuted"]
Refusal = Literal["older_revision", "unknown_revision"]
Kind = Literal["alert", "reminder", "answered"]
What = Literal[
    "opened", "revised", "reminded", "stepped_up", "repeated", "passed_on", "refused_mail",
    "acknowledged", "adjudicated", "reopened", "closed", "withdrawn",
]  # fmt: skip

REPEAT_EVERY: Final = timedelta(minutes=30)
REMIND_OVER: Final = timedelta(minutes=30)
CLOCK: Final = "the clock"


@dataclass(frozen=True, slots=True)
class Ladder:
    """How an alert steps up, as it was when it was raised. ``repeat_every`` null: the last level is told once more."""

    answer_within: timedelta
    levels: int
    decide_within: timedelta | None = None
    repeat_every: timedelta | None = REPEAT_EVERY


@dataclass(frozen=True, slots=True)
class Course:
    """Where an alert stands. ``round`` counts up whenever people who were told are told again."""

    revision: int
    state: State
    ladder: Ladder
    opened_at: datetime
    level: int = 1
    round: int = 1
    step_at: datetime | None = None
    remind_at: datetime | None = None
    decide_by: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str = ""

    @property
    def due_at(self) -> datetime | None:
        """When time alone will move it next."""
        return min((one for one in (self.step_at, self.remind_at, self.decide_by) if one is not None), default=None)

    @property
    def is_answered(self) -> bool:
        """Whether a person has answered this revision, so that no more mail of it goes out."""
        return self.state != "open" and self.answered_at is not None


@dataclass(frozen=True, slots=True)
class Telling:
    """Whom a move tells: the people of a level, or (``answered``) everybody who got the alert."""

    level: int
    round: int
    kind: Kind = "alert"


@dataclass(frozen=True, slots=True)
class Move:
    """One move, as it is kept for ever: what, from which state, by whom, why, when; and whom it tells."""

    what: What
    before: State | None
    course: Course
    at: datetime
    who: str = CLOCK
    why: str = ""
    tell: Telling | None = None


Moves = tuple[Move, ...]


def opened(before: Course | None, revision: int, ladder: Ladder, at: datetime) -> Moves:
    """A revision that is told. Nothing when a newer one is on record."""
    if before is not None and before.revision >= revision:
        return ()
    if before is not None and before.state == "open":
        return (Move("revised", "open", replace(before, revision=revision), at, "the engine"),)
    state = before.state if before else None
    course = _at_level_1(Course(revision, "open", ladder, at), at)
    return (Move("opened", state, replace(course, remind_at=_half(ladder, at)), at, "the engine"),)


def ended(
    before: Course | None,
    revision: int,
    ladder: Ladder,
    at: datetime,
    *,
    state: Literal["closed", "withdrawn"],
    why: str,
) -> Moves:
    """A revision by which nothing more is asked: taken back, contained in a graver alert, or decided by a person."""
    if before is not None and before.revision >= revision:
        return ()
    known = before or Course(revision, state, ladder, at)
    course = replace(_still(known, state), revision=revision, answered_at=None, answered_by="")
    what: What = "withdrawn" if state == "withdrawn" else "closed"
    return (Move(what, before.state if before else None, course, at, "the engine", why),)


def contained(course: Course, graver: str, at: datetime) -> Moves:
    """Told in the mail of a graver alert of the same facts, which is answered for it."""
    if course.state != "open":
        return ()
    return (Move("closed", "open", _still(course, "closed"), at, "the engine", f"contained in {graver}"),)


def revived(course: Course, at: datetime) -> Moves:
    """The graver alert was taken back, or no longer tells the same: it asks for an answer of its own."""
    if course.state != "closed" or course.answered_at is not None:
        return ()
    again = replace(_at_level_1(course, at), state="open", remind_at=_half(course.ladder, at))
    return (Move("opened", "closed", again, at, "the engine", "no graver alert tells it any more"),)


def answered(course: Course, revision: int, response: Response, by: str, at: datetime) -> Moves | Refusal:
    """A person's answer. No moves: there is nothing left to answer."""
    if revision != course.revision:
        return "older_revision" if revision < course.revision else "unknown_revision"
    if course.state != "open":
        return ()
    return _passed_on(course, by, at) if response == "pass-on" else _acknowledged(course, response, by, at)


def adjudicated(course: Course, verdict: Verdict, by: str, why: str, at: datetime) -> Moves:
    """A person's decision, which is an answer too; what was decided or taken back before does not move."""
    if course.state not in {"open", "acknowledged"} or course.ladder.decide_within is None:
        return ()
    first = _acknowledged(course, verdict, by, at) if course.state == "open" else ()
    here = first[-1].course if first else course
    decided = replace(_still(here, "adjudicated"), answered_by=by, answered_at=at)
    return (*first, Move("adjudicated", here.state, decided, at, by, f"{verdict}: {why}"))


def taken_back(course: Course, by: str, at: datetime) -> Moves:
    """An answer that its sender takes back (entered in error): the alert is asked again, from level 1, at once."""
    if not course.is_answered or course.answered_by != by:
        return ()
    again = replace(_reopened(course, at), answered_at=None, answered_by="")
    return (Move("reopened", course.state, again, at, by, "the answer was taken back", Telling(1, again.round)),)


def passed(course: Course, now: datetime) -> Moves:
    """What time alone has brought about until now, step by step; repeats that were slept through are one."""
    moves: list[Move] = []
    while (due := course.due_at) is not None and due <= now:
        move = _by_time(course, due, now)
        course = move.course
        moves.append(move)
    return tuple(moves)


def refused_mail(course: Course, level: int, at: datetime) -> Moves:
    """The mail to somebody of a level is refused for good: the next level is told at once, unless it was."""
    higher = level + 1
    if course.is_answered or higher > course.ladder.levels or (course.state == "open" and course.level >= higher):
        return ()
    after = _at(course, higher, at) if course.state == "open" else course
    why = f"a mail at level {level} was refused for good"
    return (Move("refused_mail", course.state, after, at, "the mail server", why, Telling(higher, course.round)),)


def _at_level_1(course: Course, at: datetime) -> Course:
    return replace(course, level=1, opened_at=at, step_at=at + course.ladder.answer_within)


def _reopened(course: Course, at: datetime) -> Course:
    return replace(_at_level_1(course, at), state="open", round=course.round + 1, decide_by=None)


def _half(ladder: Ladder, at: datetime) -> datetime | None:
    return at + ladder.answer_within / 2 if ladder.answer_within > REMIND_OVER else None


def _at(course: Course, level: int, at: datetime) -> Course:
    ladder = course.ladder
    wait = ladder.answer_within if level < ladder.levels else ladder.repeat_every
    return replace(course, level=level, step_at=at + wait if wait is not None else None, remind_at=None)


def _still(course: Course, state: State) -> Course:
    return replace(course, state=state, step_at=None, remind_at=None, decide_by=None)


def _acknowledged(course: Course, response: str, by: str, at: datetime) -> Moves:
    answered = replace(_still(course, "acknowledged"), answered_at=at, answered_by=by)
    if (limit := course.ladder.decide_within) is not None:
        answered = replace(answered, decide_by=max(course.opened_at + limit, at + course.ladder.answer_within))
    told = Move(
        "acknowledged", course.state, answered, at, by, response, Telling(course.level, course.round, "answered")
    )
    if limit is not None:
        return (told,)
    return (told, Move("closed", "acknowledged", _still(answered, "closed"), at, by, "nothing more is asked"))


def _passed_on(course: Course, by: str, at: datetime) -> Moves:
    if course.level < course.ladder.levels:
        after = _at(course, course.level + 1, at)
    else:
        after = replace(_at(course, course.level, at), round=course.round + 1)
    return (Move("passed_on", "open", after, at, by, "pass-on", Telling(after.level, after.round)),)


def _by_time(course: Course, due: datetime, now: datetime) -> Move:
    if course.state == "acknowledged":
        again = _reopened(course, now)
        return Move("reopened", "acknowledged", again, now, why="not adjudicated in time", tell=Telling(1, again.round))
    if due == course.remind_at and (course.step_at is None or course.step_at > now):
        after = replace(course, remind_at=None)
        return Move(
            "reminded", "open", after, now, why="half the time has passed", tell=Telling(1, course.round, "reminder")
        )
    step = course.step_at or due
    if course.level < course.ladder.levels:
        last = course.level + 1 == course.ladder.levels
        after = _at(course, course.level + 1, now if last else step)
        return Move(
            "stepped_up", "open", after, now, why="nobody answered in time", tell=Telling(after.level, after.round)
        )
    after = replace(_at(course, course.level, max(step, now)), round=course.round + 1)
    return Move("repeated", "open", after, now, why="nobody answered", tell=Telling(after.level, after.round))
