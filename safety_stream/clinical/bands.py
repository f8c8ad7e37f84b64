"""What the protocol expects of a term: bands of days, each up to a grade."""

from collections.abc import Iterator

from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.protocol import Expected


def expected_up_to(frame: Frame, term: str, moment: Moment) -> int:
    """Up to which grade the protocol expects a term at some time; 0: not at all, or its day is not known."""
    return max((band.up_to_grade for band in _around(frame, term, moment)), default=0)


def beyond(frame: Frame, term: str, moment: Moment) -> tuple[int | None, int | None]:
    """Why what is not expected is not: the grade that is expected then, or the last day on which any was."""
    grade = expected_up_to(frame, term, moment)
    if grade:
        return grade, None
    day = frame.day_from_plan(moment)
    over = [band.to_day for band in frame.version.expected if band.term == term and day is not None]
    return None, max((to_day for to_day in over if day is not None and to_day < day), default=None)


def _around(frame: Frame, term: str, moment: Moment) -> Iterator[Expected]:
    bands = [band for band in frame.version.expected if band.term == term]
    day = frame.day_from_plan(moment) if bands else None
    if day is not None:
        yield from (band for band in bands if band.from_day <= day <= band.to_day)
