"""Reading the tables of the way out: the catalogue and the words. All problems come at once, each with its line."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from safety_stream.bundled import bundled_folder
from safety_stream.errors import ConfigurationError
from safety_stream.rulebook.sheet import Sheet, read_sheet
from safety_stream.rulebook.written import Role

CATALOGUE_FILE: Final = "catalogue.yaml"
Language = Literal["en", "zh"]
Urgency = Literal["critical", "warning", "info"]
_TIME: Final = re.compile(r"([1-9]\d*) (min|h)")
_Table = TypeVar("_Table", bound=BaseModel)


class Told(BaseModel):
    """The base of all that the tables say: frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Both(Told):
    """The same words in every language."""

    en: Annotated[str, Field(min_length=1, max_length=400)]
    zh: Annotated[str, Field(min_length=1, max_length=400, pattern=r"[\u4e00-\u9fff，：]|\{")]

    def said(self, language: Language) -> str:
        """The words in one language."""
        return self.en if language == "en" else self.zh


def _time(told: object) -> object:
    match = _TIME.fullmatch(told) if isinstance(told, str) else None
    if match is None:
        raise ValueError("expected a time such as 15 min or 4 h")
    return timedelta(minutes=int(match[1]) * (60 if match[2] == "h" else 1))


class Entry(Told):
    """How one kind of alert is told. ``levels``: the roles told at once, then the next in line, then the last.

    ``decide_within``: by when a person decides on what was answered; ``never_silenced``: no silence holds its mails;
    ``stands_for``: how long it has to stand before anybody is told.
    ``contains``: types that tell the same facts and need no answer beside it.
    """

    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    case: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,39})?$")] = ""
    urgency: Urgency
    one_alert_for: Annotated[str, Field(min_length=1)]
    answer_within: Annotated[timedelta, BeforeValidator(_time)]
    levels: Annotated[tuple[Annotated[tuple[Role, ...], Field(min_length=1)], ...], Field(min_length=1, max_length=3)]
    titles: Both = Field(alias="title")
    actions: Both = Field(alias="action")
    more_actions: tuple[Both, ...] = ()
    decide_within: Annotated[timedelta | None, BeforeValidator(_time)] = None
    stands_for: Annotated[timedelta | None, BeforeValidator(_time)] = None
    never_silenced: bool = False
    contains: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the subject line says, in English."""
        return self.titles.en

    @property
    def action(self) -> str:
        """What to do first, in English."""
        return self.actions.en


class _CatalogueTable(Told):
    alerts: Annotated[tuple[Entry, ...], Field(min_length=1)]


def read_catalogue(folder: Path | None = None) -> dict[tuple[str, str], Entry]:
    """The catalogue of a folder of templates (null: the bundled one), in the order it is written.

    Raises ConfigurationError with every problem: file, line, what is wrong.
    """
    sheet = sheet_of(folder, CATALOGUE_FILE)
    table = table_of(sheet, _CatalogueTable)
    if problems := (*_repeated(sheet, table), *_not_containable(sheet, table)):
        raise ConfigurationError(problems)
    return {(entry.type, entry.case): entry for entry in table.alerts}


def _repeated(sheet: Sheet, table: _CatalogueTable) -> Iterator[str]:
    seen: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(table.alerts):
        line = sheet.line("alerts", number)
        first = seen.setdefault((entry.type, entry.case), line)
        if first != line:
            yield f"{sheet.name}:{line}: {entry.type} {entry.case}: again; expected once (first: line {first})"


def _not_containable(sheet: Sheet, table: _CatalogueTable) -> Iterator[str]:
    for number, entry in enumerate(table.alerts):
        for less in entry.contains:
            cases = [one for one in table.alerts if one.type == less]
            where = f"{sheet.name}:{sheet.line('alerts', number)}: {entry.type} {entry.case}: contains {less}"
            if not cases or less == entry.type:
                yield f"{where}: expected another type of the catalogue"
            if any(one.never_silenced or one.decide_within is not None for one in cases):
                yield f"{where}: expected a type that may be silenced and that nobody has to decide"


def sheet_of(folder: Path | None, name: str) -> Sheet:
    """One table with its lines; ConfigurationError when there is none or it is no YAML."""
    try:
        text = ((folder or bundled_folder("alert_templates")) / name).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigurationError([f"{name}: {error}"]) from None
    sheet = read_sheet(name, text)
    if sheet.problems:
        raise ConfigurationError(sheet.problems)
    return sheet


def table_of(sheet: Sheet, form: type[_Table]) -> _Table:
    """The table in its form; ConfigurationError with the line of every value that does not fit."""
    try:
        return form.model_validate(sheet.data)
    except ValidationError as error:
        raise ConfigurationError([_problem(sheet, one["loc"], one["msg"]) for one in error.errors()]) from None


def _problem(sheet: Sheet, path: tuple[int | str, ...], wrong: str) -> str:
    where = " > ".join(str(part) for part in path)
    return f"{sheet.name}:{sheet.line(*path)}: {where}: {wrong[0].lower()}{wrong[1:]}"
