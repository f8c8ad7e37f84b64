"""One example of everything that we conclude and send: findings, statuses, alerts, deliveries."""

from datetime import UTC, date, datetime
from decimal import Decimal

from safety_stream.alerting.alert import Alert, Decision
from safety_stream.alerting.delivery import Delivery
from safety_stream.clinical.events import ANY_EVENT, Accepted
from safety_stream.clinical.findings import (
    AnyFinding,
    CohortDecision,
    CompositeMet,
    CriterionState,
    DataQuery,
    DoseLimitingToxicity,
    EligibilityBreach,
    EligibilityStatus,
    Evidence,
    FindingChange,
    Followed,
    GradeRange,
    Input,
    Proportion,
    Reading,
    ReportedEvent,
    ReportingDue,
    ScaleGrade,
    StaggerBreach,
    StudyTally,
    SubjectStatus,
    Tally,
    Toxicity,
    Unobserved,
    WatchLimitCrossed,
    finding_id,
)
from safety_stream.clinical.moment import Moment
from safety_stream.contracts.told import EVENTS

_STUDY, _SUBJECT, _SITE, _BOOK = "CAR-NK-SLE-01", "001", "HZ-03", "2026.1"
_AS_OF = datetime(2026, 3, 12, 1, 30, 5, tzinfo=UTC)
_TAKEN = Moment("2026-03-12T07:30:00+08:00")
_RECORD = "hangzhou-lis|2026-000123-ANC"


def _grade(grade: int) -> GradeRange:
    return GradeRange(lowest=grade, highest=grade)


def _evidence(rule: str, sentence: str, *inputs: Input, comparison: str | None = None) -> Evidence:
    return Evidence(rule=rule, book=_BOOK, inputs=inputs, comparison=comparison, sentence=sentence)


