"""A measurement together with symptoms: events as reported, or measured signs, at the time of a run of samples.

    x ULN       1    4    5    4    1            above 3: for certain from the first to the last such sample,
                o    *----*----*    o            at most from the sample before to the one after
    nausea          [=====]                      overlaps for certain
    rash                          [==            may overlap: between the last sample above and the next

An event that began before the first study treatment is no appearance of a symptom. Dates that are not known, or known
in part, leave it possible.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from safety_stream.clinical.fold import Mark, ToldEvent
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.lasting import Run, runs
from safety_stream.rulebook.dlt_rules import Composite, Symptoms
from safety_stream.rulebook.suggesting import folded_term

_EVER_BEFORE, _EVER_AFTER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Felt(NamedTuple):
    """A measurement with a symptom: the marks that show it, and what is not known."""

    marks: tuple[Mark, ...]
    reasons: tuple[str, ...]


class Span(NamedTuple):
    """A length of time of which each end lies between two instants."""

    begins: tuple[datetime, datetime]
    ends: tuple[datetime, datetime]


class Symptom(NamedTuple):
    """One event or sign: when it was, in words, and whether it surely appeared after treatment."""

    span: Span
    words: str
    source: str
    sure: bool


def symptomatic(
    name: str, composite: Composite, marks: tuple[Mark, ...], told: tuple[ToldEvent, ...], frame: Frame
) -> Iterator[Felt]:
    """The symptoms that surely came with a run of the measurement, or may have."""
    asked = composite.symptoms
    assert asked is not None  # noqa: S101  # the caller's condition
    symptoms = sorted((*_reported(asked, told, frame), *_measured(name, asked, marks, frame)))
    for run in sorted(runs(f"{name}/{composite.all_of[0].name}/", marks), key=lambda one: one.marks[0]):
        for symptom in symptoms:
            one = _felt(f"{name}/{asked.name}/yes", run, symptom, composite.within.length)
            if one is not None:
                yield one


def _reported(asked: Symptoms, told: tuple[ToldEvent, ...], frame: Frame) -> Iterator[Symptom]:
    names = {folded_term(term) for term in asked.terms}
    for event in told:
        if folded_term(event.term) not in names:
            continue
        span = _span(event, frame)
        after = None if event.onset is None else frame.treated_before(*span.begins)
        if after is not False:
            when = f"onset {event.onset or 'not told'}, {_end(event)}"
            yield Symptom(span, f"{event.term} as reported, {when}", event.source, after is True)


def _span(event: ToldEvent, frame: Frame) -> Span:
    begins = event.onset.bounds(frame.zone) if event.onset else (_EVER_BEFORE, event.reported_at)
    if event.resolved is not None:
        return Span(begins, event.resolved.bounds(frame.zone))
    return Span(begins, (_EVER_AFTER if event.ongoing else begins[0], _EVER_AFTER))


def _end(event: ToldEvent) -> str:
    if event.resolved is not None:
        return f"resolved {event.resolved}"
    return "not told to be over" if event.ongoing else "its end not told"


def _measured(name: str, asked: Symptoms, marks: tuple[Mark, ...], frame: Frame) -> Iterator[Symptom]:
    clauses = {f"{name}/{clause.name}/yes" for clause in asked.or_measured}
    for mark in marks:
        after = frame.treated_before(mark.earliest, mark.latest) if mark.clause in clauses else False
        if after is not False:
            when = mark.earliest, mark.latest
            yield Symptom(Span(when, when), mark.words, mark.source, mark.sure and after is True)


def _felt(clause: str, run: Run, symptom: Symptom, within: timedelta) -> Felt | None:
    first, last = run.marks[0], run.marks[-1]
    begins = run.before.earliest if run.before else first.earliest - within
    ends = run.after.latest if run.after else last.latest + within
    if symptom.span.begins[0] > ends or begins > symptom.span.ends[1]:
        return None
    sure = _overlaps(run, symptom)
    seen = max(symptom.span.begins[0], first.earliest), max(symptom.span.begins[1], first.latest)
    shown = Mark(clause, *seen, sure, symptom.words, symptom.source)
    return Felt((first, shown), () if sure else (f"T43: that it came at the same time is not known: {symptom.words}",))


def _overlaps(run: Run, symptom: Symptom) -> bool:
    """Whether the symptom was surely there between samples that surely meet the figure, or at one of them."""
    sure = [mark for mark in run.marks if mark.sure]
    if not symptom.sure or len(sure) < len(run.marks):
        return symptom.sure and any(_meets(mark, mark, symptom.span) for mark in sure)
    return _meets(sure[0], sure[-1], symptom.span)


def _meets(first: Mark, last: Mark, span: Span) -> bool:
    return span.begins[1] <= last.earliest and first.latest <= span.ends[0]
