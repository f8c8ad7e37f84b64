"""``protocol template``: the beginning of a new study."""

import typer

from safety_stream.commands.terminal import end_with_the_reader

protocol = typer.Typer(help="Write the protocol of a new study.", no_args_is_help=True)


@protocol.callback()
def about_protocols() -> None:
    """Write the protocol of a new study."""


@protocol.command()
def template() -> None:
    """Write a protocol to fill in: every key it may have, explained, with its unit and the values it may take.

    \b
        mkdir studies
        safety-stream protocol template > studies/my-study.yaml
        safety-stream check --protocols studies

    What is still blank, unknown or contradictory is then listed with its line.

    Exit codes: 0 written.
    """
    from safety_stream.rulebook.load import protocol_template

    end_with_the_reader()
    typer.echo(protocol_template(), nl=False)
