"""What each table may hold, as pydantic models: the shape of a row before it becomes one of our types."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from safety_stream.rulebook.sheet import Sheet
from safety_stream.rulebook.spans import Span
from safety_stream.rulebook.suggesting import alike
from safety_stream.rulebook.tables import Formula
from safety_stream.rulebook.written import PLAIN_DIGITS, Whole

Number = Annotated[Decimal, Field(allow_inf_nan=False), PLAIN_DIGITS]


def _as_list(told: object) -> object:
    return [told] if isinstance(told, str) else told


Words = Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]


class Form(BaseModel):
    """The base of every form: frozen, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, coerce_numbers_to_str=True)


class ConversionForm(Form):
    """value x ``factor`` / ``divide_by``, after ``subtract_first`` was taken away."""

    factor: Number = Decimal(1)
    divide_by: Number = Decimal(1)
    subtract_first: Number = Decimal(0)

    @model_validator(mode="before")
    @classmethod
    def _a_bare_number_is_a_factor(cls, told: Any) -> Any:
        return {"factor": told} if isinstance(told, int | Decimal) and not isinstance(told, bool) else told

    @model_validator(mode="after")
    def _positive(self) -> "ConversionForm":
        if self.factor <= 0 or self.divide_by <= 0:
            raise ValueError("a factor above 0 was expected")
        return self


class FamilyForm(Form):
    """A set of units that analytes share."""

    unit: str
    also: dict[str, ConversionForm] = Field(default_factory=dict)


class UnitsForm(Form):
    """The whole of units.yaml."""

    spellings: dict[str, tuple[str, ...]]
    families: dict[str, FamilyForm]


class FormulaForm(Form):
    """How an analyte follows from, or is corrected by, others of the same specimen or tracing."""

    by: Formula
    of: Words
    entry: Annotated[str, Field(pattern=r"^[GT]\d+$", description="The entry of the ambiguity register.")]


