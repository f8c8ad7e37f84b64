"""One time point of one analyte: what the results taken together say (register G15 to G18).

Most results speak for themselves. Some speak with others of the same specimen or tracing, whose results are kept on
the same page as companions:

    corrected    total calcium, with the albumin beside it
    derived      neutrophils from the differential, eGFR from creatinine, QTcF from QT and RR, where none was sent
    unless       total calcium is not judged where ionized calcium was measured
    replicates   several QTc readings of one time point have one mean

What was sent is never replaced: a derived quantity is marked, and gives way as soon as the real one arrives.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta, tzinfo
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from safety_stream.clinical.derive import Person, corrected, derived, mean_of
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.measure import Measured, Unmeasurable
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.result import Order, Result, measured_result
from safety_stream.rulebook.tables import Analyte, Book

REPLICATES_WITHIN: Final = timedelta(hours=1)


class Drawn(NamedTuple):
    """One quantity of a time point, and the result under whose time it is told."""

    result: Result
    measured: Measured | Unmeasurable
    provisional: bool


def point_of(result: Result, zone: tzinfo) -> str:
    """The time point a result belongs to: its specimen where one is named, else the moment it was observed."""
    if result.specimen:
        return f"#{result.specimen}"
    return _moment_of(result.observed_at.text, zone)


@lru_cache(maxsize=1024)
def _moment_of(observed_at: str, zone: tzinfo) -> str:
    low, high = Moment(observed_at).bounds(zone)
    return f"{low.isoformat()}/{high.isoformat()}"


def points(results: Iterable[Result], analyte: Analyte | None, zone: tzinfo) -> Iterator[tuple[Result, ...]]:
    """Results in order of observation, cut where another time point begins; each alone unless they are judged jointly.

    Results of one specimen between which another was drawn are two time points.
    """
    if analyte is None or not analyte.joint:
        yield from ((one,) for one in results)
        return
    for _, here in groupby(results, key=lambda one: point_of(one, zone)):
        yield tuple(here)


def drawn(point: tuple[Result, ...], analyte: Analyte, frame: Frame, book: Book) -> list[Drawn]:
    """What a time point says of the analyte: a quantity for each result that speaks for itself, or one for them all."""
    if not analyte.joint or (len(point) == 1 and is_of(point[0], analyte, book)):
        return [_as_told(one, analyte) for one in point]
    told, beside = [], list[Drawn]()
    for one in point:
        of = book.analyte(loinc=one.loinc, test=one.test)
        if of is analyte:
            told.append(_as_told(one, analyte))
        elif of is not None:
            beside.append(_as_told(one, of))
    sound = [one for one in told if isinstance(one.measured, Measured)]
    refused = [one for one in told if not isinstance(one.measured, Measured)]
    companions = dict(_companions(beside))
    if not sound:
        return [*refused, *_derived(analyte, companions, frame, book)]
    if any(key in companions for key in analyte.unless):
        return refused
    if analyte.replicates:
        sound = _joined(sound, frame.zone)
    return [*refused, *(_corrected(one, analyte, companions, book) for one in sound)]


def is_of(result: Result, analyte: Analyte | None, book: Book) -> bool:
    """Whether a result is of the analyte itself, not of a companion of it."""
    return book.analyte(loinc=result.loinc, test=result.test) is analyte


def _as_told(result: Result, analyte: Analyte) -> Drawn:
    return Drawn(result, measured_result(result, analyte), result.status == "preliminary")


def _companions(beside: list[Drawn]) -> Iterator[tuple[str, Drawn]]:
    """Each companion that says one thing; two different values of one specimen cannot both be right."""
    sound: dict[str, list[Drawn]] = {}
    for one in beside:
        if isinstance(one.measured, Measured):
            sound.setdefault(one.measured.key, []).append(one)
    for key, found in sound.items():
        if len({(one.result.value, one.result.unit) for one in found}) == 1:
            yield key, found[-1]


def _derived(analyte: Analyte, companions: Mapping[str, Drawn], frame: Frame, book: Book) -> Iterator[Drawn]:
    used = {} if analyte.derived is None else {key: companions[key] for key in analyte.derived.of if key in companions}
    if not used or analyte.derived is None:
        return
    screened = frame.screened
    person = Person(screened.age_years, screened.sex) if screened else Person(None, None)
    found = derived(analyte.derived.by, _quantities(used), person, book)
    if found is not None:
        last = max((one.result for one in used.values()), key=Order(frame.zone, joint=True))
        yield Drawn(last, found, any(one.provisional for one in used.values()))


def _corrected(told: Drawn, analyte: Analyte, companions: Mapping[str, Drawn], book: Book) -> Drawn:
    if analyte.corrected is None or not isinstance(told.measured, Measured):
        return told
    used = {key: companions[key] for key in analyte.corrected.of if key in companions}
    found = corrected(analyte.corrected.by, told.measured, _quantities(used), book)
    if found is None:
        return told
    return Drawn(told.result, found, told.provisional or any(one.provisional for one in used.values()))


def _quantities(used: Mapping[str, Drawn]) -> dict[str, Measured]:
    return {key: one.measured for key, one in used.items() if isinstance(one.measured, Measured)}


def _joined(sound: list[Drawn], zone: tzinfo) -> list[Drawn]:
    """Replicates as their mean: readings of one hour at most, so that a day or a visit is not taken for a moment."""
    bounds = [one.result.observed_at.bounds(zone) for one in sound]
    if len(sound) < 2 or max(high for _, high in bounds) - min(low for low, _ in bounds) > REPLICATES_WITHIN:
        return sound
    mean = mean_of([one.measured for one in sound if isinstance(one.measured, Measured)])
    if mean is None:
        return sound
    return [Drawn(sound[-1].result, mean, any(one.provisional for one in sound))]
