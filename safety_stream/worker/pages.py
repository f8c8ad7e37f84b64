"""What one value of a table looks like: the offset it was judged at, the next deadline, and the page itself.

    1 byte   the form of the value (1)
    8 bytes  the offset, in the log it was read from, of the event that this page was last changed by
    8 bytes  the deadline in microseconds since 1970, or the largest number for none
    the rest the page, as the judgement wrote it

The offset makes old state recognisable: of two values of one page, the one with the higher offset counts, whatever
the order in which they reached the changelog. The deadline stands outside so that an index is built without reading.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct

from safety_stream.errors import EngineBroken, PageTooLarge

FORM = 1
MAX_PAGE_BYTES = 384 * 1024
_ENVELOPE = Struct(">Bqq")
_NO_DEADLINE = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """One value of a table, opened."""

    offset: int
    deadline: datetime | None
    content: bytes


def pack(page: Page, name: str) -> bytes:
    """The value to keep. Raises PageTooLarge far below what Kafka would refuse; ``name`` is for the message."""
    if len(page.content) > MAX_PAGE_BYTES:
        raise PageTooLarge(f"page {name} would have {len(page.content)} bytes, at most {MAX_PAGE_BYTES} are kept")
    return _ENVELOPE.pack(FORM, page.offset, _microseconds(page.deadline)) + page.content


def unpack(value: bytes) -> Page:
    """The page of a kept value. Raises EngineBroken for a form we do not know."""
    form, offset, deadline = _ENVELOPE.unpack_from(value)
    if form != FORM:
        raise EngineBroken(f"a kept page has form {form}, this version reads form {FORM}")
    return Page(offset, _moment(deadline), value[_ENVELOPE.size :])


def deadline_of(value: bytes) -> datetime | None:
    """The deadline of a kept value, without reading its page."""
    return _moment(_ENVELOPE.unpack_from(value)[2])


def supersedes(known: bytes, read: bytes) -> bool:
    """Whether a value may replace a known one: not when it was judged at an earlier offset."""
    return bool(_ENVELOPE.unpack_from(read)[1] >= _ENVELOPE.unpack_from(known)[1])


def page_key(study: str, subject: str, page: str) -> bytes:
    """The key of one page of one subject."""
    return f"{study}|{subject}|{page}".encode()


def _microseconds(deadline: datetime | None) -> int:
    return _NO_DEADLINE if deadline is None else (deadline - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime | None:
    return None if microseconds == _NO_DEADLINE else _EPOCH + timedelta(microseconds=microseconds)
