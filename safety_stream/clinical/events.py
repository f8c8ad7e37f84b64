"""What we are TOLD: the events, exactly as their senders state them.

Every event names its study and subject, the record it comes from (``source``: system, id and version), the status
that the sender gives it, and when the sender released it (``reported_at``). The same source and version again
changes nothing; a higher version supersedes; ``entered-in-error`` takes the record back.

Numbers are text ("3.50", "<0.2"), so that no digit and no comparator is lost. Nothing here is judged.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    model_validator,
)

from safety_stream.clinical.moment import Moment, in_our_time, instant

# These words reach mail and screens: no control characters, line separators or marks that reverse the reading order.
_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=_LINE)]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=_LINE.replace("]*$", "|]*$"))]
Unit = Annotated[str, Field(max_length=60, pattern=_LINE)]
Narrative = Annotated[str, Field(max_length=4000, pattern=_LINES)]


def _instant(told: object) -> object:
    return instant(told) if isinstance(told, str) else told


Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(in_our_time)]
Status = Literal["preliminary", "final", "corrected", "entered-in-error"]
Seriousness = Literal[
    "death",
    "life-threatening",
    "hospitalization",
    "disability",
    "congenital-anomaly",
    "important-medical-event",
]
Attribution = Literal["unrelated", "unlikely", "possible", "probable", "definite", "unknown"]
Outcome = Literal["recovered", "recovering", "not-recovered", "recovered-with-sequelae", "fatal", "unknown"]


# A set has no order of its own, and the same event must always be written as the same bytes.
_IN_ORDER = PlainSerializer(sorted, return_type=list[str], when_used="json")


class Told(BaseModel):
    """The base of all that is told to us: frozen, and nothing in it that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Source(Told):
    """The record an event comes from: who keeps it, its id there, and its version (1, 2, ... as it is corrected)."""

    system: Name = Field(examples=["hangzhou-lis"])
    id: Name = Field(examples=["2026-000123-ANC"])
    version: int = Field(default=1, ge=1, le=1_000_000)

    @property
    def record(self) -> str:
        """The record whatever its version: ``system|id``."""
        return f"{self.system}|{self.id}"


class Event(Told):
    """What every event carries."""

    study: Name = Field(examples=["CAR-NK-SLE-01"])
    subject: Name = Field(description="USUBJID: the coded subject number, never a name.", examples=["001"])
    source: Source
    status: Status = "final"
    reported_at: Instant = Field(description="When the sender released it, with its zone.")


class Measurement(Event):
    """One measured value with its unit and the range that came with it."""

    test: Name | None = Field(default=None, description="The sender's short name or CDISC test code.", examples=["ANC"])
    loinc: Annotated[str, Field(pattern=r"^\d{1,7}-\d$")] | None = Field(default=None, examples=["751-8"])
    value: Text | None = Field(
        description="The value as text with its comparator; null when there is none.", examples=["0.42", "<0.2"]
    )
    unit: Unit | None = Field(default=None, examples=["10*9/L"])
    range_low: Text | None = Field(default=None, description="LLN that the laboratory sent.", examples=["1.8"])
    range_high: Text | None = Field(default=None, description="ULN that the laboratory sent.", examples=["6.3"])
    observed_at: Moment = Field(description="When the specimen was taken or the reading made.")
    specimen: Name | None = Field(default=None, description="Specimen or time-point id that results share.")

    @model_validator(mode="after")
    def _names_its_test(self) -> Self:
        if self.test is None and self.loinc is None:
            raise ValueError("test or loinc: one of them must name what was measured")
        return self


class LabResult(Measurement):
    """A laboratory result."""

    kind: Literal["lab_result"] = "lab_result"
    laboratory: Name | None = None
    fasting: bool | None = None


class VitalSign(Measurement):
    """A vital sign, ECG or echocardiography measurement."""

    kind: Literal["vital_sign"] = "vital_sign"
    position: Name | None = None
    on_oxygen: bool | None = Field(default=None, description="Whether oxygen was given (SpO2).")


CrsSign = Literal["fever", "hypotension", "hypoxia"]
IcansSign = Literal["ice_score", "consciousness", "seizure", "motor", "cerebral_edema"]


class Quantity(Told):
    """A value as text with its unit."""

    value: Text = Field(examples=["38.6"])
    unit: Unit = Field(examples=["Cel"])


