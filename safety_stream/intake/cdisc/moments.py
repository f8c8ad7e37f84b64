"""SDTM dates and times (ISO 8601, no zone, any part missing) to moments: never more exact than they were told."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from safety_stream.clinical.moment import Moment

_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
_ZONED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
# 2014-01-16T13 (hour only), 2014-01-16T-:17, 2014---16 (month unknown): the date down to its last known part.
_WITH_HOLES = re.compile(r"(?P<known>\d{4}(-\d{2}(-\d{2})?)?)(T[\d:-]*|--[\d:T-]*)")


@lru_cache(maxsize=65_536)
def moment(told: str, zone: ZoneInfo) -> tuple[Moment | None, str | None]:
    """The moment that ``told`` names, a time without a zone read in ``zone``; and what was expected, if not clean.

    A blank is no moment and no complaint. With parts missing in the middle, the known beginning is kept.
    """
    if not told:
        return None, None
    try:
        if _LOCAL.fullmatch(told):
            return _local(told, zone)
        if _ZONED.fullmatch(told) or _DATE.fullmatch(told):
            return Moment(told), None
        holes = _WITH_HOLES.fullmatch(told)
        if holes:
            known = holes["known"]
            return Moment(known), f"a complete date or time; only {known} is taken"
    except ValueError as error:
        return None, f"a date or time of the calendar ({error})"
    return None, "a date or time as YYYY-MM-DDThh:mm, from the left as far as it is known"


def _local(told: str, zone: ZoneInfo) -> tuple[Moment, str | None]:
    """A wall-clock time with the zone's offset of that day; the hour that the clock repeats or skips is told."""
    local = datetime.fromisoformat(told).replace(tzinfo=zone)
    taken = Moment(told + local.isoformat()[-6:])
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return taken, f"a time that the clocks in {zone.key} showed: that hour was skipped"
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        return taken, f"a time that the clocks in {zone.key} showed once; the first of the two is taken"
    return taken, None


@lru_cache(maxsize=65_536)
def at_the_latest(known: Moment, zone: ZoneInfo) -> datetime:
    """The last second that the moment can mean, in the study's zone."""
    return known.latest(zone).replace(microsecond=0).astimezone(zone)


def at_the_earliest(known: Moment, zone: ZoneInfo) -> datetime:
    """The first instant that the moment can mean, in the study's zone."""
    return known.earliest(zone).astimezone(zone)
