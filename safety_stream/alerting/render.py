"""Letters to mails: subject, text and HTML from sandboxed templates, rendered whole before anybody connects."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from css_inline import CSSInliner
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from safety_stream.alerting.alert import TYPES
from safety_stream.alerting.letter import Letter
from safety_stream.errors import ConfigurationError

PARTS: Final = ("subject.txt.j2", "body.txt.j2", "body.html.j2")
LARGEST: Final = 60_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's contents: the subject in one line, and the same facts twice."""

    subject: str
    text: str
    html: str


def escapes(template: str | None) -> bool:
    """Whether a template is HTML: jinja's own function looks at the last ending only and would miss *.html.j2."""
    return template is None or ".html" in template


class Templates:
    """One folder of templates, all of them compiled when it is opened; ConfigurationError names every bad one."""

    def __init__(self, folder: Path) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            autoescape=escapes,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._inliner = CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
        if problems := tuple(self._problems()):
            raise ConfigurationError(problems)

    def _problems(self) -> Iterator[str]:
        for kind in TYPES:
            for part in PARTS:
                try:
                    self._environment.get_template(f"{kind}/{part}")
                except TemplateError as error:
                    yield f"alert template {kind}/{part}: {type(error).__name__}: {error}"

    def render(self, letter: Letter) -> Rendered:
        """The mail; a template that asks for what a letter does not have is an error, never an empty place."""
        parts = (self._environment.get_template(f"{letter.type}/{part}").render(letter=letter) for part in PARTS)
        subject, text, html = parts
        rendered = Rendered(" ".join(subject.split()), text.strip() + "\n", self._inliner.inline(html) + "\n")
        size = len(rendered.text.encode()) + len(rendered.html.encode())
        if size > LARGEST:
            raise ValueError(f"{letter.id} revision {letter.revision}: {size} bytes of mail, at most {LARGEST}")
        return rendered


def plain(letter: Letter) -> Rendered:
    """The letter without a template, for the day when a template fails: the facts matter more than their dress."""
    words = letter.words
    clinical = (letter.headline, *_pairs(letter, *letter.who)) if letter.detail == "full" else (words["needs_you"],)
    lines = [f"{words['urgency']} {words['alert']} | {letter.study}", "", *letter.remarks, *clinical, ""]
    if letter.answer_by:
        lines += _pairs(letter, (words["answer_by"], letter.answer_by))
    lines += [letter.answer_link] if letter.answer_link else []
    if letter.detail == "full":
        lines += [*_pairs(letter, (words["what_to_do"], letter.action)), "", *letter.changes]
        lines += [*_pairs(letter, *letter.facts, *letter.basis), "", letter.why, *letter.more_actions]
    lines += [line for one in letter.beside for line in ("", one.id, *_also(one))]
    text = "\n".join([*lines, "", letter.is_not, words["footer"]]) + "\n"
    language = "zh-CN" if letter.language == "zh" else "en"
    html = (
        f'<!DOCTYPE html><html lang="{language}"><body><pre style="white-space: pre-wrap">{escape(text)}</pre></body>'
    )
    subject = f"[{words['urgency']}] {letter.study}: {letter.title}, {letter.id}"
    return Rendered(subject, text, f"{html}</html>\n")


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
