"""Notes to mails: sandboxed templates, one folder a kind, drawn whole before anybody connects."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from safety_stream.alerting.notes import Note
from safety_stream.alerting.render import Rendered, escapes
from safety_stream.errors import ConfigurationError

KINDS: Final = ("answered", "storm", "digest")
_PARTS: Final = ("body.txt.j2", "body.html.j2")


class NoteTemplates:
    """The templates of notes, all compiled when opened; ConfigurationError names every bad one."""

    def __init__(self, folder: Path) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            autoescape=escapes,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        if problems := tuple(self._problems()):
            raise ConfigurationError(problems)

    def _problems(self) -> Iterator[str]:
        for name in (f"{kind}/{part}" for kind in KINDS for part in _PARTS):
            try:
                self._environment.get_template(name)
            except TemplateError as error:
                yield f"alert template {name}: {type(error).__name__}: {error}"

    def render(self, note: Note) -> Rendered:
        """The mail of a note."""
        text, html = (self._environment.get_template(f"{note.kind}/{part}").render(note=note) for part in _PARTS)
        return Rendered(note.subject, text.strip() + "\n", html + "\n")


def plain_note(note: Note) -> Rendered:
    """The note without a template, for the day when a template fails."""
    rows = [" | ".join(row) for sheet in note.sheets for row in (sheet.columns, *sheet.rows)]
    links = [f"{label} {address}" for label, address in note.links]
    text = "\n".join((note.title, *note.lines, *rows, *links)) + "\n"
    language = "zh-CN" if note.language == "zh" else "en"
    told = f'<pre style="white-space: pre-wrap">{escape(text)}</pre>'
    html = f'<!DOCTYPE html><html lang="{language}"><body>{told}</body>'
    return Rendered(note.subject, text, f"{html}</html>\n")
