"""The words of the answer page and of the mails that are no alert: alert_templates/answering.yaml."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from safety_stream.alerting.load import Both, Language, Told, sheet_of, table_of

WORDS_FILE: Final = "answering.yaml"
Words = Mapping[str, str]


class _AnswerWords(Told):
    words: dict[str, Both]


@cache
def answer_words(folder: Path | None = None) -> Mapping[Language, Words]:
    """Every language of a folder of templates (null: the bundled one); ConfigurationError with every problem."""
    table = table_of(sheet_of(folder, WORDS_FILE), _AnswerWords)
    languages: tuple[Language, ...] = ("en", "zh")
    return {language: {name: both.said(language) for name, both in table.words.items()} for language in languages}
