"""Reading the words of the mails: alert_templates/words.yaml to one tongue a language."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from safety_stream.alerting.load import Both, Language, Told, sheet_of, table_of
from safety_stream.alerting.words import PLACE, Tongue
from safety_stream.errors import ConfigurationError
from safety_stream.rulebook.written import Role

WORDS_FILE: Final = "words.yaml"
_NUMBER: Final = r"\d[\d.]*"
_DATE: Final = r"\d{4}-\d\d-\d\d"
_KINDS: Final = {
    "g": r"\d(?: to \d \(not decided\))?",
    **dict.fromkeys(("n", "m", "k"), _NUMBER),
    **dict.fromkeys(("d", "e"), _DATE),
}
_HEAD: Final = re.compile(r": \{\w+\}$")
_ANYTHING: Final = ".{1,600}?"
_NO_COMMA: Final = "[^,]{1,600}?"
_FREE_AT_MOST: Final = 2  # more would take a hostile value too long to tell apart


class Phrase(Told):
    """What a fact may say, in both languages; ``label``: under this label alone."""

    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1, pattern=r"[\u4e00-\u9fff]|\{")]
    label: str | None = None


class WordTable(Told):
    """The file."""

    layout: dict[str, Both]
    roles: dict[Role, Both]
    labels: dict[str, Annotated[str, Field(pattern=r"[\u4e00-\u9fff]")]]
    phrases: tuple[Phrase, ...]
    why: dict[str, str]
    terms: dict[str, Annotated[str, Field(pattern=r"[\u4e00-\u9fff]")]]


@cache
def read_words(folder: Path | None = None) -> Mapping[Language, Tongue]:
    """Every language of a folder of templates (null: the bundled one); ConfigurationError with every problem."""
    sheet = sheet_of(folder, WORDS_FILE)
    table = table_of(sheet, WordTable)
    problems = [
        sheet.problem(("phrases", number), wrong, "the same places in both languages, at most two of them free")
        for number, phrase in enumerate(table.phrases)
        if (wrong := _wrong(phrase))
    ]
    if problems:
        raise ConfigurationError(problems)
    return {language: _tongue(table, language) for language in ("en", "zh")}


def _wrong(phrase: Phrase) -> str | None:
    places, said = PLACE.findall(phrase.en), PLACE.findall(phrase.zh)
    if sorted(places) != sorted(said):
        return f"{places} against {said}"
    free = [place for place in places if place not in _KINDS]
    return f"{len(free)} free places" if len(free) > _FREE_AT_MOST else None


def _tongue(table: WordTable, language: Language) -> Tongue:
    moving = [phrase for phrase in table.phrases if PLACE.search(phrase.en)]
    return Tongue(
        language=language,
        layout={key: both.said(language) for key, both in table.layout.items()},
        roles={role: both.said(language) for role, both in table.roles.items()},
        labels=table.labels,
        fixed=_fixed(table),
        heads=tuple((_pattern(phrase.en), phrase.zh) for phrase in moving if _HEAD.search(phrase.en)),
        phrases=tuple((_pattern(phrase.en), phrase.zh) for phrase in moving if not _HEAD.search(phrase.en)),
        why=table.why,
        terms=table.terms,
    )


def _fixed(table: WordTable) -> Mapping[tuple[str | None, str], str]:
    """The phrases without a place; a headline writes a code with blanks."""
    fixed = {(phrase.label, phrase.en): phrase.zh for phrase in table.phrases if not PLACE.search(phrase.en)}
    return fixed | {(label, en.replace("_", " ")): zh for (label, en), zh in fixed.items() if "_" in en}


def _pattern(told: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", told)
    first = parts[1] if not parts[0] and parts[1] != "t" else None
    kinds = {name: _NO_COMMA if name == first else _ANYTHING for name in parts[1::2]} | _KINDS
    odd = [f"(?P<{part}>{kinds[part]})" if n % 2 else re.escape(part) for n, part in enumerate(parts)]
    return re.compile("".join(odd))