NEUTROPENIA = Toxicity(
    id=finding_id(_STUDY, _SUBJECT, "Neutrophil count decreased", 1),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    protocol_version="1.0",
    evidence=_evidence(
        "ctcae-5.0/Neutrophil count decreased",
        "Neutrophils 0.42 10*9/L are below 0.5 10*9/L: CTCAE v5.0 grade 4; from 0.5 10*9/L it would be grade 3.",
        Input(name="value", value="0.42", unit="10*9/L", source=f"{_RECORD} v1"),
        Input(name="LLN", value="1.80", unit="10*9/L", source=f"{_RECORD} v1"),
        comparison="0.42 10*9/L < 0.5 10*9/L",
    ),
    term="Neutrophil count decreased",
    meddra_code="10029366",
    analyte="NEUT",
    episode=1,
    open=True,
    onset=Moment("2026-03-08T07:30:00+08:00"),
    last_observed=_TAKEN,
    resolved=None,
    current=_grade(4),
    peak=_grade(4),
    peak_observed=_TAKEN,
    alerting_grade=4,
    baseline_grade=_grade(0),
    emergent=True,
    study_day=10,
    readings=(Reading(observed_at=_TAKEN, value="0.42", unit="10*9/L", grade=_grade(4), source=f"{_RECORD} v1"),),
)
REPORTED = ReportedEvent(
    id=finding_id(_STUDY, _SUBJECT, "site-edc|AE-001-3"),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence("ae-report", "The report states hospitalization, so the event is serious."),
    term="Cytokine release syndrome",
    meddra_code="10052015",
    grade=3,
    supported=GradeRange(lowest=3, highest=4),
    serious=True,
    seriousness=("hospitalization",),
    onset=Moment("2026-03-10T21:00:00+08:00"),
    resolved=None,
    outcome="not-recovered",
    attribution="probable",
    emergent=True,
    reported_at=datetime(2026, 3, 11, 10, tzinfo=UTC),
    study_day=8,
    scales=(
        ScaleGrade(
            key="astct_crs",
            scale="ASTCT 2019 CRS",
            grade=_grade(3),
            evidence=_evidence(
                "scale/astct_crs",
                "ASTCT 2019 CRS: grade 3; hypotension: one vasopressor, with or without vasopressin.",
                Input(name="hypotension", value="one-vasopressor", source="site-edc|AE-001-3 v1"),
                comparison="hypotension: one vasopressor, with or without vasopressin",
            ),
        ),
    ),
)
CANDIDATE = DoseLimitingToxicity(
    id=finding_id(_STUDY, _SUBJECT, "crs-3", "site-edc|AE-001-3"),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence("dlt/crs-3", "Grade 3 lasted 76 hours inside the DLT window; the rule allows 72 hours."),
    rule="crs-3",
    rule_text="Cytokine release syndrome of grade 3 that is not down to grade 2 within 72 hours",
    example_rule=True,
    state="candidate",
    about=(REPORTED.id,),
    term="Cytokine release syndrome",
    grade=_grade(3),
    onset=Moment("2026-03-10T21:00:00+08:00"),
    window_from=date(2026, 3, 2),
    window_to=date(2026, 4, 6),
    infusions=(1, 2),
)
BREACH = EligibilityBreach(
    id=finding_id(_STUDY, _SUBJECT, "oxygen-saturation", "before_infusion", 2),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence("eligibility/oxygen-saturation", "Oxygen saturation 92 % is not above 94 %."),
    criterion="oxygen-saturation",
    criterion_text="Oxygen saturation above 94 % without oxygen",
    phase="before_infusion",
    verdict="breached",
    value="92",
    unit="%",
    limit="94 %",
    distance="2 % below",
    to_pass="> 94 %",  # noqa: S106 (what passes, not a password)
    observed_at=Moment("2026-03-12T08:01:30+08:00"),
)
ELIGIBLE = EligibilityStatus(
    id=finding_id(_STUDY, _SUBJECT, "eligibility-status", "screening", 1),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence("eligibility", "Screening: not eligible: 1 of 2 criteria met; not met: platelets."),
    check="screening",
    state="not_eligible",
    enrolled=True,
    given=False,
    criteria=(
        CriterionState(criterion="hemoglobin", text="Hemoglobin at least 85 g/L", verdict="met"),
        CriterionState(
            criterion="platelets",
            text="Platelets at least 50 x 10^9/L",
            verdict="breached",
            value="44 10*9/L",
            limit=">= 50 10*9/L",
            distance="6 10*9/L below the limit",
            to_pass="a result >= 50 10*9/L",  # noqa: S106 (what passes, not a password)
            decided_by=("hangzhou-lis|2026-000100-PLAT v1",),
        ),
    ),
)
WATCHED = WatchLimitCrossed(
    id=finding_id(_STUDY, _SUBJECT, "watch", "SYSBP", "< 90 mm[Hg]", 1),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence(
        "watch/SYSBP",
        "Systolic blood pressure 82 mm[Hg], watch limit < 90 mm[Hg]: outside the watch limits of the protocol, "
        "not a CTCAE grade.",
    ),
    analyte="SYSBP",
    limit="< 90 mm[Hg]",
    limit_source="example; CTCAE v5.0 has no number (decision G22)",
    verdict="outside",
    episode=1,
    open=True,
    onset=_TAKEN,
    last_observed=_TAKEN,
    ended=None,
    value="82",
    unit="mm[Hg]",
    distance="8 mm[Hg] below the limit",
    worst_observed=_TAKEN,
    emergent=True,
    tell=("safety_physician",),
)
QUERY = DataQuery(
    id=finding_id(_STUDY, _SUBJECT, "implausible_unit", "HGB"),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    evidence=_evidence("data/implausible_unit", "Hemoglobin 8.5 g/L is not plausible; it is not graded."),
    code="implausible_unit",
    about="HGB",
    found="8.5 g/L",
    expected="20 to 260 g/L",
    sources=("hangzhou-lis|2026-000123-HGB v1",),
    count=1,
)
ADVICE = CohortDecision(
    id=finding_id(_STUDY, "dose level", 2),
    study=_STUDY,
    subject=None,
    dose_level=2,
    evidence=_evidence("3+3", "1 of 3 evaluable subjects of dose level 2 had a DLT: expand to 6."),
    tally=Tally(enrolled=3, dosed=3, evaluable=3, dlt=1, dlt_confirmed=1),
    decision="expand",
    reachable=(),
    subjects=("001", "004", "005"),
)
STAGGER = StaggerBreach(
    id=finding_id(_STUDY, "stagger", 2, "004"),
    study=_STUDY,
    subject="004",
    dose_level=2,
    evidence=_evidence("escalation/stagger", "Planned 7 days after the first of the level; 14 days are required."),
    infusion="planned",
    infusion_on=date(2026, 3, 9),
    first_subject="001",
    first_infusion_on=date(2026, 3, 2),
    days_apart=7,
    days_required=14,
    earliest=date(2026, 3, 16),
)
TALLY = StudyTally(
    id=finding_id(_STUDY, "study tally"),
    study=_STUDY,
    subject=None,
    evidence=_evidence("primary outcomes", "So far: 1 of 3 evaluable with a DLT."),
    enrolled=3,
    planned=10,
    enrolment="below",
    proportions=(
        Proportion(
            outcome="dlt",
            worst_grade=None,
            dose_level=None,
            among="dlt_evaluable",
            count=1,
            of=3,
            lower=Decimal("0.0084"),
            upper=Decimal("0.9057"),
            subjects=("001",),
        ),
    ),
)


def _raised(finding: AnyFinding, because: str) -> FindingChange:
    return FindingChange(change="raised", revision=1, finding=finding, as_of=_AS_OF, because=because)


