"""One example of each finding about a subject and the protocol: eligibility, results missed, a question to the site."""

from datetime import UTC, datetime

from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.findings_subject import (
    CriterionState,
    DataQuery,
    EligibilityBreach,
    EligibilityStatus,
    Unobserved,
)
from safety_stream.clinical.moment import Moment
from safety_stream.contracts.setting import SITE, STUDY, SUBJECT, evidence

BREACH = EligibilityBreach(
    id=finding_id(STUDY, SUBJECT, "oxygen-saturation", "before_infusion", 2),
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
    dose_level=2,
    evidence=evidence("eligibility/oxygen-saturation", "Oxygen saturation 92 % is not above 94 %."),
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
    id=finding_id(STUDY, SUBJECT, "eligibility-status", "screening", 1),
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
    dose_level=2,
    evidence=evidence("eligibility", "Screening: not eligible: 1 of 2 criteria met; not met: platelets."),
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
QUERY = DataQuery(
    id=finding_id(STUDY, SUBJECT, "implausible_unit", "HGB"),
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
    evidence=evidence("data/implausible_unit", "Hemoglobin 8.5 g/L is not plausible; it is not graded."),
    code="implausible_unit",
    about="HGB",
    found="8.5 g/L",
    expected="20 to 260 g/L",
    sources=("hangzhou-lis|2026-000123-HGB v1",),
    count=1,
)
UNSEEN = Unobserved(
    id=finding_id(STUDY, SUBJECT, "blind", "blood-count", "2026-03-08T01:00:00+00:00"),
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
    dose_level=2,
    evidence=evidence("schedule/blood-count", "No blood count of a dosed subject: since 8 March; at most 96 h."),
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
