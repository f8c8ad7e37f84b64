"""One example of each finding about an adverse event: the report checked, a DLT, a report that is due."""

from datetime import UTC, date, datetime

from safety_stream.clinical.conclusion import GradeRange, Input, finding_id
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue, ScaleGrade
from safety_stream.clinical.moment import Moment
from safety_stream.contracts.setting import SITE, STUDY, SUBJECT, evidence, graded

REPORTED = ReportedEvent(
    id=finding_id(STUDY, SUBJECT, "site-edc|AE-001-3"),
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
    dose_level=2,
    evidence=evidence("ae-report", "The report states hospitalization, so the event is serious."),
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
            grade=graded(3),
            evidence=evidence(
                "scale/astct_crs",
                "ASTCT 2019 CRS: grade 3; hypotension: one vasopressor, with or without vasopressin.",
                Input(name="hypotension", value="one-vasopressor", source="site-edc|AE-001-3 v1"),
                comparison="hypotension: one vasopressor, with or without vasopressin",
            ),
        ),
    ),
)
CANDIDATE = DoseLimitingToxicity(
    id=finding_id(STUDY, SUBJECT, "crs-3", "site-edc|AE-001-3"),
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
    dose_level=2,
    evidence=evidence("dlt/crs-3", "Grade 3 lasted 76 hours inside the DLT window; the rule allows 72 hours."),
    rule="crs-3",
    rule_text="Cytokine release syndrome of grade 3 that is not down to grade 2 within 72 hours",
    example_rule=True,
    state="candidate",
    about=(REPORTED.id,),
    term="Cytokine release syndrome",
    grade=graded(3),
    onset=Moment("2026-03-10T21:00:00+08:00"),
    window_from=date(2026, 3, 2),
    window_to=date(2026, 4, 6),
    infusions=(1, 2),
)
DUE = ReportingDue(
    id=finding_id(STUDY, SUBJECT, "reporting", "sae_to_sponsor", "site-edc|AE-001-3"),
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
    dose_level=2,
    evidence=evidence("reporting/sae_to_sponsor", "Cytokine release syndrome: SAE report to the sponsor: due soon."),
    clock="sae_to_sponsor",
    record="site-edc|AE-001-3",
    term="Cytokine release syndrome",
    state="due_soon",
    warnings_passed=1,
    started=datetime(2026, 3, 11, 10, 0, tzinfo=UTC),
    due=datetime(2026, 3, 12, 10, 0, tzinfo=UTC),
    done=None,
)
