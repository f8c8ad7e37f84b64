"""What strangers wrote, made fit to be shown: one line, no control or invisible characters, of bounded length. Pure."""

import unicodedata
from typing import Final

VALUE_LENGTH: Final = 200
SENTENCE_LENGTH: Final = 600

# Control, format (bidi, zero-width), surrogate, private and unassigned characters; then letters that draw nothing.
_UNSEEN_KINDS: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}
_BLANK_LETTERS: Final = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2800", "\u3164", "\uffa0"}
_MOST_MARKS: Final = 3


def clean(text: str, length: int = VALUE_LENGTH) -> str:
    """The text in one line of at most ``length`` characters, with nothing in it that cannot be seen."""
    seen = "".join(_marks_limited(" ".join(_visible(text).split())))
    return seen if len(seen) <= length else seen[: length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _visible(text: str) -> str:
    return "".join(" " if one.isspace() else one for one in text if one.isspace() or not _unseen(one))


def _unseen(one: str) -> bool:
    return unicodedata.category(one) in _UNSEEN_KINDS or one in _BLANK_LETTERS or 0xFE00 <= ord(one) <= 0xFE0F


def _marks_limited(text: str) -> list[str]:
    """At most three combining marks a letter: more would paint over the lines above and below."""
    kept: list[str] = []
    run = 0
    for one in text:
        run = run + 1 if unicodedata.combining(one) else 0
        if run <= _MOST_MARKS:
            kept.append(one)
    return kept
