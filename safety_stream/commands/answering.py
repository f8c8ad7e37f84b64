"""Answering from a terminal: ``alerts``, ``ack``, ``adjudicate``, all on the outbox database."""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from safety_stream.commands.terminal import ATTENTION, plain_errors, say
from safety_stream.errors import ConfigurationError
from safety_stream.settings import read_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from safety_stream.notifier.answers import Outcome, Standing

_SAID = {
    "taken": "On record.",
    "known": "This was on record already.",
    "nothing_to_answer": "There was nothing left to answer.",
    "older_revision": "A newer revision came meanwhile: look at it and answer that one.",
    "unknown_revision": "There is no such revision.",
    "unknown_alert": "No such alert is on record.",
    "other_subject": "The alert is of another subject.",
}


def alerts(
    alert: Annotated[str | None, typer.Argument(help="One alert: its whole course, from the first word on.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are answered, closed or withdrawn.")
    ] = False,
) -> None:
    """List the alerts that wait for an answer or a decision, the next due first, with who was told; or one's course.

    Tab-separated, a header first. The outbox database is named in SAFETY_STREAM_OUTBOX_URL.

    Exit codes: 0 nothing is overdue; 1 at least one alert has been stepped up unanswered; 2 it cannot start, or the one
    alert is not on record.
    """
    from safety_stream.notifier.listing import COLUMNS, listed

    if alert is not None:
        return _course(alert)
    with plain_errors():
        rows = listed(outbox(), datetime.now(UTC), everything)
    typer.echo("\t".join(COLUMNS))
    for row in rows:
        typer.echo("\t".join(row.cells))
    if any(row.overdue for row in rows):
        raise typer.Exit(ATTENTION)


def _course(alert: str) -> None:
    from safety_stream.notifier.history import COLUMNS, history

    with plain_errors():
        if not (happened := history(outbox(), alert)):
            raise ConfigurationError([f"{alert}: no such alert is on record"])
    typer.echo("\t".join(COLUMNS))
    for one in happened:
        typer.echo("\t".join(one.cells))


def ack(
    alert: Annotated[str, typer.Argument(help="The alert's id, such as AL-GLRROVR7.")],
    revision: Annotated[int, typer.Option(help="The revision that you have read.")],
    by: Annotated[str, typer.Option(help="Your name.")],
    readback: Annotated[str, typer.Option(help="Last 4 characters of the subject number, or: dose level 2.")],
    response: Annotated[Literal["will-act", "already-known", "pass-on"], typer.Option(help="Your answer.")],
) -> None:
    """Answer an alert. It takes effect at once; the notifier sends it to the log of record.

    Exit codes: 0 on record; 1 nothing was changed, and why: an unknown alert, for one; 2 it cannot start.
    """
    from safety_stream.alerting.load_answer_words import answer_words
    from safety_stream.alerting.read_back import read_back
    from safety_stream.notifier.answers import acknowledgement

    with plain_errors():
        engine = outbox()
        standing = _standing(engine, alert)
        asked = read_back(standing.alert)
        if not asked.is_given_by(readback):
            say(f"Not read back: {answer_words()['en'][f'read_back_{asked.asked}']}. Nothing was changed.")
            raise typer.Exit(ATTENTION)
        event = acknowledgement(standing, revision, response, by, at=datetime.now(UTC), place=_place())
        _told(_taken(engine, event))


def adjudicate(
    finding: Annotated[str, typer.Argument(help="The finding's id, or the id of the alert that reports it.")],
    verdict: Annotated[Literal["confirmed", "refuted"], typer.Option(help="Whether it is a DLT.")],
    by: Annotated[str, typer.Option(help="Your name.")],
    why: Annotated[str, typer.Option(help="Your reason, for the record.")],
    readback: Annotated[str, typer.Option(help="Last 4 characters of the subject number.")],
) -> None:
    """Confirm or refute a dose-limiting toxicity. It answers the alert, and the notifier sends it to the log of record.

    Exit codes: 0 on record; 1 nothing was changed, and why: an unknown alert, for one; 2 it cannot start.
    """
    from safety_stream.alerting.read_back import read_back
    from safety_stream.notifier.answers import Answers, adjudication

    with plain_errors():
        engine = outbox()
        standing = _standing(engine, Answers(engine).of_finding(finding) or finding)
        event = adjudication(standing.alert, verdict, by, why, at=datetime.now(UTC), place=_place())
        if event is None or not read_back(standing.alert).is_given_by(readback):
            say("Not read back. Nothing was changed." if event else "This alert asks for no decision on a DLT.")
            raise typer.Exit(ATTENTION)
        _told(_taken(engine, event))


def outbox() -> "Engine":
    """The outbox database that the environment names."""
    from safety_stream.notifier.readiness import open_database_of

    return open_database_of(read_settings())


def _standing(engine: "Engine", alert: str) -> "Standing":
    from safety_stream.notifier.answers import Answers

    found = Answers(engine).standing(alert)
    if found is None:
        say(f"{alert}: no such alert is on record, or nobody was told of it. Nothing was changed.")
        raise typer.Exit(ATTENTION)
    return found


def _taken(engine: "Engine", event: object) -> "Outcome":
    from safety_stream.clinical.events import Acknowledged, Adjudicated
    from safety_stream.notifier.answers import Answers

    assert isinstance(event, Acknowledged | Adjudicated)  # noqa: S101  # what the two commands make
    return Answers(engine).take(event, datetime.now(UTC), f"command {_place()}", publish=True)


def _told(outcome: "Outcome") -> None:
    say(_SAID[outcome])
    if outcome not in {"taken", "known"}:
        raise typer.Exit(ATTENTION)


def _place() -> str:
    return getpass.getuser()
