"""What we CONCLUDE: findings, each with its evidence, its reasons and an id that is a function of its content.

A finding is never stored as truth: it is derived from the events, and derived again whenever one of them changes.
"""

from base64 import b32encode
from datetime import date, datetime
from hashlib import blake2b
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.written import Role


class Concluded(BaseModel):
    """The base of all that we conclude: frozen, exact."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def finding_id(*parts: str | int) -> str:
    """An id that is the same whenever the same thing is concluded: study, subject, rule, episode, in that order."""
    digest = blake2b("|".join(str(part) for part in parts).encode(), digest_size=10).digest()
    return f"F-{b32encode(digest).decode()}"


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


class Toxicity(Finding):
    """One episode of one CTCAE term, graded from measurements."""

    kind: Literal["toxicity"] = "toxicity"
    term: str
    meddra_code: str | None
    analyte: str = Field(description="What was measured; two joined in time as NEUT+TEMP.")
    episode: Annotated[int, Field(ge=1)]
    open: bool
    onset: Moment
    last_observed: Moment
    resolved: Moment | None
    current: GradeRange
    peak: GradeRange
    peak_observed: Moment
    alerting_grade: int = Field(description="The grade of the peak that alerts count with (decision G6).")
    baseline_grade: GradeRange | None = Field(description="Worst grade before the first study treatment; null: none.")
    emergent: bool | None = Field(description="Worse than before treatment (T12); null: cannot be known.")
    expected: bool = Field(default=False, description="Inside the protocol's expected band.")
    provisional: bool = Field(default=False, description="The peak leans on a preliminary result.")
    study_day: int | None = Field(default=None, description="Day of the peak counted from the first infusion (day 0).")
    readings: tuple[Reading, ...] = Field(default=(), description="Baseline and the last results, oldest first.")


class ScaleGrade(Concluded):
    """The grade of another scale, computed from the facts that were sent, beside the CTCAE grade of record (T13)."""

    key: str = Field(description="Key of the scale, e.g. astct_crs.")
    scale: str = Field(description="Name of the scale, e.g. ASTCT 2019 CRS.")
    grade: GradeRange
    evidence: Evidence


class ReportedEvent(Finding):
    """One adverse event as reported, checked."""

    kind: Literal["reported_event"] = "reported_event"
    term: str
    meddra_code: str | None
    grade: int | None = Field(description="The investigator's grade: the grade of record.")
    supported: GradeRange = Field(description="The grades the structured facts support; derived.")
    serious: bool
    seriousness: tuple[str, ...]
    onset: Moment | None
    resolved: Moment | None
    outcome: str
    attribution: str
    emergent: bool | None
    reported_at: datetime
    study_day: int | None = None
    scales: tuple[ScaleGrade, ...] = Field(default=(), description="Grades of other scales whose facts were sent.")


class DoseLimitingToxicity(Finding):
    """An event that a DLT rule of the protocol matches; the engine proposes, a person decides."""

    kind: Literal["dose_limiting_toxicity"] = "dose_limiting_toxicity"
    rule: str
    rule_text: str
    example_rule: bool = Field(description="The rule list is an example the sponsor has not signed.")
    state: Literal["possible", "candidate", "confirmed", "refuted"]
    about: tuple[str, ...] = Field(description="Ids of the findings it rests on.")
    term: str
    grade: GradeRange
    onset: Moment | None = Field(description="Null: not told; the finding is then possible at most.")
    window_from: date
    window_to: date
    infusions: tuple[int, ...] = Field(description="Numbers of the infusions whose window holds the onset.")
    adjudicated_by: str | None = None
    adjudication: str | None = None


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


class WatchLimitCrossed(Finding):
    """One episode of results outside a watch limit of the protocol: a project flag, never a CTCAE grade (G22)."""

    kind: Literal["watch_limit"] = "watch_limit"
    analyte: str
    limit: str = Field(description="What lies outside, as the protocol writes it, e.g. < 90 mm[Hg].")
    limit_source: str
    verdict: Literal["outside", "undetermined"]
    episode: Annotated[int, Field(ge=1)]
    open: bool
    onset: Moment
    last_observed: Moment
    ended: Moment | None = Field(description="The first result inside again.")
    value: str = Field(description="The worst value of the episode, as reported.")
    unit: str | None
    distance: str | None = Field(description="How far the worst value is from the limit, in the analyte's unit.")
    worst_observed: Moment
    emergent: bool | None = Field(description="Some result outside came after the first treatment; null: not known.")
    tell: tuple[Role, ...] = Field(default=(), description="Roles the protocol wants to be told; none: recorded only.")
    critical: bool = Field(default=False, description="A panic limit of the protocol: a critical value.")
    study_day: int | None = None
    readings: tuple[Reading, ...] = Field(default=(), description="The last results of the episode, oldest first.")


class DataQuery(Finding):
    """Something in the data that a person must clear up; never silently dropped, never a grade 0."""

    kind: Literal["data_query"] = "data_query"
    code: str = Field(description="Closed list: see clinical/queries.py.")
    about: str = Field(description="Analyte, term or event the question is about.")
    found: str
    expected: str
    sources: tuple[str, ...] = Field(description="Up to 20 records concerned, newest last.")
    count: int = Field(ge=1)


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


class CohortDecision(Finding):
    """The 3+3 advice for one dose level, with its arithmetic. Advice only, never an action."""

    kind: Literal["cohort_decision"] = "cohort_decision"
    tally: Tally
    decision: Literal["enrol", "wait", "escalate", "expand", "stop", "fill", "mtd"]
    reachable: tuple[str, ...] = Field(description="Decisions that pending subjects can still bring about.")
    no_longer_supported: bool = Field(default=False, description="A higher level opened that this does not allow.")
    subjects: tuple[str, ...]


AnyFinding = Annotated[
    Toxicity
    | ReportedEvent
    | DoseLimitingToxicity
    | EligibilityBreach
    | WatchLimitCrossed
    | DataQuery
    | CohortDecision,
    Field(discriminator="kind"),
]
ANY_FINDING: TypeAdapter[AnyFinding] = TypeAdapter(AnyFinding)


class FindingChange(Concluded):
    """One change of one finding: what ``safety.findings`` and ``safety.cohorts`` carry."""

    change: Literal["raised", "changed", "withdrawn"]
    revision: Annotated[int, Field(ge=1)]
    finding: AnyFinding = Field(description="As it is now; when withdrawn, as it last was.")
    previous: AnyFinding | None = Field(default=None, exclude=True, description="As it was before; not sent.")
    as_of: datetime
    because: str = Field(description="The event that brought it about: kind system|id v version, or the clock.")


class SubjectStatus(Concluded):
    """One subject as the cohort sees it: a whole snapshot, never a difference."""

    study: str
    subject: str
    site: str | None = None
    protocol_version: str | None = None
    dose_level: int | None
    phase: Literal["screened", "enrolled", "in_window", "completed_window", "withdrawn"]
    dosed: bool
    first_infusion: date | None
    window_to: date | None
    evaluable: bool | None = Field(description="Null while the window is open.")
    dlt: Literal["none", "possible", "candidate", "confirmed"]
    worst_grade: Annotated[int, Field(ge=0, le=5)] | None
    serious_events: int = 0
    adverse_events_by_grade: dict[str, int] = Field(default_factory=dict)
    revision: Annotated[int, Field(ge=1)] = 1
    as_of: datetime
