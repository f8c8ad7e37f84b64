"""``demo``: the whole of it in one command."""

from pathlib import Path
from typing import Annotated

import typer

from safety_stream.commands.terminal import plain_errors, within
from safety_stream.settings import read_settings


def demo(
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Use this Kafka, with topics of its own that go again.")
    ] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Keep everything running at the end, until Ctrl-C.")] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep mails, logs and outbox there, however it ends.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, other numbers, the same story.")] = 7,
    seconds: Annotated[
        float, typer.Option(metavar="S", callback=within(10, 3600), help="How long the eight months take; 10 to 3600.")
    ] = 60.0,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the live view.")] = False,
) -> None:
    """See it work: a real Kafka, two workers, the notifier, a mail inbox, and a simulated trial of ten subjects.

    Starts a local Apache Kafka (fetched once; needs Java 17 and Maven, or --broker), plays eight months of laboratory
    results, vital signs, doses and adverse events in a minute, shows what is concluded and which mails go out, and
    compares it with what had to be found. Nothing leaves this machine.

    When it comes to its end, the mails stay in a temporary folder that it names, so that you can open them. After
    Ctrl-C nothing is left behind, but for what --keep says.

    Exit codes: 0 everything expected was found and mailed; 1 something was not, or a process ended by itself;
    2 it could not start; 130 stopped by Ctrl-C.
    """
    from safety_stream.sandbox.demo import Wishes, run

    with plain_errors():
        raise typer.Exit(run(read_settings(), Wishes(broker, stay, keep, seed, seconds, plain)))
