"""``grade``: one result from arguments, or a table of them; ``check``: the rulebook and the protocols."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from safety_stream.clinical.grade_one import Answer, Asked, grade_one, remarks, said
from safety_stream.commands.proving import proved_book
from safety_stream.commands.terminal import ATTENTION, end_with_the_reader, plain_errors, say
from safety_stream.rulebook.load import load_book, unsigned_files
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.grade_table import grade_table
from safety_stream.sandbox.row_grader import facts_known
from safety_stream.settings import read_settings

_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_NDJSON = {".ndjson", ".jsonl", ".json"}


def grade(
    test: Annotated[
        str,
        typer.Argument(
            metavar="TEST", help="Laboratory test (ANC, ALT), LOINC code (751-8) or CTCAE term.", show_default=False
        ),
    ] = "",
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="Value as reported: 0.42, <0.2.", show_default=False)
    ] = "",
    unit: Annotated[
        str, typer.Argument(metavar="UNIT", help="Unit as reported: 10^9/L, U/L.", show_default=False)
    ] = "",
    lln: Annotated[str, typer.Option(metavar="LIMIT", help="Lower limit of normal that came with it.")] = "",
    uln: Annotated[str, typer.Option(metavar="LIMIT", help="Upper limit of normal that came with it.")] = "",
    baseline: Annotated[str, typer.Option(metavar="VALUE", help="Baseline value, in the same unit.")] = "",
    baseline_lln: Annotated[str, typer.Option(metavar="LIMIT", help="Its lower limit of normal.")] = "",
    baseline_uln: Annotated[str, typer.Option(metavar="LIMIT", help="Its upper limit of normal.")] = "",
    untreated: Annotated[
        bool, typer.Option("--untreated", help="Nobody was treated yet: there is no baseline.")
    ] = False,
    known: Annotated[
        list[str] | None, typer.Option(metavar="FACT=yes|no", help="on_anticoagulant=yes, for one; may be repeated.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="A table instead: CSV or NDJSON.", exists=True, dir_okay=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the graded table goes; else standard output.")
    ] = None,
) -> None:
    """Grade one laboratory result by CTCAE v5.0: the grade, its range and the reason in a sentence.

    What you leave out is not known: the answer is then the range that the grade may still have.

    \b
        safety-stream grade ANC 0.42 10^9/L --lln 1.8 --uln 6.3
        safety-stream grade ALT 250 U/L --uln 40 --baseline 30 --baseline-uln 40

    With --input a whole table: the columns analyte (or loinc, or term), value, unit, lln, uln, baseline, baseline_unit,
    baseline_lln, baseline_uln, untreated, and facts with yes or no. Every row comes back once for each CTCAE term, with
    grade_lowest, grade_highest, rule and reason added.

    Exit codes: 0 graded; 1 something has no grade, and why is said; 2 wrong arguments or a broken rulebook.
    """
    with plain_errors():
        settings = read_settings()
        book = load_book(settings.rulebook_folder, allow_unsigned=settings.allow_unsigned_rulebook)
    if table is not None:
        _grade_table(table, output, book)
        return
    if not (test and value):
        raise typer.BadParameter("a TEST and its VALUE are needed, or --input FILE")
    texts = {
        "value": value, "unit": unit, "lln": lln, "uln": uln,
        "baseline": baseline, "baseline_lln": baseline_lln, "baseline_uln": baseline_uln,
    }  # fmt: skip
    told = {name: text for name, text in texts.items() if text} | {_named(test, book): test}
    asked = Asked(**told, untreated=untreated, facts=dict(_facts(known or [], book)))  # type: ignore[arg-type]
    _tell(grade_one(asked, book))


def check(
    rulebook: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the tables; else as set, else the bundled.")
    ] = None,
    protocols: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder of the protocols; likewise.")] = None,
) -> None:
    """Check the rulebook and the protocols: a summary, or every problem with its file, line and what was expected.

    Every example is worked, every boundary must have its examples, and every rule is proved: its grades cut the whole
    number line, and a worse value never has a lower grade. Files that nobody signed as they are now are listed too.

    Exit codes: 0 all is well; 2 something is not.
    """
    with plain_errors():
        settings = read_settings()
        folder, studies = rulebook or settings.rulebook_folder, protocols or settings.protocols_folder
        book = proved_book(folder, studies, [] if settings.allow_unsigned_rulebook else unsigned_files(folder, studies))
    rules = sum(len(book.rules(key)) for key in book.analytes)
    typer.echo(f"Rulebook {book.version}: nothing to correct")
    typer.echo(
        f"  {len(book.analytes)} analytes; {len(book.terms)} CTCAE terms, {rules} rules that grade from a number, "
        f"{len(book.joined)} from two joined in time"
    )
    typer.echo(f"  {len(book.ambiguities)} entries in the ambiguity register")
    for study, protocol in sorted(book.protocols.items()):
        typer.echo(f"  protocol {study}: versions {', '.join(one.version for one in protocol.versions)}")


def _named(test: str, book: Book) -> str:
    if book.analyte(loinc=test) is not None:
        return "loinc"
    return "analyte" if book.analyte(test=test) is not None or book.term(test) is None else "term"


def _facts(told: Iterable[str], book: Book) -> Iterator[tuple[str, bool]]:
    for fact in told:
        name, _, word = fact.partition("=")
        if name not in facts_known(book) or word.lower() not in _YES_NO:
            raise typer.BadParameter(f"--known {fact}: expected NAME=yes or NAME=no, NAME one of {facts_known(book)}")
        yield name, _YES_NO[word.lower()]


def _tell(answers: tuple[Answer, ...]) -> None:
    for answer in answers:
        if answer.graded is not None:
            evidence = answer.graded.evidence
            typer.echo(evidence.sentence)
            if evidence.counterfactual:
                typer.echo(f"  otherwise: {evidence.counterfactual}")
            if evidence.reasons:
                typer.echo(f"  register:  {'; '.join(evidence.reasons)}")
    for remark in remarks(answers):
        say(said(remark))
    if not any(answer.graded for answer in answers):
        raise typer.Exit(ATTENTION)


def _grade_table(table: Path, output: Path | None, book: Book) -> None:
    if output is None:
        end_with_the_reader()
    with table.open(encoding="utf-8-sig", newline="") as lines:
        target = output.open("w", encoding="utf-8", newline="") if output else sys.stdout
        try:
            rows, without = grade_table(lines, target, book, as_json=table.suffix in _NDJSON)
        finally:
            if output:
                target.close()
    say(f"{rows} rows, {without} of them without a grade: see the column reason")
    if without:
        raise typer.Exit(ATTENTION)
