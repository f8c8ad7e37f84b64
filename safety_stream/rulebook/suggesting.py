"""Terms for a free text, for a person to choose from: never taken by the program (register G25). Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType

# Of 100 x 100: as alike as this, or it is not suggested.
_LEAST = 6000
_LONGEST = 120


@lru_cache(maxsize=8192)
def folded_term(text: str) -> str:
    """A term name as it is looked up: no case, spacing, hyphens, commas or NOS."""
    words = re.sub(r"[\s,\-–_/]+", " ", unicodedata.normalize("NFKC", text).casefold()).split()
    return " ".join(word for word in words if word != "nos")


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A text as words are looked for in it: no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def alike(text: str, names: Iterable[str], most: int) -> list[str]:
    """The names most like a text, best first: for slips of typing, and other marks between words."""
    from rapidfuzz import fuzz

    told = folded_term(text[:_LONGEST])
    scored = ((round(100 * fuzz.ratio(told, folded_term(name))), name) for name in names)
    return [name for score, name in sorted(scored, key=lambda one: (-one[0], one[1])) if score >= _LEAST][:most]


@dataclass(frozen=True)
class Synonyms:
    """What people write for terms: the names of all terms, British parts of words, words that say nothing of the term,
    and phrases with the names they suggest, likeliest first. Names and phrases are folded. ``deaths``: words that tell
    of a death.
    """

    names: tuple[str, ...] = ()
    spellings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    aside: frozenset[str] = frozenset()
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    deaths: tuple[str, ...] = ()

    def speaks_of_death(self, text: str) -> bool:
        """Whether a text has a word that tells of a death: as a whole word, in Chinese anywhere."""
        told = folded(text)
        return any(_has(told, word) for word in self.deaths)

    def plain(self, text: str) -> str:
        """A text as it is compared: folded, in CTCAE's spelling, without words that say how much or when."""
        told = folded_term(text)
        for part, ours in self.spellings.items():
            told = told.replace(part, ours)
        kept = [word for word in re.sub(r"[^\w ]+", " ", told).split() if word not in self.aside]
        return " ".join(kept) or told

    def suggest(self, text: str, most: int) -> list[str]:
        """The names most like a text, best first, at most so many."""
        return self._remembered(text, most)

    @cached_property
    def _remembered(self) -> "Callable[[str, int], list[str]]":
        return lru_cache(maxsize=4096)(self._suggested)  # a study tells of the same event many times

    def _suggested(self, text: str, most: int) -> list[str]:
        wanted = self.plain(text[:_LONGEST])
        found = [name for _, names in self._nearest(wanted, 2 * most) for name in names]
        return list(dict.fromkeys([*self._known.get(wanted, ()), *found]))[:most]

    @cached_property
    def _known(self) -> dict[str, tuple[str, ...]]:
        phrases = {self.plain(phrase): names for phrase, names in self.phrases.items()}
        return {self.plain(name): (name,) for name in self.names} | phrases

    def _nearest(self, wanted: str, most: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Alike letter by letter, for slips of typing, or word by word, for their order and for words beside them."""
        from rapidfuzz import fuzz, process

        likeness: dict[str, int] = {}
        for scorer, weight in ((fuzz.ratio, 100), (fuzz.token_sort_ratio, 97), (fuzz.token_set_ratio, 90)):
            for name, score, _ in process.extract(wanted, self._choices, scorer=scorer, limit=4 * most):
                likeness[name] = max(likeness.get(name, 0), round(weight * score))
        alike = sorted(likeness.items(), key=lambda one: (-one[1], one[0]))
        yield from ((name, self._known[name]) for name, score in alike[:most] if score >= _LEAST)

    @cached_property
    def _choices(self) -> list[str]:
        return sorted(self._known)


def _has(text: str, word: str) -> bool:
    """Whether a word stands in a text; what is written without spaces between words stands anywhere."""
    return re.search(rf"\b{re.escape(word)}\b", text) is not None if word.isascii() else word in text
