"""One slip of a protocol: where it stands, what is wrong, what was expected."""

from typing import NamedTuple

from safety_stream.rulebook.sheet import Path


class Slip(NamedTuple):
    """Something a version says that the tables or the other parts of it do not bear out."""

    path: Path
    wrong: str
    expected: str
