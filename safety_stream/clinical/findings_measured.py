"""What we conclude from measurements: graded episodes, watch limits crossed, results that mean more together."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from safety_stream.clinical.conclusion import Concluded, Evidence, Finding, GradeRange, Reading
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.written import Role


class Lasted(Concluded):
    """One run of samples at a grade or above: how long it lasted for certain, and at most."""

    grade: int = Field(description="At this grade or above.")
    first: Moment = Field(description="The first sample of the run.")
    at_least: timedelta = Field(
        description="From its first to its last sample; across a sample that may be lower nothing is known."
    )
    at_most: timedelta | None = Field(description="Between the samples before and after it; null: one is not known.")
    over: bool = Field(description="A sample below the grade came after it.")


class Reached(Concluded):
    """When an episode first was surely at a grade above the one before treatment, and when unexpectedly so."""

    grade: int = Field(description="At this grade or above.")
    first: Moment = Field(description="The first sample surely at the grade.")
    unexpected: Moment | None = Field(
        description="The first outside the expected bands, or the day after the band that a run outlasts; null: none."
    )


class TimeAtGrade(Concluded):
    """One time at grade 3 or 4, told once: it is over with a sample surely two grades lower, and told again after it.

    What it tells is the worst of its results that no band expects; while the protocol expects all of it, the worst.
    """

    grade: int = Field(description="At this grade or above, as alerts count.")
    record: str = Field(description="Record of its first result that no band expects; of its first while all are.")
    first: Moment = Field(description="The sample of that result.")
    last: Moment = Field(description="The last sample at the grade.")
    began: Moment = Field(description="The first sample at the grade, expected or not.")
    expected: bool = Field(description="Every result of it lies inside the protocol's expected band.")
    expected_grade: int | None = Field(default=None, description="The grade expected then, where it is beyond that.")
    expected_to_day: int | None = Field(default=None, description="The last expected day, where it came after that.")
    emergent: bool | None = Field(description="Worse than before treatment (T12); null: cannot be known.")
    peak: GradeRange = Field(description="The grade of the result it tells.")
    alerting_grade: int
    observed: Moment = Field(description="The sample of the result it tells.")
    study_day: int | None = None
    provisional: bool = False
    evidence: Evidence | None = Field(default=None, description="Of the result it tells; null: that of the finding.")


class GradeJump(Concluded):
    """A rise of two grades or more from one result of an analyte to the next; both grades as far as they are sure."""

    before: int = Field(description="The highest grade that the result before can mean.")
    after: int = Field(description="The lowest grade that the result after it can mean.")
    before_observed: Moment
    after_observed: Moment
    record: str = Field(default="", description="Record of the result it rose to.")


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
    reached: tuple[Reached, ...] = Field(default=(), description="Of grade 3 and 4: since when, if ever.")
    times: tuple[TimeAtGrade, ...] = Field(default=(), description="Each time at grade 3 or 4 that is told by itself.")
    jump: GradeJump | None = Field(default=None, description="The steepest jump after treatment began; null: none.")


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
    case: Annotated[int, Field(ge=1)] = Field(default=1, description="Which of its cases: over, and met again.")
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
