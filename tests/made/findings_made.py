"""Findings as the judgement would state them, for the tests of the way out. Each can be varied by name."""

from datetime import UTC, date, datetime
from typing import Any

from safety_stream.clinical.conclusion import Evidence, GradeRange, Input, Reading, finding_id
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_measured import GradeJump, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ScaleGrade
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally, Tally
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach
from safety_stream.clinical.moment import Moment

AS_OF = datetime(2026, 3, 12, 1, 30, tzinfo=UTC)
STUDY, SUBJECT, SITE = "CAR-NK-SLE-01", "SUBJ-7741", "HZ-03"


def evidence(value: str = "0.42", sentence: str | None = None) -> Evidence:
    """The evidence of a neutrophil count."""
    return Evidence(
        rule="ctcae-5.0/Neutrophil count decreased",
        book="2026.1",
        inputs=(
            Input(name="Neutrophils", value=value, unit="10*9/L", source="hangzhou-lis|ANC-3 v1"),
            Input(name="LLN", value="1.80", unit="10*9/L", source="hangzhou-lis|ANC-3 v1"),
            Input(name="ULN", value="6.30", unit="10*9/L", source="hangzhou-lis|ANC-3 v1"),
        ),
        comparison=f"{value} 10*9/L < 0.5 10*9/L",
        counterfactual="grade 3 at >= 0.5 10*9/L",
        sentence=sentence
        or f"Neutrophils {value} 10*9/L are below 0.5 10*9/L: CTCAE v5.0 grade 4; from 0.5 it would be grade 3.",
    )


def reading(number: int, value: str, grade: int, version: int = 1) -> Reading:
    """A neutrophil count on the day of that number."""
    return Reading(
        observed_at=Moment(f"2026-03-{number:02d}T07:30:00+08:00"),
        value=value,
        unit="10*9/L",
        grade=GradeRange(lowest=grade, highest=grade),
        source=f"hangzhou-lis|ANC-{number} v{version}",
    )


def toxicity(grade: int = 4, value: str = "0.42", **other: Any) -> Toxicity:
    """An episode of neutropenia at its peak."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, SUBJECT, "Neutrophil count decreased", 1),
        "study": STUDY,
        "subject": SUBJECT,
        "site": SITE,
        "dose_level": 2,
        "evidence": evidence(value),
        "term": "Neutrophil count decreased",
        "meddra_code": "10029366",
        "analyte": "NEUT",
        "episode": 1,
        "open": True,
        "onset": Moment("2026-03-08T07:30:00+08:00"),
        "last_observed": Moment("2026-03-12T07:30:00+08:00"),
        "resolved": None,
        "current": GradeRange(lowest=grade, highest=grade),
        "peak": GradeRange(lowest=grade, highest=grade),
        "peak_observed": Moment("2026-03-12T07:30:00+08:00"),
        "alerting_grade": grade,
        "baseline_grade": GradeRange(lowest=0, highest=0),
        "emergent": True,
        "study_day": 10,
        "readings": (reading(1, "3.10", 0), reading(8, "1.20", 2), reading(10, "0.90", 3), reading(12, value, grade)),
    }
    return Toxicity(**(told | other))


def jump(before: int = 0, after: int = 2) -> GradeJump:
    """From one sample to the next, four days later."""
    return GradeJump(
        before=before,
        after=after,
        before_observed=Moment("2026-03-08T07:30:00+08:00"),
        after_observed=Moment("2026-03-12T07:30:00+08:00"),
    )


def febrile_neutropenia() -> Toxicity:
    """A fever with few neutrophils."""
    found = Evidence(
        rule="ctcae-5.0/Febrile neutropenia",
        book="2026.1",
        inputs=(
            Input(name="Neutrophils", value="0.42", unit="10*9/L", source="hangzhou-lis|ANC-12 v1"),
            Input(name="Body temperature", value="38.6", unit="Cel", source="ward|TEMP-3 v1"),
        ),
        comparison="Neutrophils 0.42 10*9/L < 1.0 10*9/L with Body temperature 38.6 Cel > 38.3 Cel",
        sentence="Febrile neutropenia: grade 3. Neutrophils 0.42 10*9/L with 38.6 Cel.",
    )
    return toxicity(3, term="Febrile neutropenia", meddra_code="10016288", analyte="NEUT+TEMP", evidence=found)


def scale_grade(lowest: int, highest: int) -> ScaleGrade:
    """The grade of another scale, with something that is missing."""
    evidence = Evidence(
        rule="scale/astct_crs",
        book="2026.1",
        comparison="hypoxia: nasal cannula up to 6 L/min, or blow-by",
        reasons=("G5: hypotension is not known",),
        sentence="ASTCT 2019 CRS: grade 2-4; hypoxia: nasal cannula up to 6 L/min, or blow-by.",
    )
    grade = GradeRange(lowest=lowest, highest=highest)
    return ScaleGrade(key="astct_crs", scale="ASTCT 2019 CRS", grade=grade, evidence=evidence)


def reported_event(**other: Any) -> ReportedEvent:
    """A serious cytokine release syndrome."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, SUBJECT, "site-edc|AE-9"),
        "study": STUDY,
        "subject": SUBJECT,
        "site": SITE,
        "dose_level": 2,
        "evidence": Evidence(
            rule="ae-report",
            book="2026.1",
            inputs=(Input(name="report", value="AE-9", source="site-edc|AE-9 v1"),),
            sentence="The report states hospitalization, so the event is serious.",
        ),
        "term": "Cytokine release syndrome",
        "meddra_code": "10052015",
        "grade": 3,
        "supported": GradeRange(lowest=3, highest=4),
        "serious": True,
        "seriousness": ("hospitalization",),
        "onset": Moment("2026-03-11"),
        "resolved": None,
        "outcome": "not-recovered",
        "attribution": "probable",
        "emergent": True,
        "reported_at": AS_OF,
        "study_day": 9,
    }
    return ReportedEvent(**(told | other))


