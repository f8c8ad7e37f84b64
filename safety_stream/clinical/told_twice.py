"""What two records tell of one thing that is only once: the person, the end of the study, an event.

    consent 1    female, 34 years        consent 2    male, 50 years        of one subject
    report a     sepsis, 28 June, 3      report b     sepsis, 28 June, 4    one event, or two

Each is a question to the data manager. Both records count as they are until somebody says which one does.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, tzinfo
from itertools import combinations, pairwise

from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.events import Completed, Event, Screened, Withdrawn
from safety_stream.clinical.fold import Digest, Flood, ToldEvent
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.queries import asked
from safety_stream.rulebook.suggesting import folded

_YEAR = 365


def told_twice(frame: Frame, told: Sequence[Event], digests: Mapping[str, Digest]) -> Iterator[Flood]:
    """Every question about two records that cannot both tell of one subject, one end or one event."""
    yield from _persons([one for one in told if isinstance(one, Screened)], frame.zone)
    since = frame.screenings[-1].since if frame.screenings else None
    left = [(one.withdrawn, one) for one in told if isinstance(one, Withdrawn) and one.from_what == "study"]
    done = [(one.completed, one) for one in told if isinstance(one, Completed)]
    for word, ends in (("withdrawn", left), ("completed", done)):
        yield from _ends(word, [one for one in ends if since is None or one[0].latest(frame.zone) >= since], frame.zone)
    yield from _events((digest.told for digest in digests.values()), frame.zone)


def _cited(event: Event) -> str:
    return f"{event.source.record} v{event.source.version}"


def _persons(consents: list[Screened], zone: tzinfo) -> Iterator[Flood]:
    """Another sex, or an age that the years between the consents do not explain."""
    ordered = sorted(consents, key=lambda one: (*one.consented.bounds(zone), one.source.record))
    for one, other in combinations(ordered, 2):
        cited = (_cited(one), _cited(other))
        if one.sex and other.sex and one.sex != other.sex:
            yield asked("consents_disagree", "sex", f"{one.sex} and {other.sex}", "one sex of one subject", *cited)
        if one.age_years is None or other.age_years is None:
            continue
        years = (other.consented.dates(zone)[0] - one.consented.dates(zone)[0]).days // _YEAR
        if abs(other.age_years - one.age_years - years) > 1:
            found = f"{one.age_years} years {one.consented}, {other.age_years} years {other.consented}"
            yield asked("consents_disagree", "age", found, "one age of one subject", *cited)


def _ends(word: str, ends: Sequence[tuple[Moment, Event]], zone: tzinfo) -> Iterator[Flood]:
    """Two ends of one kind of different days; what ended a screening before the running one is left out."""
    ordered = sorted(ends, key=lambda one: (*one[0].bounds(zone), one[1].source.record))
    for (one, first), (other, second) in pairwise(ordered):
        if one.dates(zone)[1] < other.dates(zone)[0]:
            found, cited = f"{word} {one} and {other}", (_cited(first), _cited(second))
            yield asked("ends_disagree", "end of study", found, "one of the two", *cited)


def _events(reports: Iterable[ToldEvent | None], zone: tzinfo) -> Iterator[Flood]:
    """Reports of one term and one day of onset: an event told under two records is counted, and mailed, twice."""
    same: dict[tuple[str, date], list[ToldEvent]] = {}
    for one in reports:
        first, last = one.onset.dates(zone) if one is not None and one.onset is not None else (None, None)
        if one is not None and first is not None and first == last:
            same.setdefault((folded(one.term), first), []).append(one)
    for (_, day), group in same.items():
        if len(group) > 1:
            ordered = sorted(group, key=lambda one: one.source)
            found = " and ".join(f"grade {one.grade or 'not told'} ({record_of(one.source)})" for one in ordered)
            expected, sources = "one record of one event, or what sets them apart", (one.source for one in ordered)
            yield asked("event_told_twice", f"{ordered[0].term} of {day}", found, expected, *sources)
