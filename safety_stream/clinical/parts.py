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

_Said = TypeVar("_Said", bound=AnyFinding | SubjectStatus)


class Part(NamedTuple):
    """What one part read, what it said, and the instants at which time alone makes it say something else."""

    read: tuple[object, ...]
    said: tuple[AnyFinding | SubjectStatus, ...]
    ahead: tuple[datetime, ...] = ()

    @property
    def findings(self) -> dict[str, AnyFinding]:
        """The findings of what it said, by id."""
        return {one.id: one for one in self.said if not isinstance(one, SubjectStatus)}


class Said(NamedTuple):
    """One look at a subject; ``kept``: the findings it ended in, by which it is known that nothing came between."""

    columns: Columns
    parts: Mapping[str, Part]
    kept: Mapping[str, Kept]


class News(NamedTuple):
    """What the parts that were asked anew said, by id, and the ids of all that this can have changed."""

    findings: dict[str, AnyFinding]
    among: frozenset[str]


class Parts:
    """The parts said in one look at a subject; ``held``: those of the look before.

    Every part that the look itself asks for is asked each time. One that another part asks for stays while that one
    is not asked anew.
    """

    def __init__(self, held: Mapping[str, Part] | None = None) -> None:
        self._held = held or {}
        self.said: dict[str, Part] = dict(self._held)

    def of(self, name: str, read: tuple[object, ...], say: Callable[[], Iterable[_Said]]) -> tuple[_Said, ...]:
        """What a part says of what it reads: the very same as before where it reads the same."""
        part = self._held.get(name)
        if part is None or part.read != read:
            part = self.said[name] = Part(read, _as_held(part, say()))
        return cast("tuple[_Said, ...]", part.said)

    def in_time(
        self,
        name: str,
        read: tuple[object, ...],
        as_of: datetime,
        say: Callable[[], tuple[Iterable[_Said], Iterable[datetime]]],
    ) -> tuple[tuple[_Said, ...], tuple[datetime, ...]]:
        """The same for a part in which time counts too, with the instants ahead; the clock never goes back."""
        part = self._held.get(name)
        if part is None or part.read != read or any(one <= as_of for one in part.ahead):
            said, ahead = say()
            part = self.said[name] = Part(read, _as_held(part, said), tuple(ahead))
        return cast("tuple[_Said, ...]", part.said), part.ahead

    @property
    def news(self) -> News:
        """What was said anew; with nothing held, everything."""
        found, before = dict[str, AnyFinding](), set[str]()
        for name, part in self.said.items():
            held = self._held.get(name)
            if held is not part:
                found.update(part.findings)
                before.update(() if held is None else held.findings)
        return News(found, frozenset({*before, *found}))


def _name(one: AnyFinding | SubjectStatus) -> str:
    return one.subject if isinstance(one, SubjectStatus) else one.id


def _as_held(part: Part | None, said: Iterable[_Said]) -> tuple[AnyFinding | SubjectStatus, ...]:
    """What is said, as the very object held where that says the same: to be compared at once with what was sent."""
    held = {_name(one): one for one in part.said} if part else {}
    return tuple(held[_name(one)] if held.get(_name(one)) == one else one for one in said)
