"""What every conclusion carries: its id, a range of grades, and the evidence with its inputs."""

import re
from base64 import b32encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from safety_stream.clinical.moment import Moment


class Concluded(BaseModel):
    """The base of all that we conclude: frozen, exact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def made(cls, **told: Any) -> Self:
        """One of parts that we concluded ourselves: every field, none of them checked again."""
        one, names = cls.__new__(cls), cls.__pydantic_fields__
        # In the order of the fields: so are they written, and so do two of them compare at once.
        in_order = told if [*told] == [*names] else {name: told[name] for name in names}
        object.__setattr__(one, "__dict__", in_order)
        object.__setattr__(one, "__pydantic_fields_set__", set(told))
        object.__setattr__(one, "__pydantic_extra__", None)
        object.__setattr__(one, "__pydantic_private__", None)
        return one


@lru_cache(maxsize=8_192)
def finding_id(*parts: str | int) -> str:
    """An id that is the same whenever the same thing is concluded: study, subject, rule, episode, in that order."""
    digest = blake2b("|".join(str(part) for part in parts).encode(), digest_size=10).digest()
    return f"F-{b32encode(digest).decode()}"


_VERSIONS: Final = re.compile(r"\s*v\s*\d+(?=, |$)")


def record_of(source: str) -> str:
    """The record whatever its version: the source without "v 2" at its end; of a derived quantity all its records."""
    return _VERSIONS.sub("", source)


class GradeRange(Concluded):
    """The lowest and highest grade the known facts allow; equal when the grade is decided. 0 is judged normal.

    CTCAE v5.0, unless it is a ``ScaleGrade``'s.
    """

    lowest: Annotated[int, Field(ge=0, le=5)]
    highest: Annotated[int, Field(ge=0, le=5)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"grade range {self.lowest}-{self.highest} is upside down")
        return self

    @property
    def decided(self) -> bool:
        """Whether nothing is missing."""
        return self.lowest == self.highest

    def __str__(self) -> str:
        return str(self.lowest) if self.decided else f"{self.lowest}-{self.highest}"


PRELIMINARY: Final = " (preliminary)"
"""Behind a value that its laboratory may still change."""


def worst_of(each: Iterable[GradeRange]) -> GradeRange | None:
    """The grade of the gravest of several: at least what one of them surely is, at most what one of them may be."""
    told = tuple(each)
    if not told:
        return None
    return GradeRange(lowest=max(one.lowest for one in told), highest=max(one.highest for one in told))


class Input(Concluded):
    """One fact a judgement leaned on."""

    name: str
    value: str
    unit: str | None = None
    source: str | None = Field(default=None, description="system|id v version of the record it came from.")


class Evidence(Concluded):
    """Why: rule and book, the inputs, the comparison that decided, and what would have changed it."""

    rule: str = Field(description="Rule id, e.g. ctcae-5.0/Neutrophil count decreased.")
    book: str = Field(description="Version of the rulebook.")
    inputs: tuple[Input, ...] = ()
    comparison: str | None = Field(default=None, description="The comparison that decided, with its numbers.")
    counterfactual: str | None = Field(default=None, description="The nearest value that would grade otherwise.")
    reasons: tuple[str, ...] = Field(default=(), description="What is missing, assumed or ambiguous, by register id.")
    sentence: str = Field(description="All of it in one plain sentence.")


class Reading(Concluded):
    """One past result, for the trend that a physician wants to see."""

    observed_at: Moment
    value: str
    unit: str | None
    grade: GradeRange | None
    source: str


class Finding(Concluded):
    """What every finding carries."""

    id: str
    study: str
    subject: str | None
    site: str | None = None
    dose_level: int | None = None
    protocol_version: str | None = None
    evidence: Evidence
