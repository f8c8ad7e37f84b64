"""What a protocol says of dose-limiting toxicities: composites, window, rules, exclusions, who is evaluable."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from safety_stream.rulebook.spans import GradeBound, Lasting, Span
from safety_stream.rulebook.written import ONE_OR_MORE, PLAIN_DIGITS, Attribution, Id, Whole, Words, Written, as_list

LineGrade = Literal["throughout", "worst"]


class Clause(Written):
    """One part of a composite: any of these analytes, when it meets the criterion."""

    name: Id
    any_of: Annotated[tuple[Id, ...], ONE_OR_MORE, Field(min_length=1)]
    when: Words
    times_raised_baseline: Annotated[Decimal, Field(gt=0, le=100), PLAIN_DIGITS] | None = Field(
        default=None, description="Where the baseline was above its ULN, above so many times the baseline too."
    )


class Ratio(Written):
    """A ratio of two clauses' results, each as a multiple of its ULN, shown beside a composite (R of Hy's law)."""

    name: Words
    of: Id = Field(description="Name of the clause above the line.")
    to: Id = Field(description="Name of the clause below the line.")
    reading: Words = Field(description="How its value is read.")


class Symptoms(Written):
    """What a subject must have beside the measurements: one of these events as reported, or of these measured signs."""

    name: Id = "symptoms"
    terms: Annotated[tuple[Words, ...], ONE_OR_MORE, Field(min_length=1)]
    or_measured: tuple[Clause, ...] = ()


class Composite(Written):
    """Several laboratory facts that mean more together than apart (Hy's law), or one that lasts (liver stopping)."""

    text: Words
    source: Words
    all_of: Annotated[tuple[Clause, ...], Field(min_length=1)]
    within: Span = Field(default_factory=lambda: Span("14 d"))
    lasting: Lasting | None = Field(default=None, description="Of one clause alone: over unbroken samples of a test.")
    unless: Clause | None = Field(default=None, description="Judged near the onset; missing makes the case possible.")
    symptoms: Symptoms | None = Field(default=None, description="With one clause: at the same time one of these.")
    ratio: Ratio | None = None
    tell: Literal["hys_law", "liver_stop"] | None = Field(default=None, description="The alert; null: recorded only.")

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.lasting is not None and (len(self.all_of) != 1 or self.unless is not None):
            raise ValueError("lasting: expected one clause under all_of and no unless")
        if self.symptoms is not None and (len(self.all_of) != 1 or self.unless is not None or self.lasting is not None):
            raise ValueError("symptoms: expected one clause under all_of, no unless and no lasting")
        clauses = [clause.name for clause in (*self.all_of, *([self.unless] if self.unless else ()))]
        if self.ratio is not None and not {self.ratio.of, self.ratio.to} <= set(clauses):
            raise ValueError(f"ratio: of and to name clauses of this composite, one of {', '.join(clauses)}")
        return self


class Window(Written):
    """The observation window for dose-limiting toxicities, in calendar days of the study's zone, last day inside."""

    days: Annotated[Whole, Field(ge=1, le=730)]
    anchor: Literal["each_infusion", "first_infusion", "last_infusion"] = "each_infusion"


class Matches(Written):
    """Which events a rule is about: terms, classes (SOC) or a composite; nothing named means any term."""

    terms: Annotated[tuple[Words, ...], ONE_OR_MORE] = ()
    classes: Annotated[tuple[Words, ...], ONE_OR_MORE] = ()
    composite: Id | None = None
    except_terms: Annotated[tuple[Words, ...], ONE_OR_MORE] = ()
    except_classes: Annotated[tuple[Words, ...], ONE_OR_MORE] = ()

    def speaks_of(self, term: str, soc: str | None, composite: str | None) -> bool:
        """Whether an event of this term and class, or this composite, is among them."""
        if self.composite or composite:
            return self.composite == composite
        if term in self.except_terms or soc in self.except_classes:
            return False
        return (not self.terms and not self.classes) or term in self.terms or soc in self.classes


class DltRule(Written):
    """One rule: what it is about, from which grade, for how long, how attributed, seen by whom."""

    id: Id
    text: Words
    source: Words
    about: Matches = Matches()
    grade: GradeBound | None = None
    lasting: Lasting | None = None
    seen_as: Annotated[tuple[Literal["measured", "reported"], ...], Field(min_length=1)] = ("measured", "reported")
    attribution: tuple[Attribution, ...] = ("possible", "probable", "definite", "unknown")
    window_days: Annotated[Whole, Field(ge=1, le=730)] | None = None
    counts_from: Literal["onset", "infusion"] = Field(
        default="onset",
        description="Infusion: a grade begun since the lymphodepletion and still there at an infusion counts too, from "
        "that infusion on.",
    )

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.about.composite is None and self.grade is None:
            raise ValueError(f"rule {self.id}: expected a grade such as '>= 3', or a composite")
        if self.counts_from == "infusion" and (self.lasting is None or self.grade is None):
            raise ValueError(f"rule {self.id}: counts_from: infusion: expected a grade and a duration under lasting")
        return self


class Exclusion(Written):
    """What is never a DLT by itself, with its reason."""

    terms: Annotated[tuple[Words, ...], ONE_OR_MORE, Field(min_length=1)]
    because: Words
    up_to_grade: Annotated[Whole, Field(ge=1, le=5)] = 4


class Dlt(Written):
    """The DLT window and rules. ``example`` marks a list that no sponsor has signed (decision T3)."""

    example: bool
    note: Words
    window: Window
    rules: Annotated[tuple[DltRule, ...], Field(min_length=1)]
    excluded: Annotated[
        tuple[Exclusion, ...], BeforeValidator(as_list, json_schema_input_type=Exclusion | list[Exclusion])
    ] = ()
    line_grade: LineGrade = Field(
        default="throughout",
        description="What the grade of an adverse-event line is: held throughout (a new line with every change of the "
        "grade), or the worst of the event; a course of the grade that is told goes before both.",
    )

    @property
    def watched_longest(self) -> DltRule | None:
        """The rule whose own window outlasts the protocol's, the longest of them; null: none does."""
        longest = max(self.rules, key=lambda rule: rule.window_days or 0)
        return longest if (longest.window_days or 0) > self.window.days else None

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        ids = [rule.id for rule in self.rules]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"rule ids used twice: {', '.join(twice)}")
        return self


class Evaluable(Written):
    """When a subject counts for the 3+3 design (decision T6)."""

    planned_infusions: Literal["all", "first"] = "all"
    source: Words
