"""One graded result on its way into an episode, and grades as episodes compare them."""

from functools import cache
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.fold import Seen
from safety_stream.clinical.grading import Graded
from safety_stream.clinical.moment import Moment

Period = Literal["before", "unclear", "after"]


class Sample(NamedTuple):
    """One result graded by one rule. ``alerting`` is the grade that counts while the range is not decided (G6).

    ``expected``: up to which grade the protocol expects it.
    """

    moment: Moment
    grade: GradeRange
    alerting: int
    period: Period
    provisional: bool
    seen: Seen
    graded: Graded
    expected: int = 0


@cache
def grades(lowest: int, highest: int) -> GradeRange:
    """A grade range; the same one every time."""
    return GradeRange(lowest=lowest, highest=highest)


def worse_of(held: GradeRange | None, more: GradeRange) -> GradeRange:
    """The worse of two grades, as far as either is known; None: there was none before."""
    return more if held is None else grades(max(held.lowest, more.lowest), max(held.highest, more.highest))