class AnalyteForm(Form):
    """One row of analytes.yaml.

    ``corrected`` changes what was sent by its companions, ``derived`` stands in where nothing was sent, ``unless``
    names analytes that are judged in its place, ``replicates: mean`` joins several readings of one time point.
    """

    key: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,8}$")]
    name: str
    loinc: tuple[Annotated[str, Field(pattern=r"^\d{1,7}-\d$")], ...] = ()
    tests: Words
    units: str | None = None
    unit: str | None = None
    also: dict[str, ConversionForm] = Field(default_factory=dict)
    molar_mass: Number | None = None
    plausible: tuple[Number, Number] | None = None
    usual: tuple[Number, Number] | None = None
    scale: dict[str, Number] = Field(default_factory=dict)
    unit_may_be_missing: bool = False
    qualitative: bool = False
    range_shows_unit: bool = False
    corrected: FormulaForm | None = None
    derived: FormulaForm | None = None
    unless: Words = ()
    replicates: Literal["mean"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "AnalyteForm":
        if self.qualitative:
            return self
        if (self.units is None) == (self.unit is None):
            raise ValueError("either units (a family) or unit was expected")
        if self.plausible is None or self.plausible[0] >= self.plausible[1]:
            raise ValueError("plausible: [lowest, highest] was expected")
        if self.range_shows_unit and self.usual is None:
            raise ValueError("usual was expected beside range_shows_unit")
        return self


Grades = dict[Annotated[Whole, Field(ge=1, le=5)], str]


class ExampleForm(Form):
    """One example: a value with its unit, what is known beside it, and the grade or range it must have."""

    value: str
    lln: str | None = None
    uln: str | None = None
    baseline: str | None = None
    baseline_lln: str | None = None
    baseline_uln: str | None = None
    known: dict[str, bool] = Field(default_factory=dict)
    lasting: str | None = None
    grade: Annotated[str, Field(pattern=r"^[0-5](-[0-5])?$")]
    because: str | None = None


class RuleForm(Form):
    """One row of ctcae_v5.yaml."""

    term: str
    analyte: Words
    worse: Literal["higher", "lower"]
    source: str
    grades: Grades
    grades_in: dict[str, Grades] = Field(default_factory=dict)
    if_baseline: str | None = None
    grades_then: Grades = Field(default_factory=dict)
    undecided: Literal["highest", "lowest"] = "highest"
    observed_every: Span | None = None
    register_: Annotated[tuple[str, ...], Field(alias="register")] = ()
    says: str | None = None
    examples: tuple[ExampleForm, ...] = ()

    @model_validator(mode="after")
    def _arms_come_together(self) -> "RuleForm":
        if (self.if_baseline is None) != (not self.grades_then):
            raise ValueError("if_baseline and grades_then were expected together")
        return self


_WORD = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_KEY = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_GRADE_OR_RANGE = Annotated[str, Field(pattern=r"^[0-5](-[0-5])?$")]


class LevelForm(Form):
    """One level of a domain of another scale: the grade or grades it has, and what it is."""

    level: _WORD
    grade: _GRADE_OR_RANGE
    when: str | None = None
    ctcae: _GRADE_OR_RANGE | None = None
    says: str


class DomainForm(Form):
    """One thing that a scale looks at, its levels mildest first."""

    domain: _KEY
    asks: str
    source: str
    analyte: str | None = None
    levels: Annotated[tuple[LevelForm, ...], Field(min_length=2)]


class ScaleExampleForm(Form):
    """One example: a level or a value for each domain that is known, and the grade or range it must have."""

    facts: dict[str, str]
    other_cause: Words = ()
    fatal: bool = False
    grade: _GRADE_OR_RANGE
    because: str | None = None


class ScaleForm(Form):
    """One scale of scales.yaml."""

    key: _KEY
    name: str
    title: str
    source: str
    terms: Annotated[tuple[str, ...], Field(min_length=1)]
    register_: Annotated[tuple[str, ...], Field(alias="register")] = ()
    needs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    death: Annotated[Whole, Field(ge=0, le=5)] | None = None
    domains: Annotated[tuple[DomainForm, ...], Field(min_length=1)]
    examples: tuple[ScaleExampleForm, ...] = ()


class SynonymForm(Form):
    """One row of synonyms.yaml: what people write, and the terms it can mean, likeliest first."""

    words: Words
    terms: Words
    source: str = "common usage"


class SynonymsForm(Form):
    """The whole of synonyms.yaml: parts of words spelled in two ways, words that count for nothing, phrases.

    ``deaths``: words that tell of a death.
    """

    spellings: dict[str, str] = Field(default_factory=dict)
    aside: tuple[str, ...] = ()
    deaths: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    synonyms: tuple[SynonymForm, ...] = ()


class PartForm(Form):
    """One of the two measurements of a term that joins them in time. ``within``: how near the state must be known."""

    analyte: str
    when: str
    when_in: dict[str, str] = Field(default_factory=dict)
    observed_every: Span
    within: Span | None = None
    undecided: Literal["highest", "lowest"] = "highest"


class SuspectedForm(Form):
    """For how long after which treatment the term is suspected where the state is not known."""

    after: Literal["lymphodepletion"]
    for_: Annotated[Span, Field(alias="for")]


class JoinForm(Form):
    """One row of ctcae_v5.yaml whose term needs two measurements joined in time: what happens, and the state around."""

    term: str
    source: str
    grade: Annotated[Whole, Field(ge=1, le=5)]
    happens: PartForm
    around: PartForm
    one_episode_within: Span
    suspected: SuspectedForm | None = None
    register_: Annotated[tuple[str, ...], Field(alias="register")] = ()
    says: str | None = None

    @model_validator(mode="after")
    def _near(self) -> "JoinForm":
        if self.around.within is None or self.happens.within is not None:
            raise ValueError("within was expected under around, and there only")
        return self


class AmbiguityForm(Form):
    """One row of ambiguities.yaml."""

    id: Annotated[str, Field(pattern=r"^[GTS]\d{1,3}$")]
    question: str
    readings: tuple[str, ...] = Field(min_length=1)
    choice: str
    effect: str
    where: str | None = None
    moves: Annotated[Whole, Field(ge=0)] | None = None
    signed_by: str | None = None


class SignatureForm(Form):
    """What signed.json says of one file."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    version: Annotated[str, Field(pattern=r"\S")]
    approver: Annotated[str, Field(pattern=r"\S")]


def complaints(
    sheet: Sheet, path: tuple[str | int, ...], errors: Any, called: str = "", *, form: type[BaseModel]
) -> list[str]:
    """The errors of a pydantic validation in our one form, each with the line it stands on."""
    found = []
    for error in errors:
        where = tuple(part for part in error["loc"] if isinstance(part, str | int))
        line = f"{sheet.name}:{sheet.line(*path, *where)}"
        place = " > ".join([called, *(str(part) for part in where)] if called else [str(part) for part in where])
        wrong = _no_such_key(form, where) if error["type"] == "extra_forbidden" else _unfit(error)
        found.append(f"{line}: {place}: {wrong}")
    return found


def _unfit(error: Any) -> str:
    return f"{error['input']!r:.80} does not fit; expected: {_expected(error)}"


def _no_such_key(form: type[BaseModel], where: tuple[str | int, ...]) -> str:
    known = sorted(_keys_at(form, where[:-1]))
    near = alike(str(where[-1]), known, 1)
    return f"no such key; was {near[0]} meant?" if near else f"no such key; expected one of {', '.join(known)}"


def _keys_at(form: type[BaseModel], where: Iterable[str | int]) -> set[str]:
    """The keys that may stand at a place of a form."""
    forms = {form}
    for step in where:
        inner = [field for one in forms for key, field in _fields(one) if key == step]
        # Without any the step is a place in a list, a name of somebody's choice, or which form a statement has.
        forms = {one for field in inner for one in _forms_in(field.annotation)} or forms
    return {key for one in forms for key, _ in _fields(one)}


def _fields(form: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    yield from ((field.alias or name, field) for name, field in form.model_fields.items())


def _forms_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _forms_in(part)


def _expected(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
