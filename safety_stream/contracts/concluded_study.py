"""One example of each finding about a dose level and the study, and the status of a subject that they rest on."""

from datetime import date
from decimal import Decimal

from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.findings_study import CohortDecision, Proportion, StaggerBreach, StudyTally, Tally
from safety_stream.clinical.findings_subject import Followed, SubjectStatus
from safety_stream.contracts.setting import AS_OF, SITE, STUDY, SUBJECT, evidence

ADVICE = CohortDecision(
    id=finding_id(STUDY, "dose level", 2),
    study=STUDY,
    subject=None,
    dose_level=2,
    evidence=evidence("3+3", "1 of 3 evaluable subjects of dose level 2 had a DLT: expand to 6."),
    tally=Tally(enrolled=3, dosed=3, evaluable=3, dlt=1, dlt_confirmed=1),
    decision="expand",
    reachable=(),
    subjects=("001", "004", "005"),
)
STAGGER = StaggerBreach(
    id=finding_id(STUDY, "stagger", 2, "004"),
    study=STUDY,
    subject="004",
    dose_level=2,
    evidence=evidence("escalation/stagger", "Planned 7 days after the first of the level; 14 days are required."),
    infusion="planned",
    infusion_on=date(2026, 3, 9),
    first_subject="001",
    first_infusion_on=date(2026, 3, 2),
    days_apart=7,
    days_required=14,
    earliest=date(2026, 3, 16),
)
TALLY = StudyTally(
    id=finding_id(STUDY, "study tally"),
    study=STUDY,
    subject=None,
    evidence=evidence("primary outcomes", "So far: 1 of 3 evaluable with a DLT."),
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
            at_most=1,
            of=3,
            lower=Decimal("0.0084"),
            upper=Decimal("0.9057"),
            subjects=("001",),
        ),
    ),
)
STATUS = SubjectStatus(
    study=STUDY,
    subject=SUBJECT,
    site=SITE,
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
    as_of=AS_OF,
)
