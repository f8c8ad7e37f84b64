"""Hours between samples: what is known to have lasted, what may have, and from which samples both were counted."""

from collections.abc import Iterator
from datetime import timedelta, tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from safety_stream.clinical.conclusion import Input
from safety_stream.clinical.running import Point
from safety_stream.quantity import ENDLESS, EXACT, ZERO, Interval, plain

_HOUR, _SHOWN = Decimal(3600), Decimal("0.0001")


class Held(NamedTuple):
    """How long a figure was met: from when to when for certain, the samples on either side, and both as hours.

    ``hours`` runs from the known to the possible; None: nothing is known of either.
    """

    first: Point | None
    last: Point | None
    before: Point | None
    after: Point | None
    hours: Interval | None


def held_for(first: Point | None, last: Point | None, before: Point | None, after: Point | None, zone: tzinfo) -> Held:
    """The hours from the first to the last sample that met a figure, and from the sample before to the one after."""
    shortest = ZERO if first is None or last is None else _hours(apart(first, last, zone)[0], ROUND_FLOOR)
    hours: Interval | None = Interval(shortest, ENDLESS, high_open=True) if shortest else None
    if before is not None and after is not None:
        hours = Interval(shortest, _hours(apart(before, after, zone)[1], ROUND_CEILING))
    return Held(first, last, before, after, hours)


def apart(one: Point, other: Point, zone: tzinfo) -> tuple[timedelta, timedelta]:
    """The least and the most time between two samples."""
    first, last = one.observed_at.bounds(zone), other.observed_at.bounds(zone)
    return max(timedelta(0), last[0] - first[1]), last[1] - first[0]


def _hours(length: timedelta, rounding: str) -> Decimal:
    """A duration in hours, to a third of a second: known hours rounded down, possible ones up."""
    seconds = Decimal(length.days * 86_400 + length.seconds) + Decimal(length.microseconds).scaleb(-6)
    return EXACT.divide(seconds, _HOUR).quantize(_SHOWN, rounding=rounding)


def samples_of(held: Held) -> Iterator[Input]:
    """The samples that the hours were counted from, as evidence."""
    names, points = (
        ("not yet at", "held from", "held to", "no longer at"),
        (held.before, held.first, held.last, held.after),
    )
    for name, point in zip(names, points, strict=True):
        if point is not None:
            yield Input(name=name, value=point.observed_at.text, source=point.source)


def words_of(held: Held) -> str:
    """How the hours were counted, in words."""
    shortest = "0" if held.hours is None else plain(held.hours.low)
    known = f"T4: held for at least {shortest} h (first to last sample)"
    if held.hours is not None and held.hours.high != ENDLESS:
        return f"{known}, at most {plain(held.hours.high)} h (sample before to sample after)"
    return f"{known}; for how long at most is not known: no sample {'after it yet' if held.before else 'before it'}"
