"""What we conclude from reports of adverse events: the event checked, its DLT, the reports that are due."""

from datetime import date, datetime
from typing import Final, Literal

from pydantic import Field

from safety_stream.clinical.conclusion import Concluded, Evidence, Finding, GradeRange
from safety_stream.clinical.moment import Moment

CLOSED: Final = "closed: "
"""Before the reason for which a reporting clock is closed."""


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
    sponsor_attribution: str | None = Field(default=None, description="The sponsor's own; null: not judged.")
    severity_word: str | None = Field(default=None, description="The reporter's word; never read as a grade.")
    emergent: bool | None
    reported_at: datetime = Field(description="When it was first reported.")
    told_at: datetime | None = Field(default=None, description="When its newest version was reported; null: as above.")
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
    grade: GradeRange | None = Field(description="Null: a composite has no CTCAE grade.")
    onset: Moment | None = Field(description="Since when it was at the grade; null: not told, and possible at most.")
    window_from: date
    window_to: date
    infusions: tuple[int, ...] = Field(description="Numbers of the infusions whose window holds the onset.")
    adjudicated_by: str | None = None
    adjudication: str | None = None
    rules: tuple[RuleMet, ...] = Field(default=(), description="Every rule it meets or may meet, the gravest first.")
    decisions: tuple[str, ...] = Field(
        default=(), description="All decisions on it, oldest first; the last one counts."
    )
    decided_as: tuple[str, ...] = Field(
        default=(), description="Other ids under which it was decided: of one rule, or of another episode number."
    )
    record: str | None = Field(
        default=None, description="Of measurements: record of the first result of the time at the grade."
    )


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
