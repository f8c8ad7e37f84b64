"""Quantities that were not sent but follow from others of the same specimen or moment: marked, never replacing any.

Each function takes measured quantities and gives another one, or None where the inputs do not support it. Its
``derived`` names the formula and its register entry, its source the records it came from.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from safety_stream.clinical.measure import Measured
from safety_stream.quantity import EXACT, Interval, ReferenceRange, plain
from safety_stream.rulebook.tables import Book, Formula, Unit

Sex = Literal["female", "male"]
Parts = Mapping[str, Measured]

_NO_RANGE = ReferenceRange()
_TENTH, _HUNDREDTH = Decimal("0.1"), Decimal("0.01")
_CALCIUM_RULES = {
    # unit of calcium: (correction for each unit of albumin, normal albumin, unit of albumin)
    "mmol/L": (Decimal("0.02"), Decimal(40), "g/L"),
    "mg/dL": (Decimal("0.8"), Decimal(4), "g/dL"),
}


def corrected_calcium(calcium: Measured, albumin: Measured, book: Book) -> Measured | None:
    """Total calcium corrected for albumin (register G16), in mmol/L or mg/dL as calcium was reported."""
    if calcium.unit is None or albumin.unit is None:
        return None
    ucum = calcium.unit.ucum if calcium.unit.ucum in _CALCIUM_RULES else "mmol/L"
    each, normal, albumin_unit = _CALCIUM_RULES[ucum]
    value = calcium.value if ucum == calcium.ucum else calcium.own
    lack = _minus(normal, albumin.analyte.units[albumin_unit].of_own(albumin.own))
    formula = f"calcium + {each} x ({normal} - albumin in {albumin_unit}) (G16)"
    limits = calcium.range if ucum == calcium.ucum else _in_own_unit(calcium)
    return _derived(
        book, "CACORR", _plus(value, lack.scaled(each)), ucum, formula=formula, parts=(calcium, albumin), limits=limits
    )


def neutrophils(
    leukocytes: Measured, neutrophil_share: Measured, bands_share: Measured | None, book: Book
) -> Measured | None:
    """The neutrophil count from leukocytes and the differential of the same specimen (register G18)."""
    if leukocytes.unit is None or neutrophil_share.unit is None:
        return None
    share = neutrophil_share.own
    if bands_share is not None:
        share = _plus(share, bands_share.own)
    part = share.scaled(_HUNDREDTH)
    count = Interval(
        EXACT.multiply(leukocytes.value.low, part.low),
        EXACT.multiply(leukocytes.value.high, part.high),
        leukocytes.value.low_open or part.low_open,
        leukocytes.value.high_open or part.high_open,
    )
    formula = "leukocytes x (neutrophils + bands) % (G18)"
    parts = tuple(one for one in (leukocytes, neutrophil_share, bands_share) if one is not None)
    return _derived(book, "NEUT", count, leukocytes.unit.ucum, formula=formula, parts=parts)


def egfr(creatinine: Measured, age_years: int, sex: Sex, book: Book) -> Measured | None:
    """Estimated GFR by CKD-EPI 2021, without race, for adults (register G17); to 0.01 mL/min/1.73 m2."""
    if creatinine.unit is None or age_years < 18 or creatinine.value.low <= 0:
        return None
    mg_dl = creatinine.analyte.units["mg/dL"].of_own(creatinine.own)
    if not mg_dl.high.is_finite():
        return None
    low, high = _ckd_epi(mg_dl.high, age_years, sex), _ckd_epi(mg_dl.low, age_years, sex)
    value = Interval(low, high, mg_dl.high_open, mg_dl.low_open)
    formula = f"CKD-EPI 2021 from creatinine, {age_years} years, {sex} (G17)"
    return _derived(book, "EGFR", value, "mL/min/{1.73_m2}", formula=formula, parts=(creatinine,))


def qtcf(
    qt: Measured, *, rr: Measured | None = None, heart_rate: Measured | None = None, book: Book
) -> Measured | None:
    """QTc by Fridericia from QT and RR (or the heart rate) of the same tracing (register G15); to 0.1 ms."""
    beat = rr or heart_rate
    if qt.unit is None or beat is None or beat.unit is None or beat.own.low <= 0:
        return None
    if not (qt.own.high.is_finite() and beat.own.high.is_finite()):
        return None
    slow, fast = (beat.own.high, beat.own.low) if rr else (beat.own.low, beat.own.high)
    low, high = _at_beat(qt.own.low, slow, is_rr=rr is not None), _at_beat(qt.own.high, fast, is_rr=rr is not None)
    formula = "QT / cube root of RR in s (G15)"
    return _derived(book, "QTCF", Interval(low, high), "ms", formula=formula, parts=(qt, beat))


def _at_beat(qt_ms: Decimal, beat: Decimal, *, is_rr: bool) -> Decimal:
    seconds = EXACT.divide(beat, Decimal(1000)) if is_rr else EXACT.divide(Decimal(60), beat)
    root = EXACT.power(seconds, EXACT.divide(Decimal(1), Decimal(3)))
    return EXACT.divide(qt_ms, root).quantize(_TENTH, context=EXACT)


def mean_of(replicates: Sequence[Measured]) -> Measured | None:
    """The mean of the replicates of one time point (register G15): the same analyte, in its own unit."""
    if not replicates or any(one.unit is None or one.key != replicates[0].key for one in replicates):
        return None
    if len(replicates) == 1:
        return replicates[0]
    total = replicates[0].own
    for one in replicates[1:]:
        total = _plus(total, one.own)
    analyte = replicates[0].analyte
    value = total.divided(Decimal(len(replicates)))
    return Measured(
        analyte=analyte,
        value=value,
        unit=analyte.units[analyte.unit],
        range=_NO_RANGE,
        text=_text(value),
        source=_sources(replicates),
        derived=f"mean of {len(replicates)} replicates (G15), from {_readings(replicates)}",
    )


def _readings(replicates: Sequence[Measured]) -> str:
    return ", ".join(f"{one.text.strip()} {one.ucum}" for one in replicates)


class Person(NamedTuple):
    """What a formula asks of a subject: age in completed years at consent, and sex; None: not known."""

    age_years: int | None
    sex: Sex | None


def corrected(formula: Formula, told: Measured, parts: Parts, book: Book) -> Measured | None:
    """What was sent, corrected by its companions; None where they do not suffice."""
    if formula == "albumin" and "ALB" in parts:
        return corrected_calcium(told, parts["ALB"], book)
    return None


def derived(formula: Formula, parts: Parts, person: Person, book: Book) -> Measured | None:
    """A quantity that was not sent, from the others of its specimen or tracing; None where they do not suffice."""
    return _DERIVATIONS[formula](parts, person, book)


def _differential(parts: Parts, person: Person, book: Book) -> Measured | None:
    share = parts.get("NEUTLE") or parts.get("NEUTSGLE")
    if "WBC" not in parts or share is None:
        return None
    return neutrophils(parts["WBC"], share, parts.get("NEUTBLE"), book)


def _filtration(parts: Parts, person: Person, book: Book) -> Measured | None:
    if "CREAT" not in parts or person.age_years is None or person.sex is None:
        return None
    return egfr(parts["CREAT"], person.age_years, person.sex, book)


def _fridericia(parts: Parts, person: Person, book: Book) -> Measured | None:
    return qtcf(parts["QT"], rr=parts["RR"], book=book) if {"QT", "RR"} <= parts.keys() else None


_DERIVATIONS: Final[Mapping[Formula, Callable[[Parts, Person, Book], Measured | None]]] = MappingProxyType(
    {"differential": _differential, "CKD-EPI 2021": _filtration, "Fridericia": _fridericia}
)


@lru_cache(maxsize=4096)
def _ckd_epi(creatinine_mg_dl: Decimal, age_years: int, sex: Sex) -> Decimal:
    """142 x min(Scr/k, 1)^a x max(Scr/k, 1)^-1.200 x 0.9938^age [x 1.012 if female] (Inker et al., 2021)."""
    kappa, alpha = (Decimal("0.7"), Decimal("-0.241")) if sex == "female" else (Decimal("0.9"), Decimal("-0.302"))
    ratio = EXACT.divide(creatinine_mg_dl, kappa)
    one = Decimal(1)
    result = EXACT.multiply(Decimal(142), EXACT.power(min(ratio, one), alpha))
    result = EXACT.multiply(result, EXACT.power(max(ratio, one), Decimal("-1.200")))
    result = EXACT.multiply(result, EXACT.power(Decimal("0.9938"), Decimal(age_years)))
    if sex == "female":
        result = EXACT.multiply(result, Decimal("1.012"))
    return result.quantize(_HUNDREDTH, context=EXACT)


def _derived(
    book: Book,
    key: str,
    value: Interval,
    ucum: str,
    *,
    formula: str,
    parts: Sequence[Measured],
    limits: ReferenceRange = _NO_RANGE,
) -> Measured | None:
    analyte = book.analytes.get(key)
    unit: Unit | None = None if analyte is None else analyte.units.get(ucum)
    if analyte is None or unit is None or not unit.own(value).meets(*analyte.plausible):
        return None
    told = f"{formula}, from {_named(parts)}"
    return Measured(analyte, value, unit, limits, _text(value), _sources(parts), derived=told)


def _named(parts: Sequence[Measured]) -> str:
    """What a quantity was made of, as it was reported."""
    return " and ".join(f"{one.analyte.name} {one.text.strip()} {one.ucum or '(no unit)'}" for one in parts)


def _sources(parts: Sequence[Measured]) -> str:
    return ", ".join(dict.fromkeys(one.source for one in parts))


def _text(value: Interval) -> str:
    if not value.exact:
        return str(value)
    rounded = value.low.quantize(Decimal("0.0001"), context=EXACT)
    return plain(rounded)


def _in_own_unit(measured: Measured) -> ReferenceRange:
    if measured.unit is None:
        return measured.range
    factor = measured.unit.factor
    low, high = (None if limit is None else EXACT.multiply(limit, factor) for limit in measured.range)
    return ReferenceRange(low, high)


def _plus(one: Interval, other: Interval) -> Interval:
    return Interval(
        EXACT.add(one.low, other.low),
        EXACT.add(one.high, other.high),
        one.low_open or other.low_open,
        one.high_open or other.high_open,
    )


def _minus(number: Decimal, value: Interval) -> Interval:
    """``number`` minus every value."""
    return Interval(
        EXACT.subtract(number, value.high), EXACT.subtract(number, value.low), value.high_open, value.low_open
    )
