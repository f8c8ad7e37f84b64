"""The exact confidence interval of a proportion (Clopper and Pearson, 1934), in whole numbers throughout.

Its law: with ``count`` of ``of`` seen, the lower limit is the p at which as many or more are seen with probability
alpha/2, and the upper limit the p at which as many or fewer are. Both are found by halving on the grid of 4 decimals
with the binomial sum as a ratio of whole numbers, so that no digit is ever lost; the digits are rounded half to even.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from math import comb
from typing import Final, NamedTuple

DECIMALS: Final = 4
_GRID: Final = 10**DECIMALS
# alpha = 0.05, as a ratio: 1/40 in each tail.
_TAIL: Final = 40


class Interval(NamedTuple):
    """The 95 % limits, between 0 and 1."""

    lower: Decimal
    upper: Decimal


@cache
def interval(count: int, of: int) -> Interval:
    """The exact 95 % interval; with nobody observed nothing is excluded. ValueError unless 0 <= count <= of."""
    if not 0 <= count <= of:
        raise ValueError(f"{count} of {of} is no proportion")
    lower = 0 if count == 0 else _nearest(lambda p, q: _excess(range(count, of + 1), of, p, q))
    upper = _GRID if count == of else _nearest(lambda p, q: -_excess(range(count + 1), of, p, q))
    return Interval(_decimal(lower), _decimal(upper))


def _excess(seen: Iterable[int], of: int, p: int, q: int) -> int:
    """By how much the probability that as many are seen, at a chance of p / (p + q), exceeds one tail; scaled up."""
    # pow, not **: of whole numbers it is a whole number, as far as the type checker can know
    return _TAIL * sum(comb(of, k) * int(pow(p, k)) * int(pow(q, of - k)) for k in seen) - int(pow(p + q, of))


def _nearest(above: Callable[[int, int], int]) -> int:
    """The grid point nearest to the limit; ``above(p, q)``: positive when p / (p + q) lies above it, 0 when on it."""
    low, high = 0, _GRID
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if above(middle, _GRID - middle) > 0 else (middle, high)
    half = above(2 * low + 1, 2 * _GRID - 2 * low - 1)
    return low + (low % 2 if half == 0 else half < 0)


def _decimal(points: int) -> Decimal:
    return Decimal(points).scaleb(-DECIMALS)
