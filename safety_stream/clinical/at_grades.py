"""The times at grade 3 and 4 inside an episode: each is told once, and told again when it has passed and come back.

    grade 4      *                 *
    grade 3    *    *
    grade 2           *      *                a time at grade 4 is over with a sample surely at grade 2 or lower,
    grade 1              *                    one at grade 3 with one surely at grade 1 or lower (register T61)
             [-- at 3 --]         [--
               [ 4 ]              [--

A small step down and up again is the same time: 7.3, 6.9 and 7.3 mmol/L of potassium are told once. A sample that is
not decided ends none.
"""

from typing import Final

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.fold import AtGrade, Shows
from safety_stream.clinical.sample import Sample, worse_of

TOLD: Final = (3, 4)
"""Severe, and life-threatening: the grades that laboratory alerts tell."""
CLEARED: Final = 2
"""Grades below: a sample so much lower ends a time at a grade."""


def at_grades(times: tuple[AtGrade, ...], sample: Sample) -> tuple[AtGrade, ...]:
    """The times at grades 3 and 4 after one more sample of the episode."""
    if sample.alerting < TOLD[0] and not times:
        return times
    for grade in TOLD:
        place = next((i for i, one in enumerate(times) if one.grade == grade and not one.over), None)
        if sample.alerting >= grade:
            now = _begun(grade, sample) if place is None else _gone_on(times[place], sample)
        elif place is not None and sample.grade.highest <= grade - CLEARED:
            now = times[place]._replace(over=True)
        else:
            continue
        times = (*times, now) if place is None else (*times[:place], now, *times[place + 1 :])
    return times


def _begun(grade: int, sample: Sample) -> AtGrade:
    first = (sample.moment, sample.seen.source)
    return AtGrade(
        grade=grade,
        first=first,
        last=sample.moment,
        shows=_shows(sample),
        unexpected=first if _unexpected(sample) else None,
        emergent_peak=sample.grade if sample.period == "after" else None,
    )


def _gone_on(held: AtGrade, sample: Sample) -> AtGrade:
    now = held._replace(last=sample.moment)
    if sample.period == "after":
        now = now._replace(emergent_peak=worse_of(held.emergent_peak, sample.grade))
    if held.unexpected is None and _unexpected(sample):
        return now._replace(unexpected=(sample.moment, sample.seen.source), shows=_shows(sample))
    counts = held.unexpected is None or _unexpected(sample)
    higher = _height(sample.alerting, sample.grade) > _height(held.shows.alerting, held.shows.grade)
    return now._replace(shows=_shows(sample)) if counts and higher else now


def _unexpected(sample: Sample) -> bool:
    return sample.alerting > sample.expected


def _shows(sample: Sample) -> Shows:
    return Shows(sample.moment, sample.grade, sample.alerting, sample.provisional, sample.graded.evidence)


def _height(alerting: int, grade: GradeRange) -> tuple[int, int, int]:
    return alerting, grade.lowest, grade.highest
