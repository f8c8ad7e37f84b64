"""A table of results to be graded, CSV or NDJSON: one row out for each row in and CTCAE term, input columns kept.

What the columns mean is said in ``sandbox.row_grader``. A table that cannot be read as told is answered row by row:
a short row is blank where it ends; a row with cells beyond the header, a line that is no row, and a name that is given
twice come back with a reason and without a grade. What is wrong with the columns themselves is told once.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TextIO

from safety_stream.clinical.ladder import Cells
from safety_stream.clinical.measure import Remark
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.row_grader import RowGrader
from safety_stream.sandbox.sweeping import no_sweeping
from safety_stream.sandbox.table_columns import Columns, Tell

_QUOTED = re.compile(r"[\"\r\n]|^$")  # what csv puts between quotes, the comma aside
ADDED = ("grade_term", "grade_lowest", "grade_highest", "rule", "reason")


_UNREADABLE = "unreadable_line"
_SHOWN = 60


def grade_table(
    lines: TextIO, output: TextIO, book: Book, *, as_json: bool, tell: Tell | None = None
) -> tuple[int, int]:
    """Grade every row; how many rows there were, and how many of them have no grade at all.

    ``tell`` hears, once each, which columns are not read, told twice, or missing.
    """
    with no_sweeping():
        columns = Columns(book, tell or _nobody)
        return _grade_json(lines, output, columns) if as_json else _grade_csv(lines, output, columns)


def _nobody(_: str) -> None:
    """Nobody listens."""


class _Added(NamedTuple):
    """What is added to a line of CSV, as it is written, and whether it holds a grade."""

    text: str
    graded: bool


def _added(cells: Cells) -> _Added:
    return _Added(f",{_line_of(cells)}\n", cells[1] != "")


def _line_of(cells: Sequence[str]) -> str:
    """A line without its end. A cell that holds any line end is quoted."""
    if (plain := ",".join(cells)).count(",") < len(cells) and not _QUOTED.search(plain):
        return plain
    output, end = io.StringIO(newline=""), "\r\n"
    csv.writer(output, lineterminator=end).writerow(cells)
    return output.getvalue()[: -len(end)]


def _grade_csv(lines: Iterator[str], output: TextIO, about: Columns) -> tuple[int, int]:
    csv.field_size_limit(2**31 - 1)
    rows = _rows(lines)
    columns, _ = next(rows, ([], ""))
    if not columns:
        return 0, 0
    grader, write, width = RowGrader(columns, about.book, _added), output.write, len(columns)
    at = grader.at
    about.look_at(columns, grader)
    write(_line_of([*columns, *_added_to(columns)]) + "\n")
    count = without = 0
    for told, line in rows:
        row, text, beyond = told, line, False
        if len(row) != width:
            beyond = any(cell.strip() for cell in told[width:])
            row = [*row, *[""] * (width - len(row))][:width]  # a short row is blank where it ends
            text = _line_of(row)
        added = grader.refused(_too_long(told, width)) if beyond else at(row)
        count += 1
        without += not added[0].graded  # a value without a grade has none of any term
        for one in added:
            write(text + one.text)
    return count, without


def _too_long(row: Sequence[str], width: int) -> Remark:
    """Cells beyond the header may have moved all others: a decimal comma makes two cells of one value."""
    return Remark("long_row", "row", f"{len(row)} cells, the last {row[-1][:_SHOWN]}", f"{width}, as in the header")


def _rows(lines: Iterator[str]) -> Iterator[tuple[list[str], str]]:
    """Each row that is not empty, and how it is written. Most have no quotes: those are what is between the commas."""
    for told in lines:
        line = told.replace("\0", "")
        if '"' in line:
            row = next(csv.reader(chain((line,), (one.replace("\0", "") for one in lines))), [])
            text = _line_of(row)
        else:
            text = line.rstrip("\r\n")
            row = text.split(",")
        if text:
            yield row, text


def _grade_json(lines: Iterable[str], output: TextIO, about: Columns) -> tuple[int, int]:
    graders: dict[tuple[str, ...], RowGrader[Cells]] = {}
    count = without = 0
    for line in lines:
        if not line.strip():
            continue
        told, refused = _line(line)
        columns = tuple(told)
        grader = graders.get(columns)
        if grader is None:
            grader = graders[columns] = RowGrader(columns, about.book, _as_it_is)
            if not refused:
                about.look_at(columns, grader)
        added = grader.refused(refused) if refused else grader.at([_text(value) for value in told.values()])
        count += 1
        without += not added[0][1]
        for cells in added:
            names = _added_to(columns)
            output.write(json.dumps(told | dict(zip(names, cells, strict=True)), ensure_ascii=False) + "\n")
    return count, without


def _as_it_is(cells: Cells) -> Cells:
    return cells


class _Twice(ValueError):
    """A name that a JSON object gives twice: readers disagree on which one counts."""


def _line(line: str) -> tuple[dict[str, Any], Remark | None]:
    """One line of NDJSON, numbers as they are written; a line that is none keeps its text, and why it is none."""
    expected = "one JSON object a line, each name in it once"
    try:
        told = json.loads(line.rstrip("\r\n"), parse_float=str, parse_int=str, object_pairs_hook=_each_name_once)
    except _Twice as error:
        return _kept(line), Remark("duplicate_name", str(error)[:_SHOWN], "told more than once", expected)
    except json.JSONDecodeError as error:
        return _kept(line), Remark(
            "unreadable_line", "line", f"{error.msg.removesuffix(' at')} at character {error.colno}", expected
        )
    except (ValueError, RecursionError):
        return _kept(line), Remark("unreadable_line", "line", "no JSON that can be read", expected)
    if not isinstance(told, dict):
        return _kept(line), Remark("unreadable_line", "line", "JSON, but no object", expected)
    return told, None


def _kept(line: str) -> dict[str, Any]:
    return {_UNREADABLE: line.rstrip("\n")}


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise _Twice(next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1))
    return told


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _added_to(columns: Iterable[str]) -> list[str]:
    taken = set(columns)
    return [f"graded_{name}" if name in taken else name for name in ADDED]
