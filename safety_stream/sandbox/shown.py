"""What the records of a subject show, by the printed limits alone: a truth that no record shows nobody can be told.

    truth          what the course itself was          not measured, or measured with noise: no rule can know
    shown          what the standing records hold      shown and not told, told and not shown: a fault of the judgement

Of each record the highest version stands. The limits are those of ``true_course``, the intervals are counted by hand
between the first and the last sample of an unbroken run: nothing of the judgement is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from safety_stream.clinical.events import AdverseEvent, AnyEvent, Event, LabResult, VitalSign
from safety_stream.sandbox.records import ZONE
from safety_stream.sandbox.true_course import FEBRILE, LIMITS, grade_at_least_3, is_alarming, times_uln

_ORDER = ("preliminary", "final", "corrected", "entered-in-error")
_PLAUSIBLE_HEMOGLOBIN = 20.0  # g/L; below it the unit is a slip, and nothing is shown
_HOURS, _FIRST_DAY, _WINDOW_TO = 3600.0, -5, 42  # before the first treatment only grade 4 is told (T12)
_WITHOUT_DLT = {"WBC", "LYMPH", "HGB"}


class Sample(NamedTuple):
    """One standing measurement: its study day (calendar), its instant, its value."""

    day: int
    at: datetime
    value: float


class Shown(NamedTuple):
    """Terms that the records show to have reached an alarming grade, and terms that they show to limit the dose."""

    alarming: frozenset[str]
    limiting: frozenset[str]


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
    reports = [one for one in told if isinstance(one, AdverseEvent)]
    return Shown(
        frozenset((*_alarming(samples, sex), *(_term(one, names) for one in reports if (one.grade or 0) >= 3))),
        frozenset((*_limiting(samples, sex), *(_term(one, names) for one in reports if _limits(one, names)))),
    )


def _sample(one: LabResult | VitalSign, day_zero: datetime) -> Sample | None:
    at, value = one.observed_at.earliest(ZONE), float(one.value or "nan")
    day = (at.astimezone(ZONE).date() - day_zero.date()).days
    slipped = one.test == "HGB" and value < _PLAUSIBLE_HEMOGLOBIN
    return None if slipped else Sample(day, at, value)


def _term(one: AdverseEvent, names: Mapping[str, str]) -> str:
    return names.get(one.term, one.term)


def _alarming(samples: Mapping[str, list[Sample]], sex: str) -> Iterator[str]:
    for code in LIMITS:
        grades = [(one.day, grade_at_least_3(code, one.value, sex)) for one in samples.get(code, ())]
        if any(is_alarming(code, day, grade) if day >= _FIRST_DAY else grade >= 4 for day, grade in grades):
            yield LIMITS[code].term
    low = [one.at for one in samples.get("NEUT", ()) if one.value < 1.0]
    hot = [one.at for one in samples.get("TEMP", ()) if one.value > 38.3]
    if any(abs((one - other).total_seconds()) <= 36 * _HOURS for one in hot for other in low):
        yield FEBRILE


def _limiting(samples: Mapping[str, list[Sample]], sex: str) -> Iterator[str]:
    for code in LIMITS.keys() - _WITHOUT_DLT:
        graded = [
            (one, grade_at_least_3(code, one.value, sex)) for one in samples.get(code, ()) if 0 <= one.day <= _WINDOW_TO
        ]
        marrow = code in {"NEUT", "PLT"}
        grave = any(grade >= 4 for _, grade in graded) and not marrow
        if grave or _longest_hours(graded, 4 if marrow else 3) > (28 * 24 if marrow else 72):
            yield LIMITS[code].term
    enzymes = [
        one.at
        for code in ("ALT", "AST")
        for one in samples.get(code, ())
        if one.day >= 0 and times_uln(code, one.value, sex) >= 3
    ]
    yellow = [one.at for one in samples.get("BILI", ()) if times_uln("BILI", one.value, sex) > 2]
    if any(abs((one - other).total_seconds()) <= 14 * 24 * _HOURS for one in enzymes for other in yellow):
        yield "hys-law"


def _longest_hours(graded: list[tuple[Sample, int]], grade: int) -> float:
    """From the first to the last sample of the longest run of samples at the grade or above."""
    best, since = 0.0, None
    for one, here in graded:
        since = (since or one.at) if here >= grade else None
        best = max(best, (one.at - since).total_seconds() / _HOURS if since else 0.0)
    return best


def _limits(one: AdverseEvent, names: Mapping[str, str]) -> bool:
    """Grade 4; encephalopathy of grade 3; a line of grade 3 that is longer than 72 hours."""
    grade = one.grade or 0
    if grade < 3 or one.onset is None:
        return False
    end = one.resolved.latest(ZONE) if one.resolved else one.reported_at
    hours = (end - one.onset.earliest(ZONE)).total_seconds() / _HOURS
    return grade >= 4 or _term(one, names) == "Encephalopathy" or hours > 72
