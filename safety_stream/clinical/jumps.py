"""Jumps: a rise of two grades or more from one result of an analyte to the next.

    grade 3                       *
    grade 2         *         *
    grade 1     *                         no jump from 0 to 1, from 1 to 2, from 2 to 3, or while it falls
    normal   o         o   o
                           [jump]

A result that cannot be graded for certain is counted against the jump: high before it, low after it. So nobody is
woken by a grade that a missing limit of normal alone makes possible; the missing limit is a question of its own.
"""

from typing import Final

from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.findings_measured import GradeJump
from safety_stream.clinical.fold import Seen

LEAST: Final = 2
"""Grades: the specification of alerts, ``grade_jump``."""


def risen(recent: tuple[Seen, ...], now: Seen) -> tuple[Seen, Seen] | None:
    """The last result and this one, if the grade surely jumped between them."""
    if not recent or now.grade.lowest - recent[-1].grade.highest < LEAST:
        return None
    return recent[-1], now


def steepest(held: tuple[Seen, Seen] | None, now: tuple[Seen, Seen] | None) -> tuple[Seen, Seen] | None:
    """The jump to the higher grade, then the one over more grades; of equal ones the first."""
    if held is None or now is None:
        return held or now
    return now if _height(now) > _height(held) else held


def jump_of(rise: tuple[Seen, Seen] | None) -> GradeJump | None:
    """The jump as it is told."""
    if rise is None:
        return None
    before, after = rise
    return GradeJump(
        before=before.grade.highest,
        after=after.grade.lowest,
        before_observed=before.observed_at,
        after_observed=after.observed_at,
        record=record_of(after.source),
    )


def _height(rise: tuple[Seen, Seen]) -> tuple[int, int]:
    return rise[1].grade.lowest, rise[1].grade.lowest - rise[0].grade.highest
