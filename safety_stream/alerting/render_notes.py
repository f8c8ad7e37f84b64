"""Notes to mails: sandboxed templates, one folder a kind, drawn whole before anybody connects."""

from pathlib import Path
from typing import Final

from safety_stream.alerting.notes import Note
from safety_stream.alerting.render import Rendered
from safety_stream.alerting.render_folder import TemplateFolder, plain_html

KINDS: Final = ("answered", "storm", "digest")
_PARTS: Final = ("body.txt.j2", "body.html.j2")


class NoteTemplates:
    """The templates of notes, all compiled when opened; ConfigurationError names every bad one."""

    def __init__(self, folder: Path) -> None:
        self._folder = TemplateFolder(folder, KINDS, _PARTS)

    def render(self, note: Note) -> Rendered:
        """The mail of a note."""
        text, html = self._folder.draw(note.kind, note=note)
        return Rendered(note.subject, text.strip() + "\n", html + "\n")


def plain_note(note: Note) -> Rendered:
    """The note without a template, for the day when a template fails."""
    rows = [" | ".join(row) for sheet in note.sheets for row in (sheet.columns, *sheet.rows)]
    links = [f"{label} {address}" for label, address in note.links]
    text = "\n".join((note.title, *note.lines, *rows, *links)) + "\n"
    return Rendered(note.subject, text, plain_html(text, note.language))
