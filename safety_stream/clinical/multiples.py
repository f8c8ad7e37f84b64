"""A measured value as a multiple of its ULN, and of a baseline that was itself above normal."""

from decimal import Decimal

from safety_stream.clinical.measure import Measured
from safety_stream.quantity import EXACT, Interval
from safety_stream.rulebook.criteria import Inputs, Verdict
from safety_stream.rulebook.written import parsed

_PLACES = range(2, 6)
_FINEST = Decimal("0.000001")
_KEPT = Decimal("0.000000000001")


def times_uln(inputs: Inputs) -> Decimal | None:
    """The multiple of the ULN that came with the result; None: one of the two is missing or not exact."""
    return None if inputs.ULN is None else _times(inputs.value, inputs.ULN)


def of_baseline(measured: Measured, baseline: object) -> str:
    """In brackets the multiple of a baseline above its ULN: there a multiple of the ULN says too much."""
    if not isinstance(baseline, Measured) or not baseline.value.exact or not _is_raised(baseline):
        return ""
    times = _times(measured.own, baseline.own)
    return "" if times is None else f" ({shown(times)} x baseline of {baseline.text} {baseline.ucum or ''})"


def over_raised(measured: Measured, baseline: object, times: Decimal) -> Verdict:
    """Whether a value is above so many times a baseline that was surely above its ULN; any other asks nothing more."""
    if not isinstance(baseline, Measured) or not _is_raised(baseline) or None in (measured.unit, baseline.unit):
        return True
    inputs = Inputs(measured.own, None, None, baseline.own, {})
    return parsed(f"> {times} x BASELINE").judge(inputs)


def _is_raised(baseline: Measured) -> bool:
    return baseline.range.high is not None and baseline.value.low > baseline.range.high


def shown(times: Decimal) -> str:
    """A multiple to two decimals, or to as many as it needs: 4.996 is not 5.00, and 2.001 is not 2.00."""
    finest = times.quantize(_FINEST)
    rounded = (finest.quantize(Decimal(1).scaleb(-places)) for places in _PLACES)
    return str(next((one for one in rounded if one == finest or one.as_tuple().digits[-1] != 0), finest))


def ratio(above: Decimal | None, below: Decimal | None) -> Decimal | None:
    """One multiple over another."""
    return EXACT.divide(above, below) if above is not None and below else None


def _times(value: Interval, limit: Interval) -> Decimal | None:
    exact = value.exact and limit.exact and limit.low
    return EXACT.divide(value.low, limit.low).quantize(_KEPT) if exact else None
