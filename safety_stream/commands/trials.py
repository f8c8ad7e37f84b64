"""``trials``: random trials whose truth is known, judged or written."""

from typing import Annotated

import typer

from safety_stream.commands.terminal import end_with_the_reader, plain_errors, say
from safety_stream.settings import read_settings

_PROGRESS_EVERY = 10


def trials(
    count: Annotated[int, typer.Option(metavar="N", min=1, help="How many trials of six subjects.")] = 20,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same trials.")] = 7,
    write: Annotated[
        bool, typer.Option("--write", help="Write the events in order of arrival (NDJSON) instead.")
    ] = False,
    truth: Annotated[bool, typer.Option("--truth", help="Write what is true of each subject instead.")] = False,
) -> None:
    """Judge random trials of known truth: how many dose-limiting toxicities and alarming grades are found or invented.

    The truth is the simulated course itself, before noise, laboratory errors and omitted reports. Beside it stands a
    naive rule that takes every result and report of grade 3 or more for an alert. Two hundred trials take some minutes.

    \b
        safety-stream trials --count 200
        safety-stream trials --count 1 --write | safety-stream replay - --alerts

    Exit codes: 0 judged, or written; 2 a wrong setting, a broken rulebook or protocol.
    """
    end_with_the_reader()
    if write or truth:
        _written(count, seed, truth=truth)
        return
    from safety_stream.rulebook.load import load_book
    from safety_stream.sandbox.judging import judge
    from safety_stream.sandbox.trial_report import Report

    with plain_errors():
        settings = read_settings()
        book = load_book(
            settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
        )
    report = Report()
    for report in judge(count, seed, book):
        if report.trials % _PROGRESS_EVERY == 0:
            say(f"{report.trials} trials judged")
    for line in report.lines():
        typer.echo(line)


def _written(count: int, seed: int, *, truth: bool) -> None:
    from safety_stream.intake.native import write
    from safety_stream.sandbox.random_trials import random_trial

    for number in range(1, count + 1):
        trial = random_trial(seed, number)
        if truth:
            for name, one in trial.volunteers.items():
                wrong = ", ".join(one.wrong) or "nothing"
                typer.echo(f"{name}: {one.misfortune.name}; {one.truth.sentence}; went wrong: {wrong}")
        else:
            for event in trial.events:
                typer.echo(write(event))
