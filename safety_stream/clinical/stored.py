"""Pages as the engine stores them, and what becomes of one that another version of this program has written.

    facts      results, reports, doses: what was told                          must be readable
    kept       findings as they were last sent, with their revisions           must be readable
    derived    folds and digests: follow from the facts                        let go, and concluded anew

``FORMAT`` stands in the edition that every page names, so that whatever another format has concluded is concluded
anew with the subject's next event, from the facts. A page whose facts or findings cannot be read is refused: to send
its findings once more as if they were new would be worse than to stop.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from safety_stream.errors import PageOfAnotherVersion

FORMAT = 10
"""To be raised when pages hold something else, or when something else follows from the same facts."""

_Page = TypeVar("_Page")
_Record = TypeVar("_Record")
_Judged = TypeVar("_Judged")
_DERIVED = frozenset({"base", "middle", "cut", "fold", "closed", "past"})
_MARK = 8  # letters of a mark
_OLDER = "a page of another format"


class PagesLacking(Exception):
    """A judgement asks for pages that are not loaded: load them and ask again. ``names``: which."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        super().__init__(f"pages not loaded: {', '.join(sorted(self.names))}")


def with_its_pages(
    record: _Record, load: Callable[[_Record, str], _Record], judge: Callable[[_Record], _Judged]
) -> _Judged:
    """What a judgement makes of a record, whose pages are loaded as it asks for them: one may tell of others."""
    while True:
        try:
            return judge(record)
        except PagesLacking as lacking:
            for name in sorted(lacking.names):
                record = load(record, name)


def read_page(kind: type[_Page], name: str, stored: bytes) -> _Page:
    """A page as it was stored, if need be without what was derived. Raises PageOfAnotherVersion."""
    try:
        return _codec(kind).validate_json(stored)
    except ValidationError:
        return _from_facts(kind, name, stored)


def write_page(page: object) -> bytes:
    """A page as it is stored."""
    return _codec(type(page)).dump_json(page)


def _from_facts(kind: type[_Page], name: str, stored: bytes) -> _Page:
    try:
        return _codec(kind).validate_python(_without_derived(from_json(stored)))
    except (ValueError, TypeError, AttributeError) as trouble:
        raise PageOfAnotherVersion(_refusal(name, trouble)) from trouble


def _without_derived(page: dict[str, Any]) -> dict[str, Any]:
    """The page without its folds; of the digests only the names of the pages are left."""
    left = {key: value for key, value in page.items() if key not in _DERIVED}
    if "digests" in left:
        left["digests"] = {one: [] for one in left["digests"]}
    if isinstance(left.get("marks"), str):
        left["marks"] = _by_letter(left["marks"])
    return left | ({"book": _OLDER} if "book" in left else {})


def _by_letter(marks: str) -> dict[str, str]:
    """The marks of an index as format 1 wrote them, all in one text."""
    found: dict[str, str] = {}
    for at in range(0, len(marks), _MARK):
        mark = marks[at : at + _MARK]
        found[mark[0]] = found.get(mark[0], "") + mark
    return found


def _refusal(name: str, trouble: Exception) -> str:
    first = trouble.errors()[0] if isinstance(trouble, ValidationError) else None
    where = ".".join(str(part) for part in first["loc"][:6]) if first else ""
    said = f"{where}: {first['msg']}" if first else str(trouble)
    return (
        f"page {name} was written by another version of safety_stream and cannot be read by this one (page format "
        f"{FORMAT}); first mismatch: {said}. Nothing is lost, the log of record holds every fact: stop the workers, "
        "delete their data folders and the changelog topics of their tables, make these topics anew (safety-stream "
        "topics create), set the worker group's offsets of the events and statuses logs to the beginning and start: "
        "every page is derived again. Or go back to the version that wrote it."
    )


_CODECS: dict[type, TypeAdapter[Any]] = {}


def _codec(page: type[_Page]) -> TypeAdapter[_Page]:
    codec = _CODECS.get(page)
    if codec is None:
        codec = _CODECS[page] = TypeAdapter(page)
    return codec
