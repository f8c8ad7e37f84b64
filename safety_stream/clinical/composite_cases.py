"""The cases of a composite: what was met, was over, and is met again is another case, with a finding of its own.

    x ULN        ALT    5    6    1    .    .    1    5         above 3: two times
                 BILI   .    3    1    .    .    1    4         above 2: two times
                       [ case 1 ]                [ case 2 ]

A clause is over with a sample that misses it, of every analyte that met it; met again within the protocol's span of its
last sample that met it, it is still the same time: samples that near belong together, and a value that swings around a
limit is one case. A case that grows worse is the same case.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from safety_stream.clinical.composites import Together, ways
from safety_stream.clinical.conclusion import finding_id
from safety_stream.clinical.fold import Mark, ToldEvent
from safety_stream.clinical.frame import Frame

Times = tuple[tuple[str, int], ...]


class Case(NamedTuple):
    """One case: its number in order of onset, and each way in which the composite is made in it, or may be."""

    number: int
    made: tuple[Together, ...]


def cases(name: str, frame: Frame, marks: tuple[Mark, ...], told: tuple[ToldEvent, ...]) -> tuple[Case, ...]:
    """The cases of one composite of the subject's protocol version."""
    composite = frame.version.composites[name]
    made = tuple(ways(name, composite, frame, marks, told))
    if not made:
        return ()
    times = dict(
        one for clause in composite.all_of for one in _times(f"{name}/{clause.name}/", marks, composite.within.length)
    )
    found: dict[Times, list[Together]] = {}
    for one in sorted(made, key=_onset):
        found.setdefault(_when(one, times), []).append(one)
    return tuple(Case(number, tuple(found[each])) for number, each in enumerate(found, start=1))


def case_id(frame: Frame, name: str, number: int) -> str:
    """The id of the finding about one case."""
    return finding_id(frame.study, frame.subject, "composite", name, *((number,) if number > 1 else ()))


def _onset(one: Together) -> tuple[datetime, ...]:
    return tuple(sorted(mark.earliest for mark in one.marks))


def _when(one: Together, times: dict[Mark, int]) -> Times:
    """Of each clause the first of the times at which it was met that make a composite."""
    told = sorted((mark.clause, times[mark]) for mark in one.marks if mark in times)
    return tuple(dict(reversed(told)).items())


def _times(clause: str, marks: Iterable[Mark], span: timedelta) -> Iterator[tuple[Mark, int]]:
    """Each sample that meets a clause, or may, with the number of the time at which it was met."""
    number, met, over = 0, dict[str, Mark](), set[str]()
    answers = (mark for mark in marks if mark.clause.startswith(clause))
    for mark in sorted(answers, key=lambda one: (one.earliest, one.latest, one.clause, one.source)):
        if mark.clause.endswith("/no"):
            over |= {page for page, last in met.items() if page == mark.page and mark.earliest > last.latest}
            continue
        if met and over >= met.keys() and all(mark.earliest - last.latest > span for last in met.values()):
            number, met = number + 1, {}
            over.clear()
        met[mark.page] = mark
        over.discard(mark.page)
        yield mark, number
