"""What a protocol says of when a subject is to be observed: visits with their results, and how long nobody may look."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from safety_stream.rulebook.spans import Span
from safety_stream.rulebook.written import ONE_OR_MORE, Day, Days, Id, Words, Written

Analytes = Annotated[tuple[Id, ...], ONE_OR_MORE, Field(min_length=1)]


class Visit(Written):
    """One visit: its day from the first infusion, the days around it on which it may fall, the results it owes.

    ``tell``: missing results are mailed; without it they are on the lists only.
    """

    name: Id
    day: Day
    days_before: Days = 0
    days_after: Days = 0
    needs: Analytes
    tell: bool = False
    source: Words


class Blind(Written):
    """For how long a dosed subject may go without any of these measurements, from the infusion to a last day.

    ``tell``: a time unobserved is mailed; without it it is on the lists only.
    """

    name: Id
    text: Words
    any_of: Analytes
    at_most: Span
    to_day: Days
    tell: bool = False
    source: Words


class Schedule(Written):
    """When a subject is to be observed. ``results_within``: how long a result may be on its way before it is missed.

    ``judged: false``: written down, and nothing is concluded. ``example``: the sponsor has not signed it, and every
    finding says so.
    """

    judged: bool = True
    example: bool = False
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
        """The visits that owe an analyte, by analyte, in the order in which their days begin."""
        keys = {key for visit in self.visits for key in visit.needs}
        begun = sorted(self.visits, key=lambda visit: visit.day - visit.days_before)
        return {key: tuple(visit for visit in begun if key in visit.needs) for key in keys}

    @cached_property
    def by_end(self) -> tuple[Visit, ...]:
        """The visits in the order in which their days end."""
        return tuple(sorted(self.visits, key=lambda visit: visit.day + visit.days_after))

    @cached_property
    def blind_of(self) -> dict[str, tuple[Blind, ...]]:
        """The limits on time unobserved that an analyte answers, by analyte."""
        keys = {key for blind in self.blind for key in blind.any_of}
        return {key: tuple(blind for blind in self.blind if key in blind.any_of) for key in keys}
