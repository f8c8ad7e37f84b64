"""How long one clause of a composite held: over the unbroken samples of one analyte, known and possible.

    x ULN     1     6     7     6     2          above 5: from the 2nd to the 4th sample for certain,
              o     *-----*-----*     o          from the 1st to the 5th at most

While the run goes on, no more is counted than its samples tell: a sample that is still to come proves nothing, and
one sample alone is no run.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

from safety_stream.clinical.fold import Mark
from safety_stream.rulebook.dlt_rules import Composite
from safety_stream.rulebook.spans import Lasting


class Lasted(NamedTuple):
    """A run that lasted long enough, or may have: its first and last sample, and what is not known."""

    marks: tuple[Mark, ...]
    reasons: tuple[str, ...]


class Run(NamedTuple):
    """Samples of one analyte in a row that meet a clause, or may, and the samples before and after them."""

    marks: tuple[Mark, ...]
    before: Mark | None
    after: Mark | None


def lasted(name: str, composite: Composite, marks: tuple[Mark, ...]) -> Iterator[Lasted]:
    """The runs that surely lasted, or may have."""
    limit = composite.lasting
    assert limit is not None  # noqa: S101  # the caller's condition
    for run in runs(f"{name}/{composite.all_of[0].name}/", marks):
        one = _judged(run, limit)
        if one is not None:
            yield one


def runs(prefix: str, marks: tuple[Mark, ...]) -> Iterator[Run]:
    """The runs of a clause, by analyte and time."""
    told = [mark for mark in marks if mark.clause.startswith(prefix)]
    for _, of_page in groupby(sorted(told, key=_place), key=lambda mark: mark.page):
        before, run = None, list[Mark]()
        for mark in of_page:
            if mark.clause.endswith("/yes"):
                run.append(mark)
                continue
            if run:
                yield Run(tuple(run), before, mark)
            before, run = mark, []
        if run:
            yield Run(tuple(run), before, None)


def _place(mark: Mark) -> tuple[object, ...]:
    return mark.page, mark.earliest, mark.latest, mark.clause, mark.source


def _judged(run: Run, limit: Lasting) -> Lasted | None:
    """Whether a run lasted: by the first samples that prove it, so that later ones do not change what was told."""
    for sure, stretch in groupby(run.marks, key=lambda mark: mark.sure):
        known = tuple(stretch) if sure else ()
        for mark in known:
            if limit.holds(max(mark.earliest - known[0].latest, timedelta(0))):
                return Lasted((known[0], mark), ())
    first, last = run.marks[0], run.marks[-1]
    longest = (run.after or last).latest - (run.before or first).earliest
    if first is last or not limit.holds(longest):
        return None
    ends = f"known from {first.earliest.isoformat()} to {last.latest.isoformat()} only"
    return Lasted(
        (first, last) if last != first else (first,), (f"T4: {ends}; between the samples it may have lasted",)
    )
