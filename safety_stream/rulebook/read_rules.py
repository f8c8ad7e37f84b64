"""From ctcae_v5_terms.csv, ctcae_v5.yaml and ambiguities.yaml to our types: pure, every problem listed, none raised."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from pydantic import ValidationError

from safety_stream.rulebook.criteria import Criterion, CriterionError, parse
from safety_stream.rulebook.forms import AmbiguityForm, Grades, RuleForm, complaints
from safety_stream.rulebook.read_joins import is_joined
from safety_stream.rulebook.sheet import Path, Sheet
from safety_stream.rulebook.suggesting import folded_term
from safety_stream.rulebook.tables import (
    Ambiguity,
    Analyte,
    Example,
    GradingRule,
    Row,
    Term,
    Unit,
    is_pure,
)

TERM_COLUMNS = ("term", "meddra_code", "system_organ_class", "grades", "specify")


def read_terms(name: str, rows: Iterable[Sequence[str]], problems: list[str]) -> dict[str, Term]:
    """All CTCAE terms by MedDRA code, from the rows of the table, its head first."""
    terms: dict[str, Term] = {}
    for line, row in enumerate(rows, start=1):
        if line == 1 or len(row) != len(TERM_COLUMNS):
            if tuple(row) != TERM_COLUMNS:
                problems.append(f"{name}:{line}: {', '.join(row)}; expected the columns {', '.join(TERM_COLUMNS)}")
            continue
        called, code, soc, told, specify = row
        grades = tuple(int(grade) for grade in told.split() if grade in "12345")
        if not (code.isdigit() and len(code) == 8 and called and grades and code not in terms):
            problems.append(
                f"{name}:{line}: {', '.join(row)}; expected a term, its own 8-digit code, grades like '1 2 3'"
            )
        terms[code] = Term(called, code, soc, grades, specify == "yes")
    if not terms:
        problems.append(f"{name}:1: no term in it; expected the columns {', '.join(TERM_COLUMNS)} and a row a term")
    return terms


def by_name(terms: Mapping[str, Term]) -> dict[str, Term]:
    """All CTCAE terms by their name, as it is looked up."""
    return {folded_term(term.name): term for term in terms.values()}


def read_ambiguities(sheet: Sheet, problems: list[str]) -> dict[str, Ambiguity]:
    """The ambiguity register by id."""
    problems += sheet.problems
    register: dict[str, Ambiguity] = {}
    for index, row in enumerate(sheet.data if isinstance(sheet.data, list) else []):
        try:
            form = AmbiguityForm.model_validate(row)
        except ValidationError as error:
            problems += complaints(sheet, (index,), error.errors(), form=AmbiguityForm)
            continue
        if form.id in register:
            problems.append(sheet.problem((index, "id"), f"{form.id} again", "each id once"))
        register[form.id] = Ambiguity(**form.model_dump())
    return register


class RuleReader:
    """Reads the rows of one version of CTCAE, collecting every problem."""

    def __init__(
        self,
        *,
        scale: str,
        book: str,
        sheet: Sheet,
        analytes: Mapping[str, Analyte],
        names: Mapping[str, Term],
        register: Iterable[str],
    ) -> None:
        self.scale, self.book, self.sheet, self.analytes, self.names = scale, book, sheet, analytes, names
        self.register = frozenset(register)
        self.problems: list[str] = list(sheet.problems)
        self.forms: dict[str, RuleForm] = {}

    def read(self) -> dict[str, tuple[GradingRule, ...]]:
        """The rules of every analyte, in the order of the table."""
        rows = [(index, row) for index, row in enumerate(self.sheet.data or []) if not is_joined(row)]
        forms = [(index, form) for index, row in rows if (form := self._form(index, row))]
        terms = [form.term for _, form in forms for _ in form.analyte]
        found: dict[str, list[GradingRule]] = {}
        for index, form in forms:
            for key in form.analyte:
                if rule := self._rule(index, form, key, alone=terms.count(form.term) == 1):
                    self.forms[rule.id] = form
                    found.setdefault(key, []).append(rule)
        return {key: tuple(rules) for key, rules in found.items()}

    def _form(self, index: int, row: object) -> RuleForm | None:
        try:
            return RuleForm.model_validate(row)
        except ValidationError as error:
            called = str(row.get("term", "")) if isinstance(row, dict) else ""
            self.problems += complaints(self.sheet, (index,), error.errors(), called, form=RuleForm)
            return None

    def _rule(self, index: int, form: RuleForm, key: str, *, alone: bool) -> GradingRule | None:
        analyte = self.analytes.get(key)
        term = self.names.get(folded_term(form.term))
        if analyte is None:
            self._slip((index, "analyte"), form, f"no analyte {key!r}", "a key of analytes.yaml")
        if term is None:
            self._slip((index, "term"), form, "not a term of CTCAE v5.0", "a name of ctcae_v5_terms.csv")
        if analyte is None or term is None:
            return None
        for id_ in sorted(set(form.register_) - self.register) if self.register else ():
            self._slip((index, "register"), form, f"no entry {id_!r}", "an id of ambiguities.yaml")
        rows = self._rows(index, form, analyte, term)
        then = (
            {}
            if form.if_baseline is None
            else {analyte.unit: self._row((index, "grades_then"), form, analyte.unit, form.grades_then, term)}
        )
        return GradingRule(
            id=f"{self.scale}/{term.name}" if alone else f"{self.scale}/{term.name}/{key}",
            term=term.name,
            meddra_code=term.code,
            analyte=key,
            worse=form.worse,
            source=form.source,
            book=self.book,
            rows=MappingProxyType(rows),
            if_baseline=self._condition(index, form, analyte),
            rows_then=MappingProxyType(then),
            conversions=MappingProxyType(conversions(analyte, rows)),
            facts=frozenset(fact for criterion in _criteria(rows, then) for fact in criterion.facts),
            relative=all(one.limit and not one.plus for each in _criteria(rows, then) for one in each.comparisons),
            observed_every=self._observed_every(index, form, [*rows.values(), *then.values()]),
            when_undecided=form.undecided,
            register=form.register_,
            says=form.says,
            examples=tuple(Example(**example.model_dump()) for example in form.examples),
            where=f"{self.sheet.name}:{self.sheet.line(index)}",
        )

    def _observed_every(self, index: int, form: RuleForm, rows: list[Row]) -> timedelta | None:
        """How close samples must lie to each other to show a duration; a rule times one figure a row."""
        timed = [[one for _, criterion in row.worst_first for one in criterion.comparisons] for row in rows]
        figures = [{(one.op, one.plus, str(one.lasting)) for one in row if one.lasting} for row in timed]
        if any(figures) != (form.observed_every is not None):
            self._slip((index,), form, "lasting and observed_every not together", "both, or neither")
        if any(len(row) > 1 for row in figures) or (
            any(figures) and any(one.limit is not None for row in timed for one in row)
        ):
            self._slip((index,), form, "more than one figure that is timed, or limits beside it", "one timed figure")
        return form.observed_every.length if form.observed_every is not None else None

    def _condition(self, index: int, form: RuleForm, analyte: Analyte) -> Criterion | None:
        if form.if_baseline is None:
            return None
        return (
            ANY_BASELINE
            if form.if_baseline == "any"
            else self._criterion((index, "if_baseline"), form, analyte.unit, form.if_baseline)
        )

    def _rows(self, index: int, form: RuleForm, analyte: Analyte, term: Term) -> dict[str, Row]:
        rows = {analyte.unit: self._row((index, "grades"), form, analyte.unit, form.grades, term)}
        for unit, grades in form.grades_in.items():
            path = (index, "grades_in", unit)
            if unit not in analyte.units or unit == analyte.unit:
                self._slip(
                    path, form, f"{analyte.key} has no other unit {unit!r}", f"one of {', '.join(analyte.units)}"
                )
            rows[unit] = self._row(path, form, unit, grades, term)
            if form.if_baseline or any(
                c.limit == "BASELINE" for _, one in rows[unit].worst_first for c in one.comparisons
            ):
                self._slip(path, form, "a baseline beside a second unit", "a baseline only where one unit is printed")
        return rows

    def _row(self, path: Path, form: RuleForm, unit: str, grades: Grades, term: Term) -> Row:
        for grade in sorted(set(grades) - set(term.grades)):
            self._slip((*path, grade), form, f"the term has no grade {grade}", f"grades of {term.grades}")
        criteria = {grade: self._criterion((*path, grade), form, unit, text) for grade, text in grades.items()}
        return Row(unit, tuple((grade, criteria[grade]) for grade in sorted(criteria, reverse=True)))

    def _criterion(self, path: Path, form: RuleForm, unit: str, text: str) -> Criterion:
        try:
            criterion = parse(text)
        except CriterionError as error:
            self._slip(path, form, str(error), "a criterion")
            return Criterion(text, ())
        ops = {"higher": {">", ">="}, "lower": {"<", "<="}}[form.worse]
        for comparison in criterion.comparisons:
            if comparison.op not in ops:
                self._slip(path, form, f"{comparison} with worse: {form.worse}", f"one of {' '.join(sorted(ops))}")
            absolute = comparison.limit is None or comparison.plus
            if absolute and comparison.unit != unit and not (comparison.unit is None and is_pure(unit)):
                self._slip(path, form, f"{comparison} is not in {unit}", f"a number in {unit}")
        return criterion

    def _slip(self, path: Path, form: RuleForm, wrong: str, expected: str) -> None:
        line = f"{self.sheet.name}:{self.sheet.line(*path)}"
        place = " > ".join([form.term, *(str(part) for part in path[1:])])
        self.problems.append(f"{line}: {place}: {wrong}; expected {expected}")


ANY_BASELINE = Criterion("any", ((),))


def conversions(analyte: Analyte, rows: Mapping[str, Row]) -> dict[str | None, tuple[str, Unit]]:
    """For every accepted unit the row that grades it (its own, one of its size, or NCI's first), and the way there."""
    same = Unit(analyte.unit)
    found: dict[str | None, tuple[str, Unit]] = {None: (analyte.unit, same)}
    for ucum, unit in analyte.units.items():
        own = [row for row in rows if row != analyte.unit and _same_size(analyte.units.get(row), unit)]
        found[ucum] = (own[0], same) if own else (analyte.unit, unit)
    return found


def _same_size(one: Unit | None, other: Unit) -> bool:
    return one is not None and (one.factor, one.divisor, one.origin) == (other.factor, other.divisor, other.origin)


def ratios_only(rules: Iterable[GradingRule]) -> bool:
    """Whether there are rules, and all of them compare with limits of normal or the baseline, never with a number."""
    return (found := tuple(rules)) != () and all(rule.relative for rule in found)


def _criteria(*arms: Mapping[str, Row]) -> Iterator[Criterion]:
    return (criterion for rows in arms for row in rows.values() for _, criterion in row.worst_first)