def dose_limiting_toxicity(**other: Any) -> DoseLimitingToxicity:
    """A DLT candidate by the example rules."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, SUBJECT, "crs-grade-3", 1),
        "study": STUDY,
        "subject": SUBJECT,
        "site": SITE,
        "dose_level": 2,
        "evidence": Evidence(
            rule="dlt/crs-grade-3",
            book="2026.1",
            sentence="Cytokine release syndrome grade 3 lasted 80 h inside the DLT window; the rule allows 72 h.",
        ),
        "rule": "crs-grade-3",
        "rule_text": "Cytokine release syndrome, grade 3 or higher, lasting more than 72 h",
        "example_rule": True,
        "state": "candidate",
        "about": (finding_id(STUDY, SUBJECT, "site-edc|AE-9"),),
        "term": "Cytokine release syndrome",
        "grade": GradeRange(lowest=3, highest=3),
        "onset": Moment("2026-03-09"),
        "window_from": date(2026, 3, 2),
        "window_to": date(2026, 4, 13),
        "infusions": (1, 2),
    }
    return DoseLimitingToxicity(**(told | other))


def eligibility_breach(**other: Any) -> EligibilityBreach:
    """A platelet count below the limit before an infusion."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, SUBJECT, "platelets", "before_infusion"),
        "study": STUDY,
        "subject": SUBJECT,
        "site": SITE,
        "dose_level": 2,
        "evidence": Evidence(rule="eligibility/platelets", book="2026.1", sentence="Platelets 44 10*9/L are below 50."),
        "criterion": "platelets",
        "criterion_text": "Platelets at least 50 10*9/L",
        "phase": "before_infusion",
        "verdict": "breached",
        "value": "44",
        "unit": "10*9/L",
        "limit": "50 10*9/L",
        "distance": "6 10*9/L below",
        "to_pass": ">= 50 10*9/L",
        "observed_at": Moment("2026-03-12T07:30:00+08:00"),
    }
    return EligibilityBreach(**(told | other))


