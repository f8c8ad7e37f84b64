"""From the rows of units.yaml and analytes.yaml to ``Analyte``: pure, every problem listed, none raised."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from pydantic import ValidationError

from safety_stream.quantity import ReferenceRange
from safety_stream.rulebook.forms import AnalyteForm, ConversionForm, FormulaForm, UnitsForm, complaints
from safety_stream.rulebook.sheet import Sheet
from safety_stream.rulebook.suggesting import folded
from safety_stream.rulebook.tables import Analyte, Joint, Unit, spelled


def read_units(sheet: Sheet, problems: list[str]) -> UnitsForm:
    """The families and spellings of units."""
    problems += sheet.problems
    try:
        return UnitsForm.model_validate(sheet.data)
    except ValidationError as error:
        problems += complaints(sheet, (), error.errors(), form=UnitsForm)
        return UnitsForm(spellings={}, families={})


def read_analytes(sheet: Sheet, units: UnitsForm, problems: list[str]) -> dict[str, Analyte]:
    """Every analyte by its key."""
    problems += sheet.problems
    analytes: dict[str, Analyte] = {}
    for index, row in enumerate(sheet.data if isinstance(sheet.data, list) else []):
        called = str(row.get("key", f"row {index + 1}")) if isinstance(row, dict) else f"row {index + 1}"
        try:
            form = AnalyteForm.model_validate(row)
        except ValidationError as error:
            problems += complaints(sheet, (index,), error.errors(), called, form=AnalyteForm)
            continue
        if form.key in analytes:
            problems.append(sheet.problem((index, "key"), f"{form.key} again", "each analyte once"))
        problems += (
            sheet.problem((index,), f"{form.key}: {wrong}", expected) for wrong, expected in _slips(form, units)
        )
        analytes[form.key] = _analyte(form, units)
    problems += _strangers(sheet, analytes)
    if not analytes:
        problems.append(f"{sheet.name}:1: no analyte in it; expected a list of analytes")
    return analytes


def _strangers(sheet: Sheet, analytes: Mapping[str, Analyte]) -> Iterator[str]:
    rows = {str(row["key"]): index for index, row in enumerate(sheet.data) if isinstance(row, dict) and "key" in row}
    for one in analytes.values():
        for key in sorted(one.companions - analytes.keys()):
            yield sheet.problem((rows[one.key],), f"{one.key}: no analyte is called {key}", "an analyte of this file")


def by_loinc(analytes: Mapping[str, Analyte], problems: list[str]) -> dict[str, Analyte]:
    """Every analyte by each of its LOINC codes."""
    return _index(((code, analyte) for analyte in analytes.values() for code in analyte.loincs), "LOINC", problems)


def by_test(analytes: Mapping[str, Analyte], problems: list[str]) -> dict[str, Analyte]:
    """Every analyte by its key and each of its test names, as they are looked up."""
    named = ((folded(name), one) for one in analytes.values() for name in dict.fromkeys((one.key, *one.tests)))
    return _index(named, "test name", problems)


def _index(pairs: Iterator[tuple[str, Analyte]], what: str, problems: list[str]) -> dict[str, Analyte]:
    index: dict[str, Analyte] = {}
    for name, analyte in pairs:
        other = index.setdefault(name, analyte)
        if other is not analyte:
            problems.append(
                f"analytes.yaml: {what} {name!r} stands for {other.key} and {analyte.key}; expected one of them"
            )
    return index


def _slips(form: AnalyteForm, units: UnitsForm) -> Iterator[tuple[str, str]]:
    for code in form.loinc:
        if not check_digit_holds(code):
            yield f"LOINC {code} has a wrong check digit", "a code copied from LOINC"
    if form.units is not None and form.units not in units.families:
        yield f"no family of units is called {form.units!r}", f"one of {', '.join(units.families)}"


def _analyte(form: AnalyteForm, units: UnitsForm) -> Analyte:
    own, also = _units_of(form, units)
    accepted = {own: Unit(own)} | {ucum: _unit(ucum, conversion) for ucum, conversion in also.items()}
    usual = ReferenceRange(*form.usual) if form.usual else ReferenceRange()
    return Analyte(
        key=form.key,
        name=form.name,
        loincs=form.loinc,
        tests=form.tests,
        unit=own,
        units=MappingProxyType(accepted),
        spellings=MappingProxyType(_spellings(accepted, units)),
        plausible=form.plausible or (Decimal(0), Decimal(0)),
        usual=usual,
        scale=MappingProxyType({folded(word): rank for word, rank in form.scale.items()}),
        unit_may_be_missing=form.unit_may_be_missing,
        qualitative=form.qualitative,
        range_shows_unit=form.range_shows_unit,
        corrected=_joint(form.corrected),
        derived=_joint(form.derived),
        unless=form.unless,
        replicates=form.replicates is not None,
    )


def _joint(form: FormulaForm | None) -> Joint | None:
    return None if form is None else Joint(form.by, form.of, form.entry)


def _units_of(form: AnalyteForm, units: UnitsForm) -> tuple[str, dict[str, ConversionForm]]:
    if form.units is None:
        return form.unit or "1", form.also
    family = units.families.get(form.units)
    return (form.units, {}) if family is None else (family.unit, family.also | form.also)


def _unit(ucum: str, conversion: ConversionForm) -> Unit:
    return Unit(ucum, conversion.factor, conversion.divide_by, conversion.subtract_first)


def _spellings(accepted: Mapping[str, Unit], units: UnitsForm) -> dict[str, str]:
    """Every spelling of the accepted units. One that two of them share keeps its own case, and is refused in any other.

    A text that is, but for its case, the UCUM code of a unit that is NOT accepted counts only as it is written: "G/L"
    is giga per litre of leukocytes, "g/L" and "g/l" are refused for them.
    """
    exact: dict[str, str] = {}
    for ucum in accepted:
        for text in (ucum, *units.spellings.get(ucum, ())):
            exact.setdefault(text, ucum)
            exact.setdefault(spelled(text), ucum)
    loose: dict[str, str | None] = {}
    for text, ucum in exact.items():
        known = loose.setdefault(text.casefold(), ucum)
        if known != ucum:
            loose[text.casefold()] = None
    refused = {code.casefold() for code in units.spellings if code not in accepted and code not in exact}
    return {text: ucum for text, ucum in loose.items() if ucum is not None and text not in refused} | exact


def check_digit_holds(code: str) -> bool:
    """Whether the last digit of a LOINC code is the mod 10 check digit of the others."""
    number, _, digit = code.partition("-")
    doubled = "".join(str(int(d) * 2) if place % 2 == 0 else d for place, d in enumerate(reversed(number)))
    return -sum(map(int, doubled)) % 10 == int(digit)
