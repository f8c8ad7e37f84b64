"""``replay``: the same judgement on a file, without Kafka."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from safety_stream.alerting.alert import Alert
from safety_stream.commands.files import complain, listed, opened
from safety_stream.commands.terminal import end_with_the_reader, plain_errors, say
from safety_stream.intake import Rejected
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.replay import Replayed, replay
from safety_stream.settings import read_settings

_PROGRESS_EVERY = 10_000


def replay_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, one JSON object a line; - for standard input.")],
    alerts: Annotated[bool, typer.Option("--alerts", help="Print the alerts instead of the findings.")] = False,
    final: Annotated[bool, typer.Option("--final", help="Print only what stands at the end, not each change.")] = False,
) -> None:
    """Judge a file of events as the engine would, without Kafka: each change of a finding as one line of JSON.

    Subjects first, then their study: 3+3 decisions come in between, as the engine sends them. Time is the events' own.
    Progress, counts and rejected lines go to standard error.

    \b
        safety-stream replay trial.ndjson > findings.ndjson
        safety-stream replay trial.ndjson --alerts | head

    Exit codes: 0 every line was judged; 1 some were rejected, the others were judged; 2 settings or rulebook.
    """
    end_with_the_reader()
    with plain_errors():
        settings = read_settings()
        book = load_book(
            settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
        )
        with opened(file) as lines:
            _print(replay(_watched(lines), book), alerts, final)