def watch_limit(**other: Any) -> WatchLimitCrossed:
    """A blood pressure below a watch limit, of which the protocol wants the medical monitor to know."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, SUBJECT, "watch", "SYSBP", "< 90 mm[Hg]", 1),
        "study": STUDY,
        "subject": SUBJECT,
        "site": SITE,
        "dose_level": 2,
        "evidence": Evidence(
            rule="watch/SYSBP < 90 mm[Hg]",
            book="2026.1",
            inputs=(Input(name="Systolic blood pressure", value="82", unit="mm[Hg]", source="ward|BP-3 v1"),),
            sentence="Systolic blood pressure 82 mm[Hg]: outside the watch limits of the protocol, not a CTCAE grade.",
        ),
        "analyte": "SYSBP",
        "limit": "< 90 mm[Hg]",
        "limit_source": "example",
        "verdict": "outside",
        "episode": 1,
        "open": True,
        "onset": Moment("2026-03-12T07:30:00+08:00"),
        "last_observed": Moment("2026-03-12T07:30:00+08:00"),
        "ended": None,
        "value": "82",
        "unit": "mm[Hg]",
        "distance": "8 mm[Hg] below the limit",
        "worst_observed": Moment("2026-03-12T07:30:00+08:00"),
        "emergent": True,
        "tell": ("medical_monitor",),
        "study_day": 10,
    }
    return WatchLimitCrossed(**(told | other))


def data_query(**other: Any) -> DataQuery:
    """A result in a unit that its analyte does not have."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, SUBJECT, "unit", "HGB"),
        "study": STUDY,
        "subject": SUBJECT,
        "site": SITE,
        "evidence": Evidence(rule="data/unit", book="2026.1", sentence="Hemoglobin 8.5 in g/L is not plausible."),
        "code": "implausible_value",
        "about": "Hemoglobin",
        "found": "8.5 g/L",
        "expected": "a hemoglobin between 20 and 250 g/L",
        "sources": ("hangzhou-lis|HGB-4 v1",),
        "count": 1,
    }
    return DataQuery(**(told | other))


def cohort_decision(decision: str = "escalate", dlt: int = 0, **other: Any) -> CohortDecision:
    """The 3+3 advice for dose level 2."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, "dose level", 2),
        "study": STUDY,
        "subject": None,
        "dose_level": 2,
        "evidence": Evidence(rule="3+3", book="2026.1", sentence=f"{dlt} of 3 evaluable subjects had a DLT."),
        "tally": Tally(enrolled=4, dosed=3, in_window=0, evaluable=3, dlt=dlt),
        "decision": decision,
        "reachable": (),
        "subjects": (SUBJECT, "SUBJ-7742", "SUBJ-7743"),
    }
    return CohortDecision(**(told | other))


def stagger_breach(**other: Any) -> StaggerBreach:
    """A second subject planned a week after the first."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, "stagger", 2, SUBJECT),
        "study": STUDY,
        "subject": SUBJECT,
        "dose_level": 2,
        "evidence": Evidence(rule="escalation/stagger", book="1.0", sentence="Planned 7 d after the first of 14."),
        "infusion": "planned",
        "infusion_on": date(2026, 3, 9),
        "first_subject": "SUBJ-7742",
        "first_infusion_on": date(2026, 3, 2),
        "days_apart": 7,
        "days_required": 14,
        "earliest": date(2026, 3, 16),
    }
    return StaggerBreach(**(told | other))


def study_tally(enrolled: int = 10, **other: Any) -> StudyTally:
    """A study that has reached its planned number."""
    told: dict[str, Any] = {
        "id": finding_id(STUDY, "study tally"),
        "study": STUDY,
        "subject": None,
        "evidence": Evidence(rule="primary outcomes", book="1.0", sentence="So far: 1 of 3 evaluable with a DLT."),
        "enrolled": enrolled,
        "planned": 10,
        "enrolment": "below" if enrolled < 10 else "reached" if enrolled == 10 else "exceeded",
        "proportions": (),
    }
    return StudyTally(**(told | other))


def raised(finding: AnyFinding, revision: int = 1, **other: Any) -> FindingChange:
    """The finding for the first time."""
    told: dict[str, Any] = {"because": "lab_result hangzhou-lis|ANC-12 v1", "as_of": AS_OF} | other
    return FindingChange(change="raised", revision=revision, finding=finding, **told)


def changed(previous: AnyFinding, finding: AnyFinding, revision: int = 2, **other: Any) -> FindingChange:
    """The finding after another event."""
    told: dict[str, Any] = {"because": "lab_result hangzhou-lis|ANC-13 v1", "as_of": AS_OF} | other
    return FindingChange(change="changed", revision=revision, finding=finding, previous=previous, **told)


def withdrawn(finding: AnyFinding, revision: int = 2, **other: Any) -> FindingChange:
    """The finding when its records were taken back."""
    told: dict[str, Any] = {"because": "lab_result hangzhou-lis|ANC-12 v2", "as_of": AS_OF} | other
    return FindingChange(change="withdrawn", revision=revision, finding=finding, previous=finding, **told)


def of_this_subject(finding: Any) -> Any:
    """An example of the contracts, told of the subject of these findings."""
    return finding.model_copy(update={"study": STUDY, "subject": SUBJECT, "site": SITE})
