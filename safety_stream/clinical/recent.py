"""The last steps of a series, kept in memory: a result that comes a little late folds only these anew.

    page    r41 r42 ... r60 | r61 r62 r64        r63 comes: three results are folded anew with it, not twenty
                            ^ before

A panel comes test by test and a tracing measure by measure: of two results that are judged together the second is late
by a place or two. Never stored: without it the open page is folded anew from its base, and comes to the same.
"""

from collections.abc import Iterable
from datetime import tzinfo
from typing import NamedTuple

from safety_stream.clinical import shelf
from safety_stream.clinical.course import Course
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.fold import Fold
from safety_stream.clinical.memory import placed
from safety_stream.clinical.record import Series
from safety_stream.clinical.result import Result
from safety_stream.clinical.series import Carried, all_findings, folded

STEPS = 6


class Recent(NamedTuple):
    """The last steps of a page, and the fold before them; ``page``: the very object that they led to."""

    page: Series
    before: Fold
    steps: tuple[Carried, ...]

    @property
    def fold(self) -> Fold:
        """The fold after the last of them."""
        return self.steps[-1].fold if self.steps else self.before


def gone_on(held: Recent | None, page: Series, after: Series, step: Carried) -> Recent:
    """The last steps, after one more result in order took a page to the next."""
    if held is None or held.page is not page:
        return Recent(after, page.fold, (step,))
    return _cut(Recent(after, held.before, (*held.steps, step)))


def _cut(recent: Recent) -> Recent:
    """Only as many steps as are kept, from where a time point begins."""
    page, before, steps = recent
    while len(steps) > STEPS or (steps and _goes_on(before, steps)):
        before, steps = steps[0].fold, steps[1:]
    return recent if steps is recent.steps else Recent(page, before, steps)


def _goes_on(before: Fold, steps: Iterable[Carried]) -> bool:
    """Whether the first step is of the time point that ended before."""
    first = next(iter(steps), None)
    return first is not None and before.point != "" and first.fold.point == before.point


def refolded(recent: Recent, told: Result, held: Result | None, course: Course) -> Recent | None:
    """The last steps with one more result, or another version of one; None: it reaches farther back than they do.

    ``held``: what the record of the result held before.
    """
    if not _lies_in(recent, told, held, course.zone):
        return None
    results = placed(tuple(one.result for one in recent.steps), told, course.zone)
    steps = folded(results, course, recent.before)
    return None if _goes_on(recent.before, steps) else Recent(recent.page, recent.before, tuple(steps))


def _lies_in(recent: Recent, told: Result, held: Result | None, zone: tzinfo) -> bool:
    """Whether a result, and the version before it, lie after the fold before, and the half of a full page does not."""
    page, before, steps = recent
    if page.moved or (before.last is not None and told.place(zone) <= before.last):
        return False
    records = {one.result.record for one in steps}
    if held is not None and told.record not in records:
        return False
    if not page.cut:
        return len(page.results) < shelf.HALF
    return records <= {one.record for one in page.results[page.cut :]}


def found_again(was: Recent, now: Recent, course: Course) -> tuple[dict[str, AnyFinding], frozenset[str]]:
    """What follows from the last steps as they are now, and the ids of all that differs from what followed before."""
    before = all_findings(was.fold, (one.touched for one in was.steps), course)
    found = all_findings(now.fold, (one.touched for one in now.steps), course)
    return found, frozenset({*before, *found})
