"""What the header knows of all pages, field by field: which part of the overview has to be asked anew.

    page         marks      joined     observed   judged
    NEUT         -          *          *          -         one more count changes two columns of sixteen,
    ALT          x          -          o          x         the others stay the very objects that they were
    TEMP         -          o          o          -

Most results change little of what the header knows, and most parts of the overview read little of it.
"""

from collections.abc import Mapping, Set
from itertools import compress
from operator import is_not
from typing import Any

from safety_stream.clinical.fold import Digest

Column = tuple[tuple[str, Any], ...]
_NOTHING = Digest()
_EVERY = frozenset(Digest._fields)
_PLACES = {name: place for place, name in enumerate(Digest._fields)}


class Columns:
    """The digests of a subject's pages; ``held``: the columns before, of which all that is still so is kept.

    ``changed``: the fields under which some page says something else than before; all of them where none are held.
    """

    def __init__(self, digests: Mapping[str, Digest], held: "Columns | None" = None) -> None:
        self.digests = digests
        self.changed = _EVERY if held is None else _changed(held.digests, digests)
        self._known: dict[str, Column] = {}
        if held is not None:
            self._known = dict(held._known)
            for name in self.changed:
                self._known.pop(name, None)

    def of(self, name: str) -> Column:
        """What every page says under one field of its digest, page by page; a page that says nothing is left out."""
        told = self._known.get(name)
        if told is None:
            place = _PLACES[name]
            blank = _NOTHING[place]
            each = [(page, digest[place]) for page, digest in self.digests.items()]
            told = self._known[name] = tuple([one for one in each if one[1] != blank])
        return told

    def values(self, name: str) -> list[Any]:
        """The same without the names of the pages."""
        return [value for _, value in self.of(name)]


def _changed(before: Mapping[str, Digest], now: Mapping[str, Digest]) -> Set[str]:
    """The fields under which some page says something else."""
    changed = set[str]()
    if not before.keys() <= now.keys():
        return _EVERY
    for page, digest in now.items():
        held = before.get(page, _NOTHING)
        if held is not digest:
            changed.update(differing(held, digest))
    return changed


def differing(one: Digest, other: Digest) -> list[str]:
    """The fields under which two digests say something else."""
    pairs = compress(zip(Digest._fields, one, other, strict=True), map(is_not, one, other))
    return [name for name, here, there in pairs if here != there]
