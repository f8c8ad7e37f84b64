"""From one protocol's YAML to ``Protocol``: versions laid over each other, every problem listed, none raised. Pure.

The first version is whole; each later one says under ``changes`` what differs from the one before it, as deep as it
likes: a mapping changes key by key, anything else is replaced.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from safety_stream.quantity import exactly, plain
from safety_stream.rulebook.contradictions import contradictions
from safety_stream.rulebook.criteria import Comparison, CriterionError
from safety_stream.rulebook.dlt_rules import Clause
from safety_stream.rulebook.forms import complaints
from safety_stream.rulebook.impossible_criteria import unlike_units
from safety_stream.rulebook.protocol import Protocol, ProtocolVersion
from safety_stream.rulebook.protocol_parts import is_blank, sound_parts, unfilled
from safety_stream.rulebook.sheet import Path, Sheet
from safety_stream.rulebook.slip import Slip
from safety_stream.rulebook.suggesting import folded_term
from safety_stream.rulebook.tables import Analyte, Term, is_pure
from safety_stream.rulebook.written import parsed

_OF_VERSION = ("version", "effective", "changes")
_NUMBERED = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*")
_MOST_TIMES = 1000


def read_protocol(
    sheet: Sheet, analytes: Mapping[str, Analyte], terms: Mapping[str, Term], problems: list[str]
) -> Protocol | None:
    """The study's protocol with all its versions, or None and the reasons; ``terms`` by name as it is looked up."""
    problems += sheet.problems
    if sheet.data is None and sheet.problems:
        return None
    data = sheet.data if isinstance(sheet.data, dict) else {}
    study, told = data.get("study"), data.get("versions")
    if not isinstance(study, str) or not isinstance(told, list) or not told:
        problems.append(sheet.problem((), "no study or no versions", "study: ID and versions: a list, first one whole"))
        return None
    problems += (
        sheet.problem((key,), f"{key!r}", "study and versions only") for key in data.keys() - {"study", "versions"}
    )
    problems += unfilled(sheet)
    problems += _named_twice(sheet, told)
    problems += _zone_moved(sheet, told)
    reader = _Reader(sheet, analytes, terms, problems)
    versions = [reader.version(study, told, index) for index in range(len(told))]
    whole = tuple(one for one in versions if one is not None)
    problems += _out_of_order(sheet, versions)
    return Protocol(study=study, versions=whole) if len(whole) == len(told) else None


def _named_twice(sheet: Sheet, told: list[Any]) -> Iterator[str]:
    names = [one.get("version") if isinstance(one, dict) else None for one in told]
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            yield sheet.problem(
                ("versions", index, "version"), f"version {name} again", "each version under its own name"
            )


def _zone_moved(sheet: Sheet, told: list[Any]) -> Iterator[str]:
    """A study has one zone: which version applies, and the order of its dates, must not hang on the version."""
    first = told[0].get("zone") if isinstance(told[0], dict) else None
    for index, one in enumerate(told[1:], start=1):
        changes = one.get("changes") if isinstance(one, dict) else None
        zone = changes.get("zone", first) if isinstance(changes, dict) else first
        if zone != first:
            yield sheet.problem(
                ("versions", index, "changes", "zone"), f"{zone!r}", f"{first!r}: one zone for all versions of a study"
            )


def _out_of_order(sheet: Sheet, versions: list[ProtocolVersion | None]) -> Iterator[str]:
    """Versions stand oldest first: by their days, and by their names where these are numbers."""
    read = [(index, one) for index, one in enumerate(versions) if one is not None]
    dated = [(index, one) for index, one in read if one.effective is not None]
    for (_, one), (index, other) in pairwise(dated):
        if one.effective is not None and other.effective is not None and other.effective <= one.effective:
            same = "the same day as" if other.effective == one.effective else "before"
            wrong = f"version {other.version} from {other.effective}, {same} version {one.version} ({one.effective})"
            place = ("versions", index, "effective")
            yield sheet.problem(place, wrong, "a later day than the version before it")
    numbered = [(index, one) for index, one in read if _NUMBERED.fullmatch(one.version)]
    for (_, one), (index, other) in pairwise(numbered):
        if _as_numbers(other.version) < _as_numbers(one.version):
            wrong = f"version {other.version} after version {one.version}"
            yield sheet.problem(("versions", index, "version"), wrong, "the versions oldest first")


def _as_numbers(name: str) -> list[int]:
    return [int(part) for part in name.split(".")]