class AstctCrsFacts(Told):
    """What the ASTCT grade of a cytokine release syndrome asks, at the worst of the episode; null: not known."""

    temperature: Quantity | None = Field(default=None, description="The highest of the episode.")
    fever: Literal["absent", "masked", "present"] | None = Field(
        default=None,
        description="38.0 Cel or more; masked: below it under an antipyretic, tocilizumab, a corticosteroid...",
    )
    hypotension: (
        Literal[
            "none",
            "no-vasopressor",
            "vasopressin-only",
            "one-vasopressor",
            "vasopressors-not-counted",
            "several-vasopressors",
        ]
        | None
    ) = Field(default=None, description="What it took; vasopressin is not counted among several.")
    hypoxia: Literal["none", "low-flow", "device-not-known", "high-flow", "positive-pressure"] | None = Field(
        default=None,
        description="Device for hypoxia, not to protect the airway; low-flow: nasal cannula up to 6 L/min, or blow-by; "
        "high-flow: cannula above it, facemask, non-rebreather, Venturi.",
    )
    other_cause: Annotated[frozenset[CrsSign], _IN_ORDER] = Field(
        default=frozenset(), description="Signs that the site attributes to another cause; they do not count."
    )


class AstctIcansFacts(Told):
    """What the ASTCT grade of neurotoxicity (ICANS) asks, at the worst of the episode; null: not known."""

    ice_score: Annotated[int, Field(ge=0, le=10)] | None = Field(
        default=None, description="The lowest ICE score; null when it could not be done."
    )
    consciousness: (
        Literal["alert", "awakens-spontaneously", "awakens-to-voice", "awakens-to-touch", "unarousable"] | None
    ) = None
    seizure: Literal["none", "brief", "kind-not-known", "prolonged-or-repetitive"] | None = Field(
        default=None, description="prolonged: longer than 5 minutes; repetitive: without return to baseline in between."
    )
    motor: Literal["none", "deep-focal-weakness"] | None = Field(
        default=None, description="Hemiparesis, paraparesis and the like; not tremor, not myoclonus."
    )
    cerebral_edema: Literal["none", "focal", "diffuse-or-raised-pressure"] | None = Field(
        default=None, description="On imaging, or signs of raised pressure; none: no sign of it. Not hemorrhage."
    )
    other_cause: Annotated[frozenset[IcansSign], _IN_ORDER] = Field(
        default=frozenset(), description="Signs that the site attributes to another cause; they do not count."
    )


class ScaleFacts(Told):
    """Facts for the scales that grade beside CTCAE, by the key of the scale in scales.yaml."""

    astct_crs: AstctCrsFacts | None = None
    astct_icans: AstctIcansFacts | None = None


class GradeSince(Told):
    """One line of the course of an event: the grade, and since when it held."""

    grade: Annotated[int, Field(ge=0, le=5, description="CTCAE grade; 0: nothing left of it.")]
    since: Moment


class AdverseEvent(Event):
    """An adverse-event report; a later report on the same event is a higher version of the same source."""

    kind: Literal["adverse_event"] = "adverse_event"
    term: Text = Field(description="CTCAE term if known, else the words of the reporter.")
    meddra_code: Annotated[str, Field(pattern=r"^\d{8}$")] | None = None
    grade: Annotated[int, Field(ge=1, le=5)] | None = Field(default=None, description="CTCAE grade the site gave.")
    severity_word: Literal["mild", "moderate", "severe"] | None = Field(
        default=None, description="The reporter's word where no CTCAE grade was given; never read as a grade."
    )
    onset: Moment | None = None
    resolved: Moment | None = None
    outcome: Outcome = "unknown"
    seriousness: Annotated[frozenset[Seriousness], _IN_ORDER] = frozenset()
    serious: bool | None = Field(default=None, description="The reporter's own statement that the event is serious.")
    attribution: Attribution = "unknown"
    action_taken: Text | None = None
    narrative: Narrative | None = None
    scale_facts: ScaleFacts | None = Field(
        default=None, description="For the grades of other scales; the CTCAE grade stays the grade of record."
    )
    reported_to_sponsor_at: Instant | None = Field(
        default=None, description="When the site's SAE report reached the sponsor; null: not told."
    )
    reported_to_authority_at: Instant | None = Field(
        default=None, description="When the sponsor's last expedited report reached the authority; null: not told."
    )
    sponsor_attribution: Attribution | None = Field(default=None, description="The sponsor's own; null: not judged.")
    expected: bool | None = Field(
        default=None, description="By the reference safety information, as the sponsor judged; null: not judged."
    )
    grade_course: Annotated[tuple[GradeSince, ...], Field(max_length=100)] = Field(
        default=(), description="How the grade went, where the site tells it; empty: the one grade is all that is told."
    )


