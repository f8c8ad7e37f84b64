"""A number that never loses its digits, its comparator or its unit: reported text in, exact Decimal intervals out.

The law of this file: no float, no rounding. Every product of a reported number, an exact factor and a multiple of a
limit fits into the 60 digits of ``EXACT``, because a reported number may have at most 24. Text that cannot be read
is an ``Unreadable`` value, never an exception.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import NamedTuple

EXACT = Context(prec=60, Emin=-400, Emax=400, traps=[InvalidOperation, DivisionByZero, Overflow])

ZERO = Decimal(0)
ENDLESS = Decimal("Infinity")
_MOST_DIGITS = 24
_FARTHEST_EXPONENT = 20

_NUMBER = re.compile(
    r"(?P<comparator><=|>=|<|>|)\s*(?P<number>-?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\Z"
)
_PLAIN = re.compile(r"-?[0-9]{1,8}(?:\.[0-9]{1,16})?\Z")
_SIGNS = str.maketrans({"≤": "<=", "≥": ">=", "⩽": "<=", "⩾": ">=", "−": "-", "–": "-"})


class Unreadable(NamedTuple):
    """A text that states no number, and what was expected instead."""

    text: str
    expected: str


class Interval(NamedTuple):
    """All values a reported text can mean, from ``low`` to ``high``; an open end does not belong to it.

    Exact when both ends are the same number. An end may be infinite, and is then open.
    """

    low: Decimal
    high: Decimal
    low_open: bool = False
    high_open: bool = False

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high

    def scaled(self, factor: Decimal) -> "Interval":
        """Every value times ``factor`` (> 0), exactly."""
        low = EXACT.multiply(self.low, factor)
        high = low if self.low is self.high else EXACT.multiply(self.high, factor)
        return Interval(low, high, self.low_open, self.high_open)

    def divided(self, divisor: Decimal) -> "Interval":
        """Every value over ``divisor`` (> 0), to 60 digits: exact wherever the quotient can equal a printed bound."""
        low = EXACT.divide(self.low, divisor)
        high = low if self.low is self.high else EXACT.divide(self.high, divisor)
        return Interval(low, high, self.low_open, self.high_open)

    def shifted(self, by: Decimal) -> "Interval":
        """Every value plus ``by``, exactly."""
        low = EXACT.add(self.low, by)
        high = low if self.low is self.high else EXACT.add(self.high, by)
        return Interval(low, high, self.low_open, self.high_open)

    def meets(self, low: Decimal, high: Decimal) -> bool:
        """Whether some value of it lies in the closed range from ``low`` to ``high``."""
        below = self.high < low or (self.high == low and self.high_open)
        above = self.low > high or (self.low == high and self.low_open)
        return not (below or above)

    def __str__(self) -> str:
        if self.exact:
            return plain(self.low)
        if self.low == -ENDLESS or (self.low == ZERO and not self.low_open):
            return f"{'<' if self.high_open else '<='}{plain(self.high)}"
        if self.high == ENDLESS:
            return f"{'>' if self.low_open else '>='}{plain(self.low)}"
        low = f"{'>' if self.low_open else '>='}{plain(self.low)}"
        return f"{low} and {'<' if self.high_open else '<='}{plain(self.high)}"


class ReferenceRange(NamedTuple):
    """The limits of normal a laboratory sent with a result, in the unit of that result; None: it sent none."""

    low: Decimal | None = None
    high: Decimal | None = None


def exactly(number: Decimal) -> Interval:
    """The interval that is one number."""
    return Interval(number, number)


def hull(values: Sequence[Interval]) -> Interval:
    """The smallest interval that holds every value of some others."""
    low, high = min(one.low for one in values), max(one.high for one in values)
    return Interval(
        low,
        high,
        all(one.low_open for one in values if one.low == low),
        all(one.high_open for one in values if one.high == high),
    )


def below(number: Decimal, *, or_equal: bool = False) -> Interval:
    """Everything below ``number``."""
    return Interval(-ENDLESS, number, low_open=True, high_open=not or_equal)


def above(number: Decimal, *, or_equal: bool = False) -> Interval:
    """Everything above ``number``."""
    return Interval(number, ENDLESS, low_open=not or_equal, high_open=True)


def read_value(text: str) -> Interval | Unreadable:
    """Read ``0.42``, ``<0.2``, ``>= 1000``, ``3.50``, ``1.2E3``, ``0,42``.

    A comma is a decimal mark only where it cannot separate thousands: ``0,42`` is read, ``1,000`` is not.
    """
    if _PLAIN.match(text):
        number = Decimal(text)
        return Interval(number, number)
    return _read_with_care(text)


def plain_number(text: str) -> Decimal | None:
    """The number of a text that is nothing but plain digits, which most are; None: to be read with care."""
    return Decimal(text) if _PLAIN.match(text) else None


def read_limit(text: str) -> Decimal | Unreadable:
    """Read a limit of normal; ``<40`` and ``>= 3.5`` state the limit 40 and 3.5."""
    value = read_value(text)
    if isinstance(value, Unreadable):
        return value
    return value.high if value.low == -ENDLESS else value.low


def plain(number: Decimal) -> str:
    """The number in plain digits, without exponent and without trailing zeros after the point."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


def _read_with_care(text: str) -> Interval | Unreadable:
    told = unicodedata.normalize("NFKC", text.strip().translate(_SIGNS))
    match = _NUMBER.match(told)
    if match is None:
        return Unreadable(text, "one number, such as 3.50, <0.2 or >=1000")
    digits = match["number"]
    if "," in digits:
        if _may_group_thousands(digits):
            return Unreadable(text, "a point as decimal mark: this comma can mean thousands or decimals")
        digits = digits.replace(",", ".")
    number = Decimal(digits)
    if _absurd(number):
        return Unreadable(text, f"a number of at most {_MOST_DIGITS} digits between 1E-20 and 1E20")
    comparator = match["comparator"]
    if comparator.startswith("<"):
        return below(number, or_equal=comparator == "<=")
    if comparator.startswith(">"):
        return above(number, or_equal=comparator == ">=")
    return Interval(number, number)


def _may_group_thousands(digits: str) -> bool:
    whole, _, rest = digits.lstrip("-").partition(",")
    return len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")


def _absurd(number: Decimal) -> bool:
    parts = number.as_tuple()
    return (
        len(parts.digits) > _MOST_DIGITS
        or (bool(number) and not -_FARTHEST_EXPONENT <= number.adjusted() <= _FARTHEST_EXPONENT)
        or abs(int(parts.exponent)) > 2 * _FARTHEST_EXPONENT
    )
