"""What we conclude about a subject: eligibility, what was not observed, what a person must clear up, the status."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from safety_stream.clinical.conclusion import Concluded, Finding
from safety_stream.clinical.moment import Moment


class EligibilityBreach(Finding):
    """An eligibility threshold that a result breaks, or that cannot be judged."""

    kind: Literal["eligibility_breach"] = "eligibility_breach"
    criterion: str
    criterion_text: str
    phase: Literal["screening", "before_infusion", "after_infusion"]
    verdict: Literal["breached", "undetermined"]
    value: str | None
    unit: str | None
    limit: str
    distance: str | None = Field(description="How far the value is from the limit, in its unit.")
    to_pass: str
    observed_at: Moment | None
    screening: Annotated[int, Field(ge=1)] = Field(default=1, description="Of a subject screened again: which one.")


class CriterionState(Concluded):
    """One criterion in the state of a subject; of one that is met nothing more is told."""

    criterion: str
    text: str
    verdict: Literal["met", "breached", "undetermined"]
    value: str | None = None
    limit: str | None = None
    distance: str | None = None
    to_pass: str | None = None
    decided_by: tuple[str, ...] = Field(default=(), description="The facts that decided, each with its value.")
    missing: tuple[str, ...] = Field(default=(), description="Names of the facts that are not on file.")
    not_applicable: str | None = Field(default=None, description="Why one that is met does not apply to the subject.")


class EligibilityStatus(Finding):
    """A subject's overall state against all criteria of the screening, or the check before one infusion (T9)."""

    kind: Literal["eligibility_status"] = "eligibility_status"
    check: Literal["screening", "before_infusion"]
    screening: Annotated[int, Field(ge=1)] = 1
    infusion: Annotated[int, Field(ge=0)] = Field(default=0, description="The infusion checked; 0: the screening.")
    state: Literal["eligible", "not_eligible", "undetermined", "go", "hold"]
    enrolled: bool
    given: bool = Field(description="A study treatment, or the infusion that is checked, was given.")
    needed_by: date | None = Field(default=None, description="The planned infusion whose check is open and wanted now.")
    lapsed: bool = Field(default=False, description="That day has passed: neither given nor moved, and the check open.")
    unanswered_by: date | None = Field(
        default=None, description="The day of the infusion given though nothing was on file for its check by then."
    )
    criteria: tuple[CriterionState, ...]

    @property
    def asks(self) -> bool:
        """Whether the check is asked for: its infusion is near, and nothing on file decides any criterion of it."""
        near = self.needed_by is not None and not self.lapsed
        return near and all(one.verdict == "undetermined" for one in self.criteria)


class Unobserved(Finding):
    """Results of a visit that did not come, or hours that a dosed subject went unobserved beyond a limit."""

    kind: Literal["unobserved"] = "unobserved"
    what: Literal["blind_time", "missing_results"]
    name: str = Field(description="Name of the limit or visit in the protocol.")
    text: str
    source: str
    state: Literal["open", "closed"] = Field(description="Closed: observed again, or the time to observe is over.")
    since: datetime = Field(description="Last observed, by the full hour; of a visit: the end of its days.")
    until: datetime | None = Field(description="Observed again; null: not yet, or a visit.")
    hours: int | None = Field(description="Hours unobserved; null: still open, or a visit.")
    limit: str = Field(description="At most so long; of a visit: its days.")
    missing: tuple[str, ...] = Field(default=(), description="Of a visit: the analytes without a result on its days.")
    example: bool = Field(default=False, description="The schedule is an example the sponsor has not signed.")
    tell: bool = Field(default=True, description="The protocol wants it mailed; false: on the lists only.")


class DataQuery(Finding):
    """Something in the data that a person must clear up; never silently dropped, never a grade 0."""

    kind: Literal["data_query"] = "data_query"
    code: str = Field(description="Closed list: see clinical/queries.py.")
    about: str = Field(description="Analyte, term or event the question is about.")
    found: str
    expected: str
    sources: tuple[str, ...] = Field(description="Up to 20 records concerned, newest last.")
    count: int = Field(ge=1)


MayBe = Annotated[int, Field(ge=0, le=5)] | None
_MAY_BE = "What one of them may be, while that is not decided; null: the grade before is decided."


class Followed(Concluded):
    """Treatment-emergent adverse events as reported whose onset lies, or may lie, in the follow-up of the protocol."""

    events: int = 0
    serious: int = 0
    worst: Annotated[int, Field(ge=0, le=5)] | None = Field(default=None, description="What one of them surely is.")
    worst_at_most: MayBe = Field(default=None, description=_MAY_BE)
    worst_serious: Annotated[int, Field(ge=0, le=5)] | None = None
    worst_serious_at_most: MayBe = Field(default=None, description=_MAY_BE)
    uncertain: int = Field(default=0, description="How many of the events may lie outside it.")


class SubjectStatus(Concluded):
    """One subject as the cohort sees it: a whole snapshot, never a difference."""

    study: str
    subject: str
    site: str | None = None
    protocol_version: str | None = None
    dose_level: int | None
    phase: Literal["screened", "enrolled", "in_window", "completed_window", "withdrawn", "died"]
    dosed: bool
    first_infusion: date | None
    window_to: date | None = Field(description="Last day of observation for DLTs, extended where a rule needs longer.")
    evaluable: bool | None = Field(description="Null while the window is open, or a DLT is still possible.")
    completes: bool | None = Field(
        default=None, description="The window with all planned infusions, DLTs aside: true it was, false no more."
    )
    dlt: Literal["none", "possible", "candidate", "confirmed"]
    worst_grade: Annotated[int, Field(ge=0, le=5)] | None
    worst_grade_at_most: MayBe = Field(default=None, description=_MAY_BE)
    unclear_emergence: bool = Field(
        default=False, description="Of some toxicity it is not known whether it is worse than before treatment (T12)."
    )
    serious_events: int = 0
    adverse_events_by_grade: dict[str, int] = Field(
        default_factory=dict, description="Reported events; none: their grade is not decided."
    )
    extended_because: str | None = Field(default=None, description="Why observation goes on beyond the window (T4).")
    planned_infusion: date | None = Field(default=None, description="First infusion as planned, while none was given.")
    followed: Followed = Followed()
    blind_since: dict[str, datetime] = Field(default_factory=dict, description="Open times unobserved, by their limit.")
    longest_blind_hours: int | None = Field(default=None, description="The longest time unobserved that is over.")
    results_missing: tuple[str, ...] = Field(default=(), description="Visits whose results did not come.")
    hematotoxicity: dict[str, str] = Field(
        default_factory=dict,
        description="Early and late ICAHT, each its grade; undetermined: the day of the infusion is not known.",
    )
    revision: Annotated[int, Field(ge=1)] = 1
    as_of: datetime
