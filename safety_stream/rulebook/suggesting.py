"""Terms for a free text, for a person to choose from: never taken by the program (register G25). Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

# Of 100 x 100: as alike as this, or it is not suggested.
_LEAST = 6000


def folded_term(text: str) -> str:
    """A term name as it is looked up: no case, spacing, hyphens, commas or NOS."""
    words = re.sub(r"[\s,\-–_/]+", " ", unicodedata.normalize("NFKC", text).casefold()).split()
    return " ".join(word for word in words if word != "nos")


@dataclass(frozen=True)
class Synonyms:
    """What people write for terms: British parts of words, words that say nothing of the term, phrases."""

    spellings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    aside: frozenset[str] = frozenset()
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def plain(self, text: str) -> str:
        """A text as it is compared: folded, in CTCAE's spelling, without words that say how much or when."""
        told = folded_term(text)
        for part, ours in self.spellings.items():
            told = told.replace(part, ours)
        kept = [word for word in re.sub(r"[^\w ]+", " ", told).split() if word not in self.aside]
        return " ".join(kept) or told

    @cached_property
    def _by_plain(self) -> dict[str, tuple[str, ...]]:
        return {self.plain(phrase): terms for phrase, terms in self.phrases.items()}

    def suggest(self, text: str, names: Iterable[str], most: int) -> list[str]:
        """The names most like a text, best first, at most so many; ``names`` as they are looked up."""
        wanted = self.plain(text)
        known = {self.plain(name): (name,) for name in names} | self._by_plain
        found = [name for _, terms in _nearest(wanted, known, most) for name in terms]
        return list(dict.fromkeys([*known.get(wanted, ()), *found]))[:most]


def _nearest(wanted: str, known: Mapping[str, tuple[str, ...]], most: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    alike = sorted(((likeness(wanted, name), name) for name in known), key=lambda one: (-one[0], one[1]))
    yield from ((name, known[name]) for score, name in alike[: 2 * most] if score >= _LEAST)


def likeness(one: str, other: str) -> int:
    """How alike two texts are: letter by letter for slips of typing, word by word for their order."""
    from rapidfuzz import fuzz

    by_words = 97 * fuzz.token_sort_ratio(one, other), 90 * fuzz.token_set_ratio(one, other)
    return round(max(100 * fuzz.ratio(one, other), *by_words))
