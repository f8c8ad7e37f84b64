"""What is wrong with the columns of a table to be graded: told once, not in every row."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.near import near
from safety_stream.sandbox.row_grader import RowGrader, read_columns

Tell = Callable[[str], None]
_NAMES = ("analyte", "loinc", "term")
_SHOWN = 60


class Columns:
    """What is wrong with columns, told once for each of them."""

    def __init__(self, book: Book, tell: Tell) -> None:
        self.book, self._tell = book, tell
        self._known, self._told = read_columns(book), set[str]()

    def look_at(self, columns: Sequence[str], grader: RowGrader[Any]) -> None:
        """The columns of a table, or the names of one JSON object."""
        self._once(grader.twice, "told more than once, so that no row with it is graded")
        self._once([_hinted(one, self._known) for one in grader.unread], "not read")
        named = {column.strip().lower() for column in columns}
        if named.isdisjoint(_NAMES):
            self._once([", ".join(columns)[:_SHOWN]], f"no column {', '.join(_NAMES[:-1])} or {_NAMES[-1]} in")

    def _once(self, names: Iterable[str], what: str) -> None:
        new = [one for one in dict.fromkeys(names) if f"{what} {one}" not in self._told]
        self._told.update(f"{what} {one}" for one in new)
        if new:
            self._tell(f"{what}: {', '.join(new)}")


def _hinted(column: str, known: frozenset[str]) -> str:
    meant = near(column.strip().lower(), known)
    return f"{column} (was {meant} meant?)" if meant else column or "(a column without a name)"
