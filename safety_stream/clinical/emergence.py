"""Whether a reported event is treatment-emergent, and since when: by its onset, or by the course of its grade (T12).

                 first treatment
grade 1  |------------|--------|                      began before it: not emergent,
grade 3               |        |=====>                until it rose above its worst grade before it

Without a course, a grade above all told before that is told after treatment began may have come then: not known.
"""

from typing import NamedTuple

from safety_stream.clinical.events import AdverseEvent
from safety_stream.clinical.facts import ReportFact
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.seriousness import is_fatal


class Emergence(NamedTuple):
    """Whether an event is treatment-emergent (T12), and since when it is, or may be, what it is counted for."""

    emergent: bool | None
    since: Moment | None


def emergence(fact: ReportFact, frame: Frame) -> Emergence:
    """It began after the first treatment, or by its course rose above its worst grade before it."""
    event = fact.event
    if event.onset is None:
        return Emergence(None if frame.start else False, None)
    after = frame.treated_before(*event.onset.bounds(frame.zone))
    if after is False and not event.grade_course and _raised_since(fact, frame):
        return Emergence(None, None)
    if after is True or not event.grade_course:
        return Emergence(after, event.onset)
    return _by_course(event, after, frame)


def _raised_since(fact: ReportFact, frame: Frame) -> bool:
    """Whether its grade now was first told after treatment began, and all that was told before it was lower."""
    told = [(frame.treated_before(at, at), grade) for at, grade in fact.rose]
    before = max((grade for when, grade in told if when is False), default=told[0][1] if told else 0)
    now = 5 if is_fatal(fact.event) else fact.event.grade or 5
    return now > before and any(grade > before for when, grade in told if when is not False)


def _by_course(event: AdverseEvent, after: bool | None, frame: Frame) -> Emergence:
    told = [(frame.treated_before(*one.since.bounds(frame.zone)), one) for one in event.grade_course]
    surely = max((one.grade for when, one in told if when is False), default=0)
    perhaps = max((one.grade for when, one in told if when is not True), default=0)
    for level, verdict in ((perhaps, True), (surely, None)):
        above = [one.since for when, one in told if when is not False and one.grade > level]
        if above:
            since = min(above, key=lambda one: one.bounds(frame.zone))
            return Emergence(verdict if after is False else None, since)
    return Emergence(after, event.onset)
