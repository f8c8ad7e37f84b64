"""When the check before an infusion must be answered: from the day before the infusion, until it was given.

        -5 d                    -1 d              day of the infusion   end of the day
    -----|-----------------------|-------------------------|------------------|------------------>
         results count           wanted: what is missing is told              lapsed: held all the same

Time alone begins it, so that a check for which nothing came at all is not silent. When the day passes and the infusion
was neither given nor moved, the check is as open as before: silence must not read as a go. Whoever left, completed
the study or died is asked for nothing.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from safety_stream.clinical.completing import completed
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment


class Wanted(NamedTuple):
    """One check that must be answered: the day of its infusion, and whether that has passed."""

    day: date
    lapsed: bool


def checks_due(
    frame: Frame, facts: Mapping[str, HeaderFact], as_of: datetime
) -> tuple[dict[int, Wanted], list[datetime]]:
    """The infusions whose check is wanted now, each with its day; and the later instants at which that changes."""
    wanted: dict[int, Wanted] = {}
    ahead: list[datetime] = []
    gone = frame.withdrawn is not None or frame.died is not None or any(completed(frame, facts))
    if frame.version.eligibility is None or frame.enrolled is None or gone:
        return wanted, ahead
    for one in frame.upcoming:
        if one.given:
            continue
        since = Moment((one.day - timedelta(days=1)).isoformat()).earliest(frame.zone)
        until = Moment((one.day + timedelta(days=1)).isoformat()).earliest(frame.zone)
        if since <= as_of:
            wanted[one.number] = Wanted(one.day, lapsed=as_of >= until)
        ahead += [instant for instant in (since, until) if instant > as_of]
    return wanted, ahead
