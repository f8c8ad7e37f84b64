"""What a protocol says of recorded facts: a statement over named facts, and whether it must hold or must not.

    must_be: false
    when: {any_of: [hbsag-positive, {all_of: [hbcab-positive, hbv-dna-above-normal]}]}

A statement is the name of a yes-or-no fact; a fact that is a number with its limit; how long ago a dated fact was; the
sex of the subject; or several of these together. The criterion's own name is always a shortcut: a plain yes or no to
the whole statement.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from safety_stream.rulebook.criteria import CriterionError
from safety_stream.rulebook.spans import AsWritten
from safety_stream.rulebook.written import Id, Words, Written, parsed

AGE, SEX = "age", "sex"
"""The facts that the screening event itself tells: completed years at consent, and female or male."""
_AGO = re.compile(r"([0-9]{1,3}) ?(d|wk|mo)")


@dataclass(frozen=True)
class Ago(AsWritten):
    """A length of time on the calendar: ``10 d``, ``4 wk``, ``3 mo`` (calendar months)."""

    text: str

    def __post_init__(self) -> None:
        if _AGO.fullmatch(self.text) is None:
            raise ValueError(f"{self.text!r} is no time on the calendar; expected for example '4 wk' or '3 mo'")

    def before(self, day: date) -> date:
        """The day so long before another; a day that the month does not have becomes its last."""
        return self._moved(day, -1)

    def after(self, day: date) -> date:
        """The day so long after another, by the same reading."""
        return self._moved(day, 1)

    def _moved(self, day: date, sign: Literal[-1, 1]) -> date:
        unit = self.text.lstrip("0123456789 ")
        number = sign * int(self.text.removesuffix(unit))
        if unit != "mo":
            return day + timedelta(days=number * (7 if unit == "wk" else 1))
        months = day.year * 12 + day.month - 1 + number
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class NumberIs(Written):
    """A fact that is a number, and what it must be: ``{fact: bilag-a-organs, is: ">= 1"}``."""

    fact: Id
    limit: Annotated[Words, Field(alias="is")]

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        try:
            criterion = parsed(self.limit)
        except CriterionError as error:
            raise ValueError(f"{error}; expected a limit such as '>= 8'") from None
        plain = [one for one in criterion.comparisons if one.limit is None and one.unit is None and not one.lasting]
        if len(criterion.comparisons) != 1 or not plain or criterion.facts:
            raise ValueError(f"{self.limit!r}: expected one limit without a unit, such as '>= 8'")
        return self


class LastWithin(Written):
    """A dated fact that lies less far back from consent than this: ``{last: live-vaccine-last, within: 4 wk}``."""

    last: Id
    within: Ago


class SexIs(Written):
    """The sex of the subject, as told with the screening: ``{sex: female}``."""

    sex: Literal["female", "male"]


def _two_or_more(told: tuple["Statement", ...]) -> tuple["Statement", ...]:
    if len(told) < 2:
        raise ValueError("expected two parts or more")
    return told


_Several = Annotated[tuple["Statement", ...], AfterValidator(_two_or_more), Field(json_schema_extra={"minItems": 2})]


class AnyOf(Written):
    """One of them is enough."""

    any_of: _Several


class AllOf(Written):
    """All of them together."""

    all_of: _Several


def _form(told: object) -> str | None:
    """Which of its forms a statement is written in: one mistake is then one problem, not one for every form."""
    if isinstance(told, dict):
        return next((key for key in ("fact", "last", "sex", "any_of", "all_of") if key in told), None)
    if isinstance(told, str):
        return "name"
    forms = ((NumberIs, "fact"), (LastWithin, "last"), (SexIs, "sex"), (AnyOf, "any_of"), (AllOf, "all_of"))
    return next((form for kind, form in forms if isinstance(told, kind)), None)


Statement = Annotated[
    Annotated[Id, Tag("name")]
    | Annotated[NumberIs, Tag("fact")]
    | Annotated[LastWithin, Tag("last")]
    | Annotated[SexIs, Tag("sex")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[AllOf, Tag("all_of")],
    Discriminator(
        _form,
        custom_error_type="statement",
        custom_error_message=(
            "a fact's name, {fact: NAME, is: LIMIT}, {last: NAME, within: TIME}, {sex: female}, "
            "{any_of: [...]} or {all_of: [...]}"
        ),
    ),
]
AnyOf.model_rebuild()
AllOf.model_rebuild()


class RecordedFact(Written):
    """A criterion that is no measurement: a statement over recorded facts, and whether it must hold.

    ``recheck``: also judged before each infusion, on what was recorded since the check began.
    ``only_for``: whom it is about; for anybody else it is met, for it does not apply.
    """

    text: Words
    must_be: bool
    when: Statement | None = None
    only_for: Statement | None = None
    source: Words
    because: Words | None = None
    recheck: Literal["before_each_infusion", "never"] = "never"


FactKind = Literal["true or false", "a number", "a date, or false for never", "female or male"]


def facts_in(statement: Statement) -> Iterator[tuple[str, FactKind]]:
    """Every fact that a statement names, and what it reads it as."""
    if isinstance(statement, str):
        yield statement, "true or false"
    elif isinstance(statement, NumberIs):
        yield statement.fact, "a number"
    elif isinstance(statement, LastWithin):
        yield statement.last, "a date, or false for never"
    elif isinstance(statement, SexIs):
        yield SEX, "female or male"
    else:
        for one in statement.any_of if isinstance(statement, AnyOf) else statement.all_of:
            yield from facts_in(one)


def names_in(statement: Statement) -> Iterator[str]:
    """The names of these facts."""
    yield from (name for name, _ in facts_in(statement))


def said_in_words(statement: Statement) -> str:
    """A statement as a reader says it."""
    if isinstance(statement, str):
        return statement
    if isinstance(statement, NumberIs):
        return f"{statement.fact} {statement.limit}"
    if isinstance(statement, LastWithin):
        return f"{statement.last} within {statement.within} before consent"
    if isinstance(statement, SexIs):
        return statement.sex
    if isinstance(statement, AnyOf):
        return " or ".join(_inner(one) for one in statement.any_of)
    return " and ".join(_inner(one) for one in statement.all_of)


def _inner(statement: Statement) -> str:
    told = said_in_words(statement)
    return f"({told})" if isinstance(statement, AnyOf | AllOf) else told
