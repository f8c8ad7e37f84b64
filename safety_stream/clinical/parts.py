"""What the parts of the overview said last, so that one whose facts are as they were is not said anew.

A part is a function of what it reads. It is kept beside the record in memory and never stored: without it everything
is concluded again, and comes to the same.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, TypeVar, cast

from safety_stream.clinical.changes import Kept
from safety_stream.clinical.columns import Columns
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.fold import Digest

NO_COLUMN: frozenset[str] = frozenset()
_Said = TypeVar("_Said", bound=AnyFinding | SubjectStatus)


class Part(NamedTuple):
    """What one part read beside the columns, what it said, and the instants at which time alone makes it say else."""

    read: tuple[object, ...]
    said: tuple[AnyFinding | SubjectStatus, ...]
    ahead: tuple[datetime, ...] = ()

    @property
    def findings(self) -> dict[str, AnyFinding]:
        """The findings of what it said, by id."""
        return {one.id: one for one in self.said if not isinstance(one, SubjectStatus)}


class Said(NamedTuple):
    """One look at a subject; ``kept``: the findings it ended in, by which it is known that nothing came between.

    ``base``: the frame, the facts and the book of the look.
    """

    base: tuple[object, ...]
    columns: Columns
    parts: Mapping[str, Part]
    kept: Mapping[str, Kept] = {}  # never changed


class News(NamedTuple):
    """What the parts that were asked anew said, by id, and the ids of all that this can have changed."""

    findings: dict[str, AnyFinding]
    among: frozenset[str]


class Parts:
    """The parts said in one look at a subject; ``before``: the look before. On another base every part is asked anew.

    Every part that the look itself asks for is asked each time. One that another part asks for stays while that one
    is not asked anew.
    """

    def __init__(self, base: tuple[object, ...], digests: Mapping[str, Digest], before: Said | None = None) -> None:
        held = before if before is not None and before.base == base else None
        self.known = Columns(digests, held.columns if held else None)
        self._before: Mapping[str, Part] = before.parts if before else {}
        self._held = held.parts if held else {}
        self._base, self._said, self._anew = base, dict(self._before), list[str]()

    def of(
        self, name: str, columns: frozenset[str], read: tuple[object, ...], say: Callable[[], Iterable[_Said]]
    ) -> tuple[_Said, ...]:
        """What a part says of the columns and of what else it reads: the very same as before where these are so."""
        part = self._held.get(name)
        if part is None or not columns.isdisjoint(self.known.changed) or part.read != read:
            part = self._asked(name, read, say(), ())
        return cast("tuple[_Said, ...]", part.said)

    def in_time(
        self,
        name: str,
        columns: frozenset[str],
        read: tuple[object, ...],
        as_of: datetime,
        say: Callable[[], tuple[Iterable[_Said], Iterable[datetime]]],
    ) -> tuple[tuple[_Said, ...], tuple[datetime, ...]]:
        """The same for a part in which time counts too, with the instants ahead; the clock never goes back."""
        part = self._held.get(name)
        same = part is not None and columns.isdisjoint(self.known.changed) and part.read == read
        if part is None or not same or (part.ahead and min(part.ahead) <= as_of):
            said, ahead = say()
            part = self._asked(name, read, said, tuple(ahead))
        return cast("tuple[_Said, ...]", part.said), part.ahead

    def _asked(self, name: str, read: tuple[object, ...], said: Iterable[_Said], ahead: tuple[datetime, ...]) -> Part:
        part = self._said[name] = Part(read, _as_held(self._before.get(name), said), ahead)
        self._anew.append(name)
        return part

    @property
    def said(self) -> Said:
        """The whole look, for the next one."""
        return Said(self._base, self.known, self._said)

    @property
    def news(self) -> News:
        """What was said anew; with nothing before, everything."""
        found, before = dict[str, AnyFinding](), set[str]()
        for name in self._anew:
            held = self._before.get(name)
            found.update(self._said[name].findings)
            before.update(() if held is None else held.findings)
        return News(found, frozenset({*before, *found}))


def _name(one: AnyFinding | SubjectStatus) -> str:
    return one.subject if isinstance(one, SubjectStatus) else one.id


def _as_held(part: Part | None, said: Iterable[_Said]) -> tuple[AnyFinding | SubjectStatus, ...]:
    """What is said, as the very object held where that says the same: to be compared at once with what was sent."""
    held = {_name(one): one for one in part.said} if part else {}
    return tuple([_the_same(held.get(_name(one)), one) for one in said])


def _the_same(held: AnyFinding | SubjectStatus | None, one: AnyFinding | SubjectStatus) -> AnyFinding | SubjectStatus:
    return held if held is not None and (held is one or held == one) else one
