"""``amend``: what would have differed under another version of the protocol."""

import json
from pathlib import Path
from typing import Annotated

import typer

from safety_stream.commands.files import complain
from safety_stream.commands.opening import opened
from safety_stream.commands.replaying import Lines
from safety_stream.commands.terminal import ATTENTION, end_with_the_reader, plain_errors, say
from safety_stream.settings import read_settings


def amend(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, one JSON object a line; - for standard input.")],
    version_from: Annotated[str, typer.Option("--from", metavar="V1", help="Judged by this version of the protocol.")],
    version_to: Annotated[str, typer.Option("--to", metavar="V2", help="And by this one.")],
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON for each difference.")] = False,
) -> None:
    """List every finding and alert that would have differed, had all subjects been under V2 instead of V1.

    Events, or entries of the log of record, are taken as replay takes them. An alert that says the same at another time
    is listed as sent earlier or later. Counts and rejected lines go to standard error.

    \b
        safety-stream simulate | safety-stream amend - --from 1.0 --to 2.0

    Exit codes: 0 nothing differs; 1 something differs, or some lines were rejected; 2 no protocol has these versions,
    a wrong setting, a broken rulebook or protocol.
    """
    from safety_stream.rulebook.load import load_book
    from safety_stream.sandbox.amendment import Unknown, amended

    with plain_errors():
        settings = read_settings()
        book = load_book(
            settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
        )
    end_with_the_reader()
    with opened(file) as opened_file:
        lines = Lines(opened_file)
        try:
            found, rejected = amended(lines, book, version_from, version_to)
        except Unknown as error:
            raise typer.BadParameter(str(error)) from None
    for one in found:
        typer.echo(json.dumps(one._asdict()) if as_json else one.sentence)
    findings = sum(one.what == "finding" for one in found)
    differing = f"{findings:,} findings and {len(found) - findings:,} alerts differ"
    refused = len({number for number, _ in rejected})
    say(f"{lines.number:,} lines read, {refused:,} rejected, the others judged twice: {differing}")
    complain([f"line {number}: {one.detail}" for number, one in rejected], "rejected")
    if found:
        raise typer.Exit(ATTENTION)