LIVER = CompositeMet(
    id=finding_id(_STUDY, _SUBJECT, "composite", "hys-law"),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence(
        "hys-law", "Hy's law (biochemical): met. ALT 240 U/L >= 3 x ULN; bilirubin 50 umol/L > 2 x ULN."
    ),
    composite="hys-law",
    text="Hy's law (biochemical)",
    source="FDA guidance on drug-induced liver injury, 2009; decision T14",
    state="sure",
    onset=_TAKEN,
    completed=_TAKEN,
    emergent=True,
    ratio="R = 7.50 = ALT 6.00 x ULN / ALP 0.80 x ULN (hepatocellular from 5, cholestatic up to 2)",
    tell="hys_law",
    study_day=10,
)
DUE = ReportingDue(
    id=finding_id(_STUDY, _SUBJECT, "reporting", "sae_to_sponsor", "site-edc|AE-001-3"),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence("reporting/sae_to_sponsor", "Cytokine release syndrome: SAE report to the sponsor: due soon."),
    clock="sae_to_sponsor",
    record="site-edc|AE-001-3",
    term="Cytokine release syndrome",
    state="due_soon",
    warnings_passed=1,
    started=datetime(2026, 3, 11, 10, 0, tzinfo=UTC),
    due=datetime(2026, 3, 12, 10, 0, tzinfo=UTC),
    done=None,
)
SEVERE = CompositeMet(
    id=finding_id(_STUDY, _SUBJECT, "composite", "icaht-early"),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence(
        "hematotoxicity/icaht-early",
        "Early hematotoxicity (ICAHT): grade 3. <= 0.5 10*9/L for 14 d (days 2 to 15); not a CTCAE grade.",
        comparison="<= 0.5 10*9/L for 14 d (days 2 to 15)",
    ),
    composite="icaht-early",
    text="Early hematotoxicity (ICAHT)",
    source="EHA/EBMT consensus: Rejeski et al., Blood 2023, 142: 865-877",
    state="sure",
    onset=_TAKEN,
    completed=_TAKEN,
    emergent=True,
    tell="hematotoxicity",
    study_day=2,
    grade=_grade(3),
)
UNSEEN = Unobserved(
    id=finding_id(_STUDY, _SUBJECT, "blind", "blood-count", "2026-03-08T01:00:00+00:00"),
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    dose_level=2,
    evidence=_evidence("schedule/blood-count", "No blood count of a dosed subject: since 8 March; at most 96 h."),
    what="blind_time",
    name="blood-count",
    text="No blood count of a dosed subject",
    source="example",
    state="open",
    since=datetime(2026, 3, 8, 1, 0, tzinfo=UTC),
    until=None,
    hours=None,
    limit="96 h",
)

ACCEPTED = Accepted(event=ANY_EVENT.validate_python(EVENTS[0]), received_at=_AS_OF, origin="safety.labs/3@1042")
CHANGES = (
    _raised(NEUTROPENIA, f"lab_result {_RECORD} v1"),
    _raised(REPORTED, "adverse_event site-edc|AE-001-3 v1"),
    _raised(CANDIDATE, "the clock"),
    _raised(BREACH, "vital_sign ward-monitor|7781 v1"),
    _raised(ELIGIBLE, "enrolled site-edc|enrolment-001 v1"),
    _raised(WATCHED, "vital_sign ward-monitor|7782 v1"),
    _raised(LIVER, f"lab_result {_RECORD} v1"),
    _raised(DUE, "the clock"),
    _raised(SEVERE, f"lab_result {_RECORD} v1"),
    _raised(UNSEEN, "the clock"),
    _raised(QUERY, "lab_result hangzhou-lis|2026-000123-HGB v1"),
)
ADVICE_CHANGE = _raised(ADVICE, "adjudicated safety-committee|2026-7 v1")
STAGGER_CHANGE = _raised(STAGGER, "status 004 revision 2")
TALLY_CHANGE = _raised(TALLY, "status 001 revision 9")
STATUS = SubjectStatus(
    study=_STUDY,
    subject=_SUBJECT,
    site=_SITE,
    protocol_version="1.0",
    dose_level=2,
    phase="in_window",
    dosed=True,
    first_infusion=date(2026, 3, 2),
    window_to=date(2026, 4, 6),
    evaluable=None,
    dlt="candidate",
    worst_grade=4,
    serious_events=1,
    adverse_events_by_grade={"3": 1},
    followed=Followed(events=1, serious=1, worst=3, worst_serious=3),
    revision=7,
    as_of=_AS_OF,
)
ALERT = Alert(
    id="AL-ABCDEFGH",
    revision=1,
    type="lab_grade_4",
    urgency="critical",
    state="raised",
    study=_STUDY,
    site=_SITE,
    subject=_SUBJECT,
    dose_level=2,
    headline="Neutrophil count decreased grade 4: 0.42 10*9/L",
    finding=NEUTROPENIA,
    decision=Decision(action="send", reason="new"),
    as_of=_AS_OF,
)
DELIVERY = Delivery(
    alert=ALERT.id,
    revision=1,
    type="lab_grade_4",
    study=_STUDY,
    recipient="email:safety.physician@sponsor.example",
    attempt=1,
    outcome="accepted",
    said="250 2.0.0 queued",
    at=_AS_OF,
)
