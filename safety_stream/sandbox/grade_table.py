"""A table of results to be graded, CSV or NDJSON: one row out for each row in and CTCAE term, input columns kept.

What the columns mean is said in ``sandbox.row_grader``. A table that cannot be read as told is answered row by row:
a short row is blank where it ends, a line that is no row comes back with a reason.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TextIO

from safety_stream.clinical.ladder import Cells
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.row_grader import RowGrader
from safety_stream.sandbox.sweeping import no_sweeping

_QUOTED = re.compile(r"[\"\r\n]|^$")  # what csv puts between quotes, the comma aside
ADDED = ("grade_term", "grade_lowest", "grade_highest", "rule", "reason")


def grade_table(lines: TextIO, output: TextIO, book: Book, *, as_json: bool) -> tuple[int, int]:
    """Grade every row; how many rows there were, and how many of them have no grade at all."""
    with no_sweeping():
        return _grade_json(lines, output, book) if as_json else _grade_csv(lines, output, book)


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


def _grade_csv(lines: Iterator[str], output: TextIO, book: Book) -> tuple[int, int]:
    csv.field_size_limit(2**31 - 1)
    rows = _rows(lines)
    columns, _ = next(rows, ([], ""))
    if not columns:
        return 0, 0
    at, write, width = RowGrader(columns, book, _added).at, output.write, len(columns)
    write(_line_of([*columns, *_added_to(columns)]) + "\n")
    count = without = 0
    for told, line in rows:
        row, text = told, line
        if len(row) != width:
            row = [*row, *[""] * (width - len(row))][:width]  # a short row is blank where it ends
            text = _line_of(row)
        added = at(row)
        count += 1
        without += not added[0].graded  # a value without a grade has none of any term
        for one in added:
            write(text + one.text)
    return count, without


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


def _grade_json(lines: Iterable[str], output: TextIO, book: Book) -> tuple[int, int]:
    graders: dict[tuple[str, ...], RowGrader[Cells]] = {}
    count = without = 0
    for line in lines:
        if not line.strip():
            continue
        told = _line(line)
        columns = tuple(told)
        grader = graders.get(columns) or graders.setdefault(columns, RowGrader(columns, book, _as_it_is))
        added = grader.at([_text(value) for value in told.values()])
        count += 1
        without += not added[0][1]
        for cells in added:
            names = _added_to(columns)
            output.write(json.dumps(told | dict(zip(names, cells, strict=True)), ensure_ascii=False) + "\n")
    return count, without


def _as_it_is(cells: Cells) -> Cells:
    return cells


def _line(line: str) -> dict[str, Any]:
    """One line of NDJSON, numbers as they are written; a line that is none keeps its text."""
    try:
        told = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {"unreadable_line": line.rstrip("\n")}


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _added_to(columns: Iterable[str]) -> list[str]:
    taken = set(columns)
    return [f"graded_{name}" if name in taken else name for name in ADDED]
