"""What every part of a study protocol is written with: words, days, ids, roles, and the base of its types."""

from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

from safety_stream.rulebook.criteria import Criterion, parse


def _in_plain_digits(told: object) -> object:
    if isinstance(told, str) and not told.isascii():
        raise ValueError("a number in the digits 0 to 9")
    return told


Whole = Annotated[int, Strict()]
"""A whole number as a number: no true or false, which would count as 1 or 0, and no text."""
PLAIN_DIGITS = BeforeValidator(_in_plain_digits)
"""A number that was written as text: in the digits 0 to 9, not in those of another script."""
Day = Annotated[Whole, Field(ge=-3650, le=3650, description="Study day: day 0 is the day of the first infusion.")]
Days = Annotated[Whole, Field(ge=0, le=3650)]
Words = Annotated[str, Field(min_length=1, max_length=2000)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Attribution = Literal["unrelated", "unlikely", "possible", "probable", "definite", "unknown"]
Role = Literal[
    "safety_physician",
    "safety_physician_backup",
    "medical_monitor",
    "site_investigator",
    "dsmb_chair",
    "sponsor_safety",
    "data_manager",
    "operator",
]
"""Who can be told: a protocol and the catalogue of alerts name roles, ``deploy/alerting.yaml`` the people."""


def as_list(told: object) -> object:
    """One thing, told without its list, as a list of one."""
    return [told] if isinstance(told, str | dict) else told


ONE_OR_MORE = BeforeValidator(as_list, json_schema_input_type=str | list[str])


@cache
def parsed(text: str) -> Criterion:
    """A criterion as the protocol writes it, parsed once; raises ``CriterionError``."""
    return parse(text)


class Written(BaseModel):
    """The base of all that a protocol says: frozen, and no word that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
