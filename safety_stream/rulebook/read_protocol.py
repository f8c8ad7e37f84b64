"""From one protocol's YAML to ``Protocol``: versions laid over each other, every problem listed, none raised. Pure.

The first version is whole; each later one says under ``changes`` what differs from the one before it, as deep as it
likes: a mapping changes key by key, anything else is replaced.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from safety_stream.rulebook.criteria import CriterionError
from safety_stream.rulebook.forms import complaints
from safety_stream.rulebook.protocol import Clause, Protocol, ProtocolVersion, parsed
from safety_stream.rulebook.sheet import Path, Sheet
from safety_stream.rulebook.tables import Analyte, Term, folded_term

_OF_VERSION = ("version", "effective", "changes")


def read_protocol(
    sheet: Sheet, analytes: Mapping[str, Analyte], terms: Mapping[str, Term], problems: list[str]
) -> Protocol | None:
    """The study's protocol with all its versions, or None and the reasons; ``terms`` by name as it is looked up."""
    problems += sheet.problems
    data = sheet.data if isinstance(sheet.data, dict) else {}
    study, told = data.get("study"), data.get("versions")
    if not isinstance(study, str) or not isinstance(told, list) or not told:
        problems.append(sheet.problem((), "no study or no versions", "study: ID and versions: a list, first one whole"))
        return None
    problems += (
        sheet.problem((key,), f"{key!r}", "study and versions only") for key in data.keys() - {"study", "versions"}
    )
    versions = [one for index in range(len(told)) if (one := _version(sheet, study, told, index, problems)) is not None]
    for index, version in enumerate(versions):
        problems += _strangers(sheet, index, version, analytes, terms)
    return Protocol(study=study, versions=tuple(versions)) if len(versions) == len(told) else None


def _version(sheet: Sheet, study: str, told: list[Any], index: int, problems: list[str]) -> ProtocolVersion | None:
    whole: dict[str, Any] = {}
    for place, one in enumerate(told[: index + 1]):
        if not isinstance(one, dict):
            problems.append(sheet.problem(("versions", place), "not a version", "version: and what it says"))
            return None
        whole = _laid_over(whole, one if place == 0 else one.get("changes") or {})
    strangers = told[index].keys() - set(_OF_VERSION) if index else ()
    expected = "version, effective and changes only"
    problems += (sheet.problem(("versions", index, key), f"{key!r}", expected) for key in strangers)
    named = {key: told[index][key] for key in ("version", "effective") if key in told[index]}
    whole = {key: value for key, value in whole.items() if key not in _OF_VERSION} | {"study": study} | named
    try:
        return ProtocolVersion.model_validate(whole)
    except ValidationError as error:
        problems += complaints(sheet, _root(index), error.errors(), f"version {named.get('version')}")
        return None


def _laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(below)
    for key, value in above.items():
        under = laid.get(key)
        laid[key] = _laid_over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return laid


def _root(index: int) -> Path:
    return ("versions", index) if index == 0 else ("versions", index, "changes")


def _strangers(
    sheet: Sheet, index: int, version: ProtocolVersion, analytes: Mapping[str, Analyte], terms: Mapping[str, Term]
) -> Iterator[str]:
    """Whatever the version names that the tables do not know."""
    root, classes = _root(index), {term.soc for term in terms.values()}
    for path, analyte, unit, text in _criteria(version):
        where = (*root, *path)
        if analyte in analytes:
            yield from _criterion(sheet, where, analytes[analyte], unit, text)
        else:
            yield sheet.problem(where, f"no analyte {analyte!r}", "a key of analytes.yaml")
    for path, term in _terms(version):
        if folded_term(term) not in terms:
            yield sheet.problem((*root, *path), f"{term!r} is no term of CTCAE v5.0", "a name of ctcae_v5_terms.csv")
    for path, name in _classes(version):
        if name not in classes:
            yield sheet.problem((*root, *path), f"{name!r} is no system organ class", "one of ctcae_v5_terms.csv")


def _criteria(version: ProtocolVersion) -> Iterator[tuple[Path, str, str | None, str]]:
    """Path, analyte, unit (None: the analyte's own) and text of every criterion."""
    for name, one in version.eligibility.criteria.items() if version.eligibility else ():
        path: Path = ("eligibility", "criteria", name)
        yield (*path, "must"), one.analyte, None, one.must
        yield from (((*path, "must_in", unit), one.analyte, unit, text) for unit, text in one.must_in.items())
    for name, composite in version.composites.items():
        clauses: list[tuple[Path, Clause]] = [(("all_of", i), clause) for i, clause in enumerate(composite.all_of)]
        clauses += [(("unless",), composite.unless)] if composite.unless else []
        for place, clause in clauses:
            yield from ((("composites", name, *place), analyte, None, clause.when) for analyte in clause.any_of)
    for i, limit in enumerate(version.watch):
        yield ("watch", i), limit.analyte, None, limit.outside


def _criterion(sheet: Sheet, path: Path, analyte: Analyte, unit: str | None, text: str) -> Iterator[str]:
    if unit is not None and unit not in analyte.units:
        yield sheet.problem(path, f"{analyte.key} is not measured in {unit!r}", f"one of {', '.join(analyte.units)}")
    try:
        criterion = parsed(text)
    except CriterionError as error:
        yield sheet.problem(path, f"{text!r}: {error}", "a criterion such as '>= 85 g/L'")
        return
    for comparison in criterion.comparisons:
        wanted = unit or analyte.unit
        if (comparison.limit is None or comparison.plus) and comparison.unit not in {wanted, None}:
            yield sheet.problem(path, f"{comparison} is not in {wanted}", f"a number in {wanted}")


def _terms(version: ProtocolVersion) -> Iterator[tuple[Path, str]]:
    for i, rule in enumerate(version.dlt.rules if version.dlt else ()):
        named = (*rule.about.terms, *rule.about.except_terms)
        yield from ((("dlt", "rules", i, "about"), term) for term in named)
    for i, excluded in enumerate(version.dlt.excluded if version.dlt else ()):
        yield from ((("dlt", "excluded", i, "terms"), term) for term in excluded.terms)
    yield from ((("expected", i, "term"), one.term) for i, one in enumerate(version.expected))


def _classes(version: ProtocolVersion) -> Iterator[tuple[Path, str]]:
    for i, rule in enumerate(version.dlt.rules if version.dlt else ()):
        named = (*rule.about.classes, *rule.about.except_classes)
        yield from ((("dlt", "rules", i, "about"), name) for name in named)
