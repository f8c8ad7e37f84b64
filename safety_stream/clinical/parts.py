"""What the parts of the overview said last, so that one whose facts are as they were is not said anew.

A part is a function of what it reads. It is kept beside the record in memory and never stored: without it everything
is concluded again, and comes to the same.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar, cast

_Said = TypeVar("_Said")


class Part(NamedTuple):
    """What one part read, and what it said."""

    read: tuple[object, ...]
    said: tuple[object, ...]


class Parts:
    """The parts said in one look at a subject; ``held``: those of the look before."""

    def __init__(self, held: Mapping[str, Part] | None = None) -> None:
        self._held = held or {}
        self.said: dict[str, Part] = {}

    def of(self, name: str, read: tuple[object, ...], say: Callable[[], Iterable[_Said]]) -> tuple[_Said, ...]:
        """What a part says of what it reads: the very same as before where it reads the same."""
        part = self._held.get(name)
        if part is None or part.read != read:
            part = Part(read, tuple(say()))
        self.said[name] = part
        return cast("tuple[_Said, ...]", part.said)
