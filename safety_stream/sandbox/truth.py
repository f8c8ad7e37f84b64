"""The truth about the simulated trial: what a safety physician must be told, written down before anything ran.

Each expectation can be checked by hand against ``cast.py``, the bundled protocol and CTCAE v5.0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from safety_stream.alerting.alert import AlertType
from safety_stream.clinical.conclusion import Finding


@dataclass(frozen=True, slots=True)
class Expectation:
    """One finding that must stand at the end (or have been withdrawn), and the mail it must have caused."""

    sentence: str
    kind: str
    subject: str | None
    says: Mapping[str, object] = field(default_factory=dict)
    withdrawn: bool = False
    mail: AlertType | None = None

    def matches(self, finding: Finding) -> bool:
        """Whether this finding is the one expected: its kind, subject and every named field."""
        return (
            getattr(finding, "kind", None) == self.kind
            and finding.subject == self.subject
            and all(_said(finding, name) == value for name, value in self.says.items())
        )


def _said(finding: Finding, path: str) -> object:
    value: object = finding
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


TRUTH: tuple[Expectation, ...] = (
    Expectation(
        "001: potassium 7.30 mmol/L is grade 4, and is taken back when the laboratory corrects it to 4.32",
        "toxicity", "001", {"term": "Hyperkalemia", "peak.highest": 4}, withdrawn=True, mail="lab_grade_4",
    ),
    Expectation(
        "002: ALT 218 U/L is more than 5 x ULN (40): grade 3, for a day",
        "toxicity", "002", {"analyte": "ALT", "peak.lowest": 3, "peak.highest": 3}, mail="lab_grade_3",
    ),
    Expectation(
        "003: neutrophils below 0.5 x 10^9/L: grade 4, beyond what the protocol expects after lymphodepletion",
        "toxicity", "003", {"analyte": "NEUT", "peak.lowest": 4, "peak.highest": 4}, mail="lab_grade_4",
    ),
    Expectation(
        "002: nobody reported that ALT as an adverse event within 7 days: a question for the list, mailed to nobody",
        "data_query", "002", {"code": "lab_grade_unreported"},
    ),
    Expectation(
        "002: did not come in week 12: no results of that visit, on the list, mailed to nobody",
        "unobserved", "002", {"what": "missing_results", "name": "week-12", "state": "closed"},  # by week 16
    ),
    Expectation(
        "008: did not come on day 4: no vital signs for three days, longer than 60 h, on the list, mailed to nobody",
        "unobserved", "008", {"what": "blind_time", "name": "vital-signs", "state": "closed"},
    ),
    Expectation(
        "003: nor those neutrophils of grade 4: the grade itself was mailed when it was measured",
        "data_query", "003", {"code": "lab_grade_4_unreported"},
    ),
    Expectation(
        "004: platelets 42 at screening, the protocol asks for 50 or more",
        "eligibility_breach", "004", {"phase": "screening", "verdict": "breached"}, mail="eligibility_breach",
    ),
    Expectation(
        "005: shingles grade 2 in hospital: serious, though not severe",
        "reported_event", "005", {"term": "Shingles", "serious": True, "grade": 2}, mail="serious_adverse_event",
    ),
    Expectation(
        "006: 38.2 once, with neutrophils below 1.0: febrile neutropenia is possible (0-3), and wakes nobody",
        "toxicity", "006", {"term": "Febrile neutropenia", "peak.lowest": 0, "peak.highest": 3, "alerting_grade": 0},
    ),
    Expectation(
        "009: a fever above 38.3 with neutrophils below 1.0: febrile neutropenia, grade 3",
        "toxicity", "009", {"term": "Febrile neutropenia", "peak.lowest": 3, "peak.highest": 3}, mail="lab_grade_3",
    ),
    Expectation(
        "009: systolic blood pressure below the watch limit of 90: no CTCAE grade, recorded, mailed to nobody",
        "watch_limit", "009", {"analyte": "SYSBP", "verdict": "outside"},
    ),
    Expectation(
        "009: cytokine release syndrome grade 3 in hospital: serious",
        "reported_event", "009", {"term": "Cytokine release syndrome", "serious": True, "grade": 3},
        mail="serious_adverse_event",
    ),
    Expectation(
        "009: cytokine release syndrome grade 3 for more than 72 hours, on day 9: the one DLT candidate",
        "dose_limiting_toxicity", "009", {"term": "Cytokine release syndrome", "state": "candidate"},
        mail="dose_limiting_toxicity",
    ),
    Expectation(
        "dose level 1: no DLT in 3 subjects: escalate",
        "cohort_decision", None, {"dose_level": 1, "decision": "escalate", "tally.evaluable": 3, "tally.dlt": 0},
        mail="cohort_decision",
    ),
    Expectation(
        "dose level 2: no DLT in 3 subjects: escalate",
        "cohort_decision", None, {"dose_level": 2, "decision": "escalate", "tally.evaluable": 3, "tally.dlt": 0},
        mail="cohort_decision",
    ),
    Expectation(
        "dose level 3: 1 DLT in 3 subjects: enrol three more",
        "cohort_decision", None, {"dose_level": 3, "decision": "expand", "tally.evaluable": 3, "tally.dlt": 1},
        mail="cohort_decision",
    ),
)  # fmt: skip
UNREADABLE_MESSAGES = 1
"""One result of subject 007 arrives torn and must be found among the dead letters, with its reason, and mailed."""
