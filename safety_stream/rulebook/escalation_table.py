"""What a protocol says of dose escalation: its decision table as data, and what to do at the ends."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from safety_stream.rulebook.written import Days, Whole, Words, Written

DoseDecision = Literal["enrol", "escalate", "expand", "stop"]
_Table = dict[int, DoseDecision | list[DoseDecision]]


class Row(Written):
    """One row of the decision table: with ``evaluable`` subjects of whom ``dlt`` had one, do this."""

    evaluable: Annotated[Whole, Field(ge=0, le=12)]
    dlt: Annotated[Whole, Field(ge=0, le=12)]
    decision: DoseDecision


def _rows(told: object) -> object:
    """The table as it is written: for each number of evaluable subjects the decisions with 0, 1, 2, ... DLTs."""
    if not isinstance(told, dict):
        return told
    return [
        {"evaluable": evaluable, "dlt": dlt, "decision": decision}
        for evaluable, decisions in told.items()
        for dlt, decision in enumerate(decisions if isinstance(decisions, list) else [decisions])
    ]


class Escalation(Written):
    """The dose-escalation design: its decision table as data, and what to do at the ends."""

    design: Literal["3+3"] = "3+3"
    cohort: Annotated[Whole, Field(ge=1, le=6)] = 3
    expanded: Annotated[Whole, Field(ge=2, le=12)] = 6
    table: Annotated[tuple[Row, ...], BeforeValidator(_rows, json_schema_input_type=_Table), Field(min_length=1)]
    top_level: Literal["fill_to_6", "declare"] = "fill_to_6"
    below_first: Words = "stop, committee"
    stagger_days: Days | None = None
    planned_subjects: Annotated[Whole, Field(ge=1)] | None = None
    source: Words

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        cells = [(row.evaluable, row.dlt) for row in self.table]
        wanted = {(n, d) for n in range(self.expanded + 1) for d in range(n + 1)}
        problems = [f"n={n}, dlt={d} is there twice" for n, d in sorted(set(cells)) if cells.count((n, d)) > 1]
        problems += [f"n={n}, dlt={d} is missing" for n, d in sorted(wanted - set(cells))]
        problems += [f"n={n}, dlt={d} cannot be" for n, d in sorted(set(cells) - wanted)]
        if problems:
            raise ValueError("the decision table is not whole: " + "; ".join(problems))
        return self

    @cached_property
    def decisions(self) -> dict[tuple[int, int], str]:
        """The decision for (evaluable, dlt)."""
        return {(row.evaluable, row.dlt): row.decision for row in self.table}
