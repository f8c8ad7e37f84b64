"""The DLT rules about composites: met if one combination of samples that makes the composite began in the window.

    ALT     125           200                      above 3 x ULN on days -1 and 2
    BILI                           55              above 2 x ULN on day 4
         ----*-----|------*--------*-----------
            -1     0      2        4               with day -1 it began before the infusion, with day 2 after it

The combination that is told is the earliest that surely began in the window; failing that, the earliest that may have.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta, tzinfo
from functools import reduce

from safety_stream.clinical.composites import Together, all_marks, all_told, ways
from safety_stream.clinical.conclusion import GradeRange, finding_id
from safety_stream.clinical.dlt import dose_limiting
from safety_stream.clinical.dlt_match import Candidate, Match, better, matched, rules_for
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.fold import Digest, Mark
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.dlt_rules import DltRule


def dlts_of_composites(
    frame: Frame, digests: Mapping[str, Digest], book_version: str
) -> Iterator[DoseLimitingToxicity]:
    """The finding about each composite that meets a DLT rule, or may meet one."""
    marks, told = all_marks({page: digest.marks for page, digest in digests.items()}), all_told(digests)
    for name, composite in frame.version.composites.items():
        rules = rules_for(frame.version.dlt, composite.text, None, "measured", name)
        if rules:
            candidates = tuple(_candidate(one, frame) for one in ways(name, composite, frame, marks, told))
            found = dose_limiting(frame, (_earliest(frame, rule, candidates) for rule in rules), book_version)
            if found is not None:
                yield found


def _earliest(frame: Frame, rule: DltRule, candidates: tuple[Candidate, ...]) -> Match | None:
    """The earliest combination that surely meets a rule; failing that, the earliest that may."""
    return reduce(better, (matched(frame, rule, one) for one in candidates), None)


def _candidate(one: Together, frame: Frame) -> Candidate:
    """A combination in the form the rules ask for; its onset is the first of its samples."""
    return Candidate(
        about=finding_id(frame.study, frame.subject, "composite", one.name),
        key=f"composite|{one.name}",
        term=one.composite.text,
        soc=None,
        seen_as="measured",
        grade=GradeRange(lowest=0, highest=5),
        onset=_told_at(min(one.marks, key=lambda mark: (mark.earliest, mark.latest)), frame.zone),
        shortest=timedelta(0),
        longest=None,
        composite=one.name,
        inputs=tuple((mark.words, mark.source) for mark in one.marks),
        undecided=one.reasons,
    )


def _told_at(mark: Mark, zone: tzinfo) -> Moment:
    """When a sample was taken, no more exact than it was told: a sample of the infusion's day may come before it."""
    day = mark.earliest.astimezone(zone).date().isoformat()
    partial = (Moment(text) for text in (day, day[:7], day[:4]))
    told = (one for one in partial if one.bounds(zone) == (mark.earliest, mark.latest))
    return next(told, Moment(mark.earliest.isoformat()))
