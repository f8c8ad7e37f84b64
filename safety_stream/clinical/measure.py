"""From a measurement as it was told to a measured quantity, or to the question that it raises. Nothing is corrected."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.events import Measurement
from safety_stream.quantity import ZERO, Interval, ReferenceRange, Unreadable, exactly, plain, read_limit, read_value
from safety_stream.rulebook.tables import Analyte, Book, Unit, folded


class Remark(NamedTuple):
    """Something about a measurement that a person must clear up: the makings of a DataQuery."""

    code: str
    about: str
    found: str
    expected: str


Limits = tuple[ReferenceRange, tuple[Remark, ...]]


class Measured(NamedTuple):
    """A measured quantity as it was reported: its interval, unit and range, none of them converted.

    ``unit`` is None when none was sent and the analyte's terms only compare with the range of the same result.
    ``derived`` names the formula of a quantity that was calculated by us, never sent.
    """

    analyte: Analyte
    value: Interval
    unit: Unit | None
    range: ReferenceRange
    text: str
    source: str
    remarks: tuple[Remark, ...] = ()
    derived: str | None = None

    @property
    def key(self) -> str:
        """The key of the analyte."""
        return self.analyte.key

    @property
    def ucum(self) -> str | None:
        """The UCUM code of the reported unit."""
        return None if self.unit is None else self.unit.ucum

    @property
    def own(self) -> Interval:
        """The value in the analyte's own unit (as reported when no unit was sent)."""
        return self.value if self.unit is None else self.unit.own(self.value)


class Unmeasurable(NamedTuple):
    """A measurement that cannot be used, and why. ``query`` is False where nothing is wrong: a test told in words."""

    analyte: str | None
    remark: Remark
    query: bool = True

    @property
    def code(self) -> str:
        """Why, from a closed list: unknown_analyte, no_value, unreadable_value, ..."""
        return self.remark.code

    @property
    def found(self) -> str:
        """What was found."""
        return self.remark.found

    @property
    def expected(self) -> str:
        """What was expected instead."""
        return self.remark.expected


def measure(event: Measurement, book: Book) -> Measured | Unmeasurable:
    """What a laboratory result or vital sign says, or why it says nothing that can be graded."""
    analyte = book.analyte(loinc=event.loinc, test=event.test)
    named = event.loinc if event.loinc is not None else event.test or ""
    if analyte is None:
        return _refused(None, "unknown_analyte", named, named, "a LOINC code or test name of the rulebook's analytes")
    source = f"{event.source.record} v{event.source.version}"
    limits = limits_of(analyte.key, event.range_low, event.range_high)
    return measured(analyte, event.value, event.unit, limits, source=source)


def measured(
    analyte: Analyte, text: str | None, unit: str | None, limits: Limits, *, source: str
) -> Measured | Unmeasurable:
    """The same for an analyte that is already known, with its limits as ``limits_of`` read them."""
    if analyte.qualitative:
        return Unmeasurable(analyte.key, Remark("qualitative", analyte.key, str(text), "nothing: told in words"), False)
    if text is None or not text.strip():
        return _refused(analyte, "no_value", analyte.key, "no value", "a number with its unit")
    value = _value(analyte, text)
    if isinstance(value, Unreadable):
        return _refused(analyte, "unreadable_value", analyte.key, text[:60], value.expected)
    known = _unit(analyte, unit)
    reported = Measured(analyte, value, known, limits[0], text, source, limits[1])
    return _without_unit(reported, unit) if known is None else _checked(reported, known)


def _checked(reported: Measured, unit: Unit) -> Measured | Unmeasurable:
    own = reported.value if unit.same else unit.own(reported.value)
    analyte = reported.analyte
    if own.meets(*analyte.plausible):
        return reported if not analyte.range_shows_unit else _with_fitting_range(reported, unit)
    lowest, highest = (plain(end) for end in analyte.plausible)
    found = f"{reported.text} {unit.ucum}"
    return _refused(analyte, "implausible_value", analyte.key, found, f"{lowest} to {highest} {analyte.unit}")


def _with_fitting_range(reported: Measured, unit: Unit) -> Measured | Unmeasurable:
    """A sent range that does not meet the usual one of healthy adults shows that the unit is not what it says."""
    low, high = reported.range
    usual = reported.analyte.usual
    too_high = low is not None and usual.high is not None and unit.own(exactly(low)).low > usual.high
    too_low = high is not None and usual.low is not None and unit.own(exactly(high)).low < usual.low
    if not (too_high or too_low):
        return reported
    found = f"{reported.text} {unit.ucum} with a range of {_limit_text(low)} to {_limit_text(high)}"
    expected = (
        f"a range in {unit.ucum} near {_limit_text(usual.low)} to {_limit_text(usual.high)} {reported.analyte.unit}"
    )
    return _refused(reported.analyte, "implausible_range", reported.key, found, expected)


def _limit_text(limit: Decimal | None) -> str:
    return "?" if limit is None else plain(limit)


def _without_unit(reported: Measured, unit: str | None) -> Measured | Unmeasurable:
    """A value whose unit is unknown, or missing: then graded only against the range of the same result (G39)."""
    analyte, expected = reported.analyte, f"one of {', '.join(reported.analyte.units)}"
    if unit is not None and unit.strip():
        return _refused(analyte, "unknown_unit", analyte.key, unit, expected)
    if not analyte.ratios_only or reported.range == (None, None) or reported.value.high < ZERO:
        return _refused(analyte, "missing_unit", analyte.key, "no unit", expected)
    remark = Remark("missing_unit", analyte.key, "no unit", expected)
    return reported._replace(remarks=(*reported.remarks, remark))


def _refused(analyte: Analyte | None, code: str, about: str, found: str, expected: str) -> Unmeasurable:
    return Unmeasurable(analyte.key if analyte else None, Remark(code, about, found, expected))


def _value(analyte: Analyte, text: str) -> Interval | Unreadable:
    rank = analyte.scale.get(folded(text)) if analyte.scale else None
    if rank is not None:
        return Interval(rank, rank)
    value = read_value(text)
    if isinstance(value, Unreadable) and analyte.scale:
        return Unreadable(text, f"one of {', '.join(analyte.scale)}")
    return value


def _unit(analyte: Analyte, unit: str | None) -> Unit | None:
    if unit is None or not unit.strip():
        return analyte.units[analyte.unit] if analyte.unit_may_be_missing else None
    return analyte.unit_of(unit)


@lru_cache(maxsize=4096)
def limits_of(about: str, low: str | None, high: str | None) -> Limits:
    """The range that was sent; limits that make no sense are left out, with a remark (register G40)."""
    remarks: list[Remark] = []
    lln = _limit(about, low, remarks, lambda limit: limit >= ZERO)
    uln = _limit(about, high, remarks, lambda limit: limit > ZERO)
    if lln is not None and uln is not None and lln > uln:
        remarks.append(Remark("range_upside_down", about, f"{low} to {high}", "a lower limit below the upper one"))
        lln = uln = None
    return ReferenceRange(lln, uln), tuple(remarks)


def _limit(
    about: str, text: str | None, remarks: list[Remark], makes_sense: Callable[[Decimal], bool]
) -> Decimal | None:
    if text is None or not text.strip():
        return None
    limit = read_limit(text)
    if isinstance(limit, Unreadable):
        remarks.append(Remark("unreadable_range", about, text[:60], limit.expected))
        return None
    if not makes_sense(limit):
        remarks.append(Remark("unreadable_range", about, text[:60], "a limit of normal above 0"))
        return None
    return limit
