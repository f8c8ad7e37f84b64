"""A time as it was told to us: an instant with its zone, or a date of which only part is known."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

_PARTIAL = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z", re.ASCII)
# No zone on earth is further than 12 hours behind UTC or 14 ahead of it: another offset is a slip, and moves the day.
_OFFSET = r"(Z|-(0\d|1[01]):?[0-5]\d|-12:?00|\+(0\d|1[0-3]):?[0-5]\d|\+14:?00)"
_TIME = rf"T\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?{_OFFSET}"
_INSTANT = re.compile(rf"^\d{{4}}-\d{{2}}-\d{{2}}{_TIME}\Z", re.ASCII)
PATTERN = rf"^\d{{4}}(-\d{{2}}(-\d{{2}}({_TIME})?)?)?$"
# Outside these years a date is a slip of the pen, and near the ends of the calendar no zone can be applied to it.
FIRST_YEAR, LAST_YEAR = 1900, 2199
_Day = TypeVar("_Day", bound=date)
_EXPECTED = "expected an instant with its zone (2026-03-04T07:30:00+08:00) or a date (2026-03-04, 2026-03, 2026)"


@lru_cache(maxsize=4096)  # the results of a visit share their instants
def instant(told: str) -> datetime:
    """An instant as RFC 3339 writes it, with its zone; anything looser, or far from our time, is a ``ValueError``."""
    if _INSTANT.match(told) is None:
        raise ValueError("not an instant with its zone, such as 2026-03-04T07:30:00+08:00")
    return in_our_time(datetime.fromisoformat(told))


def in_our_time(day: _Day) -> _Day:
    """The day or instant itself, when its year can be that of a clinical trial; else a ``ValueError``."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year {day.year:04} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def written(at: datetime, zone: tzinfo) -> str:
    """An instant as people read it: in a zone, with UTC beside it; seconds only where it has some."""
    form = "%Y-%m-%d %H:%M:%S" if at.second or at.microsecond else "%Y-%m-%d %H:%M"
    local, told = at.astimezone(zone), f"{at.astimezone(UTC):{form}} UTC"
    return f"{local:{form}} {local.isoformat()[-6:]} ({told})" if local.utcoffset() else told


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, no more exact than it was told.

    ``text`` is an ISO 8601 instant with a zone, or a date, a month or a year. A partial date is read in the
    zone of the study and stands for the whole interval it names: nothing is ever filled in.
    """

    text: str

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        partial = _PARTIAL.match(self.text)
        if partial:
            year, month, day = partial.groups()
            in_our_time(date(int(year), int(month or 1), int(day or 1)))
        else:
            instant(self.text)

    @property
    def is_instant(self) -> bool:
        """Whether the time of day is known."""
        return _PARTIAL.match(self.text) is None

    def earliest(self, zone: tzinfo) -> datetime:
        """The first instant it can mean, a partial date read in ``zone``."""
        return self.bounds(zone)[0]

    def latest(self, zone: tzinfo) -> datetime:
        """The last instant it can mean, a partial date read in ``zone``."""
        return self.bounds(zone)[1]

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """First and last instant it can mean, in UTC; equal for an instant."""
        return _bounds(self.text, zone)

    def dates(self, zone: tzinfo) -> tuple[date, date]:
        """First and last calendar date it can mean in ``zone``."""
        return _dates(self.text, zone)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(
            cls._read,
            core_schema.is_instance_schema(cls),
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "string",
            "description": "ISO 8601 instant with its zone, or a date, a month or a year when no more is known.",
            "examples": ["2026-03-04T07:30:00+08:00", "2026-03-04", "2026-03"],
            "pattern": PATTERN,
        }

    @classmethod
    def _read(cls, told: object) -> "Moment":
        if isinstance(told, Moment):
            return told
        if not isinstance(told, str):
            raise ValueError(f"a time must be text; {_EXPECTED}")
        try:
            return _moment(told)
        except ValueError as error:
            raise ValueError(f"{told!r} is not a time ({error}); {_EXPECTED}") from None


# The moment of one sample is asked about many times in one step, and the samples of one visit share it.
_moment = lru_cache(maxsize=4096)(Moment)


@lru_cache(maxsize=4096)
def _bounds(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    partial = _PARTIAL.match(text)
    if partial is None:
        known = datetime.fromisoformat(text).astimezone(UTC)
        return known, known
    first, last = _named(partial)
    start = datetime.combine(first, time.min, tzinfo=zone).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone).astimezone(UTC)
    return start, end - timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def _dates(text: str, zone: tzinfo) -> tuple[date, date]:
    partial = _PARTIAL.match(text)
    if partial is None:
        day = datetime.fromisoformat(text).astimezone(zone).date()
        return day, day
    return _named(partial)


def _named(partial: re.Match[str]) -> tuple[date, date]:
    """The first and last date that a partial date names."""
    year, month, day = partial.groups()
    first = date(int(year), int(month or 1), int(day or 1))
    if day:
        return first, first
    last_month = int(month or 12)
    return first, date(first.year, last_month, monthrange(first.year, last_month)[1])
