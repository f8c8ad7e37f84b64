"""From a measurement as it was told to a measured quantity, or to the question that it raises. Nothing is corrected."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.events import Measurement
from safety_stream.quantity import (
    ENDLESS,
    ZERO,
    Interval,
    ReferenceRange,
    Unreadable,
    exactly,
    hull,
    plain,
    read_limit,
    read_value,
)
from safety_stream.rulebook.suggesting import folded
from safety_stream.rulebook.tables import Analyte, Book, Unit


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
    ``derived`` names the formula of a quantity that was calculated by us, never sent. ``either``: the results of one
    time of which it is one, nobody knows which (register G45).
    """

    analyte: Analyte
    value: Interval
    unit: Unit | None
    range: ReferenceRange
    text: str
    source: str
    remarks: tuple[Remark, ...] = ()
    derived: str | None = None
    either: "tuple[Measured, ...]" = ()

    @property
    def key(self) -> str:
        """The key of the analyte."""
        return self.analyte.key

    @property
    def ucum(self) -> str | None:
        """The UCUM code of the reported unit."""
        return None if self.unit is None else self.unit.ucum

    @property
    def bare(self) -> "Measured":
        """The quantity without its record: the same for all results that say the same."""
        return Measured(*self[:4], "", "", (), None, tuple([one.bare for one in self.either]) if self.either else ())

    def of(self, source: str) -> "Measured":
        """The quantity as one record tells it."""
        analyte, value, unit, limits, text, _, remarks, derived, either = self
        return Measured(analyte, value, unit, limits, text, source, remarks, derived, either)

    @property
    def own(self) -> Interval:
        """The value in the analyte's own unit (as reported when no unit was sent)."""
        return self.value if self.unit is None else self.unit.own(self.value)

    @property
    def limits(self) -> tuple[Interval | None, Interval | None]:
        """The lower and the upper limit of normal in the reported unit: every value that each may have."""
        if self.either:
            told = [one.limits if one.unit is self.unit else one.limits_in_own for one in self.either]
            return spread([low for low, _ in told]), spread([high for _, high in told])
        low, high = self.range
        return None if low is None else exactly(low), None if high is None else exactly(high)

    @property
    def limits_in_own(self) -> tuple[Interval | None, Interval | None]:
        """The same in the analyte's own unit."""
        low, high = self.limits
        own = None if self.unit is None else self.unit.own
        return low if low is None or own is None else own(low), high if high is None or own is None else own(high)


def spread(limits: list[Interval | None]) -> Interval | None:
    """Every value that a limit of normal may have; None: one of the results came without it."""
    known = [one for one in limits if one is not None]
    return hull(known) if len(known) == len(limits) else None


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
    return measured(analyte, event.value, event.unit, (event.range_low, event.range_high), source=source)


def measured(
    analyte: Analyte, text: str | None, unit: str | None, told: tuple[str | None, str | None], *, source: str
) -> Measured | Unmeasurable:
    """The same for an analyte that is already known; ``told``: the lower and the upper limit as they were sent."""
    said = _says(analyte, text, unit, *told)
    return said.of(source) if isinstance(said, Measured) else said


@lru_cache(maxsize=16_384)
def _says(
    analyte: Analyte, text: str | None, unit: str | None, low: str | None, high: str | None
) -> Measured | Unmeasurable:
    """What these words say: read once for all results that say the same."""
    return in_setting(setting_of(analyte, unit, limits_of(analyte.key, low, high)), text, source="")


def in_setting(
    setting: "Setting | Unmeasurable", text: str | None, *, source: str = "asked"
) -> Measured | Unmeasurable:
    """The same once the unit and the range are settled."""
    if isinstance(setting, Unmeasurable):
        return setting
    if text is None or not text.strip():
        return _refused(setting.analyte, "no_value", setting.analyte.key, "no value", "a number with its unit")
    return setting.measure(text, source)


class Setting(NamedTuple):
    """All of a result but its value: the analyte, the unit, the range and what must be said about them."""

    analyte: Analyte
    unit: Unit | None
    range: ReferenceRange
    remarks: tuple[Remark, ...]
    lowest: Decimal
    highest: Decimal

    def measure(self, text: str, source: str) -> Measured | Unmeasurable:
        """The value of a result in this setting."""
        value = _value(self.analyte, text)
        if isinstance(value, Unreadable):
            return _refused(self.analyte, "unreadable_value", self.analyte.key, text[:60], value.expected)
        if not value.meets(self.lowest, self.highest):
            return self._implausible(text)
        return Measured(self.analyte, value, self.unit, self.range, text, source, self.remarks)

    def _implausible(self, text: str) -> Unmeasurable:
        lowest, highest = (plain(end) for end in self.analyte.plausible)
        found = f"{text[:60]} {self.unit.ucum if self.unit else '(no unit)'}"
        expected = f"{lowest} to {highest} {self.analyte.unit}"
        return _refused(self.analyte, "implausible_value", self.analyte.key, found, expected)


@lru_cache(maxsize=8192)
def setting_of(analyte: Analyte, unit: str | None, limits: Limits) -> Setting | Unmeasurable:
    """Whether results of the analyte can be taken in this unit and with this range."""
    if analyte.qualitative:
        return Unmeasurable(analyte.key, Remark("qualitative", analyte.key, "words", "nothing: told in words"), False)
    known = _unit(analyte, unit)
    if known is None:
        return _without_unit(analyte, unit, limits)
    doubt = _doubtful_range(analyte, known, limits[0]) if analyte.range_shows_unit else None
    lowest, highest = (known.of_own(exactly(end)).low for end in analyte.plausible)
    return doubt or Setting(analyte, known, *limits, lowest, highest)


def _doubtful_range(analyte: Analyte, unit: Unit, limits: ReferenceRange) -> Unmeasurable | None:
    """A sent range that does not meet the usual one of healthy adults shows that the unit is not what it says."""
    usual = analyte.usual
    too_high = limits.low is not None and usual.high is not None and unit.own(exactly(limits.low)).low > usual.high
    too_low = limits.high is not None and usual.low is not None and unit.own(exactly(limits.high)).low < usual.low
    if not (too_high or too_low):
        return None
    found = f"{unit.ucum} with a range of {_limit_text(limits.low)} to {_limit_text(limits.high)}"
    expected = f"a range that meets {_limit_text(usual.low)} to {_limit_text(usual.high)} {analyte.unit}"
    return _refused(analyte, "implausible_range", analyte.key, found, expected)


def _limit_text(limit: Decimal | None) -> str:
    return "?" if limit is None else plain(limit)


def _without_unit(analyte: Analyte, unit: str | None, limits: Limits) -> Setting | Unmeasurable:
    """A unit that is unknown, or missing: then graded only against the range of the same result (G39)."""
    expected = f"one of {', '.join(analyte.units)}"
    if unit is not None and unit.strip():
        return _refused(analyte, "unknown_unit", analyte.key, unit, expected)
    if not analyte.ratios_only or limits[0] == (None, None):
        return _refused(analyte, "missing_unit", analyte.key, "no unit", expected)
    remark = Remark("missing_unit", analyte.key, "no unit", expected)
    return Setting(analyte, None, limits[0], (*limits[1], remark), ZERO, ENDLESS)


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
