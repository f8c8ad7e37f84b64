"""``review``: the rulebook on one page, for a clinician; ``sign``: who answers for which files."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from safety_stream.commands.opening import to_write
from safety_stream.commands.proving import proved_book
from safety_stream.commands.terminal import ATTENTION, plain_errors, say
from safety_stream.rulebook.forms import SignatureForm
from safety_stream.rulebook.load import BUNDLED, PROTOCOLS, SIGNATURES, load_book, signable, signatures
from safety_stream.rulebook.signing import keeps
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
        with to_write(output) as stream:
            stream.write(page.encode())
        say(f"{output}: rulebook {book.version}")


def sign(
    approver: Annotated[str, typer.Option(metavar="NAME", help="Who answers for these files.")],
    version: Annotated[str, typer.Option(metavar="VERSION", help="The version that is signed.")],
    rulebook: _FOLDER = None,
    protocols: _PROTOCOLS = None,
) -> None:
    """Sign the tables and protocols as they are now, once all that ``check`` proves of them is proved.

    Files that did not change keep their earlier signature, unless it is pending: nobody had signed them yet.

    Exit codes: 0 signed; 1 nothing was left to sign; 2 the tables do not hold together, or no name or version.
    """
    approver, version = approver.strip(), version.strip()
    with plain_errors():
        settings = read_settings()
        folder, studies = rulebook or settings.rulebook_folder, protocols or settings.protocols_folder
        wrong = list(_blank(approver, version))
        before = signatures(folder, studies, wrong)
        proved_book(folder, studies, wrong)
    files = signable(folder, studies)
    kept = {name: before[name] for name in files if keeps(before.get(name), files[name], approver)}
    new = signed({name: content for name, content in files.items() if name not in kept}, version, approver)
    entries = new | {name: one.model_dump() for name, one in kept.items()}
    for place, wanted in _places(folder or BUNDLED, studies):
        here = {name: entries[name] for name in sorted(entries) if wanted(name)}
        (place / SIGNATURES).write_text(json.dumps(here, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"{place / SIGNATURES}: {sum(name in new for name in here)} newly signed")
    _tell(new, kept)


def _blank(approver: str, version: str) -> Iterator[str]:
    if not approver:
        yield "--approver: it is blank; expected the name of who answers for these files"
    if not version:
        yield "--version: it is blank; expected the version that is signed"


def _tell(new: Iterable[str], kept: Mapping[str, SignatureForm]) -> None:
    """Which files were signed, and whose signature the others keep."""
    if names := sorted(new):
        say(f"signed: {', '.join(names)}")
    for approver, version in sorted({(one.approver, one.version) for one in kept.values()}):
        theirs = sorted(name for name, one in kept.items() if (one.approver, one.version) == (approver, version))
        say(f"kept, of {approver} (version {version}): {', '.join(theirs)}")
    if not names:
        say("Nothing was signed: no file changed since these signatures.")
        raise typer.Exit(ATTENTION)


def _places(folder: Path, studies: Path | None) -> list[tuple[Path, Callable[[str], bool]]]:
    """Where signatures are kept, and of which files: protocols with a folder of their own keep theirs there."""
    if studies is None:
        return [(folder, lambda name: True)]
    return [
        (folder, lambda name: not name.startswith(PROTOCOLS)),
        (studies, lambda name: name.startswith(PROTOCOLS)),
    ]
