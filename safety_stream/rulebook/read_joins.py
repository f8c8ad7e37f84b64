"""From the rows of ctcae_v5.yaml that join two measurements in time to ``JoinedRule``. Pure; problems are listed."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError

from safety_stream.rulebook.criteria import Criterion, CriterionError, parse
from safety_stream.rulebook.forms import JoinForm, PartForm, complaints
from safety_stream.rulebook.sheet import Path, Sheet
from safety_stream.rulebook.suggesting import folded_term
from safety_stream.rulebook.tables import Analyte, JoinedRule, Part, Term

_NAMED = "happens"


class Tables(NamedTuple):
    """What the rows are checked against; ``names``: terms as they are looked up."""

    scale: str
    book: str
    analytes: Mapping[str, Analyte]
    names: Mapping[str, Term]
    register: frozenset[str]


def is_joined(row: object) -> bool:
    """Whether a row of the table joins two measurements."""
    return isinstance(row, dict) and _NAMED in row


def read_joins(sheet: Sheet, tables: Tables, problems: list[str]) -> tuple[JoinedRule, ...]:
    """Every joined rule of the sheet."""
    rows = enumerate(sheet.data if isinstance(sheet.data, list) else [])
    found = (_rule(sheet, index, row, tables, problems) for index, row in rows if is_joined(row))
    return tuple(rule for rule in found if rule is not None)


def _rule(sheet: Sheet, index: int, row: object, tables: Tables, problems: list[str]) -> JoinedRule | None:
    try:
        form = JoinForm.model_validate(row)
    except ValidationError as error:
        called = str(row.get("term", "")) if isinstance(row, dict) else ""
        problems += complaints(sheet, (index,), error.errors(), called, form=JoinForm)
        return None
    term = tables.names.get(folded_term(form.term))
    slips = list(_slips(form, term, tables))
    problems += (sheet.problem((index, *path), f"{form.term}: {wrong}", expected) for path, wrong, expected in slips)
    if term is None or slips or form.around.within is None:
        return None
    return JoinedRule(
        id=f"{tables.scale}/{term.name}",
        term=term.name,
        meddra_code=term.code,
        soc=term.soc,
        grade=form.grade,
        source=form.source,
        book=tables.book,
        happens=_part(form.happens, tables),
        around=_part(form.around, tables),
        within=form.around.within.length,
        one_episode_within=form.one_episode_within.length,
        suspected_for=form.suspected.for_.length if form.suspected else None,
        register=form.register_,
        says=form.says,
    )


def _part(form: PartForm, tables: Tables) -> Part:
    when = {tables.analytes[form.analyte].unit: parse(form.when)} | {
        unit: parse(text) for unit, text in form.when_in.items()
    }
    return Part(form.analyte, MappingProxyType(when), form.observed_every.length, form.undecided)


def _slips(form: JoinForm, term: Term | None, tables: Tables) -> Iterator[tuple[Path, str, str]]:
    """Path, what is wrong and what was expected."""
    if term is None:
        yield ("term",), "not a term of CTCAE v5.0", "a name of ctcae_v5_terms.csv"
    elif form.grade not in term.grades:
        yield ("grade",), f"the term has no grade {form.grade}", f"grades of {term.grades}"
    for id_ in sorted(set(form.register_) - tables.register) if tables.register else ():
        yield ("register",), f"no entry {id_!r}", "an id of ambiguities.yaml"
    for name, part in (("happens", form.happens), ("around", form.around)):
        analyte = tables.analytes.get(part.analyte)
        if analyte is None:
            yield (name, "analyte"), f"no analyte {part.analyte!r}", "a key of analytes.yaml"
            continue
        yield from (((name, *path), wrong, want) for path, wrong, want in _in_units(part, analyte))
    timed = {text for text in (form.around.when, *form.around.when_in.values()) if " lasting " in text}
    yield from (
        (("around", "when"), f"{text!r} is timed", "a comparison with a number alone") for text in sorted(timed)
    )


def _in_units(part: PartForm, analyte: Analyte) -> Iterator[tuple[Path, str, str]]:
    texts: list[tuple[Path, str, str]] = [(("when",), analyte.unit, part.when)]
    texts += [(("when_in", unit), unit, text) for unit, text in part.when_in.items()]
    for path, unit, text in texts:
        if unit not in analyte.units:
            yield path, f"{analyte.key} is not measured in {unit!r}", f"one of {', '.join(analyte.units)}"
        try:
            criterion = parse(text)
        except CriterionError as error:
            yield path, str(error), "a criterion"
            continue
        if not _is_plain(criterion, unit):
            yield path, f"{text!r} is not of numbers in {unit}, one of them timed at most", "such as '> 38.3 Cel'"


def _is_plain(criterion: Criterion, unit: str) -> bool:
    tests = criterion.comparisons
    timed = [one for one in tests if one.lasting is not None]
    return not criterion.facts and len(timed) <= 1 and all(one.limit is None and one.unit == unit for one in tests)
