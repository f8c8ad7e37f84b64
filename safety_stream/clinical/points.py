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
from datetime import UTC, timedelta, tzinfo
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from safety_stream.clinical.at_one_time import TWO_RESULTS, either, in_order
from safety_stream.clinical.derive import Person, corrected, derived, mean_of
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.measure import Measured, Remark, Unmeasurable
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.result import Order, Place, Result, Turn, measured_result
from safety_stream.rulebook.tables import Analyte, Book

REPLICATES_WITHIN: Final = timedelta(hours=1)


class Drawn(NamedTuple):
    """One quantity of a time point, and the result under whose time it is told.

    ``among``: of several draws of a day whose hours nobody told, the values of which one came last; ``ends``: it is
    the one of them that is told last.
    """

    result: Result
    measured: Measured | Unmeasurable
    provisional: bool
    among: Measured | None = None
    ends: bool = False

    @property
    def standing(self) -> Measured | Unmeasurable:
        """What is known to stand after the time point, where the last result decides."""
        return self.measured if self.among is None else self.among


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
    joint, point = analyte is not None and analyte.joint, list[Result]()
    for one in results:
        if point and not one_point(point[-1], one, zone, joint=joint):
            yield tuple(point)
            point = []
        point.append(one)
    if point:
        yield tuple(point)


def one_point(one: Result, other: Result, zone: tzinfo, *, joint: bool) -> bool:
    """Whether a result belongs to the time point of the one before it."""
    if joint and point_of(one, zone) == point_of(other, zone):
        return True
    return other.kind == "lab_result" and one.place(zone) == other.place(zone)


def goes_on(result: Result, last: Turn | None, point: str, zone: tzinfo) -> bool:
    """Whether a result belongs to the time point of ``last``, which is named ``point`` where results are joint."""
    if last is None:
        return False
    if point and point_of(result, zone) == point:
        return True
    return result.kind == "lab_result" and result.place(zone) == last[:2]


def drawn(point: tuple[Result, ...], analyte: Analyte, frame: Frame, book: Book) -> list[Drawn]:
    """What a time point says of the analyte: a quantity for each result that speaks for itself, or one for them all."""
    if len(point) == 1 and (not analyte.joint or is_of(point[0], analyte, book)):
        return [_as_told(point[0], analyte)]
    if not analyte.joint:
        return _of_each_time([_as_told(one, analyte) for one in point], analyte, frame.zone, book)
    said = list[Drawn]()
    for _, here in groupby(point, key=lambda one: point_of(one, frame.zone)):
        said += _together(tuple(here), analyte, frame, book)
    return _of_each_time(said, analyte, frame.zone, book)


def _of_each_time(said: list[Drawn], analyte: Analyte, zone: tzinfo, book: Book) -> list[Drawn]:
    """Of laboratory results of one instant that can be compared one for them all; the others as they are, before it.

    Readings of a vital sign may rightly differ within a minute, and draws of a day whose hours nobody told in any case.
    """
    times, others = dict[Place, list[Drawn]](), list[Drawn]()
    for one in said:
        compared = isinstance(one.measured, Measured) and one.measured.unit and one.result.kind == "lab_result"
        (times.setdefault(one.result.place(zone), []) if compared else others).append(one)
    for (first, last), here in times.items():
        others += _of_an_instant(here, analyte, book) if first == last else _of_a_day(here)
    return others


def _of_an_instant(here: list[Drawn], analyte: Analyte, book: Book) -> list[Drawn]:
    """One for them all; what is derived gives way to what was sent."""
    told = [one for one in here if is_of(one.result, analyte, book)] or here
    if len(told) == 1:
        return told
    measured, same = either(_measured(told), told[-1].result.observed_at)
    preliminary = [one.provisional for one in told]
    return [Drawn(told[-1].result, measured, all(preliminary) if same else any(preliminary))]


def _of_a_day(here: list[Drawn]) -> list[Drawn]:
    """Each by itself, in an order that does not hang on their records; which of them came last is not known."""
    if len(here) == 1:
        return here
    among, _ = either(_measured(here), here[-1].result.observed_at)
    quantities = zip(here, _measured(here), strict=True)
    *before, last = [one._replace(among=among) for one, _ in sorted(quantities, key=lambda pair: in_order(pair[1]))]
    return [*before, last._replace(ends=True)]


