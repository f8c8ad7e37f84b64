"""An alert: what a person must know, in the words of its finding, and what was decided about sending it."""

from base64 import b32encode
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from safety_stream.alerting.entries import CATALOGUE, Urgency
from safety_stream.clinical.findings import AnyFinding
from safety_stream.rulebook.written import Role

__all__ = ["TYPES", "Alert", "AlertType", "Decision", "Reason", "Urgency", "alert_id"]

TYPES: Final = tuple(dict.fromkeys(type_ for type_, _ in CATALOGUE))
"""Every type of alert: those of alert_templates/catalogue.yaml, in their order."""


def _known(told: str) -> str:
    if all(type_ != told for type_, _ in CATALOGUE):
        raise ValueError(f"no such type of alert: {told}")
    return told


AlertType = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(TYPES)})]

Reason = Literal[
    # sent
    "new",
    "historical",
    "worse",
    "corrected",
    "adjudicated",
    "withdrawn",
    "lapsed",
    "given_unchecked",
    "answered",
    "met_now",
    "reported",
    "reported_late",
    "clock_closed",
    "advice_changed",
    "settled",
    "ruled_out",
    "observed",
    # held
    "contained",
    "expected",
    "before_treatment",
    "possible",
    "refuted",
    "after_infusion",
    "undetermined",
    "routine",
    "recorded",
    "no_grade_at_stake",
    "told_below",
    "superseded",
    "no_longer_due",
    "never_sent",
]


def alert_id(*parts: str | int) -> str:
    """An id that is the same whenever the same thing is alerted: study, subject or cohort, type, finding, case."""
    digest = blake2b("|".join(str(part) for part in parts).encode(), digest_size=5).digest()
    return f"AL-{b32encode(digest).decode()}"


class Decision(BaseModel):
    """Send or hold, and the named reason: no alert is dropped without one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["send", "hold"]
    reason: Reason = Field(description="The words of it: alerting.catalogue.REASONS.")


class Alert(BaseModel):
    """One revision of one alert. ``id`` never changes; ``revision`` rises whenever what matters about it changes.

    The revision is the revision of the finding at which the alert changed: it grows, and may skip numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="AL- and 8 letters and digits: a function of study, subject, type, finding and case.")
    revision: Annotated[int, Field(ge=1)]
    type: AlertType
    case: str = Field(default="", description="Which entry of the type's catalogue: 'stop', 'before_infusion', ''.")
    urgency: Urgency
    state: Literal["raised", "withdrawn", "ended"] = Field(
        description="Withdrawn: the data took it back. Ended: overtaken by what happened, or refuted; see reason."
    )
    study: str = Field(description="The study, or '-' for a message that names none.")
    site: str | None = None
    subject: str | None = None
    dose_level: int | None = None
    headline: str = Field(description="What happened, with its value: the first line a physician reads.")
    finding: AnyFinding | None = Field(
        default=None,
        description="The finding it reports, with all its evidence; null when one alert stands for many of them.",
    )
    facts: tuple[tuple[str, str], ...] = Field(default=(), description="Further facts as label and value.")
    tell: tuple[Role, ...] = Field(default=(), description="Whom the protocol names, in place of the catalogue.")
    decision: Decision
    as_of: datetime

    @property
    def is_over(self) -> bool:
        """Whether nothing more is asked: taken back, or overtaken by what happened."""
        return self.state != "raised"
