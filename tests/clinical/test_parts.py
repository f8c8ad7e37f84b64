"""What was said last is said again, the very same, until what it reads or the time makes it say something else."""

from datetime import UTC, datetime, timedelta

from stories import TREATED, Played, lab

from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.parts import Parts

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _finding() -> AnyFinding:
    """One and the same content, another object every time."""
    return next(iter(Played((*TREATED, lab("K", 2, "7.1"))).findings.values()))


def _nothing() -> tuple[list[AnyFinding], list[datetime]]:
    return [], []


def test_it_is_asked_anew_when_it_reads_something_else_and_keeps_the_object_that_says_the_same() -> None:
    """A finding that was sent is recognised by being the same object: no need to compare it field by field."""
    first = Parts()
    (said,) = first.of("part", (1,), lambda: [_finding()])
    second = Parts(first.said)
    (again,) = second.of("part", (2,), lambda: [_finding()])
    assert again is said


def test_time_makes_it_asked_anew_at_the_instant_ahead_and_not_before() -> None:
    """Half an hour before the instant nothing is asked; at the instant it is."""
    asked: list[datetime] = []

    def say(as_of: datetime) -> tuple[list[AnyFinding], list[datetime]]:
        asked.append(as_of)
        return [], [as_of + HOUR]

    parts = Parts()
    for as_of in (NOON, NOON + HOUR / 2, NOON + HOUR, NOON + HOUR):
        parts = Parts(parts.said)
        _, ahead = parts.in_time("part", (1,), as_of, lambda as_of=as_of: say(as_of))  # type: ignore[misc]
        assert ahead > (as_of,)
    assert asked == [NOON, NOON + HOUR]


def test_with_nothing_ahead_only_what_it_reads_counts() -> None:
    """No instant ahead: a year later it says the same unasked; with other facts it is asked."""
    parts = Parts()
    parts.in_time("part", (1,), NOON, lambda: ([_finding()], []))
    later = Parts(parts.said)
    said, _ = later.in_time("part", (1,), NOON + 365 * 24 * HOUR, _nothing)
    other, _ = Parts(parts.said).in_time("part", (2,), NOON, _nothing)
    assert (len(said), len(other)) == (1, 0)
