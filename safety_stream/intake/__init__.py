"""The way in: bytes to events. One file, one format; trouble in a message is a value, never an exception.

Its law: every message ends as events or as ``Rejected`` with a reason that names the field, what was found and
what was expected. Nothing is dropped, nothing is guessed, and nothing that can be sent here stops us.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from safety_stream.clinical.events import NOBODY, AnyEvent, ClockTicked, is_for_no_subject
from safety_stream.intake import native
from safety_stream.intake.rejected import Code, Rejected, Trouble, rejected, shown, together

__all__ = [
    "CONTENT_TYPES",
    "MAX_MESSAGE_BYTES",
    "Code",
    "Rejected",
    "Trouble",
    "admit",
    "content_type_of",
    "read",
    "together",
]

MAX_MESSAGE_BYTES = 1_000_000


class Format(Protocol):
    """One format: the content types it answers to, and how its bytes become events."""

    CONTENT_TYPES: tuple[str, ...]

    def read(self, payload: bytes) -> tuple[AnyEvent | Rejected, ...]:
        """The events of one message that is neither empty nor too large."""
        ...


# A new format is a new file in this room and its name here.
_FORMATS: tuple[Format, ...] = (native,)
CONTENT_TYPES: Mapping[str, Format] = MappingProxyType(
    {content_type: each for each in _FORMATS for content_type in each.CONTENT_TYPES}
)


def read(
    content_type: str | None, payload: bytes | None, *, max_bytes: int = MAX_MESSAGE_BYTES
) -> tuple[AnyEvent | Rejected, ...]:
    """The events of one inbound message, in its order; what cannot be read is a ``Rejected`` in its place.

    A message holds one event or a list of events; the answer is never empty. Each event of a list is taken or
    rejected by itself: a slip in one result must not hold back the potassium beside it. A list whose JSON as a
    whole cannot be trusted (broken, duplicate names, not UTF-8) is one ``Rejected``. Sending the whole list again
    once it is corrected is harmless, because the same source and version again changes nothing.
    ``content_type`` null means native JSON; parameters such as ``charset=utf-8`` are allowed. Never raises.
    """
    if payload is None or not payload.strip():
        found = "no value at all" if payload is None else f"{len(payload)} bytes, all blank"
        return (rejected("empty_message", "(message)", found, "one event, or a list of events"),)
    if len(payload) > max_bytes:
        found, expected = f"{len(payload)} bytes", f"at most {max_bytes} bytes: send fewer events in one message"
        return (rejected("too_large", "(message)", found, expected),)
    reader = CONTENT_TYPES.get(_bare(content_type)) if _is_utf8(content_type) else None
    if reader is None:
        expected = f"one of {', '.join(CONTENT_TYPES)}, in UTF-8"
        return (rejected("unknown_content_type", "header content-type", shown(content_type), expected),)
    return reader.read(payload)


def admit(event: AnyEvent, studies: Collection[str], *, event_clock: bool = False) -> Rejected | None:
    """Why an event that was read is not for us: its study is not ours, or it sets a clock that the wall sets."""
    if isinstance(event, ClockTicked):
        expected = "no clock tick: this engine's clock is the wall's"
        return None if event_clock else rejected("clock_not_accepted", "kind", shown(event.kind), expected)
    if event.study in studies or (event.study == NOBODY and is_for_no_subject(event)):
        return None
    expected = f"one of our studies: {', '.join(sorted(studies)) or 'none is configured'}"
    return rejected(
        "unknown_study", "study", shown(event.study), expected, study=event.study, record=event.source.record
    )


def content_type_of(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The message's ``content-type`` header as text, the last one if there are several; null when there is none."""
    told = [value for name, value in headers if name.lower() == "content-type" and value is not None]
    return told[-1].decode("utf-8", "replace") if told else None


def _bare(content_type: str | None) -> str:
    if content_type is None:
        return native.CONTENT_TYPES[0]
    return content_type.partition(";")[0].strip().lower()


def _is_utf8(content_type: str | None) -> bool:
    parameters = (content_type or "").lower().replace(" ", "").replace('"', "").split(";")[1:]
    charsets = {parameter.partition("=")[2] for parameter in parameters if parameter.startswith("charset=")}
    return charsets <= {"utf-8", "utf8", "us-ascii"}
