"""A toxicity as one alert tells it: one time at a grade, with the result that makes the alert due. Pure."""

from datetime import UTC

from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.findings_measured import TimeAtGrade, Toxicity
from safety_stream.clinical.moment import Moment

SEVERE, LIFE_THREATENING = 3, 4


def times_of(finding: Toxicity) -> tuple[TimeAtGrade, ...]:
    """The times at grade 3 or 4; of a finding that an older version concluded its peak stands for them."""
    if finding.times:
        return finding.times
    return tuple(_whole(finding, grade) for grade in (SEVERE, LIFE_THREATENING) if finding.alerting_grade >= grade)


def as_told(finding: Toxicity, time: TimeAtGrade) -> Toxicity:
    """The finding with one of its times alone, and the result that it tells in the place of the episode's peak."""
    return finding.model_copy(
        update={
            "times": (time,),
            "peak": time.peak,
            "peak_observed": time.observed,
            "alerting_grade": time.alerting_grade,
            "study_day": time.study_day,
            "provisional": time.provisional,
            "expected": time.expected,
            "evidence": time.evidence or finding.evidence,
        }
    )


def within(moment: Moment, first: Moment, last: Moment) -> bool:
    """Whether a moment can lie between two others."""
    return first.earliest(UTC) <= moment.latest(UTC) and moment.earliest(UTC) <= last.latest(UTC)


def overlap(one: TimeAtGrade, other: TimeAtGrade) -> bool:
    """Whether two times can have a moment in common."""
    return within(one.began, other.began, other.last) or within(other.began, one.began, one.last)


def _whole(finding: Toxicity, grade: int) -> TimeAtGrade:
    source = next((one.source for one in finding.evidence.inputs if one.source), "")
    return TimeAtGrade(
        grade=grade,
        record=record_of(source or ""),
        first=finding.peak_observed,
        last=finding.last_observed,
        began=finding.onset,
        expected=finding.expected,
        emergent=finding.emergent,
        peak=finding.peak,
        alerting_grade=finding.alerting_grade,
        observed=finding.peak_observed,
        study_day=finding.study_day,
        provisional=finding.provisional,
    )
