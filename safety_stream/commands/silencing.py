"""``silence``: mail nothing of a study or of a type of alert for a while."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from safety_stream.commands.answering import outbox
from safety_stream.commands.terminal import plain_errors, say
from safety_stream.errors import ConfigurationError
from safety_stream.settings import read_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SPAN = re.compile(r"(?P<number>\d{1,3})(?P<unit>h|m)")


def silence(
    what: Annotated[str, typer.Argument(help="A study on file, or a type of alert, such as lab_grade_3.")],
    reason: Annotated[str, typer.Option(help="Why nobody is to be mailed.")],
    by: Annotated[str, typer.Option(help="Your name.")],
    span: Annotated[str, typer.Option("--for", help="How long: 30m, 4h; at most 8h.")],
) -> None:
    """Mail nothing of a study or a type of alert for a while; never deaths, serious events or advice to stop.

    What is not mailed is kept and listed in the digest, and alerts still step up when the silence has ended.

    Exit codes: 0 on record; 2 it cannot be, and why.
    """
    from safety_stream.alerting.alert import TYPES
    from safety_stream.alerting.holding import EVERY, Silence
    from safety_stream.notifier.gathering import silence as silence_it

    with plain_errors():
        engine, now = outbox(), datetime.now(UTC)
        is_type = what in TYPES
        if not is_type:
            _known_study(what, engine)
        wanted = Silence(
            EVERY if is_type else what, what if is_type else EVERY, reason, by, since=now, until=now + _span(span)
        )
        silence_it(engine, wanted)
    say(f"Silent until {wanted.until:%Y-%m-%d %H:%M} UTC.")


def _known_study(what: str, engine: "Engine") -> None:
    """Refuse a name that no alert will ever have: a silence of nothing would be believed."""
    from safety_stream.alerting.alert import TYPES
    from safety_stream.notifier.gathering import studies_told
    from safety_stream.rulebook.load import load_book
    from safety_stream.sandbox.near import near

    if what in (told := studies_told(engine)):
        return
    settings = read_settings()
    book = load_book(
        settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
    )
    studies = sorted(told | book.protocols.keys())
    if what not in studies:
        meant = near(what, [*TYPES, *studies])
        raise ConfigurationError(
            [
                f"{what!r} is no type of alert and no study on file{f': was {meant} meant?' if meant else ''}",
                f"types of alert are {', '.join(TYPES)}",
                f"studies on file are {', '.join(studies) or 'none'}",
            ]
        )


def _span(told: str) -> timedelta:
    match = _SPAN.fullmatch(told.strip())
    if match is None:
        raise ConfigurationError([f"--for {told!r}: expected hours or minutes, such as 4h or 30m"])
    number = int(match["number"])
    return timedelta(hours=number) if match["unit"] == "h" else timedelta(minutes=number)
