"""Files in and out: ``publish``, ``convert``, ``schemas``, ``simulate``."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from safety_stream.commands.opening import keep_apart, opened, written
from safety_stream.commands.terminal import ATTENTION, end_with_the_reader, plain_errors, say
from safety_stream.settings import read_settings

convert = typer.Typer(no_args_is_help=True, help="Convert other formats to our events.")
_EXAMPLES = 10
_PROGRESS_EVERY = 10_000


def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, one JSON object a line; - for standard input.")],
    only_readable: Annotated[
        bool, typer.Option("--only-readable", help="Refuse unreadable lines here, not in the engine.")
    ] = False,
) -> None:
    """Publish a file of events to the inbound topics of their kinds, and wait until the broker has every one.

    Progress goes to standard error. A line that cannot be read is sent all the same, and is found again among the
    dead letters with its reason; with --only-readable it is refused here.

    Exit codes: 0 all sent; 1 some lines were refused, each is named; 2 the broker cannot be reached, or refuses.
    """
    from safety_stream.broker.publishing import publisher
    from safety_stream.sandbox.publish import publish_lines

    def progress(lines: int, _bytes: int) -> None:
        if lines % _PROGRESS_EVERY == 0:
            say(f"{lines:,} lines sent")

    with plain_errors():
        settings = read_settings()
        with opened(file) as lines, publisher(settings) as broker:
            done = publish_lines(lines, broker, settings, only_readable=only_readable, progress=progress)
    say(f"{done.sent.total():,} messages sent, {len(done.refused):,} refused: {listed(done.sent)}")
    complain([f"line {number}: {reason}" for number, reason in done.refused], "refused")


def simulate(
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same bytes.")] = 7,
    truth: Annotated[bool, typer.Option("--truth", help="Print what must be found in it instead.")] = False,
) -> None:
    """Write the simulated trial, 10 subjects of the bundled CAR-NK protocol, as events in order of arrival (NDJSON).

    One of its lines is torn on purpose. Feed it to replay, or to publish with a worker on the event clock.

    \b
        safety-stream simulate > trial.ndjson
        safety-stream replay trial.ndjson --alerts

    Exit codes: 0.
    """
    from safety_stream.sandbox.simulator import simulated_trial

    end_with_the_reader()
    trial = simulated_trial(seed)
    if truth:
        for expectation in trial.truth:
            typer.echo(expectation.sentence)
        return
    for message in trial.messages:
        sys.stdout.buffer.write(message.line + b"\n")


@convert.command("sdtm")
def convert_sdtm(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Folder with dm, ex, ds, lb, vs, eg, ae: .csv, .csv.gz or .xpt.",
            exists=True,
            file_okay=False,
        ),
    ],
    zone: Annotated[str, typer.Option(metavar="ZONE", help="The study's time zone: times without one are read in it.")],
    study: Annotated[
        str | None, typer.Option(metavar="NAME", help="Study name, where our protocol calls it otherwise.")
    ] = None,
    dose_level: Annotated[
        list[str] | None, typer.Option(metavar="ARM=NUMBER", help="The dose level of an arm; may be repeated.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="DATASET", help="Only this one; may be repeated.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the events go; else standard output.")
    ] = None,
) -> None:
    """Convert a folder of CDISC SDTM datasets to our events, in the order in which they could have arrived.

    Results are taken as reported (--ORRES), never the standardized columns. Whatever cannot be taken over is counted
    on standard error, with examples; nothing is dropped in silence. Which drugs are lymphodepletion says the protocol
    of the study (treatment, also_called); where none is on file, that is said.

    \b
        safety-stream convert sdtm ./sdtm --zone America/New_York --output trial.ndjson

    Exit codes: 0 converted; 1 converted, with discrepancies; 2 wrong arguments.
    """
    from safety_stream.clinical.events import DoseGiven
    from safety_stream.intake.cdisc import DATASETS, convert_folder
    from safety_stream.intake.native import write

    levels = _dose_levels(dose_level or [])
    unknown = sorted(set(only or ()) - set(DATASETS))
    if unknown:
        raise typer.BadParameter(f"--only {', '.join(unknown)}: expected one of {', '.join(DATASETS)}")
    keep_apart(folder.iterdir(), output)
    drugs = _lymphodepletion()
    converted = convert_folder(
        folder, _zone(zone), study=study, dose_levels=levels, lymphodepletion=drugs, only=only or DATASETS
    )
    with written(output) as target:
        for event in converted.events:
            target.write(write(event) + b"\n")
    kinds = Counter(event.kind for event in converted.events)  # type: ignore[attr-defined]
    say(f"{len(converted.events):,} events: {listed(kinds)}")
    dosed = {event.study for event in converted.events if isinstance(event, DoseGiven)}
    for name in sorted(dosed - drugs.keys()):
        say(f"{name}: no protocol on file, so no dose is known as lymphodepletion: all are taken as the study product")
    complain([one.sentence for one in converted.discrepancies], "discrepancies", at_most=_EXAMPLES)


def _lymphodepletion() -> dict[str, frozenset[str]]:
    """The drugs of lymphodepletion of every study whose protocol is on file."""
    from safety_stream.rulebook.load import load_book

    with plain_errors():
        settings = read_settings()
        book = load_book(
            settings.rulebook_folder, settings.protocols_folder, allow_unsigned=settings.allow_unsigned_rulebook
        )
    return {study: protocol.lymphodepletion_names for study, protocol in book.protocols.items()}


def schemas(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write into.")] = Path("schemas"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; say what is not up to date.")] = False,
) -> None:
    """Write the JSON Schema of every topic and table, and the AsyncAPI document, from the models.

    Exit codes: 0 done, or up to date; 1 with --check: some file is not; 2 the folder cannot be read or written.
    """
    from safety_stream.contracts import stale, write

    try:
        files = stale(folder) if check else write(folder)
    except OSError as error:
        raise typer.BadParameter(f"{error.filename or folder}: cannot be used: {error.strerror}") from None
    for file in files:
        typer.echo(str(file))
    if check and files:
        raise typer.Exit(ATTENTION)


def listed(counts: Mapping[str, int]) -> str:
    """Counts in words, the greatest first."""
    return ", ".join(f"{count:,} {name}" for name, count in Counter(counts).most_common()) or "none"


def complain(sentences: list[str], what: str, *, at_most: int | None = None) -> None:
    """Say how many there are, and each of them (or ``at_most`` so many, as examples); then the exit code is 1."""
    if not sentences:
        return
    say(f"{len(sentences):,} {what}:")
    for sentence in sentences[:at_most]:
        say(f"- {sentence}")
    if at_most is not None and len(sentences) > at_most:
        say(f"- and {len(sentences) - at_most:,} more")
    raise typer.Exit(ATTENTION)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a continent is a folder of zones
        raise typer.BadParameter(f"--zone {name}: no such time zone; expected a name such as Asia/Shanghai") from None


def _dose_levels(told: Iterable[str]) -> dict[str, int]:
    levels = {}
    for each in told:
        arm, _, number = each.partition("=")
        if not (arm and number.isdecimal()):
            raise typer.BadParameter(f"--dose-level {each}: expected ARM=NUMBER")
        levels[arm] = int(number)
    return levels
