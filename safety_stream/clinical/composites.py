"""Findings that mean more together than apart: Hy's law and its kind, as the protocol writes them.

Each result of an analyte that a composite names leaves a mark where it meets, or may meet, a clause. The marks of all
series meet in the header: a composite holds where one mark of every clause lies within the protocol's time span.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.conclusion import PRELIMINARY
from safety_stream.clinical.fold import Digest, Mark, ToldEvent
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, Measured
from safety_stream.clinical.lasting import lasted
from safety_stream.clinical.multiples import of_baseline, over_raised, times_uln
from safety_stream.clinical.result import Place
from safety_stream.clinical.symptoms import symptomatic
from safety_stream.rulebook.criteria import Inputs, Verdict
from safety_stream.rulebook.dlt_rules import Clause, Composite
from safety_stream.rulebook.protocol import Clauses
from safety_stream.rulebook.written import parsed

_OF_THE_ONSET = timedelta(days=1)


class Together(NamedTuple):
    """A composite that holds, or may hold, and the marks that make it."""

    name: str
    composite: Composite
    marks: tuple[Mark, ...]
    sure: bool
    reasons: tuple[str, ...]


def marks_of(
    measured: Measured,
    place: Place,
    baseline: Baseline,
    page: str,
    clauses: Clauses,
    *,
    told: tuple[Mark, ...] = (),
    preliminary: bool = False,
) -> Iterator[Mark]:
    """Of the clauses on a page those that a result meets, may meet, or misses where that counts."""
    verdicts, times = _judged_by(measured.bare, tuple([clause.when for _, clause, _ in clauses]))
    for (name, clause, missed), of_limit in zip(clauses, verdicts, strict=True):
        verdict = of_limit
        if of_limit is not False and clause.times_raised_baseline is not None:
            over = over_raised(measured, baseline, clause.times_raised_baseline)
            verdict = of_limit if over is True else over
        if verdict is not False or missed == "always" or (missed != "never" and told and _met_last(name, clause, told)):
            compared = f"{_compared(clause, of_limit, verdict)}{of_baseline(measured, baseline)}"
            unit = f"{measured.ucum or ''}{PRELIMINARY if preliminary else ''}"
            words = f"{measured.analyte.name} {measured.text} {unit} {compared}".replace("  ", " ")
            answer = f"{name}/{clause.name}/{'no' if verdict is False else 'yes'}"
            yield Mark(
                answer, place[0], place[1], verdict is not None, words, measured.source, page, times, preliminary
            )


def _compared(clause: Clause, of_limit: Verdict, verdict: Verdict) -> str:
    """How the value compares: with the limit, or, where that is met, with the raised baseline."""
    if of_limit is False:
        return f"not {clause.when}"
    return f"{clause.when}, not > {clause.times_raised_baseline} x baseline" if verdict is False else clause.when


def _met_last(name: str, clause: Clause, told: tuple[Mark, ...]) -> bool:
    """Whether the last sample that was told of a clause met it, or may have."""
    answers = f"{name}/{clause.name}/"
    last = next((mark for mark in reversed(told) if mark.clause.startswith(answers)), None)
    return last is not None and last.clause.endswith("/yes")


@lru_cache(maxsize=16_384)
def _judged_by(bare: Measured, clauses: tuple[str, ...]) -> tuple[tuple[Verdict, ...], Decimal | None]:
    """What a quantity says to each clause, and which multiple of its ULN it is: once for all that say the same."""
    inputs = inputs_of(bare)
    return tuple(parsed(when).judge(inputs) for when in clauses), times_uln(inputs)


class Marks(NamedTuple):
    """The marks of a series that the header is told, and of each clause the last sample that bounds no run yet."""

    told: tuple[Mark, ...]
    aside: tuple[Mark, ...] = ()


def thinned(held: Marks, more: Iterator[Mark], by_runs: frozenset[str]) -> Marks:
    """The marks with some more: of a day's like answers in a row the first and the last are enough.

    Of a composite in ``by_runs`` only the samples next to a run bound it. A sample that misses the clause after another
    one did stands aside until a run begins, which it then bounds: so most samples change nothing that is told.
    """
    now, aside = list(held.told), list(held.aside)
    for mark in more:
        of_day = [at for at, one in enumerate(now) if _of_one_day(one, mark)]
        if len(of_day) < 2 or not _goes_on(mark, (*now, *aside)):
            _place(mark, now, aside, by_runs)
        elif mark.sure or not now[of_day[-1]].sure:
            now[of_day[-1]] = mark
    return Marks(tuple(now), tuple(aside))


def _goes_on(mark: Mark, held: tuple[Mark, ...]) -> bool:
    """Whether the sample before answered the clause alike."""
    clause = mark.clause.rpartition("/")[0] + "/"
    last = max((one for one in held if one.clause.startswith(clause)), key=lambda one: (one.latest, one.earliest))
    return last.clause == mark.clause


def _of_one_day(one: Mark, other: Mark) -> bool:
    return one.clause == other.clause and one.earliest.date() == other.earliest.date()


def _place(mark: Mark, now: list[Mark], aside: list[Mark], by_runs: frozenset[str]) -> None:
    """Where one more mark goes; what stood aside of its clause is told with a run, or gives way to it."""
    if mark.clause.partition("/")[0] not in by_runs:
        now.append(mark)
        return
    clause, _, answer = mark.clause.rpartition("/")
    waiting = [one for one in aside if one.clause == f"{clause}/no"]
    aside[:] = [one for one in aside if one not in waiting]
    if answer == "yes":
        now += (*waiting, mark)
    elif _bounded(f"{clause}/", mark, now):
        aside.append(mark)
    else:
        now.append(mark)


def _bounded(clause: str, missed: Mark, now: list[Mark]) -> bool:
    """Whether a sample that misses a clause comes surely after every run, and after another one that does."""
    ended = max((one.latest for one in now if one.clause == f"{clause}yes"), default=None)
    after = [one for one in (*now, missed) if one.clause == f"{clause}no" and (ended is None or one.earliest > ended)]
    return missed in after and len(after) > 1


def inputs_of(measured: Measured) -> Inputs:
    """A measured quantity as a criterion of a protocol is judged on it: in the analyte's own unit."""
    low, high = measured.limits_in_own
    return Inputs(measured.own, low, high, None, {}, measured.unit is not None)


