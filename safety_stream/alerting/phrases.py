"""How an alert says a grade, a time and a quantity, the same everywhere. Pure."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.moment import Moment, written

GONE: Final = "the data no longer support it"
UNKNOWN: Final = "not known"
_INSTANT: Final = re.compile(
    r"(?<![^\s(])\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})(?![^\s,;:.)])"
)


def grade_words(grade: GradeRange) -> str:
    """ "4", or "3 or 4 (not decided)" where something is missing."""
    return str(grade.lowest) if grade.decided else f"{grade.lowest} to {grade.highest} (not decided)"


def hours_up(span: timedelta) -> int:
    """Hours, a begun one as a whole one."""
    return -(-span // timedelta(hours=1))


def instant(moment: datetime, zone: tzinfo = UTC) -> str:
    """An instant to the minute, in the reader's zone with UTC beside it."""
    return written(moment.replace(second=0, microsecond=0), zone)


def when(moment: Moment) -> str:
    """A time as told, in its own zone, with UTC beside it; a partial date stays partial."""
    if not moment.is_instant:
        return f"{moment} (time of day not told)"
    told = datetime.fromisoformat(moment.text)
    if not told.utcoffset():
        return instant(told)
    return f"{when_told(moment)} ({instant(told)})"


def readable(text: str) -> str:
    """A text with each instant that stands by itself told as everywhere; inside the name of a record it stays."""
    return _INSTANT.sub(_read, text)


def _read(found: re.Match[str]) -> str:
    told = datetime.fromisoformat(found[0])
    return written(told, told.tzinfo or UTC)


def _offset(moment: Moment) -> str:
    return datetime.fromisoformat(moment.text).isoformat()[-6:]


def when_told(moment: Moment) -> str:
    """A time as told, in its own zone alone, for tables."""
    return (
        f"{datetime.fromisoformat(moment.text):%Y-%m-%d %H:%M} {_offset(moment)}" if moment.is_instant else str(moment)
    )


_EVENTS: Final = {
    "lab_result": "laboratory result",
    "vital_sign": "vital sign",
    "adverse_event": "adverse-event report",
    "dose_given": "dose given",
    "dose_planned": "dose planned",
    "fact_recorded": "recorded fact",
    "adjudicated": "decision",
    "screened": "screening",
    "enrolled": "enrolment",
    "withdrawn": "withdrawal of the subject",
    "completed": "completion of the study",
    "acknowledged": "answer",
    "the clock": "time has passed",
}


def event_words(because: str) -> str:
    """The event that brought a change about, in words: its kind, its record and version."""
    kind, _, record = ("the clock", "", "") if because == "the clock" else because.partition(" ")
    return f"{_EVENTS.get(kind, kind)} {record}".strip()


def quantity(value: str | None, unit: str | None) -> str:
    """A value beside its unit."""
    return f"{value if value is not None else UNKNOWN}{f' {unit}' if unit else ''}"
