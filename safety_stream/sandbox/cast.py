"""The cast: ten subjects of the bundled protocol, and what happens to each of them beyond the usual course.

    day  0      50     100    150    200      (after the first infusion of 001; one character is a week)
    001    iii===|                             level 1: hemolysed specimen, potassium corrected
    002      iii===|                           ALT grade 3 for a day, after the last infusion; did not come in week 12
    003       iii===|                          neutrophils below 0.5; a result arrives nine days late
    004            s                           never dosed: platelets below the limit at screening
    005               iii===|                  level 2: shingles, in hospital (serious, not severe)
    006                 iii===|                mild cytokine release: 38.2 once, with few neutrophils
    007                  iii===|               one result arrives torn
    008                          iii===|       level 3; did not come on day 4
    009                            ii===|      cytokine release grade 3 for four days: the true DLT; febrile neutropenia
    010                               iii===|

s screening only, i infusion, = the window of 28 days after each, | its end. A level opens when the one below it
has been observed to the end. Visits of weeks 8 to 24 follow, as far as the story goes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from safety_stream.sandbox.courses import Syndrome

FIRST_DAY_ZERO = date(2024, 6, 24)
LAST_DAY = 234
"""Days from the first infusion of subject 001 to the end of the story: the last window has closed."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An adverse event in the making; days are study days with their fraction, reports follow after some hours."""

    term: str
    meddra_code: str
    grade: int
    onset: float
    resolved: float
    attribution: Literal["unrelated", "unlikely", "possible", "probable", "definite"] = "possible"
    seriousness: Literal["hospitalization"] | None = None
    told_after_hours: float = 20.0
    narrative: str | None = None
    scale_facts: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One subject of the cast. ``dose_level`` is None for one who was screened only."""

    subject: str
    sex: Literal["female", "male"]
    dose_level: int | None
    opens: int
    infusion_days: tuple[int, ...] = (0, 7, 14)
    syndrome: Syndrome | None = None
    complaints: tuple[Complaint, ...] = ()
    values: dict[tuple[int, str], str] = field(default_factory=dict)
    turns: dict[str, float] = field(default_factory=dict)
    extra_chemistry: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    """Study days of planned visits to which the subject did not come."""

    @property
    def day_zero(self) -> date:
        """The date of the first infusion, planned or given."""
        return FIRST_DAY_ZERO + timedelta(days=self.opens)


_MILD_RELEASE = Syndrome(
    ((7.2, 0), (7.8, 1), (8.4, 1), (9.5, 0)), {"TEMP": 38.2, "HR": 104, "CRP": 42, "FERRITIN": 420}
)
_SEVERE_RELEASE = Syndrome(
    ((7.3, 0), (8, 0.6), (9, 1), (12, 0.95), (14, 0.4), (21, 0)),
    {
        "TEMP": 39.5, "HR": 128, "RESP": 25, "SYSBP": 82, "DIABP": 47,
        "CRP": 168, "FERRITIN": 2450, "FIBRINO": 5.2, "LDH": 330, "ALB": 31,
    },
)  # fmt: skip

CAST: tuple[Member, ...] = (
    Member(
        "001", "female", 1, 0,
        complaints=(
            Complaint("Nausea", "10028813", 1, onset=-4.6, resolved=-2.4, attribution="unlikely"),
            Complaint("Fatigue", "10016256", 1, onset=1.3, resolved=6.0),
        ),
        values={(-1, "K"): "7.30"},
    ),
    Member(
        "002", "female", 1, 14,
        complaints=(Complaint("Headache", "10019211", 1, onset=0.4, resolved=1.2),),
        values={
            (16, "ALT"): "44", (17, "ALT"): "218", (18, "ALT"): "96", (19, "ALT"): "61",
            (16, "AST"): "39", (17, "AST"): "98", (18, "AST"): "58", (19, "AST"): "41",
        },
        extra_chemistry=(17, 18, 19), absent=(84,),
    ),
    Member(
        "003", "male", 1, 21, turns={"NEUT": 0.38},
        complaints=(Complaint("Arthralgia", "10003239", 1, onset=17.5, resolved=24.0, attribution="unlikely"),),
    ),
    Member("004", "female", None, 73, values={(-14, "PLT"): "42"}),
    Member(
        "005", "female", 2, 77,
        complaints=(
            Complaint("Insomnia", "10022437", 1, onset=2.9, resolved=8.0, attribution="unlikely"),
            Complaint(
                "Shingles", "10040555", 2, onset=22.3, resolved=33.0, seriousness="hospitalization",
                narrative="Left T6 dermatome. Admitted for intravenous aciclovir; vital signs normal.",
            ),
        ),
    ),
    Member(
        "006", "female", 2, 91, syndrome=_MILD_RELEASE,
        complaints=(
            Complaint("Cytokine release syndrome", "10052015", 1, 7.4, 9.3, "probable", told_after_hours=5.0),
        ),
        values={(8, "TEMP"): "38.2"},
    ),
    Member(
        "007", "female", 2, 98,
        complaints=(Complaint("Diarrhea", "10012727", 1, onset=-3.5, resolved=-1.2, attribution="unlikely"),),
    ),
    Member(
        "008", "male", 3, 154, absent=(4,),
        complaints=(Complaint("Fatigue", "10016256", 2, onset=0.8, resolved=5.5),),
    ),
    Member(
        "009", "female", 3, 168, infusion_days=(0, 7), syndrome=_SEVERE_RELEASE,
        values={(7, "NEUT"): "0.84", (9, "NEUT"): "0.71"},
        complaints=(
            Complaint("Fatigue", "10016256", 1, onset=1.1, resolved=4.0),
            Complaint(
                "Cytokine release syndrome", "10052015", 3, onset=9.05, resolved=13.4, attribution="definite",
                seriousness="hospitalization", told_after_hours=3.0,
                narrative="Fever 39.5, hypotension on one vasopressor. Tocilizumab, dexamethasone. Stay prolonged.",
                scale_facts={
                    "astct_crs": {
                        "temperature": {"value": "39.5", "unit": "Cel"},
                        "hypotension": "one-vasopressor", "hypoxia": "none",
                    }
                },
            ),
        ),
    ),
    Member(
        "010", "female", 3, 189,
        complaints=(Complaint("Myalgia", "10028411", 1, onset=8.2, resolved=10.5),),
    ),
)  # fmt: skip
