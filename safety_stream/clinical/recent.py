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
from safety_stream.clinical.points import goes_on
from safety_stream.clinical.record import Recent, Series
from safety_stream.clinical.result import Order, Result
from safety_stream.clinical.series import Carried, all_findings, folded

STEPS = 6


def gone_on(held: Recent | None, page: Series, after: Series, step: Carried) -> Recent:
    """The last steps, after one more result in order took a page to the next."""
    if held is None or held.page is not page:
        return Recent(after, page.fold, (step,))
    return _cut(Recent(after, held.before, (*held.steps, step)))


def _cut(recent: Recent) -> Recent:
    """Only as many steps as are kept."""
    page, _, steps = recent
    past = len(steps) - STEPS
    return recent if past <= 0 else Recent(page, steps[past - 1].fold, steps[past:])


class Again(NamedTuple):
    """Some of the last steps as they were and as they are now; ``recent``: all of them now.

    ``results``: those of the page now.
    """

    was: Recent
    now: Recent
    recent: Recent
    results: tuple[Result, ...]


def refolded(recent: Recent, told: Result, held: Result | None, course: Course) -> Again | None:
    """As few of the last steps as one more result, or another version of one, changes; None: it reaches farther back.

    ``held``: what the record of the result held before.
    """
    page, before, steps = recent
    on_page = placed(page.results, told, course.order)
    if page.moved or not _leaves_half(page, on_page, course):
        return None
    for at in reversed(range(len(steps))):
        was = Recent(page, steps[at - 1].fold if at else before, steps[at:])
        if not _begins_point(was, course.zone) or not _lies_in(was, told, held, course.order):
            continue
        results = placed(tuple([one.result for one in was.steps]), told, course.order)
        if not _goes_on(was.before, results, course.zone):
            now = tuple(folded(results, course, was.before))
            recent = _cut(Recent(page, before, (*steps[:at], *now)))
            return Again(was, Recent(page, was.before, now), recent, on_page)
    return None


def _begins_point(was: Recent, zone: tzinfo) -> bool:
    """Whether the steps begin where a time point does: the fold between two of one point says nothing of the first."""
    return not _goes_on(was.before, [one.result for one in was.steps], zone)


def _leaves_half(page: Series, results: tuple[Result, ...], course: Course) -> bool:
    """Whether the half at which a full page is cut ends where it did, with the same results; ``results``: those now."""
    if not page.cut:
        return len(page.results) < shelf.HALF
    same = results[: page.cut] == page.results[: page.cut]
    return same and shelf.cut_of(results, course.analyte, course.zone) == page.cut


def _lies_in(was: Recent, told: Result, held: Result | None, order: Order) -> bool:
    """Whether a result, and the version before it, come after the fold before."""
    if was.before.last is not None and order(told) <= was.before.last:
        return False
    return held is None or any(one.result.record == told.record for one in was.steps)


def _goes_on(before: Fold, results: Iterable[Result], zone: tzinfo) -> bool:
    """Whether the first of the results that stand belongs to the time point that ended before."""
    first = next((one for one in results if one.stands), None)
    return first is not None and goes_on(first, before.last, before.point, zone)


def found_again(again: Again, course: Course) -> tuple[dict[str, AnyFinding], frozenset[str]]:
    """What follows from these steps as they are now, and the ids of all that may differ from what followed before."""
    before = all_findings(again.was.fold, (one.touched for one in again.was.steps), course)
    found = all_findings(again.now.fold, (one.touched for one in again.now.steps), course)
    return found, frozenset({*before, *found})
