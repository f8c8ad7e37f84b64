"""A measured value as a multiple of its ULN, and of a baseline that was itself above normal."""

from decimal import Decimal

from safety_stream.clinical.measure import Measured
from safety_stream.quantity import EXACT, Interval
from safety_stream.rulebook.criteria import Inputs

_SHOWN = Decimal("0.01")


def times_uln(inputs: Inputs) -> Decimal | None:
    """The multiple of the ULN that came with the result; None: one of the two is missing or not exact."""
    return None if inputs.ULN is None else _times(inputs.value, inputs.ULN)


def of_baseline(measured: Measured, baseline: object) -> str:
    """In brackets the multiple of a baseline above its ULN: there a multiple of the ULN says too much."""
    if not isinstance(baseline, Measured) or baseline.range.high is None:
        return ""
    if not (baseline.value.exact and baseline.value.low > baseline.range.high):
        return ""
    times = _times(measured.own, baseline.own)
    return "" if times is None else f" ({shown(times)} x baseline of {baseline.text} {baseline.ucum or ''})"


def shown(times: Decimal) -> str:
    """A multiple to two decimals."""
    return str(times.quantize(_SHOWN))


def ratio(above: Decimal | None, below: Decimal | None) -> Decimal | None:
    """One multiple over another."""
    return EXACT.divide(above, below) if above is not None and below else None


def _times(value: Interval, limit: Interval) -> Decimal | None:
    exact = value.exact and limit.exact and limit.low
    return EXACT.divide(value.low, limit.low).quantize(Decimal("0.000001")) if exact else None
