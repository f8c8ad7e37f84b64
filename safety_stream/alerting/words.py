"""The words of a mail in the reader's language; every language tells the same facts. Pure.

An alert carries its facts in English, the language of record. Another language is said from those same facts, phrase
by phrase, by the table alert_templates/words.yaml; what the table does not have stays as it was told. So no language
can lack a fact, nor have one of its own, and a stranger's words are never changed into other words of a stranger.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from safety_stream.alerting.load import Language
from safety_stream.rulebook.written import Role

_NAMED: Final = re.compile(r"([A-Za-z][\w()+ -]*?) (?=[<>]?=? ?\d)")
_DEEPEST: Final = 6
PLACE: Final = re.compile(r"\{(\w+)\}")
_GRADE_APART: Final = re.compile(r"（未定） ?级")
_GRADES: Final = re.compile(r"(\d) to (\d) \(not decided\)")
_SEPARATORS: Final = ((", ", "，"), (": ", "："))
_DECIDED: Final = (
    (" and ", " 且 "),
    (" or ", " 或 "),
    (" with ", " 伴 "),
    (" lasting ", " 持续 "),
    (" not known", " 未知"),
    ("BASELINE", "基线"),
)


Phrases = tuple[tuple[re.Pattern[str], str], ...]


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language: the words of the frame, the roles, and how labels and values are said."""

    language: Language
    layout: Mapping[str, str]
    roles: Mapping[Role, str]
    labels: Mapping[str, str]
    fixed: Mapping[tuple[str | None, str], str]
    heads: Phrases
    phrases: Phrases
    why: Mapping[str, str]
    terms: Mapping[str, str]

    def label(self, label: str) -> str:
        """The label of a fact."""
        if self.language == "en":
            return label
        return self.labels.get(label) or self._scale_label(label) or self.term(label)

    def _scale_label(self, label: str) -> str | None:
        for ending, said in ((" grade", " 分级"), (" because", " 判定依据"), (" note", " 说明")):
            if label.endswith(ending):
                return label.removesuffix(ending) + said
        return None

    def value(self, value: str, label: str | None = None) -> str:
        """What a fact says."""
        if self.language == "en":
            return value
        if label == "Decided by":
            return self._decided(value)
        return self.fixed.get((label, value)) or as_chinese(self._said(value, 0))

    def term(self, name: str) -> str:
        """A CTCAE term or an analyte: its Chinese name with the official English one beside it."""
        return f"{self.terms[name]}（{name}）" if name in self.terms else name

    def _decided(self, comparison: str) -> str:
        """A comparison: each value under its name, and the words between; the figures stay as they are."""
        sentences = outside_brackets(comparison, "; ")
        return "；".join(self._by_phrase(one, 0, self.phrases) or self._between(one, _DECIDED) for one in sentences)

    def _between(self, text: str, words: tuple[tuple[str, str], ...]) -> str:
        if not words:
            return self._said(text, 0)
        en, zh = words[0]
        return zh.join(self._between(part, words[1:]) for part in text.split(en))

    def _said(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            return text
        if (None, text) in self.fixed:
            return self.fixed[None, text]
        if text in self.terms:
            return self.term(text)
        if head := self._by_phrase(text, depth, self.heads):
            return head
        sentences = outside_brackets(text, "; ")
        if len(sentences) > 1:
            return "；".join(self._said(one, depth + 1) for one in sentences)
        return self._by_phrase(text, depth, self.phrases) or self._by_parts(text, depth)

    def _by_phrase(self, text: str, depth: int, phrases: Phrases) -> str | None:
        for pattern, said in phrases:
            if match := pattern.fullmatch(text):
                parts = {name: self._part(part, depth) for name, part in match.groupdict().items()}
                return PLACE.sub(lambda place, told=parts: str(told[place[1]]), said)  # type: ignore[misc]
        return None

    def _part(self, part: str, depth: int) -> str:
        undecided = _GRADES.fullmatch(part)
        return f"{undecided[1]} 至 {undecided[2]}（未定）" if undecided else self._said(part, depth + 1)

    def _by_parts(self, text: str, depth: int) -> str:
        """A list, part by part; left as it is when no part of it is ours."""
        for separator, said in _SEPARATORS:
            parts = outside_brackets(text, separator)
            if len(parts) > 1:
                told = [self._said(part, depth + 1) for part in parts]
                return said.join(told) if told != parts else text
        if _GRADES.fullmatch(text):
            return self._part(text, depth)
        named = _NAMED.match(text)
        return self.term(named[1]) + text[named.end(1) :] if named and named[1] in self.terms else text


def as_chinese(said: str) -> str:
    """No blank after a full-width bracket, and the word for grade beside its number."""
    return _GRADE_APART.sub(" 级（未定）", said.replace("） ", "）"))


def outside_brackets(text: str, separator: str) -> list[str]:
    """The parts of a list; what stands in brackets stays together."""
    parts, depth, began, place = [], 0, 0, 0
    while place < len(text):
        depth = max(0, depth + (text[place] == "(") - (text[place] == ")"))
        if depth == 0 and text.startswith(separator, place):
            parts.append(text[began:place])
            place = began = place + len(separator)
        else:
            place += 1
    return [*parts, text[began:]]
