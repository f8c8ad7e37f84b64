"""The course of an alert: whatever happens in whatever order, nobody is forgotten, nobody is told after an answer."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety_stream.alerting.course import (
    CLOCK,
    REPEAT_EVERY,
    Course,
    Ladder,
    Move,
    Moves,
    adjudicated,
    answered,
    ended,
    opened,
    passed,
    refused_mail,
    taken_back,
)

T0 = datetime(2026, 3, 12, 3, 0, tzinfo=UTC)
GRADE_4 = Ladder(timedelta(minutes=15), 3)
GRADE_3 = Ladder(timedelta(hours=4), 3)
DLT = Ladder(timedelta(minutes=30), 3, decide_within=timedelta(hours=24))
FOR_INFORMATION = Ladder(timedelta(hours=24), 1, repeat_every=None)
LADDERS = st.sampled_from([GRADE_4, GRADE_3, DLT, FOR_INFORMATION])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 3000)),
        st.tuples(st.just("revise"), st.just(0)),
        st.tuples(st.sampled_from(["will-act", "already-known", "pass-on"]), st.integers(-1, 1)),
        st.tuples(st.sampled_from(["confirmed", "refuted"]), st.just(0)),
        st.tuples(st.just("refused mail"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["withdrawn", "closed", "taken back"]), st.just(0)),
    ),
    max_size=25,
)  # fmt: skip


def at(minutes: float) -> datetime:
    """So many minutes after the alert."""
    return T0 + timedelta(minutes=minutes)


def minute(move: Move) -> float:
    """When a move came about, in minutes after the alert."""
    return (move.at - T0) / timedelta(minutes=1)


def raised(ladder: Ladder) -> Course:
    """An alert at its first minute."""
    return opened(None, 1, ladder, T0)[-1].course


def by_the_minute(course: Course, minutes: int) -> list[Move]:
    """All moves when the clock is looked at every minute."""
    moves: list[Move] = []
    for number in range(minutes + 1):
        moves += passed(course, at(number))
        course = moves[-1].course if moves else course
    return moves


def story(ladder: Ladder, steps: list[tuple[str, int]]) -> list[Move]:
    """The moves of an alert to which all this happens, as the messenger drives it: time first, then the event."""
    moves, now = list(opened(None, 1, ladder, T0)), T0
    for what, number in steps:
        if what == "wait":
            now += timedelta(minutes=number)
        course = moves[-1].course
        moves += passed(course, now)
        course = moves[-1].course
        told = _happens(course, what, number, now)
        moves += told if isinstance(told, tuple) else ()
    return moves


def _happens(course: Course, what: str, number: int, now: datetime) -> Moves | str:
    told: Moves | str = ()
    match what:
        case "revise":
            told = opened(course, course.revision + 1, course.ladder, now)
        case "will-act" | "already-known" | "pass-on":
            told = answered(course, course.revision + number, what, "Dr Lee", now)
        case "confirmed" | "refuted":
            told = adjudicated(course, what, "Dr Lee", "seen", now)
        case "refused mail":
            told = refused_mail(course, number, now)
        case "taken back":
            told = taken_back(course, "Dr Lee", now)
        case "withdrawn" | "closed":
            told = ended(course, course.revision + 1, course.ladder, now, state=what, why="corrected")
    return told


@pytest.mark.parametrize(
    ("ladder", "told"),
    [
        (GRADE_4, [(15, "stepped_up", 2), (30, "stepped_up", 3), (60, "repeated", 3), (90, "repeated", 3)]),
        (DLT, [(30, "stepped_up", 2), (60, "stepped_up", 3), (90, "repeated", 3)]),
        (GRADE_3, [(120, "reminded", 1), (240, "stepped_up", 2), (480, "stepped_up", 3), (510, "repeated", 3)]),
        (FOR_INFORMATION, [(720, "reminded", 1), (1440, "repeated", 1)]),
    ],
)
def test_an_alert_that_nobody_answers_goes_up_its_ladder(ladder: Ladder, told: list[tuple[int, str, int]]) -> None:
    """Next level when the time has passed, the last one again each half hour; a reminder only over 30 min."""
    last = told[-1][0]
    moves = by_the_minute(raised(ladder), last)
    assert [(minute(move), move.what, move.course.level) for move in moves] == told


def test_what_is_for_information_is_not_told_again_and_again() -> None:
    """A month later the last word was that of the second day; the alert is open still, and listed as such."""
    (_, repeated) = by_the_minute(raised(FOR_INFORMATION), 30 * 24 * 60)
    assert (repeated.course.state, repeated.course.due_at) == ("open", None)


@settings(max_examples=100, deadline=None)
@given(LADDERS, STEPS)
def test_no_mail_of_an_alert_after_its_answer(ladder: Ladder, steps: list[tuple[str, int]]) -> None:
    """Between an answer and the next revision (or the decision that did not come) nobody is told but who answered."""
    answered_revision = 0
    for move in story(ladder, steps):
        if move.what == "reopened":
            answered_revision = 0
        if move.course.revision == answered_revision:
            assert move.tell is None or move.tell.kind == "answered", move
        if move.what in {"acknowledged", "adjudicated"}:
            answered_revision = move.course.revision


@settings(max_examples=100, deadline=None)
@given(LADDERS, STEPS)
def test_time_alone_tells_nobody_of_what_is_over(ladder: Ladder, steps: list[tuple[str, int]]) -> None:
    """After a withdrawal or an end nothing steps up; a refused withdrawal goes to the next in line.

    Only a person who takes an answer back has an alert asked again.
    """
    for move in story(ladder, steps):
        if move.before in {"withdrawn", "closed", "adjudicated"}:
            by_a_person = move.what == "reopened" and move.who != CLOCK
            assert move.tell is None or move.what == "refused_mail" or by_a_person, move


@settings(max_examples=100, deadline=None)
@given(LADDERS, STEPS)
def test_the_moves_of_an_alert_are_one_chain(ladder: Ladder, steps: list[tuple[str, int]]) -> None:
    """Each move starts where the one before ended; time and revision never run back; the level is on the ladder."""
    moves = story(ladder, steps)
    for before, after in pairwise(moves):
        assert after.before == before.course.state
        assert after.at >= before.at
        assert after.course.revision >= before.course.revision
        assert 1 <= after.course.level <= ladder.levels


@settings(max_examples=100, deadline=None)
@given(LADDERS, STEPS)
def test_an_open_alert_is_never_forgotten(ladder: Ladder, steps: list[tuple[str, int]]) -> None:
    """While anybody can still be told something is due; what is due is in the future once time was looked at."""
    moves = story(ladder, steps)
    for move in moves:
        course = move.course
        if course.state == "open" and (course.level < ladder.levels or ladder.repeat_every is not None):
            assert course.due_at is not None
        if course.state in {"adjudicated", "closed", "withdrawn"}:
            assert course.due_at is None
    end = moves[-1].course
    later = passed(end, at(10**6))
    assert (later[-1].course if later else end).due_at is None or (later[-1].course.due_at or T0) > at(10**6)


@settings(max_examples=100, deadline=None)
@given(LADDERS, STEPS)
def test_nobody_is_told_twice_under_one_name(ladder: Ladder, steps: list[tuple[str, int]]) -> None:
    """Revision, level, round and kind name a mail; two moves never ask for the same one, but a refused mail may."""
    tellings = [(m.course.revision, m.tell) for m in story(ladder, steps) if m.tell and m.what != "refused_mail"]
    assert len(tellings) == len(set(tellings))


@settings(max_examples=100, deadline=None)
@given(LADDERS, st.integers(0, 2000))
def test_sleeping_through_levels_forgets_no_level(ladder: Ladder, minutes: int) -> None:
    """A messenger that was down tells, when it is back, every level that is due by then, each once."""
    in_time = by_the_minute(raised(ladder), minutes)
    at_once = passed(raised(ladder), at(minutes))
    levels = [move.course.level for move in in_time if move.what == "stepped_up"]
    assert [move.course.level for move in at_once if move.what == "stepped_up"] == levels
    assert sum(move.what == "repeated" for move in at_once) <= 1


def test_a_refused_mail_tells_the_next_level_at_once() -> None:
    """A 5xx for the first in line: the second is told in that minute, and the third when their time has passed."""
    (move,) = refused_mail(raised(GRADE_4), 1, at(1))
    assert (minute(move), move.what, move.tell and move.tell.level) == (1, "refused_mail", 2)
    assert move.course.step_at == at(16)
    assert refused_mail(move.course, 1, at(2)) == ()


def test_not_for_me_tells_the_next_level_at_once() -> None:
    """Who passes on answers nothing: the next is told now; at the last level the last is told again."""
    course = raised(GRADE_4)
    for level in (2, 3, 3):
        moves = answered(course, 1, "pass-on", "Dr Lee", at(level))
        assert isinstance(moves, tuple)
        assert (moves[-1].what, moves[-1].course.state, moves[-1].course.level) == ("passed_on", "open", level)
        course = moves[-1].course
    assert course.round == 2


def test_an_answer_to_another_revision_is_refused() -> None:
    """Of an older one because something changed since; of one that does not exist because nobody has read it."""
    course = opened(raised(GRADE_4), 2, GRADE_4, at(5))[-1].course
    assert answered(course, 1, "will-act", "Dr Lee", at(6)) == "older_revision"
    assert answered(course, 3, "will-act", "Dr Lee", at(6)) == "unknown_revision"


def test_a_newer_revision_does_not_turn_the_clock_back() -> None:
    """Worse at minute 10, nobody has answered: the next level is still told at minute 15."""
    (revised,) = opened(raised(GRADE_4), 2, GRADE_4, at(10))
    assert (revised.what, revised.course.step_at) == ("revised", at(15))


def test_a_newer_revision_of_an_answered_alert_asks_anew() -> None:
    """Acknowledged, then worse: open again, with its own 15 minutes."""
    moves = answered(raised(GRADE_4), 1, "will-act", "Dr Lee", at(5))
    assert isinstance(moves, tuple)
    (again,) = opened(moves[-1].course, 2, GRADE_4, at(60))
    assert (again.what, again.course.state, again.course.step_at) == ("opened", "open", at(75))


def test_a_dlt_that_is_acknowledged_and_not_decided_opens_again() -> None:
    """Acknowledged at minute 10: 24 hours after it was raised it is open at level 1, and says why."""
    moves = answered(raised(DLT), 1, "will-act", "Dr Lee", at(10))
    assert isinstance(moves, tuple)
    assert [move.course.state for move in moves] == ["acknowledged"]
    assert passed(moves[-1].course, at(24 * 60 - 1)) == ()
    again = passed(moves[-1].course, at(24 * 60))
    assert (again[0].what, again[0].course.level, again[0].why) == ("reopened", 1, "not adjudicated in time")
    assert again[0].tell is not None
    assert again[0].tell.round == 2


def test_a_decision_is_an_answer_too() -> None:
    """Who confirms a DLT has read it: acknowledged and adjudicated in one, and nothing is due any more."""
    moves = adjudicated(raised(DLT), "confirmed", "Dr Lee", "no other cause", at(20))
    assert [move.what for move in moves] == ["acknowledged", "adjudicated"]
    assert moves[-1].course.due_at is None
    assert moves[-1].why == "confirmed: no other cause"
    assert adjudicated(moves[-1].course, "refuted", "Dr Wu", "second thought", at(30)) == ()


def test_only_who_answered_takes_an_answer_back() -> None:
    """Another name takes nothing back; the right one opens the alert again, with its whole time."""
    moves = answered(raised(GRADE_4), 1, "will-act", "Dr Lee", at(5))
    assert isinstance(moves, tuple)
    assert taken_back(moves[-1].course, "Dr Wu", at(6)) == ()
    (again,) = taken_back(moves[-1].course, "Dr Lee", at(6))
    assert (again.course.state, again.course.step_at, again.course.answered_by) == ("open", at(21), "")
    assert taken_back(again.course, "Dr Lee", at(7)) == ()


def test_only_what_asks_for_a_decision_can_be_decided() -> None:
    """A grade 4 result is acknowledged, never adjudicated."""
    assert adjudicated(raised(GRADE_4), "confirmed", "Dr Lee", "seen", at(1)) == ()


def test_the_last_level_is_repeated_by_the_half_hour() -> None:
    """The specification's figure: 30 min."""
    assert timedelta(minutes=30) == REPEAT_EVERY