class _Reader:
    """Reads the versions one after the other; what a later one inherits wrong from an earlier one is said once."""

    def __init__(
        self, sheet: Sheet, analytes: Mapping[str, Analyte], terms: Mapping[str, Term], problems: list[str]
    ) -> None:
        self.sheet, self.analytes, self.terms, self.problems = sheet, analytes, terms, problems
        self._said: set[tuple[object, ...]] = set()

    def version(self, study: str, told: list[Any], index: int) -> ProtocolVersion | None:
        """One version, laid over those before it."""
        laid = self._laid(told, index)
        if laid is None:
            return None
        named = {key: told[index][key] for key in ("version", "effective") if key in told[index]}
        laid = {key: value for key, value in laid.items() if key not in _OF_VERSION} | {"study": study} | named
        try:
            version = ProtocolVersion.model_validate(laid)
        except ValidationError as error:
            slips = [one for one in error.errors() if not is_blank(one["input"])]  # of blanks ``unfilled`` tells
            new = [one for one in slips if self._is_new(one["loc"], one["msg"])]
            called = f"version {named.get('version')}"
            self.problems += complaints(self.sheet, _root(index), new, called, form=ProtocolVersion)
            self._compare(sound_parts(laid), index)
            return None
        self._compare(version, index)
        return version

    def _compare(self, version: ProtocolVersion, index: int) -> None:
        """What the version names against the tables."""
        found = (*_slips(version, self.analytes, self.terms), *contradictions(version))
        slips = [slip for slip in found if self._is_new(*slip)]
        root = _root(index)
        self.problems += (self.sheet.problem((*root, *one.path), one.wrong, one.expected) for one in slips)

    def _laid(self, told: list[Any], index: int) -> dict[str, Any] | None:
        laid: dict[str, Any] = {}
        for place, one in enumerate(told[: index + 1]):
            changes = one if place == 0 or not isinstance(one, dict) else one.get("changes") or {}
            if not isinstance(changes, dict):
                where = ("versions", place)
                self.problems.append(self.sheet.problem(where, "not a version", "version: and what it says"))
                return None
            laid = _laid_over(laid, changes)
        strangers = told[index].keys() - set(_OF_VERSION) if index else ()
        expected = "version, effective and changes only"
        self.problems += (self.sheet.problem(("versions", index, key), f"{key!r}", expected) for key in strangers)
        return laid

    def _is_new(self, *about: object) -> bool:
        new = about not in self._said
        self._said.add(about)
        return new


def _laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(below)
    for key, value in above.items():
        under = laid.get(key)
        laid[key] = _laid_over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return laid


def _root(index: int) -> Path:
    return ("versions", index) if index == 0 else ("versions", index, "changes")


def _slips(version: ProtocolVersion, analytes: Mapping[str, Analyte], terms: Mapping[str, Term]) -> Iterator[Slip]:
    """Whatever the version names that the tables, or the rest of it, do not know."""
    classes = {term.soc for term in terms.values()}
    for path, key in _scheduled(version):
        if key not in analytes:
            yield Slip(path, f"no analyte {key!r}", "a key of analytes.yaml")
    for path, analyte, unit, text in _criteria(version):
        if analyte in analytes:
            yield from _criterion(path, analytes[analyte], unit, text)
        else:
            yield Slip(path, f"no analyte {analyte!r}", "a key of analytes.yaml")
    for name, one in version.criteria:
        if one.analyte in analytes:
            yield from unlike_units(one, analytes[one.analyte], ("eligibility", "criteria", name))
    yield from _grades_nobody_has(version, terms)
    yield from _misnamed(version, terms)
    for i, rule in enumerate(version.dlt.rules if version.dlt else ()):
        about: Path = ("dlt", "rules", i, "about")
        for name in (*rule.about.classes, *rule.about.except_classes):
            if name not in classes:
                yield Slip(about, f"{name!r} is no system organ class", "one of ctcae_v5_terms.csv")
        if rule.about.composite and rule.about.composite not in version.composites:
            yield Slip(about, f"no composite is called {rule.about.composite}", "a name under composites")


def _misnamed(version: ProtocolVersion, terms: Mapping[str, Term]) -> Iterator[Slip]:
    for path, term in _terms(version):
        known = terms.get(folded_term(term))
        if known is None:
            yield Slip(path, f"{term!r} is no term of CTCAE v5.0", "a name of ctcae_v5_terms.csv")
        elif known.name != term:
            yield Slip(path, f"{term!r} is not how CTCAE v5.0 writes it", repr(known.name))


def _grades_nobody_has(version: ProtocolVersion, terms: Mapping[str, Term]) -> Iterator[Slip]:
    """Grades beyond those that the terms of a rule or of a band have."""
    for i, rule in enumerate(version.dlt.rules if version.dlt else ()):
        known = [terms[folded_term(name)] for name in rule.about.terms if folded_term(name) in terms]
        highest = max((grade for term in known for grade in term.grades), default=None)
        whole = len(known) == len(rule.about.terms) and not rule.about.classes
        if whole and highest is not None and rule.grade is not None and rule.grade.lowest > highest:
            wrong = f"no term of the rule has grade {rule.grade.lowest}"
            yield Slip(("dlt", "rules", i, "grade"), wrong, f"at most '>= {highest}'")
    for i, band in enumerate(version.expected):
        term = terms.get(folded_term(band.term))
        if term is not None and band.up_to_grade > max(term.grades):
            wrong = f"{term.name} has no grade {band.up_to_grade}"
            yield Slip(("expected", i, "up_to_grade"), wrong, f"at most {max(term.grades)}")


