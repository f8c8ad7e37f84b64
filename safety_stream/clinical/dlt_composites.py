"""The DLT rules about composites: met if one combination of samples that makes the composite began in the window.

    ALT     125           200                      above 3 x ULN on days -1 and 2
    BILI                           55              above 2 x ULN on day 4
         ----*-----|------*--------*-----------
            -1     0      2        4               with day -1 it began before the infusion, with day 2 after it

The combination that is told is the earliest that surely began in the window; failing that, the earliest that may have.
A refutation covers the case that was there to be judged (T5): while every clause is met sample after sample, it is the
same case. After a sample that misses one, or a time without samples that is longer than the protocol's span, the
composite is made anew, and the first combination of the new case is the one to be judged.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from safety_stream.clinical.composite_cases import case_id, cases
from safety_stream.clinical.composites import Together, all_marks, all_told
from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.dlt import dose_limiting
from safety_stream.clinical.dlt_candidate import Candidate
from safety_stream.clinical.dlt_match import matched, rules_for
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.fold import Digest, Mark
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.lasting import runs
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import Composite

_ANY_GRADE = 5
Stretch = tuple[Mark, ...]


def dlts_of_composites(
    frame: Frame, digests: Mapping[str, Digest], book_version: str
) -> Iterator[DoseLimitingToxicity]:
    """The finding about each composite that meets a DLT rule, or may meet one."""
    marks, told = all_marks({page: digest.marks for page, digest in digests.items()}), all_told(digests)
    for name, composite in frame.version.composites.items():
        rules = rules_for(frame.version.dlt, composite.text, None, "measured", name)
        made = cases(name, frame, marks, told) if rules else ()
        if made:
            held = tuple(_stretches(name, composite, marks))
            candidates = tuple(_candidate(one, case.number, frame, held) for case in made for one in case.made)
            times = (matched(frame, rule, one) for rule in rules for one in candidates)
            found = dose_limiting(frame, times, book_version)
            if found is not None:
                yield found


def _candidate(one: Together, case: int, frame: Frame, held: tuple[Stretch, ...]) -> Candidate:
    """A combination in the form the rules ask for; its onset is the first of its samples."""
    return Candidate(
        about=case_id(frame, one.name, case),
        key=f"composite|{one.name}",
        term=one.composite.text,
        soc=None,
        seen_as="measured",
        grade=GradeRange(lowest=0, highest=_ANY_GRADE),
        onset=_told_at(min(one.marks, key=lambda mark: (mark.earliest, mark.latest)), frame.zone),
        shortest=timedelta(0),
        longest=None,
        composite=one.name,
        inputs=tuple((mark.words, mark.source) for mark in one.marks),
        undecided=one.reasons,
        rose=((max(_met_since(mark, held) for mark in one.marks), _ANY_GRADE),),
        span=_case(one.marks, held) if frame.adjudicated else None,  # only decisions ask
    )


def _told_at(mark: Mark, zone: tzinfo) -> Moment:
    """When a sample was taken, no more exact than it was told: a sample of the infusion's day may come before it."""
    day = mark.earliest.astimezone(zone).date().isoformat()
    partial = (Moment(text) for text in (day, day[:7], day[:4]))
    told = (one for one in partial if one.bounds(zone) == (mark.earliest, mark.latest))
    return next(told, Moment(mark.earliest.isoformat()))


def _stretches(name: str, composite: Composite, marks: tuple[Mark, ...]) -> Iterator[Stretch]:
    """The samples of one analyte that meet a clause without a break; a long time without a sample is one."""
    if composite.lasting or composite.symptoms:  # made once a run, by the sample or the symptom that completes it
        return
    for clause in composite.all_of:
        for run in runs(f"{name}/{clause.name}/", marks):
            stretch = run.marks[:1]
            for before, mark in pairwise(run.marks):
                if mark.earliest - before.latest > composite.within.length:
                    yield stretch
                    stretch = ()
                stretch += (mark,)
            yield stretch


def _case(marks: Stretch, held: tuple[Stretch, ...]) -> tuple[datetime, datetime]:
    """From when to when the case runs: every sample that meets a clause without a break from those that make it."""
    every = [*marks, *(one for mark in marks for stretch in _holding(mark, held) for one in stretch)]
    return min(one.earliest for one in every), max(one.latest for one in every)


def _holding(mark: Mark, held: tuple[Stretch, ...]) -> Iterator[Stretch]:
    for stretch in held:
        if stretch[0].clause == mark.clause and stretch[0].earliest <= mark.earliest <= stretch[-1].latest:
            yield stretch


def _met_since(mark: Mark, held: tuple[Stretch, ...]) -> datetime:
    """Since when the clause that a sample meets has surely been met without a break, by any of its analytes."""
    since = [one.latest for stretch in _holding(mark, held) for one in stretch if one.sure]
    return min(since, default=mark.latest)