def _measured(said: list[Drawn]) -> list[Measured]:
    return [one.measured for one in said if isinstance(one.measured, Measured)]


def _together(point: tuple[Result, ...], analyte: Analyte, frame: Frame, book: Book) -> list[Drawn]:
    """What the results of one specimen or tracing say of the analyte."""
    told, beside = [], list[Drawn]()
    for one in point:
        of = book.analyte(loinc=one.loinc, test=one.test)
        if of is analyte:
            told.append(_as_told(one, analyte))
        elif of is not None:
            beside.append(_as_told(one, of))
    sound = [one for one in told if isinstance(one.measured, Measured)]
    refused = [one for one in told if not isinstance(one.measured, Measured)]
    companions = dict(_companions(beside, analyte))
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


def _companions(beside: list[Drawn], analyte: Analyte) -> Iterator[tuple[str, Drawn]]:
    """Each companion; of different values of one specimen it is one, nobody knows which (G45)."""
    sound: dict[str, list[Drawn]] = {}
    for one in beside:
        if isinstance(one.measured, Measured):
            sound.setdefault(one.measured.key, []).append(one)
    for key, found in sound.items():
        known = [one for one in found if isinstance(one.measured, Measured) and one.measured.unit] or found[-1:]
        if len(known) == 1:
            yield key, known[0]
            continue
        measured, same = either(_measured(known), known[-1].result.observed_at)
        asks = not same and found[0].result.kind == "lab_result" and not _asked_on_its_page(known)
        remarks = (_of_one_specimen(measured, known[-1].result, analyte),) if asks else ()
        yield key, Drawn(known[-1].result, measured._replace(remarks=remarks), any(one.provisional for one in known))


def _asked_on_its_page(known: list[Drawn]) -> bool:
    """Whether all carry one instant: then they are asked about where they are graded themselves."""
    times = {one.result.place(UTC) for one in known}
    return len(times) == 1 and known[0].result.observed_at.is_instant


def _of_one_specimen(measured: Measured, result: Result, analyte: Analyte) -> Remark:
    """The question about different results of one specimen whose times do not say that they are of one."""
    where = f"specimen {result.specimen}" if result.specimen else "one day"
    about = f"{measured.key} of {where}, for {analyte.key}"
    return Remark(TWO_RESULTS, about, (measured.derived or "").partition(": ")[2], _ONE_VALUE)


_ONE_VALUE = "one value of one specimen: a correction of one of the records, or its withdrawal"


def _derived(analyte: Analyte, companions: Mapping[str, Drawn], frame: Frame, book: Book) -> Iterator[Drawn]:
    used = {} if analyte.derived is None else {key: companions[key] for key in analyte.derived.of if key in companions}
    if not used or analyte.derived is None:
        return
    screened = frame.screened
    person = Person(screened.age_years, screened.sex) if screened else Person(None, None)
    found = derived(analyte.derived.by, _quantities(used), person, book)
    if found is not None:
        last = max((one.result for one in used.values()), key=Order(frame.zone, joint=True))
        yield Drawn(last, _asking(found, _remarks(used)), any(one.provisional for one in used.values()))


def _corrected(told: Drawn, analyte: Analyte, companions: Mapping[str, Drawn], book: Book) -> Drawn:
    if analyte.corrected is None or not isinstance(told.measured, Measured):
        return told
    used = {key: companions[key] for key in analyte.corrected.of if key in companions}
    found = corrected(analyte.corrected.by, told.measured, _quantities(used), book)
    if found is None:
        return told
    remarks = (*told.measured.remarks, *_remarks(used))
    return Drawn(
        told.result, found._replace(remarks=remarks), told.provisional or any(one.provisional for one in used.values())
    )


def _remarks(used: Mapping[str, Drawn]) -> tuple[Remark, ...]:
    """What is asked of companions as such: of a result by itself its own page asks."""
    asked = [one.measured.remarks for one in used.values() if isinstance(one.measured, Measured)]
    return tuple(remark for remarks in asked for remark in remarks if remark.code == TWO_RESULTS)


def _asking(found: Measured, remarks: tuple[Remark, ...]) -> Measured:
    return found._replace(remarks=remarks) if remarks else found


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
