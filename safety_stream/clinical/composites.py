"""Findings that mean more together than apart: Hy's law and its kind, as the protocol writes them.

Each result of an analyte that a composite names leaves a mark where it meets, or may meet, a clause. The marks of all
series meet in the header: a composite holds where one mark of every clause lies within the protocol's time span.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.fold import Digest, Mark, ToldEvent
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, Measured
from safety_stream.clinical.lasting import lasted
from safety_stream.clinical.multiples import of_baseline, times_uln
from safety_stream.clinical.result import Place
from safety_stream.clinical.symptoms import symptomatic
from safety_stream.quantity import exactly
from safety_stream.rulebook.criteria import Inputs, Verdict
from safety_stream.rulebook.dlt_rules import Clause, Composite
from safety_stream.rulebook.protocol import Clauses
from safety_stream.rulebook.written import parsed


class Together(NamedTuple):
    """A composite that holds, or may hold: its marks, from the first that completed it."""

    name: str
    composite: Composite
    marks: tuple[Mark, ...]
    sure: bool
    reasons: tuple[str, ...]


def marks_of(measured: Measured, place: Place, baseline: Baseline, page: str, clauses: Clauses) -> Iterator[Mark]:
    """Of the clauses on a page those that a result meets, may meet, or (one that rules out, or must last) answers."""
    verdicts, times = _judged_by(measured.bare, tuple([clause.when for _, clause, _ in clauses]))
    for (name, clause, answers), verdict in zip(clauses, verdicts, strict=True):
        if verdict is not False or answers:
            compared = f"{'not ' if verdict is False else ''}{clause.when}{of_baseline(measured, baseline)}"
            words = f"{measured.analyte.name} {measured.text} {measured.ucum or ''} {compared}".replace("  ", " ")
            told = f"{name}/{clause.name}/{'no' if verdict is False else 'yes'}"
            yield Mark(told, place[0], place[1], verdict is not None, words, measured.source, page, times)


@lru_cache(maxsize=16_384)
def _judged_by(bare: Measured, clauses: tuple[str, ...]) -> tuple[tuple[Verdict, ...], Decimal | None]:
    """What a quantity says to each clause, and which multiple of its ULN it is: once for all that say the same."""
    inputs = inputs_of(bare)
    return tuple(parsed(when).judge(inputs) for when in clauses), times_uln(inputs)


def thinned(marks: tuple[Mark, ...], more: Iterator[Mark], by_runs: frozenset[str]) -> tuple[Mark, ...]:
    """The marks with some more: one a clause and day is enough, a sure one rather than one that only may be.

    Of a composite in ``by_runs`` only the samples next to a run bound it: those between them are let go.
    """
    now = list(marks)
    for mark in more:
        day = mark.earliest.date()
        at = next((i for i, one in enumerate(now) if one.clause == mark.clause and one.earliest.date() == day), None)
        if at is None:
            if mark.clause.endswith("/no") and mark.clause.partition("/")[0] in by_runs:
                _let_go(now, mark.clause)
            now.append(mark)
        elif mark.sure and not now[at].sure:
            now[at] = mark
    return tuple(now)


def _let_go(now: list[Mark], missed: str) -> None:
    """Of the last two samples that miss a clause the later one, where both surely come after every run."""
    met = f"{missed.removesuffix('/no')}/yes"
    ended = max((mark.latest for mark in now if mark.clause == met), default=None)
    last = [i for i, one in enumerate(now) if one.clause == missed and (ended is None or one.earliest > ended)]
    if len(last) > 1:
        del now[last[-1]]


def inputs_of(measured: Measured) -> Inputs:
    """A measured quantity as a criterion of a protocol is judged on it: in the analyte's own unit."""
    unit, limits = measured.unit, measured.range
    low, high = (
        None if limit is None else exactly(limit) if unit is None else unit.own(exactly(limit)) for limit in limits
    )
    return Inputs(measured.own, low, high, None, {}, unit is not None)


def together(frame: Frame, marks: tuple[Mark, ...], told: tuple[ToldEvent, ...] = ()) -> Iterator[Together]:
    """Every composite of the subject's protocol version that the marks, and the events as reported, make."""
    for name, composite in frame.version.composites.items():
        if composite.symptoms:
            found = _with_symptoms(name, composite, marks, told, frame)
        else:
            found = _held(name, composite, marks) if composite.lasting else _first(name, composite, marks)
        if found is not None:
            yield found


