"""Letters to mails: subject, text and HTML from sandboxed templates, rendered whole before anybody connects."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from css_inline import CSSInliner

from safety_stream.alerting.alert import TYPES
from safety_stream.alerting.letter import Letter
from safety_stream.alerting.render_folder import TemplateFolder, plain_html

PARTS: Final = ("subject.txt.j2", "body.txt.j2", "body.html.j2")
LARGEST: Final = 60_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's contents: the subject in one line, and the same facts twice."""

    subject: str
    text: str
    html: str


class Templates:
    """One folder of templates, all of them compiled when it is opened; ConfigurationError names every bad one."""

    def __init__(self, folder: Path) -> None:
        self._folder = TemplateFolder(folder, TYPES, PARTS)
        self._inliner = CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)

    def render(self, letter: Letter) -> Rendered:
        """The mail; a template that asks for what a letter does not have is an error, never an empty place."""
        subject, text, html = self._folder.draw(letter.type, letter=letter)
        rendered = Rendered(" ".join(subject.split()), text.strip() + "\n", self._inliner.inline(html) + "\n")
        size = len(rendered.text.encode()) + len(rendered.html.encode())
        if size > LARGEST:
            raise ValueError(f"{letter.id} revision {letter.revision}: {size} bytes of mail, at most {LARGEST}")
        return rendered


def plain(letter: Letter) -> Rendered:
    """The letter without a template, for the day when a template fails: the facts matter more than their dress."""
    words = letter.words
    clinical = (letter.headline, *_pairs(letter, *letter.who)) if letter.detail == "full" else (words["needs_you"],)
    lines = [f"{words['urgency']} {letter.heading} | {letter.study}", "", *letter.remarks, *clinical, ""]
    if letter.answer_by:
        lines += _pairs(letter, (words["answer_by"], letter.answer_by))
    lines += [letter.answer_link] if letter.answer_link else []
    if letter.detail == "full":
        lines += [*_pairs(letter, (words["what_to_do"], letter.action)), "", *letter.changes]
        lines += [*_pairs(letter, *letter.facts, *letter.basis), "", letter.why, *letter.more_actions]
    lines += [line for one in letter.beside for line in ("", one.id, *_also(one))]
    text = "\n".join([*lines, "", letter.is_not, words["footer"]]) + "\n"
    subject = f"[{words['tag']}] {letter.study}: {letter.title}, {letter.id}"
    return Rendered(subject, text, plain_html(text, letter.language))


def _also(letter: Letter) -> list[str]:
    """What the same mail tells below its first alert; without clinical detail, when to answer and where."""
    asked = _pairs(letter, (letter.words["answer_by"], letter.answer_by)) if letter.answer_by else [letter.contained]
    asked += [letter.answer_link] if letter.answer_link else []
    if letter.detail == "notice":
        return asked
    told = [letter.headline, *letter.remarks, *asked, letter.action, *letter.changes]
    readings = [f"{taken}{letter.words['colon']}{value}, {grade}" for taken, value, grade in letter.readings]
    return [*told, *_pairs(letter, *letter.facts, *letter.basis), *readings, letter.why, *letter.more_actions]


def _pairs(letter: Letter, *facts: tuple[str, str]) -> list[str]:
    return [f"{label}{letter.words['colon']}{value}" for label, value in facts]