def _criteria(version: ProtocolVersion) -> Iterator[tuple[Path, str, str | None, str]]:
    """Path, analyte, unit (None: the analyte's own) and text of every criterion."""
    for name, one in version.criteria:
        path: Path = ("eligibility", "criteria", name)
        yield (*path, "must"), one.analyte, None, one.must
        yield from (((*path, "must_in", unit), one.analyte, unit, text) for unit, text in one.must_in.items())
    for name, composite in version.composites.items():
        clauses: list[tuple[Path, Clause]] = [(("all_of", i), clause) for i, clause in enumerate(composite.all_of)]
        clauses += [(("unless",), composite.unless)] if composite.unless else []
        signs = composite.symptoms.or_measured if composite.symptoms else ()
        clauses += [(("symptoms", "or_measured", i), clause) for i, clause in enumerate(signs)]
        for place, clause in clauses:
            yield from ((("composites", name, *place), analyte, None, clause.when) for analyte in clause.any_of)
    for i, limit in enumerate(version.watch):
        yield ("watch", i, "outside"), limit.analyte, None, limit.outside
    if version.hematotoxicity is not None:
        told = version.hematotoxicity
        counts = (*told.early_limits, *(when for _, when in told.late_limits))
        yield from ((("hematotoxicity",), told.analyte, None, when) for when in counts)


def _criterion(path: Path, analyte: Analyte, unit: str | None, text: str) -> Iterator[Slip]:
    if unit is not None and unit not in analyte.units:
        yield Slip(path, f"{analyte.key} is not measured in {unit!r}", f"one of {', '.join(analyte.units)}")
    try:
        criterion = parsed(text)
    except CriterionError as error:
        yield Slip(path, f"{text!r}: {error}", "a criterion such as '>= 85 g/L'")
        return
    wanted = unit or analyte.unit
    if len(criterion.comparisons) != 1 or criterion.facts:
        yield Slip(path, f"{text!r} is not one comparison", "a criterion such as '>= 85 g/L'")
    for one in criterion.comparisons:
        if one.lasting or one.limit == "BASELINE":
            yield Slip(path, f"{one} needs other results", "a comparison with a number or a limit of normal")
        if one.limit is not None and not 0 < one.times <= _MOST_TIMES:
            yield Slip(path, f"nobody can mean {one}", f"a multiple above 0, at most {_MOST_TIMES}")
        bare = one.unit is None and is_pure(wanted)
        if (one.limit is None or one.plus) and one.unit != wanted and not bare:
            yield Slip(path, f"{one} is not in {wanted}", f"a number in {wanted}")
        elif one.limit is None and not _can_be(analyte, wanted, one):
            lowest, highest = (plain(end) for end in analyte.plausible)
            yield Slip(
                path,
                f"{one} is outside what {analyte.name} can be",
                f"a number from {lowest} to {highest} {analyte.unit}",
            )


def _can_be(analyte: Analyte, unit: str, told: Comparison) -> bool:
    """Whether the number of a comparison is one that a result of the analyte can have."""
    known = analyte.units.get(unit)
    return known is None or analyte.qualitative or known.own(exactly(told.plus)).meets(*analyte.plausible)


def _terms(version: ProtocolVersion) -> Iterator[tuple[Path, str]]:
    for i, rule in enumerate(version.dlt.rules if version.dlt else ()):
        named = (*rule.about.terms, *rule.about.except_terms)
        yield from ((("dlt", "rules", i, "about"), term) for term in named)
    for i, excluded in enumerate(version.dlt.excluded if version.dlt else ()):
        yield from ((("dlt", "excluded", i, "terms"), term) for term in excluded.terms)
    yield from ((("expected", i, "term"), one.term) for i, one in enumerate(version.expected))
    for name, composite in version.composites.items():
        if composite.symptoms:
            yield from ((("composites", name, "symptoms", "terms"), term) for term in composite.symptoms.terms)
    if version.reconciliation is not None:
        told, path = version.reconciliation, ("reconciliation",)
        yield from (((*path, "except_terms"), term) for term in told.except_terms)
        yield from (((*path, "also_called", term), term) for term in told.also_called)


def _scheduled(version: ProtocolVersion) -> Iterator[tuple[Path, str]]:
    visits, blind = (version.schedule.visits, version.schedule.blind) if version.schedule else ((), ())
    yield from ((("schedule", "visits", i, "needs"), key) for i, one in enumerate(visits) for key in one.needs)
    yield from ((("schedule", "blind", i, "any_of"), key) for i, one in enumerate(blind) for key in one.any_of)
