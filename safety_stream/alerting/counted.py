"""The grade with which alerts count a reported event, and by what: never the grade of record. Pure.

The investigator's grade counts as it is. Where a range that the facts leave open is surely severe (3 or more), its
highest grade counts (G6): of another scale (T13), or of a report without a grade (G24). A range that reaches that high
only because nothing was told alerts nobody: it is asked about. The reporter's word severe is no grade either; without
a grade it counts as 3, so that a physician reads it within hours.
"""

from typing import Final, NamedTuple

from safety_stream.alerting.phrases import UNKNOWN, grade_words
from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.findings_reported import ReportedEvent

SEVERE: Final = 3
EXCLUDED: Final = {"unrelated", "unlikely"}
"""Attributions that exclude the study treatment as a cause, as far as anybody can."""


class Counted(NamedTuple):
    """A grade for alerts, and what gave it; null: the grade of record itself, or none."""

    grade: int
    by: str | None = None


def counted(finding: ReportedEvent) -> Counted:
    """The highest grade that the report, its facts and the other scales give rise to."""
    return max((_of_the_report(finding), *_of_the_scales(finding)), key=lambda one: one.grade)


def may_be_related(finding: ReportedEvent) -> bool:
    """Whether the investigator or the sponsor cannot exclude that the treatment caused it: one of the two is enough."""
    told = (finding.attribution, finding.sponsor_attribution)
    return any(one is not None and one not in EXCLUDED for one in told)


def _of_the_report(finding: ReportedEvent) -> Counted:
    if finding.grade is not None:
        return Counted(finding.grade)
    grade = _alerting(finding.supported)
    if grade < SEVERE and finding.severity_word == "severe":
        return Counted(SEVERE, "the reporter's word: severe; no grade given")
    return Counted(grade, f"the facts of the report: grade {grade_words(finding.supported)}; no grade given")


def _of_the_scales(finding: ReportedEvent) -> tuple[Counted, ...]:
    return tuple(
        Counted(
            _alerting(one.grade),
            f"{one.scale}: grade {grade_words(one.grade)}: {one.evidence.comparison or UNKNOWN}",
        )
        for one in finding.scales
    )


def _alerting(grade: GradeRange) -> int:
    return grade.highest if grade.lowest >= SEVERE else grade.lowest
