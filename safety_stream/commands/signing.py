"""``review``: the rulebook on one page, for a clinician; ``sign``: who answers for which files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from safety_stream.commands.terminal import plain_errors, say
from safety_stream.rulebook.load import BUNDLED, PROTOCOLS, SIGNATURES, load_book, signable, signatures
from safety_stream.rulebook.signing import sign as signed
from safety_stream.sandbox.review import review_page
from safety_stream.settings import read_settings

_FOLDER = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Folder of the tables; else as set, else the bundled.")
]
_PROTOCOLS = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder of the protocols; likewise.")]


def review(
    rulebook: _FOLDER = None,
    protocols: _PROTOCOLS = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the page goes; else standard output.")
    ] = None,
) -> None:
    """Write the review page: every boundary with its examples, the ambiguity register, the signatures.

    Exit codes: 0 written; 2 the tables do not hold together.
    """
    with plain_errors():
        settings = read_settings()
        folder, studies = rulebook or settings.rulebook_folder, protocols or settings.protocols_folder
        book = load_book(folder, studies, allow_unsigned=True)
    page = review_page(book, signable(folder, studies), signatures(folder, studies))
    if output is None:
        typer.echo(page)
    else:
        output.write_text(page, encoding="utf-8")
        say(f"{output}: rulebook {book.version}")


def sign(
    approver: Annotated[str, typer.Option(metavar="NAME", help="Who answers for these files.")],
    version: Annotated[str, typer.Option(metavar="VERSION", help="The version that is signed.")],
    rulebook: _FOLDER = None,
    protocols: _PROTOCOLS = None,
) -> None:
    """Sign the tables and protocols as they are now. Files that did not change keep their earlier signature.

    Exit codes: 0 signed; 2 the tables do not hold together.
    """
    with plain_errors():
        settings = read_settings()
        folder, studies = rulebook or settings.rulebook_folder, protocols or settings.protocols_folder
        load_book(folder, studies, allow_unsigned=True)
    before = {name: one.model_dump() for name, one in signatures(folder, studies).items()}
    now = signed(signable(folder, studies), version, approver)
    kept = {name: before[name] if _same(before.get(name), entry) else entry for name, entry in now.items()}
    for place, wanted in _places(folder or BUNDLED, studies):
        entries = {name: kept[name] for name in sorted(kept) if wanted(name)}
        (place / SIGNATURES).write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"{place / SIGNATURES}: {sum(kept[name] is not before.get(name) for name in entries)} newly signed")


def _same(before: dict[str, str] | None, now: dict[str, str]) -> bool:
    return before is not None and before["sha256"] == now["sha256"]


def _places(folder: Path, studies: Path | None) -> list[tuple[Path, Callable[[str], bool]]]:
    """Where signatures are kept, and of which files: protocols with a folder of their own keep theirs there."""
    if studies is None:
        return [(folder, lambda name: True)]
    return [
        (folder, lambda name: not name.startswith(PROTOCOLS)),
        (studies, lambda name: name.startswith(PROTOCOLS)),
    ]
