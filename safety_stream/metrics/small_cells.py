"""Small cells: a count of a study so low that it may point at a person is rounded or hidden in the open view.

0 stays 0: nobody is pointed at, and an empty cell must not look like a hidden one. Rounding goes UP to the limit: a
safety count is never shown lower than it is. The limit protects single cells; where a total and all other cells are
shown, a hidden one can be worked out, so a study that needs more hides the view, not the cell. Advice and alerts are
never touched: they are not counts of people.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

_K = TypeVar("_K")


@dataclass(frozen=True, slots=True)
class SmallCells:
    """What is done with counts from 1 to below ``limit``; 0 or 1: nothing."""

    limit: int = 0
    mode: Literal["round", "hide"] = "round"

    def shown(self, cells: Iterable[tuple[_K, int]]) -> Iterator[tuple[_K, int]]:
        """The cells that are shown, as they are shown."""
        for name, count in cells:
            if not 0 < count < self.limit:
                yield name, count
            elif self.mode == "round":
                yield name, self.limit
