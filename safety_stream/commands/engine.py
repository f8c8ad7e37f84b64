"""The processes that run for good: ``worker``, ``notifier``; ``reconcile`` beside them; ``topics`` before them."""

from datetime import timedelta
from typing import Annotated

import typer

from safety_stream.commands.terminal import ATTENTION, plain_errors, say, within
from safety_stream.errors import ConfigurationError
from safety_stream.settings import read_settings

topics = typer.Typer(no_args_is_help=True, help="Create our topics, or check them.")
_DAY = 86_400


def worker() -> None:
    """Judge: read the inbound topics, keep the log of record, conclude, and say who must be told. Until SIGTERM.

    Everything is set in the environment, SAFETY_STREAM_BOOTSTRAP_SERVERS first (see: safety-stream settings). Start as
    many as you like on the same topic prefix, each with its own SAFETY_STREAM_WORKER_ID: they share the work.

    Exit codes: 0 told to stop; 1 it broke and stopped without acknowledging anything: start it again; 2 it does not
    start, and every reason is listed.
    """
    from safety_stream.worker import app

    with plain_errors():
        raise typer.Exit(app.run(read_settings()))


def notifier() -> None:
    """Tell people: read the alerts, keep them in the outbox database, send each mail, try again until it is taken.

    Everything is set in the environment: SAFETY_STREAM_SMTP_HOST, SAFETY_STREAM_ALERT_ROUTING_FILE and
    SAFETY_STREAM_OUTBOX_URL first (see: safety-stream settings). Until SIGTERM.

    Exit codes: 0 told to stop; 1 it broke: start it again; 2 it does not start, and every reason is listed.
    """
    from safety_stream.notifier import app

    with plain_errors():
        raise typer.Exit(app.run(read_settings()))


def reconcile(
    every: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", callback=within(1, _DAY), help="Look again and again; else once. 1 to 86400."),
    ] = None,
    settled_after: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            callback=within(0, 7 * _DAY),
            help="An event younger than this may still be on its way. 0 to 604800.",
        ),
    ] = 60.0,
    another_edition: Annotated[
        bool, typer.Option(help="The rulebook or a protocol has changed, and history may be told again by the new one.")
    ] = False,
) -> None:
    """Look again: derive every alert from the logs, compare with the outbox, and queue what is missing.

    One JSON line a difference on standard output, a summary last. Neither the worker nor the notifier is needed.
    A message that was queued again is labelled a possible repeat.

    Exit codes: 0 nothing was missing; 1 something was, each line says whether it was repaired; 2 it cannot start.
    """
    from safety_stream.reconcile import app

    with plain_errors():
        look_again = None if every is None else timedelta(seconds=every)
        settled = timedelta(seconds=settled_after)
        raise typer.Exit(app.run(read_settings(), typer.echo, look_again, settled, another_edition))


@topics.command()
def create() -> None:
    """Create the topics that are missing, with their retention, replication and min.insync.replicas; change none.

    Exit codes: 0 all topics are there; 2 a wrong setting, or the broker cannot be reached or refuses.
    """
    from safety_stream.broker.topics import create as create_topics

    with plain_errors():
        created = create_topics(read_settings())
    for name in created:
        typer.echo(name)
    say(f"{len(created)} created" if created else "All topics were there already.")


@topics.command()
def check() -> None:
    """Check that every topic is there and shaped as our guarantees need it.

    Exit codes: 0 all is well; 1 something is not, each in one line; 2 a wrong setting, or the broker cannot be reached.
    """
    from safety_stream.broker.topics import check as check_topics
    from safety_stream.broker.topics import settings_problems

    with plain_errors():
        settings = read_settings()
        if wrong := settings_problems(settings):
            raise ConfigurationError(wrong)
        problems = check_topics(settings)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(ATTENTION)
    say("Every topic is there, and as it should be.")
