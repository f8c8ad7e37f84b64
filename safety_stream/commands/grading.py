"""``grade``: one result from arguments, or a table of them; ``check``: the rulebook and the protocols."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from safety_stream.clinical.grade_one import Answer, Asked, Prepared, answers, asks_baseline, prepare, remarks, said
from safety_stream.commands.opening import keep_apart, not_utf8, to_write
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
    grade_lowest, grade_highest, rule and reason added. Columns that are not read are named once on standard error.

    Exit codes: 0 graded; 1 something has no grade, and why is said; 2 wrong arguments or a broken rulebook.
    """
    with plain_errors():
        settings = read_settings()
        book = load_book(settings.rulebook_folder, allow_unsigned=settings.allow_unsigned_rulebook)
    texts = {
        "value": value, "unit": unit, "lln": lln, "uln": uln,
        "baseline": baseline, "baseline_lln": baseline_lln, "baseline_uln": baseline_uln,
    }  # fmt: skip
    told = {name: text for name, text in texts.items() if text}
    if table is not None:
        if test or told or untreated or known:
            raise typer.BadParameter("--input FILE is graded by its own columns: leave out TEST and what belongs to it")
        _grade_table(table, output, book)
        return
    if output is not None:
        raise typer.BadParameter("--output FILE is for a table: --input FILE is needed as well")
    if not (test and value):
        raise typer.BadParameter("a TEST and its VALUE are needed, or --input FILE")
    if untreated and (baseline or baseline_lln or baseline_uln):
        raise typer.BadParameter("--untreated says that there is no baseline, and a --baseline is given: which is it?")
    told |= {_named(test, book): test}
    asked = Asked(**told, untreated=untreated, facts=dict(_facts(known or [], book)))  # type: ignore[arg-type]
    prepared = prepare(asked, book)
    _tell(answers(prepared, asked.value), _without_effect(prepared))


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
    names = facts_known(book)
    said_before: dict[str, bool] = {}
    for fact in told:
        name, _, word = fact.partition("=")
        if name not in names or word.lower() not in _YES_NO:
            raise typer.BadParameter(f"--known {fact}: expected NAME=yes or NAME=no, NAME one of {', '.join(names)}")
        truth = _YES_NO[word.lower()]
        if said_before.setdefault(name, truth) is not truth:
            raise typer.BadParameter(f"--known {name}: both yes and no; which is it?")
        yield name, truth


def _without_effect(prepared: Prepared) -> Iterator[str]:
    """What was told and changes nothing, because no rule of the result asks for it."""
    asked, rules = prepared.asked, prepared.rules
    if (asked.baseline or asked.baseline_lln or asked.baseline_uln) and not any(map(asks_baseline, rules)):
        yield "the baseline was not read: no rule of this result compares with one"
    for fact in asked.facts.keys() - {fact for rule in rules for fact in rule.facts}:
        yield f"{fact} was not read: no rule of this result asks for it"


def _tell(told: tuple[Answer, ...], without_effect: Iterable[str]) -> None:
    for answer in told:
        if answer.graded is not None:
            evidence = answer.graded.evidence
            typer.echo(evidence.sentence)
            if evidence.counterfactual:
                typer.echo(f"  otherwise: {evidence.counterfactual}")
            if evidence.reasons:
                typer.echo(f"  register:  {'; '.join(evidence.reasons)}")
    for remark in remarks(told):
        say(said(remark))
    for sentence in without_effect:
        say(sentence)
    if not any(answer.graded for answer in told):
        raise typer.Exit(ATTENTION)


def _grade_table(table: Path, output: Path | None, book: Book) -> None:
    keep_apart([table], output)
    if table.is_file() and (where := not_utf8(table)):
        raise typer.BadParameter(f"{table}: {where}; expected UTF-8")
    with table.open(encoding="utf-8-sig", newline="") as lines, _text(output) as target:
        try:
            rows, without = grade_table(lines, target, book, as_json=table.suffix in _NDJSON, tell=say)
        except UnicodeDecodeError as error:  # what is read from a pipe cannot be looked at before
            raise typer.BadParameter(f"{table}: {error.reason}; expected UTF-8: graded until there") from None
    say(f"{rows} rows, {without} of them without a grade: see the column reason")
    if without:
        raise typer.Exit(ATTENTION)


@contextmanager
def _text(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        end_with_the_reader()
        yield sys.stdout
        return
    with TextIOWrapper(to_write(output), encoding="utf-8", newline="") as target:
        yield target
