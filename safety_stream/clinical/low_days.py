"""The days at or below a count as stretches: those that are known, and those that may have been.

day     1    2    5    9    12   16        samples: low *, above o
        o    *    *    *    *    o
             [------------------]          known: the low samples lie close to each other
          [-------------------------]      at most: to the days next to the samples above
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from safety_stream.clinical.depths import recovered
from safety_stream.clinical.running import Depth
from safety_stream.rulebook.hematotoxicity_rules import EarlyHematotoxicity


class Stretch(NamedTuple):
    """Days in a row at or below a count, both ends inside."""

    first: int
    last: int

    @property
    def days(self) -> int:
        """How many."""
        return self.last - self.first + 1


def longest(stretches: Iterator[Stretch], early: EarlyHematotoxicity) -> Stretch | None:
    """The longest stretch within the early days, of equal ones the first."""
    inside = [Stretch(max(one.first, 0), min(one.last, early.to_day)) for one in stretches]
    return max((one for one in inside if one.days > 0), key=lambda one: one.days, default=None)


def surely(days: tuple[Depth, ...], place: int, early: EarlyHematotoxicity) -> Iterator[Stretch]:
    """Stretches that are known: low samples close to each other, or with too few days between for a recovery."""

    def joined(one: int, other: int) -> bool:
        apart = days[other].day - days[one].day
        return apart - 1 < early.recovered_for or (other == one + 1 and apart <= early.observed_every.length.days)

    low = [index for index, one in enumerate(days) if one.low[place] is True]
    yield from (Stretch(days[run[0]].day, days[run[-1]].day) for run in _runs(low, joined))


def perhaps(days: tuple[Depth, ...], place: int, early: EarlyHematotoxicity) -> Iterator[Stretch]:
    """Stretches at most: to the days next to the samples above on either side, broken only by a sure recovery."""

    def joined(one: int, other: int) -> bool:
        return not recovered([days[index].day for index in range(one + 1, other)], early)

    low = [index for index, one in enumerate(days) if one.low[place] is not False]
    for run in _runs(low, joined):
        before, after = run[0] - 1, run[-1] + 1
        first = days[before].day + 1 if before >= 0 else min(days[run[0]].day, 0)
        yield Stretch(first, days[after].day - 1 if after < len(days) else days[run[-1]].day)


def _runs(low: list[int], joined: Callable[[int, int], bool]) -> Iterator[list[int]]:
    run = list[int]()
    for index in low:
        if run and not joined(run[-1], index):
            yield run
            run = []
        run.append(index)
    if run:
        yield run
