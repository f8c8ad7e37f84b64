"""The book as ``check`` and ``sign`` want it: it holds together, and every rule is proved."""

from collections.abc import Sequence
from pathlib import Path

from safety_stream.clinical.examples import failing, uncovered
from safety_stream.errors import RulebookError
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.proofs import unproved
from safety_stream.rulebook.tables import Book


def proved_book(folder: Path | None, protocols: Path | None, also: Sequence[str] = ()) -> Book:
    """The book, signed or not; raises ``RulebookError`` with every problem of it and those ``also`` found."""
    try:
        book = load_book(folder, protocols, allow_unsigned=True)
    except RulebookError as error:
        raise RulebookError([*error.problems, *also]) from None
    if problems := [*failing(book), *uncovered(book), *unproved(book), *also]:
        raise RulebookError(problems)
    return book
