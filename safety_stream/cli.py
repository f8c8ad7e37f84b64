"""The command line: thin, one function a command. Each says its exit codes in its help."""

from typing import Annotated

import typer

from safety_stream import __version__
from safety_stream.commands import (
    amending,
    answering,
    engine,
    files,
    grading,
    knobs,
    protocols,
    replaying,
    showing,
    signing,
    silencing,
    trials,
)
from safety_stream.commands.terminal import NegativeNumbers

app = typer.Typer(
    name="safety-stream",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"safety-stream {__version__}")
        raise typer.Exit


@app.callback()
def safety_stream(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it and exit.")
    ] = False,
) -> None:
    """A real-time safety monitor for early-phase clinical trials, on Kafka.

    Begin with: safety-stream demo

    Settings come from the environment: safety-stream settings lists them. Results go to standard output, progress and
    problems to standard error.
    """


app.command(short_help="See it work: Kafka, workers, mails, a simulated trial.")(showing.demo)
app.command(short_help="Judge: events in, findings and alerts out.")(engine.worker)
app.command(short_help="Tell people: alerts to mails, until each is taken.")(engine.notifier)
app.command(short_help="Look again: find and queue what was lost.")(engine.reconcile)
app.command(short_help="List the alerts that wait, and who was told.")(answering.alerts)
app.command(short_help="Answer an alert.")(answering.ack)
app.command(short_help="Confirm or refute a dose-limiting toxicity.")(answering.adjudicate)
app.command(short_help="Mail nothing of a study or type for a while.")(silencing.silence)
app.add_typer(engine.topics, name="topics")
app.command(short_help="List every setting with its value now.")(knobs.settings)
app.command(short_help="Send a file of events to the broker.")(files.publish)
app.command(short_help="Judge a file of events without Kafka.")(replaying.replay)
app.command(short_help="What an amendment would have changed.")(amending.amend)
app.command(cls=NegativeNumbers, short_help="Grade one result, or a table, by CTCAE v5.0.")(grading.grade)
app.command(short_help="Check the rulebook and the protocols.")(grading.check)
app.add_typer(protocols.protocol, name="protocol")
app.command(short_help="Write the rulebook as a page to review.")(signing.review)
app.command(short_help="Sign the rulebook and the protocols.")(signing.sign)
app.command(short_help="Write the simulated trial as events.")(files.simulate)
app.command(short_help="Judge random trials of known truth.")(trials.trials)
app.add_typer(files.convert, name="convert")
app.command(short_help="Write JSON Schemas and AsyncAPI.")(files.schemas)


def main() -> None:
    """Run the command line."""
    app()