class Screened(Event):
    """A subject consented and was screened."""

    kind: Literal["screened"] = "screened"
    site: Name | None = None
    consented: Moment
    protocol_version: Name | None = Field(default=None, description="The version consented to; null: by date.")
    sex: Literal["female", "male"] | None = None
    age_years: Annotated[int, Field(ge=0, le=130)] | None = Field(
        default=None, description="Completed years at consent."
    )


class Enrolled(Event):
    """A subject was assigned to a dose level."""

    kind: Literal["enrolled"] = "enrolled"
    dose_level: Annotated[int, Field(ge=1, le=50)]
    enrolled: Moment


class DosePlanned(Event):
    """A dose is planned for a day."""

    kind: Literal["dose_planned"] = "dose_planned"
    role: Literal["lymphodepletion", "infusion"]
    treatment: Name
    number: Annotated[int, Field(ge=1, le=100)] = 1
    planned: Moment
    amount: Text | None = Field(default=None, examples=["2000000"])
    unit: Name | None = Field(default=None, examples=["cells/kg"])


class DoseGiven(Event):
    """A dose was given: a lymphodepletion day or an infusion of the study product."""

    kind: Literal["dose_given"] = "dose_given"
    role: Literal["lymphodepletion", "infusion"]
    treatment: Name = Field(examples=["anti-CD19 CAR-NK"])
    number: Annotated[int, Field(ge=1, le=10_000)] = 1
    given: Moment
    amount: Text | None = Field(default=None, examples=["2000000"])
    unit: Name | None = Field(default=None, examples=["cells/kg"])


class FactRecorded(Event):
    """A fact about the subject that a rule may need (``on_anticoagulant``: true), dated."""

    kind: Literal["fact_recorded"] = "fact_recorded"
    name: Name = Field(examples=["on_anticoagulant"])
    value: bool | Text
    observed_at: Moment


class Withdrawn(Event):
    """A subject left treatment or the study."""

    kind: Literal["withdrawn"] = "withdrawn"
    from_what: Literal["treatment", "study"] = "study"
    reason: Text
    withdrawn: Moment


class Completed(Event):
    """A subject completed the study as planned."""

    kind: Literal["completed"] = "completed"
    completed: Moment


class Adjudicated(Event):
    """A person decided on a DLT candidate: only this confirms or refutes one."""

    kind: Literal["adjudicated"] = "adjudicated"
    finding: Name = Field(description="Id of the finding that was decided on.")
    verdict: Literal["confirmed", "refuted"]
    by: Name
    why: Text
    decided_at: Instant
    onset: Moment | None = Field(
        default=None,
        description="The onset that they were shown: with it a decision stays with its event when, with a result "
        "that came late or was taken back, the episodes of the analyte are counted anew.",
    )


NOBODY = "-"
"""In place of a subject, or of a study, where an alert concerns none."""


class Acknowledged(Event):
    """A person answered an alert. It changes nothing that we conclude; the messenger stops stepping up."""

    kind: Literal["acknowledged"] = "acknowledged"
    subject: Name = Field(default=NOBODY, description="The alert's subject; '-' for an alert that names none.")
    alert: Name
    revision: Annotated[int, Field(ge=1)]
    by: Name
    response: Literal["will-act", "already-known", "pass-on"]
    acknowledged_at: Instant


class ClockTicked(Told):
    """Time has passed: every window that closed by ``as_of`` closes now. Accepted only by an event-time clock."""

    kind: Literal["clock_ticked"] = "clock_ticked"
    as_of: Instant


SubjectEvent = Annotated[
    LabResult
    | VitalSign
    | AdverseEvent
    | Screened
    | Enrolled
    | DosePlanned
    | DoseGiven
    | FactRecorded
    | Withdrawn
    | Completed
    | Adjudicated
    | Acknowledged,
    Field(discriminator="kind"),
]
AnyEvent = Annotated[SubjectEvent | ClockTicked, Field(discriminator="kind")]
ANY_EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


class Accepted(Told):
    """One entry of the log of record: an event, when the broker received it and where it was read."""

    event: AnyEvent
    received_at: Instant
    origin: Name = Field(description="topic/partition@offset of the message it was read from.")


def is_for_no_subject(event: Event | ClockTicked) -> bool:
    """Whether it is kept in the log of record and concerns no subject: the answer to an alert of a dose level."""
    return isinstance(event, Acknowledged) and NOBODY in {event.subject, event.study}


def clock_of(event: Event | ClockTicked) -> datetime:
    """The time an event-time engine has reached on seeing this event."""
    return event.as_of if isinstance(event, ClockTicked) else event.reported_at