def leading(made: Iterable[Together], frame: Frame) -> Together:
    """Of the ways in which a composite is made the first one that surely does, else the first that may.

    What lies wholly after the first treatment goes before what began, or ended, before it: an old raised value must
    not speak for a new case.
    """
    return min(made, key=lambda one: (not one.sure, _old(one, frame)))


def _old(one: Together, frame: Frame) -> int:
    """How much of it is of before the first treatment: none surely, not all of it, or all."""
    after = [frame.treated_before(mark.earliest, mark.latest) is True for mark in one.marks]
    return 0 if all(after) else 1 if any(after) else 2


def ways(
    name: str, composite: Composite, frame: Frame, marks: tuple[Mark, ...], told: tuple[ToldEvent, ...]
) -> Iterator[Together]:
    """Each time that the marks, and the events as reported, make a composite or may make it, in the order of onset."""
    if composite.symptoms:
        for felt in symptomatic(name, composite, marks, told, frame):
            yield Together(name, composite, felt.marks, not felt.reasons, felt.reasons)
    elif composite.lasting:
        for run in lasted(name, composite, marks):
            yield Together(name, composite, run.marks, not run.reasons, run.reasons)
    else:
        yield from _combinations(name, composite, marks)


def _combinations(name: str, composite: Composite, marks: tuple[Mark, ...]) -> Iterator[Together]:
    """The combination that each mark begins: an onset before the window must not hide the next one, inside it."""
    wanted = [f"{name}/{clause.name}/yes" for clause in composite.all_of]
    parts = [mark for mark in marks if mark.clause in wanted]
    if {mark.clause for mark in parts} != set(wanted):
        return
    for first in sorted(parts, key=lambda mark: (mark.earliest, mark.latest, mark.clause, mark.source)):
        combination = _begun(composite, wanted, parts, first)
        one = _judged(name, composite, combination, marks) if combination else None
        if one is not None:
            yield one


def _begun(composite: Composite, wanted: list[str], parts: list[Mark], first: Mark) -> tuple[Mark, ...] | None:
    """The combination that one mark begins: of every other clause the earliest mark within the span after it."""
    combination = [first]
    for clause in wanted:
        if clause == first.clause:
            continue
        near = [
            mark
            for mark in parts
            if mark.clause == clause
            and mark.earliest >= first.earliest
            and mark.earliest - first.latest <= composite.within.length
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
        nearest_of_it = answer_of(name, composite.unless, combination, marks, span)
        ruled_out = rules_out(nearest_of_it, combination)
        if ruled_out is True:
            return None
        if ruled_out is None:
            reasons.append(f"{composite.unless.name} could not be ruled out: {_why_open(nearest_of_it, combination)}")
    return Together(name, composite, combination, not reasons, tuple(reasons))


def answer_of(
    name: str, clause: Clause, combination: tuple[Mark, ...], marks: tuple[Mark, ...], span: timedelta
) -> Mark | None:
    """The result nearest to the onset that answers, within the span, whether the composite is ruled out."""
    onset = min(mark.earliest for mark in combination)
    return nearest_answer(f"{name}/{clause.name}/", marks, (onset, onset), span)


def rules_out(nearest: Mark | None, combination: tuple[Mark, ...]) -> bool | None:
    """Whether that result rules it out: initial findings are those of its onset (T14).

    One of more than a day before the onset, or of more than a day after all else was met, says nothing of them.
    """
    if nearest is None or not nearest.sure:
        return None
    if not nearest.clause.endswith("/yes"):
        return False
    return None if _before(nearest, combination) or _after(nearest, combination) else True


def _before(nearest: Mark, combination: tuple[Mark, ...]) -> bool:
    return min(mark.earliest for mark in combination) - nearest.latest > _OF_THE_ONSET


def _after(nearest: Mark, combination: tuple[Mark, ...]) -> bool:
    return nearest.earliest - max(mark.latest for mark in combination) > _OF_THE_ONSET


def _why_open(nearest: Mark | None, combination: tuple[Mark, ...]) -> str:
    if nearest is None or not nearest.sure:
        return "no result that answers it near the onset"
    side = "before" if _before(nearest, combination) else "after"
    return f"it was seen only {side} the onset ({nearest.words})"


def nearest_answer(clause: str, marks: tuple[Mark, ...], to: tuple[datetime, datetime], span: timedelta) -> Mark | None:
    """The result nearest to a time, within a span of it, that answers a clause; failing that one that may."""
    near = [mark for mark in marks if mark.clause.startswith(clause) and _between(mark, to) <= span]
    return min(near, key=lambda mark: (not mark.sure, _between(mark, to), mark.earliest, mark.source), default=None)


def _between(mark: Mark, to: tuple[datetime, datetime]) -> timedelta:
    return max(mark.earliest - to[1], to[0] - mark.latest, timedelta(0))


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
