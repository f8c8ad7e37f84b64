"""What we CONCLUDE: any finding, and the change of one; each with its evidence and an id of its content.

A finding is never stored as truth: it is derived from the events, and derived again whenever one of them changes.

    conclusion           what all carry: id, grades, evidence
    findings_measured    from results and vital signs
    findings_reported    from reports of adverse events
    findings_subject     about a subject and the protocol
    findings_study       about a dose level and the study
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from safety_stream.clinical.conclusion import Concluded
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach, EligibilityStatus, Unobserved

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
    beside: tuple[AnyFinding, ...] = Field(
        default=(),
        exclude=True,
        description="Of an episode: the other episodes of its term that did not change; not sent.",
    )
    asked: bool = Field(
        default=False,
        exclude=True,
        description="Of the check before an infusion: asked for before, and neither moved nor given on a go since.",
    )
    as_of: datetime
    because: str = Field(description="The event that brought it about: kind system|id v version, or the clock.")
    regraded: str | None = Field(
        default=None,
        description="What its result is compared with now, where that came late or was corrected (G9, T12).",
    )
    ruled_out: str | None = Field(
        default=None,
        description="Of what is withdrawn: the result that rules it out, while what it rested on stands (T14, G5).",
    )
    corrected: str | None = Field(
        default=None, description="Of what is withdrawn: what the very result that it rested on says now."
    )
