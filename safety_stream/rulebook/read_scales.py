"""From the rows of scales.yaml to ``Scale``: pure, every problem listed, none raised."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType

from pydantic import ValidationError

from safety_stream.quantity import EXACT, exactly
from safety_stream.rulebook.criteria import Criterion, CriterionError, parse
from safety_stream.rulebook.forms import DomainForm, LevelForm, ScaleForm, complaints
from safety_stream.rulebook.scales import Domain, Grades, Level, Scale, ScaleExample, measured_inputs
from safety_stream.rulebook.sheet import Path, Sheet
from safety_stream.rulebook.suggesting import folded_term
from safety_stream.rulebook.tables import Analyte, Term, is_pure

NOT_JUDGED = Criterion("", ())


class ScaleReader:
    """Reads the scales of a book, collecting every problem."""

    def __init__(
        self, *, sheet: Sheet, analytes: Mapping[str, Analyte], names: Mapping[str, Term], register: Iterable[str]
    ) -> None:
        self.sheet, self.analytes, self.names = sheet, analytes, names
        self.register = frozenset(register)
        self.problems: list[str] = list(sheet.problems)

    def read(self) -> dict[str, Scale]:
        """Every scale by its key."""
        scales: dict[str, Scale] = {}
        for index, row in enumerate(self.sheet.data if isinstance(self.sheet.data, list) else []):
            try:
                form = ScaleForm.model_validate(row)
            except ValidationError as error:
                called = str(row.get("key", "")) if isinstance(row, dict) else ""
                self.problems += complaints(self.sheet, (index,), error.errors(), called, form=ScaleForm)
                continue
            if form.key in scales:
                self._slip((index, "key"), form, f"{form.key} again", "each scale once")
            scales[form.key] = self._scale(index, form)
        return scales

    def _scale(self, index: int, form: ScaleForm) -> Scale:
        for path, wrong, expected in (*self._names(form), *_needs(form), *_examples(form)):
            self._slip((index, *path), form, wrong, expected)
        domains = tuple(self._domain((index, "domains", place), form, one) for place, one in enumerate(form.domains))
        return Scale(
            key=form.key,
            name=form.name,
            title=form.title,
            source=form.source,
            terms=form.terms,
            domains=domains,
            needs=MappingProxyType(form.needs),
            death=form.death,
            register=form.register_,
            examples=tuple(
                ScaleExample(MappingProxyType(one.facts), one.grade, one.other_cause, one.fatal, one.because)
                for one in form.examples
            ),
            where=f"{self.sheet.name}:{self.sheet.line(index)}",
        )

    def _names(self, form: ScaleForm) -> Iterator[tuple[Path, str, str]]:
        for place, term in enumerate(form.terms):
            if folded_term(term) not in self.names:
                yield ("terms", place), f"{term!r} is no term of CTCAE v5.0", "a name of ctcae_v5_terms.csv"
        for id_ in sorted(set(form.register_) - self.register):
            yield ("register",), f"no entry {id_!r}", "an id of ambiguities.yaml"
        names = [one.domain for one in form.domains]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield ("domains", place, "domain"), f"{name} again", "each domain once"

    def _domain(self, path: Path, scale: ScaleForm, form: DomainForm) -> Domain:
        if form.analyte is not None and form.analyte not in self.analytes:
            self._slip((*path, "analyte"), scale, f"no analyte {form.analyte!r}", "a key of analytes.yaml")
        levels = tuple(self._level((*path, "levels", place), scale, form, one) for place, one in enumerate(form.levels))
        for place, (milder, worse) in enumerate(pairwise(levels), start=1):
            if worse.grades < milder.grades or worse.name == milder.name:
                wrong = f"{worse.name} of grade {form.levels[place].grade} after {milder.name}"
                self._slip((*path, "levels", place), scale, wrong, "each level once, mildest first")
        if levels[0].grades != (0, 0):
            self._slip((*path, "levels", 0), scale, f"{levels[0].name} has a grade", "grade 0 for the first level")
        if form.analyte is not None and (hole := _hole(levels)) is not None:
            self._slip((*path, "levels"), scale, f"no level for the value {hole}", "a level for every value")
        return Domain(form.domain, form.asks, form.source, levels, form.analyte)

    def _level(self, path: Path, scale: ScaleForm, domain: DomainForm, form: LevelForm) -> Level:
        if (form.when is None) != (domain.analyte is None):
            self._slip(path, scale, f"{form.level}: when without analyte, or without when", "both or neither")
        for name in ("grade", "ctcae"):
            if (told := _range(getattr(form, name))) and told[0] > told[1]:
                self._slip((*path, name), scale, f"{getattr(form, name)} is upside down", "the lower grade first")
        when = None if form.when is None else self._criterion((*path, "when"), scale, domain, form.when)
        grades = _range(form.grade) or (0, 0)
        return Level(form.level, grades, form.says, when, _range(form.ctcae))

    def _criterion(self, path: Path, scale: ScaleForm, domain: DomainForm, text: str) -> Criterion:
        try:
            criterion = parse(text)
        except CriterionError as error:
            self._slip(path, scale, str(error), "a criterion")
            return NOT_JUDGED
        analyte = self.analytes.get(domain.analyte or "")
        for one in criterion.comparisons:
            unit = None if analyte is None else analyte.unit
            if one.limit is not None or not (one.unit == unit or (one.unit is None and is_pure(unit or ""))):
                self._slip(path, scale, f"{one} is not in {unit}", f"a number in {unit}")
        if criterion.facts:
            self._slip(path, scale, f"{criterion} asks for a fact", "comparisons with numbers alone")
        return criterion

    def _slip(self, path: Path, scale: ScaleForm, wrong: str, expected: str) -> None:
        line = f"{self.sheet.name}:{self.sheet.line(*path)}"
        place = " > ".join([scale.key, *(str(part) for part in path[1:])])
        self.problems.append(f"{line}: {place}: {wrong}; expected {expected}")


def _needs(form: ScaleForm) -> Iterator[tuple[Path, str, str]]:
    levels = {one.domain: {level.level for level in one.levels} for one in form.domains}
    for domain, wanted in form.needs.items():
        if domain not in levels:
            yield ("needs", domain), f"no domain {domain!r}", f"one of {', '.join(levels)}"
        elif unknown := sorted(set(wanted) - levels[domain]):
            yield ("needs", domain), f"no level {', '.join(unknown)}", f"levels of {domain}"


def _examples(form: ScaleForm) -> Iterator[tuple[Path, str, str]]:
    domains = {one.domain: one for one in form.domains}
    for place, example in enumerate(form.examples):
        for name in (*example.facts, *example.other_cause):
            if name not in domains:
                yield ("examples", place), f"no domain {name!r}", f"one of {', '.join(domains)}"
        for name, told in example.facts.items():
            if (one := domains.get(name)) and one.analyte is None and told not in {level.level for level in one.levels}:
                yield ("examples", place, "facts", name), f"no level {told!r}", f"a level of {name}"


def _range(text: str | None) -> Grades | None:
    if text is None:
        return None
    lowest, _, highest = text.partition("-")
    return int(lowest), int(highest or lowest)


def _hole(levels: tuple[Level, ...]) -> Decimal | None:
    """A value that is no level, at or between the figures or beyond them; None: there is none."""
    figures = sorted({one.plus for level in levels if level.when for one in level.when.comparisons})
    ends = [EXACT.subtract(figures[0], Decimal(1)), EXACT.add(figures[-1], Decimal(1))] if figures else [Decimal(0)]
    between = [EXACT.divide(EXACT.add(low, high), Decimal(2)) for low, high in pairwise(figures)]
    for value in (*figures, *between, *ends):
        if not any(level.when is None or level.when.judge(measured_inputs(exactly(value))) for level in levels):
            return value
    return None
