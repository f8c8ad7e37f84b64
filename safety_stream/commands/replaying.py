"""``replay``: the same judgement on a file, without Kafka."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.moment import instant
from safety_stream.commands.files import complain, listed
from safety_stream.commands.opening import opened
from safety_stream.commands.terminal import end_with_the_reader, plain_errors, say
from safety_stream.intake import Rejected
from safety_stream.settings import read_settings

_PROGRESS_EVERY = 10_000


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, one JSON object a line; - for standard input.")],
    changes: Annotated[
        bool, typer.Option("--changes", help="Every change of a finding on the way, event by event; takes longer.")
    ] = False,
    alerts: Annotated[
        bool, typer.Option("--alerts", help="Every alert on the way, sent or held, event by event; takes longer.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="Only what had been received by then, e.g. 2026-03-04T07:30:00+08:00."),
    ] = None,
) -> None:
    """Judge a file of events as the engine would, without Kafka: each finding that stands as one line of JSON.

    With --changes or --alerts each event is judged by itself, as the engine does, and what it brings about is told in
    order, 3+3 decisions in between; the same findings stand at the end. Time is the events' own. Progress, counts and
    rejected lines go to standard error. FILE may also be the log of record; then --as-of goes by its received_at, else
    by reported_at.

    \b
        safety-stream replay trial.ndjson > findings.ndjson
        safety-stream replay trial.ndjson --as-of 2024-12-20T00:00:00+08:00
        safety-stream replay trial.ndjson --alerts | head

    Exit codes: 0 every line was judged; 1 some were rejected, each is named, and the others were judged; 2 a wrong
    argument or setting, a broken rulebook or protocol.
    """
    from safety_stream.rulebook.load import load_book
    from safety_stream.sandbox.replay import replay as judged
    from safety_stream.sandbox.standing import standing as stands
    from safety_stream.sandbox.sweeping import no_sweeping

    if changes and alerts:
        raise typer.BadParameter("--changes lists findings, --alerts lists alerts: only one of them can be")
    with plain_errors():
        settings = read_settings()
        book = load_book(
            settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
        )
    end_with_the_reader()
    known_by = None if as_of is None else _instant(as_of)
    counts: Counter[str] = Counter()
    rejected: list[tuple[int, str]] = []
    with opened(file) as opened_file, no_sweeping():
        lines = Lines(opened_file)
        each = changes or alerts
        told = judged(lines, book, known_by=known_by) if each else stands(lines, book, known_by=known_by)
        for one in told:
            if isinstance(one, Rejected):
                rejected.append((lines.number, one.detail))
                continue
            counts[_counted(one)] += 1
            if not each or isinstance(one, Alert if alerts else FindingChange):
                typer.echo(one.model_dump_json())
    say(f"{lines.number:,} lines read, {len({number for number, _ in rejected}):,} rejected: {listed(counts)}")
    complain([f"line {number}: {detail}" for number, detail in rejected], "rejected")


def _instant(told: str) -> datetime:
    try:
        return instant(told)
    except ValueError as error:
        raise typer.BadParameter(f"--as-of {told}: {error}") from None


class Lines:
    """The lines of a file and the number of the one that was last taken, with progress."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.number = 0
        self._lines = lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.number += 1
            if self.number % _PROGRESS_EVERY == 0:
                say(f"{self.number:,} lines")
            yield line


def _counted(one: FindingChange | Alert | AnyFinding) -> str:
    if isinstance(one, Alert):
        return "alerts to be sent" if one.decision.action == "send" else "alerts held"
    if isinstance(one, FindingChange):
        return f"{one.finding.kind.replace('_', ' ')} {one.change}"
    return f"{one.kind.replace('_', ' ')} standing"
