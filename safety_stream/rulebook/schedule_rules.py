"""What a protocol says of when a subject is to be observed: visits with their results, and how long nobody may look."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from safety_stream.rulebook.spans import Span
from safety_stream.rulebook.written import ONE_OR_MORE, Day, Days, Id, Words, Written

Analytes = Annotated[tuple[Id, ...], ONE_OR_MORE, Field(min_length=1)]


class Visit(Written):
    """One visit: its day from the first infusion, the days around it on which it may fall, the results it owes."""

    name: Id
    day: Day
    days_before: Days = 0
    days_after: Days = 0
    needs: Analytes
    source: Words


class Blind(Written):
    """For how long a dosed subject may go without any of these measurements, from the infusion to a last day."""

    name: Id
    text: Words
    any_of: Analytes
    at_most: Span
    to_day: Days
    source: Words


class Schedule(Written):
    """When a subject is to be observed. ``results_within``: how long a result may be on its way before it is missed.

    ``judged: false``: written down, and nobody is told until the sponsor has set it.
    """

    judged: bool = True
    results_within: Span = Field(default_factory=lambda: Span("24 h"))
    visits: tuple[Visit, ...] = ()
    blind: tuple[Blind, ...] = ()

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [*(one.name for one in self.visits), *(one.name for one in self.blind)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names used twice: {', '.join(twice)}")
        return self

    @cached_property
    def visits_of(self) -> dict[str, tuple[Visit, ...]]:
        """The visits that owe an analyte, by analyte."""
        keys = {key for visit in self.visits for key in visit.needs}
        return {key: tuple(visit for visit in self.visits if key in visit.needs) for key in keys}

    @cached_property
    def blind_of(self) -> dict[str, tuple[Blind, ...]]:
        """The limits on time unobserved that an analyte answers, by analyte."""
        keys = {key for blind in self.blind for key in blind.any_of}
        return {key: tuple(blind for blind in self.blind if key in blind.any_of) for key in keys}
