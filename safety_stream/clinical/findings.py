"""What we CONCLUDE: findings, each with its evidence, its reasons and an id that is a function of its content.

A finding is never stored as truth: it is derived from the events, and derived again whenever one of them changes.
"""

from base64 import b32encode
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.written import Role


class Concluded(BaseModel):
    """The base of all that we conclude: frozen, exact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def made(cls, **told: Any) -> Self:
        """One of parts that we concluded ourselves: every field, none of them checked again."""
        one = cls.__new__(cls)
        object.__setattr__(one, "__dict__", {name: told[name] for name in cls.__pydantic_fields__})  # in their order
        object.__setattr__(one, "__pydantic_fields_set__", set(told))
        object.__setattr__(one, "__pydantic_extra__", None)
        object.__setattr__(one, "__pydantic_private__", None)
        return one


@lru_cache(maxsize=65_536)
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


class Lasted(Concluded):
    """One run of samples at a grade or above: how long it lasted for certain, and at most."""

    grade: int = Field(description="At this grade or above.")
    first: Moment = Field(description="The first sample of the run.")
    at_least: timedelta = Field(
        description="From its first to its last sample; a sample that may be lower proves none."
    )
    at_most: timedelta | None = Field(description="Between the samples before and after it; null: one is not known.")
    over: bool = Field(description="A sample below the grade came after it.")


class GradeJump(Concluded):
    """A rise of two grades or more from one result of an analyte to the next; both grades as far as they are sure."""

    before: int = Field(description="The highest grade that the result before can mean.")
    after: int = Field(description="The lowest grade that the result after it can mean.")
    before_observed: Moment
    after_observed: Moment


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
    lasted: tuple[Lasted, ...] = Field(default=(), description="At each grade the longest run and the last one.")
    jump: GradeJump | None = Field(default=None, description="The steepest jump after treatment began; null: none.")


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


class RuleMet(Concluded):
    """One DLT rule that an event meets or may meet."""

    rule: str
    text: str
    met: bool = Field(description="False: possible, some condition is open.")
    open: tuple[str, ...] = Field(default=(), description="The conditions that cannot be decided yet.")
    comparison: str
    candidate_from: datetime | None = Field(
        default=None, description="When the duration asked for is reached if the event goes on; null: time decides not."
    )
    ends_with: tuple[str, ...] = Field(default=(), description="What would end the possibility.")


class DoseLimitingToxicity(Finding):
    """One event that one or more DLT rules of the protocol match; the engine proposes, a person decides."""

    kind: Literal["dose_limiting_toxicity"] = "dose_limiting_toxicity"
    rule: str = Field(description="The gravest of the rules that it meets; failing that, that it may meet.")
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
    rules: tuple[RuleMet, ...] = Field(default=(), description="Every rule it meets or may meet, the gravest first.")
    decisions: tuple[str, ...] = Field(
        default=(), description="All decisions on it, oldest first; the last one counts."
    )
    decided_as: tuple[str, ...] = Field(default=(), description="Ids of one rule each under which it was decided.")


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
    unanswered_by: date | None = Field(
        default=None, description="The day of the infusion given though nothing was on file for its check by then."
    )
    criteria: tuple[CriterionState, ...]


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


class CompositeMet(Finding):
    """Findings that mean more together than apart, as the protocol writes them (Hy's law, liver stopping)."""

    kind: Literal["composite"] = "composite"
    composite: str = Field(description="Its name in the protocol.")
    text: str
    source: str
    state: Literal["possible", "sure"]
    onset: Moment
    completed: Moment = Field(description="The sample with which it was met, or may have been.")
    emergent: bool | None = Field(description="The onset came after the first treatment; null: cannot be known.")
    ratio: str | None = Field(default=None, description="As the protocol wants it shown, e.g. R = 5.10.")
    tell: Literal["hys_law", "liver_stop", "hematotoxicity"] | None = Field(
        description="The alert; null: recorded only."
    )
    study_day: int | None = None
    grade: GradeRange | None = Field(default=None, description="Of a composite that has grades (ICAHT); not CTCAE's.")


class ReportingDue(Finding):
    """One reporting clock of one serious event: to the sponsor, or of a SUSAR to the authority (T15)."""

    kind: Literal["reporting_due"] = "reporting_due"
    clock: Literal["sae_to_sponsor", "susar_7_days", "susar_15_days"]
    record: str = Field(description="The record of the event: system|id.")
    term: str
    state: Literal["running", "due_soon", "overdue", "met", "met_late", "closed"]
    warnings_passed: int = Field(description="How many of the warnings before the limit have passed.")
    started: datetime
    due: datetime = Field(description="The report is late from this instant on.")
    done: datetime | None


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
    not_evaluable: tuple[str, ...] = Field(default=(), description="They stay in the safety set.")
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
        description="Events as reported in the follow-up; toxicity: reported or measured, whenever after treatment."
    )
    worst_grade: Annotated[int, Field(ge=1, le=5)] | None = Field(
        description="Subjects whose worst grade it is; null: any."
    )
    dose_level: int | None = Field(description="Null: all dose levels.")
    among: Literal["dlt_evaluable", "dosed"]
    count: int
    of: int
    lower: Decimal = Field(description="Lower limit to 4 decimals, rounded half to even.")
    upper: Decimal = Field(description="Upper limit to 4 decimals, rounded half to even.")
    subjects: tuple[str, ...] = Field(description="Who is counted.")


class StudyTally(Finding):
    """The study as a whole: enrolment against its plan, and the proportions of the primary outcomes so far."""

    kind: Literal["study_tally"] = "study_tally"
    enrolled: int
    planned: int | None
    enrolment: Literal["below", "reached", "exceeded"]
    mtd: int | None = Field(default=None, description="The level advised as the maximum tolerated dose.")
    unknown_level: tuple[str, ...] = Field(default=(), description="Subjects at a level the protocol does not have.")
    uncertain: tuple[str, ...] = Field(
        default=(), description="Subjects counted with an event that may lie outside the follow-up."
    )
    proportions: tuple[Proportion, ...]


AnyFinding = Annotated[
    Toxicity
    | ReportedEvent
    | DoseLimitingToxicity
    | EligibilityBreach
    | EligibilityStatus
    | WatchLimitCrossed
    | DataQuery
    | CohortDecision
    | CompositeMet
    | ReportingDue
    | StaggerBreach
    | StudyTally
    | Unobserved,
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
    regraded: str | None = Field(
        default=None,
        description="What its result is compared with now, where that came late or was corrected (G9, T12).",
    )


class Followed(Concluded):
    """Treatment-emergent adverse events as reported whose onset lies, or may lie, in the follow-up of the protocol."""

    events: int = 0
    serious: int = 0
    worst: Annotated[int, Field(ge=0, le=5)] | None = None
    worst_serious: Annotated[int, Field(ge=0, le=5)] | None = None
    uncertain: int = Field(default=0, description="How many of the events may lie outside it.")


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
    window_to: date | None = Field(description="Last day of observation for DLTs, extended where a rule needs longer.")
    evaluable: bool | None = Field(description="Null while the window is open, or a DLT is still possible.")
    dlt: Literal["none", "possible", "candidate", "confirmed"]
    worst_grade: Annotated[int, Field(ge=0, le=5)] | None
    serious_events: int = 0
    adverse_events_by_grade: dict[str, int] = Field(default_factory=dict)
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
