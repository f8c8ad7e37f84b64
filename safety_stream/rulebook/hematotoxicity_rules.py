"""What a protocol says of hematotoxicity after effector cells (ICAHT): early by depth and duration, late by depth.

day 0 ............................ day 30 | after day 30
so many days at or below a count          | two samples in a row at or below a count
"""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from safety_stream.rulebook.spans import Span
from safety_stream.rulebook.written import ONE_OR_MORE, Day, Days, Id, Whole, Words, Written

Grade = Annotated[Whole, Field(ge=1, le=5)]


class LowFor(Written):
    """A grade of early hematotoxicity: at or below a count on so many days in a row."""

    when: Words
    days: Annotated[Whole, Field(ge=1, le=365)]
    grade: Grade


class NeverAbove(Written):
    """The grade of a subject whose count, once low by ``from_day``, was never seen above it to the end of the time."""

    when: Words
    from_day: Days = 0
    grade: Grade


class EarlyHematotoxicity(Written):
    """The early part. ``observed_every``: two low samples no farther apart are one stretch (once weekly: 8 d).

    ``recovered_for``: on so many days in a row above the count a stretch is over; fewer days count as low.
    """

    text: Words
    to_day: Day = 30
    observed_every: Span = Field(default_factory=lambda: Span("8 d"))
    recovered_for: Annotated[Whole, Field(ge=1, le=60)] = 3
    lasting: Annotated[tuple[LowFor, ...], Field(min_length=1)]
    never_above: NeverAbove | None = None


class LateHematotoxicity(Written):
    """The late part: for each grade the count at or below which two samples in a row, on different days, lie."""

    text: Words
    grades: Annotated[dict[Grade, Words], Field(min_length=1)]


class Hematotoxicity(Written):
    """Hematotoxicity after effector cells, graded beside CTCAE, never instead of it; ``readings``: register entries."""

    source: Words
    readings: Annotated[tuple[Words, ...], ONE_OR_MORE] = ()
    analyte: Id = "NEUT"
    day_zero: Literal["first_infusion", "last_infusion"] = "first_infusion"
    early: EarlyHematotoxicity
    late: LateHematotoxicity | None = None

    @cached_property
    def early_limits(self) -> tuple[str, ...]:
        """The counts of the early part, each once."""
        never = [self.early.never_above.when] if self.early.never_above else []
        return tuple(dict.fromkeys([*(one.when for one in self.early.lasting), *never]))

    @cached_property
    def late_limits(self) -> tuple[tuple[int, str], ...]:
        """The grades of the late part with their counts, the mildest first."""
        return tuple(sorted(self.late.grades.items())) if self.late else ()

    @cached_property
    def late_counts(self) -> tuple[str, ...]:
        """The counts of the late part, in the same order."""
        return tuple(when for _, when in self.late_limits)
