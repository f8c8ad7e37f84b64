"""Several results of one analyte at one time: one of their values is right, and nobody knows which (register G45).

    potassium at 08:00      2.2 mmol/L of one tube, 3.4 mmol/L of another
    judged as               2.2 or 3.4: a grade from the milder to the worse, which alerts count with the worse
    asked                   which of the two is right

So neither the order of arrival nor a record's name decides. The same value told twice is one value.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from safety_stream.clinical.measure import Measured, Remark
from safety_stream.quantity import EXACT, ReferenceRange, hull, plain

TWO_RESULTS = "two_results_at_one_time"
_PLACE = Decimal("0.0001")


def either(told: Sequence[Measured], observed_at: object) -> tuple[Measured, bool]:
    """What results of one analyte at one time say together, and whether they say the same."""
    ordered = sorted(told, key=in_order)
    same = all(_agree(*pair) for pair in combinations(ordered, 2))
    parts = _best_limited(ordered) if same else ordered
    if len({(one.own, one.limits_in_own) for one in parts}) == 1:
        return parts[0], same
    one_unit = len({one.ucum for one in parts}) == 1
    analyte, readings = parts[0].analyte, " and ".join(_reading(one) for one in parts)
    asked = () if same else (Remark(TWO_RESULTS, analyte.key, f"{readings}, at {observed_at}", _EXPECTED),)
    return Measured(
        analyte=analyte,
        value=hull([one.value if one_unit else one.own for one in parts]),
        unit=parts[0].unit if one_unit else analyte.units[analyte.unit],
        range=parts[0].range if len({one.range for one in parts}) == 1 and one_unit else ReferenceRange(),
        text=" or ".join({one.own: one.text.strip() if one_unit else _in_own(one) for one in parts}.values()),
        source=", ".join(one.source for one in parts),
        remarks=tuple(dict.fromkeys((*asked, *(remark for one in parts for remark in one.remarks)))),
        derived=f"G45: {'one value told more than once' if same else 'one of the values of one time'}: {readings}",
        either=tuple(parts),
    ), same


def in_order(one: Measured) -> tuple[object, ...]:
    """The place of a result among those of one time: by what it says, the record only where they say the same."""
    return one.own, one.ucum or "", one.range.low is None, one.range.high is None, one.source


_EXPECTED = "one value at one time: a correction of one of the records, or its withdrawal"


def _agree(one: Measured, other: Measured) -> bool:
    """Whether two results say the same, to the last digit of one of them where their units differ."""
    if one.ucum == other.ucum or not (one.value.exact and other.value.exact):
        return one.own == other.own
    return _rounds_to(one, other) or _rounds_to(other, one)


def _rounds_to(one: Measured, other: Measured) -> bool:
    assert other.unit is not None  # noqa: S101  # results without a unit are not compared with others
    told = other.value.low
    exponent = told.as_tuple().exponent
    half = Decimal(5).scaleb(exponent - 1) if isinstance(exponent, int) else Decimal(0)
    return abs(EXACT.subtract(other.unit.of_own(one.own).low, told)) <= half


def _best_limited(told: list[Measured]) -> list[Measured]:
    """Of results that say the same those with the most limits of normal."""
    most = max(_limits_sent(one) for one in told)
    return [one for one in told if _limits_sent(one) == most]


def _limits_sent(one: Measured) -> int:
    return sum(limit is not None for limit in one.range)


def _reading(one: Measured) -> str:
    limits = " to ".join("-" if limit is None else plain(limit) for limit in one.range)
    normal = f", normal {limits}" if _limits_sent(one) else ""
    return f"{one.text.strip()} {one.ucum or '(no unit)'} ({one.source}{normal})"


def _in_own(one: Measured) -> str:
    own = one.own
    return plain(own.low.quantize(_PLACE, context=EXACT)) if own.exact else str(own)
