"""When the check before an infusion must be answered: from the day before the infusion, until its day is over.

        -5 d                    -1 d              day of the infusion   end of the day
    -----|-----------------------|-------------------------|------------------|------>
         results count           wanted: what is missing is told              over, unless it was given before

Time alone begins it, so that a check for which nothing came at all is not silent.
"""

from datetime import date, datetime, timedelta

from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment


def checks_due(frame: Frame, as_of: datetime) -> tuple[dict[int, date], list[datetime]]:
    """The infusions whose check is wanted now, each with its day; and the later instants at which that changes."""
    wanted: dict[int, date] = {}
    ahead: list[datetime] = []
    gone = frame.withdrawn is not None or frame.died is not None
    if frame.version.eligibility is None or frame.enrolled is None or gone:
        return wanted, ahead
    for one in frame.upcoming:
        if one.given:
            continue
        since = Moment((one.day - timedelta(days=1)).isoformat()).earliest(frame.zone)
        until = Moment((one.day + timedelta(days=1)).isoformat()).earliest(frame.zone)
        if since <= as_of < until:
            wanted[one.number] = one.day
        ahead += [instant for instant in (since, until) if instant > as_of]
    return wanted, ahead
