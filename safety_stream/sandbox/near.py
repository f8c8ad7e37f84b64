"""Which of our names a stranger's name may be a slip for."""

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.85


def near(name: str, names: Iterable[str]) -> str | None:
    """The name that may have been meant; None where none is alike."""
    return next(iter(get_close_matches(name, sorted(names), n=1, cutoff=_ALIKE)), None)
