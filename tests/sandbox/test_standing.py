"""What stands at the end, concluded once from all facts, is what stands after concluding event by event."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

import pytest

from safety_stream.clinical.events import clock_of
from safety_stream.clinical.findings import AnyFinding
from safety_stream.intake import Rejected, read
from safety_stream.intake.native import write
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.random_trials import random_trial
from safety_stream.sandbox.replay import final_findings, replay
from safety_stream.sandbox.simulator import simulated_trial
from safety_stream.sandbox.standing import standing

BOOK = load_book(allow_unsigned=True)
LINES = [message.line for message in simulated_trial().messages]


def _stands(lines: Iterable[bytes], known_by: datetime | None = None) -> dict[str, AnyFinding]:
    return {one.id: one for one in standing(lines, BOOK, known_by=known_by) if not isinstance(one, Rejected)}


def test_the_simulated_trial_ends_as_step_by_step() -> None:
    """Corrections, results taken back, late reports, cohorts: finding for finding the same, and in order of id."""
    found = _stands(LINES)
    assert found == final_findings(replay(LINES, BOOK))
    assert list(found) == sorted(found)


@pytest.mark.parametrize("days", [20, 45])
def test_at_an_instant_it_is_what_was_known_by_then(days: int) -> None:
    """With --as-of: nothing that came later counts, and the clock stands at that instant."""
    first = next(
        one for one in (event for line in LINES for event in read(None, line)) if not isinstance(one, Rejected)
    )
    then = clock_of(first) + timedelta(days=days)
    assert _stands(LINES, then) == final_findings(replay(LINES, BOOK, known_by=then))


def test_a_random_trial_ends_as_step_by_step() -> None:
    """Wrong units, repeats, hemolysed samples, graded reports: a trial that was not written for this test."""
    lines = [write(event) for event in random_trial(7, 3).events]
    assert _stands(lines) == final_findings(replay(lines, BOOK))


def test_in_any_order_and_twice_it_ends_the_same() -> None:
    """The facts decide, whenever they come: shuffled, and every seventh told again."""
    lines = LINES + LINES[::7]
    Random(11).shuffle(lines)
    assert _stands(lines) == _stands(LINES)


def test_what_cannot_be_read_is_said_and_stops_nothing() -> None:
    """A line that is no JSON is rejected in its place; what stands is what the others say."""
    told = list(standing([b"{torn", *LINES[:40]], BOOK))
    assert isinstance(told[0], Rejected)
    assert told[1:] == list(standing(LINES[:40], BOOK))
