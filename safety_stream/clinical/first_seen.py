"""A grade is dated by the first sample that shows it, and may have begun since the sample before it.

    window  ....................... day 42 |
    sample       o day 30                  |   * day 43          onset by its first sample: outside
                     [ visit day 35 ]                            owed and not there: it may have begun inside (T45)

Between samples that lie no farther apart than the protocol asks for, the first one that shows it is taken as its onset.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from safety_stream.clinical.dlt_candidate import Candidate
from safety_stream.clinical.dlt_windows import InWindow, reached
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.observed import days_of, schedule_of
from safety_stream.rulebook.dlt_rules import Window


class Unseen(NamedTuple):
    """The windows in which a grade may have begun unseen, and the last visit in them that had no result of it."""

    window: InWindow
    visit: str
    first: date
    last: date


def begun_unseen(frame: Frame, candidate: Candidate, window: Window) -> Unseen | None:
    """Whether a measured grade that was first seen after the windows may have begun in one of them."""
    schedule, since, began = schedule_of(frame), candidate.seen_before, candidate.began
    if candidate.analyte is None or candidate.outlasts is not None or schedule is None or began is None:
        return None
    found = reached(frame, since or frame.infusions[0].given, began.latest(frame.zone), window)
    if found.last is None:
        return None
    seen, shown = since.dates(frame.zone)[1] if since else date.min, began.dates(frame.zone)[0]
    for visit in reversed(schedule.visits_of.get(candidate.analyte, ())):
        days = days_of(visit, frame)
        if seen < days.first and days.last < shown and days.last <= found.last:
            return Unseen(found, visit.name, *days)
    return None


def why_unseen(frame: Frame, candidate: Candidate, window: Window) -> Iterator[str]:
    """Why a grade that was first seen after the windows may have begun in one, in words."""
    if (unseen := begun_unseen(frame, candidate, window)) is not None:
        since = f"since {candidate.seen_before}" if candidate.seen_before else "before it"
        yield (
            f"T45: first seen after the window; no sample surely below that grade {since}, though one was owed from "
            f"{unseen.first} to {unseen.last} (visit {unseen.visit}): it may have begun inside"
        )


def unseen_before_lymphodepletion(candidate: Candidate) -> Iterator[str]:
    """That nobody knows whether a measured grade was there before the lymphodepletion already (T4)."""
    if candidate.analyte is not None and candidate.seen_before is None:
        yield "T4: no count surely below that grade is on file before it: it may be older than the lymphodepletion"
