"""What we conclude about a dose level and the study: tallies, the 3+3 advice, the stagger, the proportions."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from safety_stream.clinical.conclusion import Concluded, Finding


class Tally(Concluded):
    """One dose level in numbers."""

    enrolled: int = 0
    dosed: int = 0
    in_window: int = 0
    evaluable: int = 0
    not_evaluable: int = 0
    dlt: int = Field(default=0, description="Subjects with a candidate or confirmed DLT.")
    dlt_confirmed: int = 0
    dlt_possible: int = 0


Ending = Literal["dlt", "completed", "not_evaluable"]


class PendingSubject(Concluded):
    """One subject of a dose level who is not decided yet, and how it can end."""

    subject: str
    may_end: tuple[Ending, ...]
    window_to: date | None


class Way(Concluded):
    """One way to a decision: how many pending subjects have a DLT, and how many complete without one."""

    decision: str
    dlts: tuple[int, int] = Field(description="Fewest and most pending subjects with a DLT.")
    completed: tuple[int, int] = Field(description="Fewest and most pending subjects who complete without a DLT.")
    words: str


class CohortDecision(Finding):
    """The 3+3 advice for one dose level, with its arithmetic. Advice only, never an action."""

    kind: Literal["cohort_decision"] = "cohort_decision"
    tally: Tally
    decision: Literal["enrol", "wait", "escalate", "expand", "stop", "fill", "mtd", "declare", "hold"]
    reachable: tuple[str, ...] = Field(description="Decisions that pending subjects can still bring about.")
    ways: tuple[Way, ...] = Field(default=(), description="For each of them the outcomes that lead to it.")
    pending: tuple[PendingSubject, ...] = ()
    to_enrol: int = Field(default=0, description="Places that are free at this level under the advice.")
    to_replace: int = Field(default=0, description="How many of them replace a subject who is not evaluable.")
    not_evaluable: tuple[str, ...] = Field(default=(), description="Who of them was dosed stays in the safety set.")
    no_longer_supported: bool = Field(default=False, description="A higher level opened that this does not allow.")
    subjects: tuple[str, ...]


class StaggerBreach(Finding):
    """A first infusion, planned or given, too soon after the first one of its dose level (decision T8)."""

    kind: Literal["stagger_breach"] = "stagger_breach"
    infusion: Literal["planned", "given"]
    infusion_on: date
    first_subject: str
    first_infusion_on: date
    days_apart: int
    days_required: int
    earliest: date = Field(description="The first day on which the infusion would be allowed.")


class Proportion(Concluded):
    """Subjects with an outcome, among whom, and the exact 95 % confidence interval (Clopper-Pearson)."""

    outcome: Literal["dlt", "adverse_event", "serious_adverse_event", "toxicity"] = Field(
        description="Events as reported in the follow-up; toxicity: reported or measured, at any time after treatment."
    )
    worst_grade: Annotated[int, Field(ge=1, le=5)] | None = Field(
        description="Subjects whose worst grade it is; null: any."
    )
    dose_level: int | None = Field(description="Null: all dose levels.")
    among: Literal["dlt_evaluable", "dosed"]
    count: int
    at_most: int = Field(description="With those of whom it is not decided; equal to the count where nothing is open.")
    of: int
    lower: Decimal = Field(description="Lower limit of the count, to 4 decimals, rounded half to even.")
    upper: Decimal = Field(description="Upper limit of the highest count, to 4 decimals, rounded half to even.")
    subjects: tuple[str, ...] = Field(description="Who is counted.")
    undecided: tuple[str, ...] = Field(default=(), description="Who may be: the worst grade is not decided.")


class StudyTally(Finding):
    """The study as a whole: enrolment against its plan, and the proportions of the primary outcomes so far."""

    kind: Literal["study_tally"] = "study_tally"
    enrolled: int
    planned: int | None
    enrolment: Literal["below", "reached", "exceeded"]
    mtd: int | None = Field(default=None, description="The level advised as the maximum tolerated dose.")
    unknown_level: tuple[str, ...] = Field(
        default=(), description="Subjects at a level the protocol does not have, or dosed and at none."
    )
    uncertain: tuple[str, ...] = Field(
        default=(), description="Subjects counted with an event that may lie outside the follow-up."
    )
    unclear: tuple[str, ...] = Field(
        default=(),
        description="Subjects with a toxicity of which it is not known whether it is worse than before treatment.",
    )
    proportions: tuple[Proportion, ...]
