"""What the records of a subject show, by the printed limits alone: a truth that no record shows nobody can be told.

    truth          what the course itself was          not measured, or measured with noise: no rule can know
    shown          what the standing records hold      shown and not told, told and not shown: a fault of the judgement

Of each record the highest version stands. The limits are those of ``true_course``, the intervals are counted by hand
between the first and the last sample of an unbroken run: nothing of the judgement is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from safety_stream.clinical.events import AdverseEvent, AnyEvent, Event, LabResult, VitalSign
from safety_stream.sandbox.matching import Moments
from safety_stream.sandbox.records import ZONE
from safety_stream.sandbox.true_course import (
    FEBRILE,
    HYS_LAW,
    LIMITS,
    grade_at_least_3,
    is_alarming,
    lowest_alarming,
    times_uln,
)

_ORDER = ("preliminary", "final", "corrected", "entered-in-error")
_PLAUSIBLE_HEMOGLOBIN = 20.0  # g/L; below it the unit is a slip, and nothing is shown
_HOUR = timedelta(hours=1)
_FIRST_DAY, _WINDOW_TO = -5, 42  # before the first treatment only grade 4 is told (T12)
_WITHOUT_DLT = {"WBC", "LYMPH", "HGB"}


class Sample(NamedTuple):
    """One standing measurement: its study day (calendar), its instant, its value."""

    day: int
    at: datetime
    value: float


class Shown(NamedTuple):
    """When the records show a term at an alarming grade, and when as what limits the dose: each with the grade."""

    alarming: Mapping[str, Moments]
    limiting: Mapping[str, Moments]


def standing(events: Iterable[AnyEvent]) -> dict[str, list[Event]]:
    """Of every record of every subject the version that stands, without what was taken back."""
    last: dict[tuple[str, str], Event] = {}
    for one in events:
        if not isinstance(one, LabResult | VitalSign | AdverseEvent):
            continue
        key, rank = (one.subject, one.source.record), (one.source.version, _ORDER.index(one.status))
        held = last.get(key)
        if held is None or rank > (held.source.version, _ORDER.index(held.status)):
            last[key] = one
    found: dict[str, list[Event]] = {}
    for (subject, _), stands in last.items():
        if stands.status != "entered-in-error":
            found.setdefault(subject, []).append(stands)
    return found


def shown_by(events: Iterable[Event], day_zero: datetime, sex: str, names: Mapping[str, str]) -> Shown:
    """What one subject's standing records show; ``names``: what the site's own words mean."""
    told, samples = list(events), dict[str, list[Sample]]()
    for one in told:
        if isinstance(one, LabResult | VitalSign) and one.test and (sample := _sample(one, day_zero)) is not None:
            samples.setdefault(one.test, []).append(sample)
    for each in samples.values():
        each.sort(key=lambda one: one.at)
    reports = [one for one in told if isinstance(one, AdverseEvent) and (one.grade or 0) >= 3]
    return Shown(
        _by_term((*_alarming(samples, sex), *((_term(one, names), _spell(one)) for one in reports))),
        _by_term(
            (*_limiting(samples, sex), *((_term(one, names), _spell(one)) for one in reports if _limits(one, names)))
        ),
    )


def _by_term(found: Iterable[tuple[str, Moments]]) -> Mapping[str, Moments]:
    terms: dict[str, Moments] = {}
    for term, moments in found:
        terms[term] = tuple(sorted((*terms.get(term, ()), *moments)))
    return {term: moments for term, moments in terms.items() if moments}


def _spell(one: AdverseEvent) -> Moments:
    """Twice a day from the onset of a report of grade 3 or more to its end."""
    begun, ended = (one.onset.earliest(ZONE), _over(one)) if one.onset else (one.reported_at, one.reported_at)
    return tuple((begun + timedelta(hours=hours), 3) for hours in range(0, int((ended - begun) / _HOUR) + 12, 12))


def _over(one: AdverseEvent) -> datetime:
    return one.resolved.latest(ZONE) if one.resolved else one.reported_at


def _sample(one: LabResult | VitalSign, day_zero: datetime) -> Sample | None:
    at, value = one.observed_at.earliest(ZONE), float(one.value or "nan")
    day = (at.astimezone(ZONE).date() - day_zero.date()).days
    slipped = one.test == "HGB" and value < _PLAUSIBLE_HEMOGLOBIN
    return None if slipped else Sample(day, at, value)


def _term(one: AdverseEvent, names: Mapping[str, str]) -> str:
    return names.get(one.term, one.term)


def _alarming(samples: Mapping[str, list[Sample]], sex: str) -> Iterator[tuple[str, Moments]]:
    for code in LIMITS:
        grades = [(one, grade_at_least_3(code, one.value, sex)) for one in samples.get(code, ())]
        yield (
            LIMITS[code].term,
            tuple((one.at, _lowest(code, one.day)) for one, grade in grades if _alarms(code, one, grade)),
        )
    hot = [one.at for one in samples.get("TEMP", ()) if one.value > 38.3]
    yield FEBRILE, tuple((at, 3) for at in hot if _neutropenic(at, samples.get("NEUT", ())))


def _neutropenic(at: datetime, counts: Iterable[Sample]) -> bool:
    """Whether the count nearest to an instant, if it is within 36 hours, is below 1.0: one beside it says it best."""
    nearest = min(counts, key=lambda one: abs(one.at - at), default=None)
    return nearest is not None and abs(nearest.at - at) <= 36 * _HOUR and nearest.value < 1.0


def _alarms(code: str, one: Sample, grade: int) -> bool:
    return is_alarming(code, one.day, grade) if one.day >= _FIRST_DAY else grade >= 4


def _lowest(code: str, day: int) -> int:
    return lowest_alarming(code, day) if day >= _FIRST_DAY else 4


def _limiting(samples: Mapping[str, list[Sample]], sex: str) -> Iterator[tuple[str, Moments]]:
    for code in LIMITS.keys() - _WITHOUT_DLT:
        graded = [
            (one, grade_at_least_3(code, one.value, sex)) for one in samples.get(code, ()) if 0 <= one.day <= _WINDOW_TO
        ]
        marrow = code in {"NEUT", "PLT"}
        grave = [] if marrow else [(one.at, 3) for one, grade in graded if grade >= 4]
        yield LIMITS[code].term, (*grave, *(_longer(graded, 4, 28 * 24) if marrow else _longer(graded, 3, 72)))
    enzymes = [
        one.at
        for code in ("ALT", "AST")
        for one in samples.get(code, ())
        if one.day >= 0 and times_uln(code, one.value, sex) >= 3
    ]
    yellow = [one.at for one in samples.get("BILI", ()) if times_uln("BILI", one.value, sex) > 2]
    near = {at for one in enzymes for other in yellow if abs(one - other) <= 14 * 24 * _HOUR for at in (one, other)}
    yield HYS_LAW, tuple((at, 0) for at in sorted(near))


def _longer(graded: list[tuple[Sample, int]], grade: int, hours: int) -> Moments:
    """All of the runs of samples at the grade or above that are longer than so many hours from first to last."""
    runs = ([one.at for one, _ in run] for high, run in groupby(graded, lambda one: one[1] >= grade) if high)
    return tuple((at, grade) for run in runs if run[-1] - run[0] > hours * _HOUR for at in run)


def _limits(one: AdverseEvent, names: Mapping[str, str]) -> bool:
    """Grade 4; encephalopathy of grade 3; a line of grade 3 that is longer than 72 hours."""
    grade = one.grade or 0
    if grade < 3 or one.onset is None:
        return False
    lasted = _over(one) - one.onset.earliest(ZONE)
    return grade >= 4 or _term(one, names) == "Encephalopathy" or lasted > 72 * _HOUR
