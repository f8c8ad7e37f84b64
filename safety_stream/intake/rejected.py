"""What could not be read, and why: a closed list of codes, and one sentence that a data manager can act on."""

import json
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Code = Literal[
    "empty_message",  # no value, or nothing but blanks
    "too_large",
    "unknown_content_type",
    "not_utf8",
    "not_json",
    "too_deep",  # objects within objects beyond any event's shape
    "duplicate_name",  # one object names a field twice: which of the two was meant?
    "not_an_object",
    "unknown_kind",
    "missing_field",
    "unknown_field",
    "wrong_type",
    "number_not_text",  # a measured value as a JSON number, which does not keep its digits
    "bad_time",
    "bad_value",  # of the right type, outside what the field may hold
    "control_character",
    "unknown_study",
    "clock_not_accepted",
]
MOST_LISTED = 20
SHOWN = 60


class Trouble(BaseModel):
    """One thing that is wrong: the field, what was found there (shortened, made printable), what was expected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    where: str
    found: str
    expected: str

    @property
    def sentence(self) -> str:
        """The trouble in one sentence."""
        return f"{self.where}: found {self.found}, expected {self.expected}"


class Rejected(BaseModel):
    """One message, or one event of a list, that could not be read: at least one trouble, at most 20 listed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    troubles: tuple[Trouble, ...]
    unlisted: int = 0
    index: int | None = Field(default=None, description="Its place in a list of events, from 0.")
    study: str | None = Field(default=None, description="The study, where it could be read.")
    record: str | None = Field(default=None, description="system|id, where it could be read.")

    @property
    def code(self) -> Code:
        """The code of the first trouble: the one that metrics count."""
        return self.troubles[0].code

    @property
    def where(self) -> str:
        """The field of the first trouble."""
        return self.troubles[0].where

    @property
    def found(self) -> str:
        """What was found there."""
        return self.troubles[0].found

    @property
    def expected(self) -> str:
        """What was expected there."""
        return self.troubles[0].expected

    @property
    def detail(self) -> str:
        """Every trouble, each in one sentence."""
        sentences = [trouble.sentence for trouble in self.troubles]
        return "; ".join([*sentences, f"and {self.unlisted} more"] if self.unlisted else sentences)


def rejected(
    code: Code, where: str, found: str, expected: str, *, study: str | None = None, record: str | None = None
) -> Rejected:
    """A rejection with one trouble; ``found`` is already in words (``shown``)."""
    return Rejected(
        troubles=(Trouble(code=code, where=where, found=found, expected=expected),), study=study, record=record
    )


def together(each: Sequence[Rejected]) -> Rejected:
    """All that is wrong with one message as one rejection: one message makes one dead letter, however long its list."""
    troubles = [trouble for one in each for trouble in one.troubles]
    unlisted = max(0, len(troubles) - MOST_LISTED) + sum(one.unlisted for one in each)
    first = each[0]
    return Rejected(
        troubles=tuple(troubles[:MOST_LISTED]),
        unlisted=unlisted,
        study=first.study,
        record=first.record,
        index=first.index,
    )


def printable(told: str, most: int = SHOWN) -> str:
    """A stranger's text for our own sentences: one line, no control or invisible characters, shortened."""
    cut = told[:most]
    if not cut.isprintable():
        cut = "".join(char if char.isprintable() else "\ufffd" for char in cut)
    return f"{cut}... ({len(told)} characters)" if len(told) > most else cut


def shown(found: object) -> str:
    """What was found, in words: text in quotes, a number as it was written, an object or a list by its size."""
    match found:
        case Lexeme():
            return printable(found)
        case str():
            return f'"{printable(found)}"'
        case None | bool():
            return json.dumps(found)
        case dict():
            return f"an object of {len(found)} fields"
        case list():
            return f"a list of {len(found)}"
        case _:
            return printable(str(found))


class Lexeme(str):
    """A number as the sender wrote it: shown without quotes, and never turned into a float."""

    __slots__ = ()
