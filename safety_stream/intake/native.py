"""Our own JSON: one event of ``clinical.events``, or a list of them. Types are taken strictly, no name twice.

The common case is fast: pydantic reads the bytes once. JSON allows names given twice, and readers disagree on which one
counts: a count of the names shows that there is none, or one more pass looks for it. Only what fails is examined with
care (``diagnosis``).
"""

import json
import re
from typing import Annotated

import orjson
from pydantic import FailFast, TypeAdapter

from safety_stream.clinical.events import ANY_EVENT, AnyEvent, ClockTicked, Event, Measurement
from safety_stream.intake.diagnosis import diagnose
from safety_stream.intake.rejected import Rejected

CONTENT_TYPES: tuple[str, ...] = ("application/json", "application/vnd.safety-stream+json")
_MANY: TypeAdapter[list[AnyEvent]] = TypeAdapter(Annotated[list[AnyEvent], FailFast()])
_AFTER_A_NAME = re.compile(rb'"\s*:')  # after every name; in a text perhaps, and then the careful way is taken
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read(payload: bytes) -> tuple[AnyEvent | Rejected, ...]:
    """The event of one object, or each event of a list; never raises."""
    text = payload.removeprefix(_BYTE_ORDER_MARK)
    try:
        events = _events(text)
        if not _surely_once(text, events):
            _ONCE.decode(text.decode())
    except (ValueError, RecursionError):
        return diagnose(text)
    return events or diagnose(text)


def write(event: Event | ClockTicked) -> bytes:
    """The event as one line of native JSON, without its blanks: what ``read`` reads back as the same event."""
    needed = {name for name, field in type(event).model_fields.items() if field.is_required()}
    told = event.model_dump(mode="json")
    return orjson.dumps({name: value for name, value in told.items() if value is not None or name in needed})


def _events(text: bytes) -> tuple[AnyEvent, ...]:
    if text.lstrip()[:1] == b"[":
        return tuple(_MANY.validate_json(text, strict=True))
    return (ANY_EVENT.validate_json(text, strict=True),)


def _surely_once(text: bytes, events: tuple[AnyEvent, ...]) -> bool:
    """Whether one measurement took as many names as its text can hold: then none of them was given twice."""
    if len(events) != 1 or not isinstance(events[0], Measurement):
        return False
    return len(_AFTER_A_NAME.findall(text)) == len(events[0].model_fields_set) + len(events[0].source.model_fields_set)


def _each_name_once(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is given twice")


_ONCE = json.JSONDecoder(object_pairs_hook=_each_name_once)