def _with_symptoms(
    name: str, composite: Composite, marks: tuple[Mark, ...], told: tuple[ToldEvent, ...], frame: Frame
) -> Together | None:
    """The first symptom that surely came with the measurement; failing that, the first that may have."""
    found = symptomatic(name, composite, marks, told, frame)
    return None if found is None else Together(name, composite, found.marks, not found.reasons, found.reasons)


def _held(name: str, composite: Composite, marks: tuple[Mark, ...]) -> Together | None:
    """The first run of one analyte's samples that lasted long enough; failing that, the first that may have."""
    found = lasted(name, composite, marks)
    return None if found is None else Together(name, composite, found.marks, not found.reasons, found.reasons)


def _first(name: str, composite: Composite, marks: tuple[Mark, ...]) -> Together | None:
    """The earliest combination that surely holds; failing that, the earliest that may."""
    wanted = [f"{name}/{clause.name}/yes" for clause in composite.all_of]
    parts = [mark for mark in marks if mark.clause in wanted]
    if {mark.clause for mark in parts} != set(wanted):
        return None
    perhaps: Together | None = None
    for last in sorted(parts, key=lambda mark: (mark.latest, mark.earliest, mark.source)):
        combination = _completed(composite, wanted, parts, last)
        one = _judged(name, composite, combination, marks) if combination else None
        if one is not None and one.sure:
            return one
        perhaps = perhaps or one
    return perhaps


def _completed(composite: Composite, wanted: list[str], parts: list[Mark], last: Mark) -> tuple[Mark, ...] | None:
    """The combination that one mark completes: of every other clause the earliest mark within the span before it."""
    combination = [last]
    for clause in wanted:
        if clause == last.clause:
            continue
        near = [
            mark
            for mark in parts
            if mark.clause == clause
            and mark.latest <= last.latest
            and last.earliest - mark.latest <= composite.within.length
        ]
        if not near:
            return None
        combination.append(min(near, key=lambda mark: (not mark.sure, mark.latest, mark.source)))
    return tuple(sorted(combination))


def _judged(name: str, composite: Composite, combination: tuple[Mark, ...], marks: tuple[Mark, ...]) -> Together | None:
    span = composite.within.length
    nearest, farthest = _apart(combination)
    if nearest > span:
        return None
    reasons = [] if farthest <= span else ["the order of the samples is not known exactly"]
    reasons += [f"not decided: {mark.words}" for mark in combination if not mark.sure]
    if composite.unless is not None:
        excluded = _excluded(name, composite.unless, combination, marks, span)
        if excluded is True:
            return None
        if excluded is None:
            reasons.append(f"{composite.unless.name} could not be ruled out: no result near the onset")
    return Together(name, composite, combination, not reasons, tuple(reasons))


def _excluded(
    name: str, clause: Clause, combination: tuple[Mark, ...], marks: tuple[Mark, ...], span: timedelta
) -> bool | None:
    """What the result nearest to the onset, and within the span of it, says of the clause that rules it out."""
    onset = min(mark.earliest for mark in combination)
    near = [mark for mark in marks if mark.clause.startswith(f"{name}/{clause.name}/") and gap(mark, onset) <= span]
    if not near:
        return None
    nearest = min(near, key=lambda mark: (gap(mark, onset), mark.earliest, mark.source))
    return nearest.clause.endswith("/yes") if nearest.sure else None


def gap(mark: Mark, onset: datetime) -> timedelta:
    """How far a mark surely lies from an onset."""
    return max(mark.earliest - onset, onset - mark.latest, timedelta(0))


def _apart(combination: tuple[Mark, ...]) -> tuple[timedelta, timedelta]:
    """The least and the most time that can lie between the first and the last of the marks."""
    least = max(mark.earliest for mark in combination) - min(mark.latest for mark in combination)
    most = max(mark.latest for mark in combination) - min(mark.earliest for mark in combination)
    return max(least, timedelta(0)), most


def all_marks(digests: Mapping[str, tuple[Mark, ...]]) -> tuple[Mark, ...]:
    """The marks of all series, in one order."""
    return tuple(sorted(mark for marks in digests.values() for mark in marks))


def all_told(digests: Mapping[str, Digest]) -> tuple[ToldEvent, ...]:
    """The events as reported, in one order."""
    return tuple(sorted((one.told for one in digests.values() if one.told is not None), key=lambda one: one.source))
