"""A folder of templates for letters and notes: sandboxed, strict, and every one of them compiled when it is opened."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from safety_stream.alerting.load import Language
from safety_stream.errors import ConfigurationError


def escapes(template: str | None) -> bool:
    """Whether a template is HTML: jinja's own function looks at the last ending only and would miss *.html.j2."""
    return template is None or ".html" in template


class TemplateFolder:
    """The templates of these kinds, each in its parts; ConfigurationError names every bad one."""

    def __init__(self, folder: Path, kinds: tuple[str, ...], parts: tuple[str, ...]) -> None:
        self._parts = parts
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            autoescape=escapes,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        if problems := tuple(self._problems(kinds)):
            raise ConfigurationError(problems)

    def _problems(self, kinds: tuple[str, ...]) -> Iterator[str]:
        for name in (f"{kind}/{part}" for kind in kinds for part in self._parts):
            try:
                self._environment.get_template(name)
            except TemplateError as error:
                yield f"alert template {name}: {type(error).__name__}: {error}"

    def draw(self, kind: str, **told: object) -> tuple[str, ...]:
        """Each part of a kind; what a template asks for and is not told is an error, never an empty place."""
        return tuple(self._environment.get_template(f"{kind}/{part}").render(told) for part in self._parts)


def plain_html(text: str, language: Language) -> str:
    """Plain text as a page, for the day when a template fails."""
    told = f'<pre style="white-space: pre-wrap">{escape(text)}</pre>'
    return f'<!DOCTYPE html><html lang="{"zh-CN" if language == "zh" else "en"}"><body>{told}</body></html>\n'
