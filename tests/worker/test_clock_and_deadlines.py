"""What time it is for an event, and whom the passing of time wakes up."""

from datetime import UTC, datetime, timedelta

from engine_made import RECEIVED, lab, message, tick
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.clinical.events import ANY_EVENT, Accepted, ClockTicked
from safety_stream.worker.clock import Clock, tick_output
from safety_stream.worker.deadlines import Deadlines

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EVENT = ANY_EVENT.validate_python(lab(1))  # reported at 2026-03-03T23:30Z


def test_the_wall_clock_is_the_brokers() -> None:
    """Not ours, not the sender's: the time at which the broker received the entry."""
    entry = message("safety.events", b"")
    assert Clock("wall").at(entry, EVENT) == datetime.fromtimestamp(RECEIVED, UTC)


def test_the_event_clock_is_the_events_own() -> None:
    """What the sender released at 23:30 is judged as of 23:30."""
    assert Clock("event").at(message("safety.events", b""), EVENT) == datetime(2026, 3, 3, 23, 30, tzinfo=UTC)


def test_the_event_clock_does_not_go_back_behind_a_tick() -> None:
    """Noon has been told on partition 0: a late result is judged as of noon there, and as of itself elsewhere."""
    clock = Clock("event")
    clock.tick(0, NOON)
    assert clock.at(message("safety.events", b""), EVENT) == NOON
    assert clock.at(message("safety.events", b"", partition=1), EVENT) < NOON
    clock.drop(0)
    assert clock.at(message("safety.events", b""), EVENT) < NOON


def test_a_tick_is_an_entry_of_the_log() -> None:
    """With its own key, on the partition that must wake up."""
    output = tick_output("safety.events", 3, NOON, "worker-1", NOON)
    assert (output.partition, output.key) == (3, b"clock")
    told = Accepted.model_validate_json(output.value or b"").event
    assert isinstance(told, ClockTicked)
    assert told.as_of == NOON
    assert ANY_EVENT.validate_python(tick("2026-03-04T12:00:00Z")) == told


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(-5, 5)), st.integers(-6, 6))
def test_exactly_those_are_due_whose_deadline_has_passed(hours: dict[str, int], now: int) -> None:
    """The earliest first, and at the very moment of the deadline too."""
    deadlines = Deadlines()
    for subject, hour in hours.items():
        deadlines.put(0, subject, NOON + timedelta(hours=hour))
    due = deadlines.due(0, NOON + timedelta(hours=now))
    assert sorted(due) == sorted(subject for subject, hour in hours.items() if hour <= now)
    assert [hours[subject] for subject in due] == sorted(hours[subject] for subject in due)


def test_a_deadline_is_moved_and_taken_away() -> None:
    """A subject has one; null takes it out; a partition goes with all of its own."""
    deadlines = Deadlines()
    deadlines.put(0, "a", NOON)
    deadlines.put(0, "a", NOON + timedelta(days=1))
    assert deadlines.due(0, NOON) == []
    deadlines.put(0, "a", None)
    assert deadlines.earliest(0) is None
    deadlines.renew(1, [("b", NOON)])
    deadlines.drop(1)
    assert deadlines.due(1, NOON) == []
