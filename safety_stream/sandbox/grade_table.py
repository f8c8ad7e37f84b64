"""A table of results to be graded, CSV or NDJSON: one row out for each row in and CTCAE term, input columns kept.

Columns that are read: ``analyte`` or ``loinc`` or ``term``; ``value``, ``unit``, ``lln``, ``uln``; ``baseline`` (or
``baseline_value``), ``baseline_unit``, ``baseline_lln``, ``baseline_uln``, ``baseline_indicator`` (HIGH, NORMAL, LOW);
``untreated``; ``direction`` (L, H: which of an analyte's terms); any fact of the rulebook (``on_anticoagulant``) with
yes or no, as a column or in ``other_inputs`` (``on_anticoagulant=yes; ...``). A blank is not known.

Rows that differ in nothing but the value share one ladder (``clinical.ladder``): a large file is graded fast.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, TextIO

from safety_stream.clinical.grade_one import Asked, prepare
from safety_stream.clinical.grading import BASELINE_ABNORMAL
from safety_stream.clinical.ladder import Cells, Ladders
from safety_stream.rulebook.tables import Book

TEXTS = (
    "analyte", "loinc", "term", "unit", "lln", "uln", "baseline", "baseline_unit", "baseline_lln", "baseline_uln",
)  # fmt: skip
MARKS = ("untreated", "direction", "baseline_indicator", "other_inputs")
ALSO_CALLED = {"baseline_value": "baseline"}
ADDED = ("grade_term", "grade_lowest", "grade_highest", "rule", "reason")
_TRUTH = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}
_WORSE = {"l": "lower", "low": "lower", "lower": "lower", "h": "higher", "high": "higher", "higher": "higher"}
_FLAGS = {"HIGH": True, "HIGH HIGH": True, "NORMAL": False, "LOW": False, "LOW LOW": False}
_ASSUMED = {
    "assume_symptomatic": ("hyponatremia_symptoms", "hypokalemia_symptoms"),
    "assume_signs_or_symptoms": ("pancreatic_signs_or_symptoms",),
    "assume_physiologic_consequences": ("hyperuricemia_consequences",),
    "assume_on_anticoagulation": ("on_anticoagulant",),
}
_IONIZED = "(ionized)"
_MOST_CONTEXTS = 50_000


def facts_known(book: Book) -> list[str]:
    """The facts that a rule may ask for."""
    return sorted({fact for key in book.analytes for rule in book.rules(key) for fact in rule.facts})


def grade_table(lines: TextIO, output: TextIO, book: Book, *, as_json: bool) -> tuple[int, int]:
    """Grade every row; how many rows there were, and how many of them have no grade at all."""
    return _grade_json(lines, output, book) if as_json else _grade_csv(lines, output, book)


class Grader:
    """Grades rows of the same columns, remembering every setting it has met."""

    def __init__(self, columns: Sequence[str], book: Book) -> None:
        named = [ALSO_CALLED.get(column, column) for column in (column.strip().lower() for column in columns)]
        self._book = book
        self._facts = frozenset(facts_known(book))
        read = [name for name in (*TEXTS, *MARKS, *sorted(self._facts)) if name in named]
        self._names = read
        self._context = _getter([named.index(name) for name in read])
        self._value = named.index("value") if "value" in named else None
        self._known: dict[tuple[str, ...], Ladders] = {}

    def cells(self, row: Sequence[str]) -> tuple[Cells, ...]:
        """The added cells, once for each term."""
        context = self._context(row)
        ladders = self._known.get(context)
        if ladders is None:
            if len(self._known) >= _MOST_CONTEXTS:
                self._known.clear()
            asked = _asked(dict(zip(self._names, context, strict=True)), self._facts)
            ladders = self._known[context] = Ladders(prepare(asked, self._book))
        return ladders.cells("" if self._value is None else row[self._value])


def _grade_csv(lines: TextIO, output: TextIO, book: Book) -> tuple[int, int]:
    csv.field_size_limit(2**31 - 1)
    rows = csv.reader(line.replace("\0", "") for line in lines)
    columns = next(rows, None)
    if columns is None:
        return 0, 0
    grader, write, width = Grader(columns, book), csv.writer(output, lineterminator="\n").writerow, len(columns)
    write([*columns, *_added_to(columns)])
    count = without = 0
    for row in rows:
        if len(row) != width:
            if not row:
                continue
            row = [*row, *[""] * (width - len(row))][:width]  # noqa: PLW2901  # a short row is blank where it ends
        added = grader.cells(row)
        count += 1
        without += not any(cells[1] for cells in added)
        for cells in added:
            write([*row, *cells])
    return count, without


def _grade_json(lines: Iterable[str], output: TextIO, book: Book) -> tuple[int, int]:
    graders: dict[tuple[str, ...], Grader] = {}
    count = without = 0
    for line in lines:
        if not line.strip():
            continue
        told = _line(line)
        columns = tuple(told)
        grader = graders.get(columns) or graders.setdefault(columns, Grader(columns, book))
        added = grader.cells([_text(value) for value in told.values()])
        count += 1
        without += not any(cells[1] for cells in added)
        for cells in added:
            names = _added_to(columns)
            output.write(json.dumps(told | dict(zip(names, cells, strict=True)), ensure_ascii=False) + "\n")
    return count, without


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


def _getter(places: list[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return partial(_few, places)


def _few(places: list[int], row: Sequence[str]) -> tuple[str, ...]:
    return tuple(row[place] for place in places)


def _asked(row: Mapping[str, str], facts: frozenset[str]) -> Asked:
    told = {name: text for name in TEXTS if (text := row.get(name, "").strip())}
    if told.get("term", "").lower().endswith(_IONIZED):
        told |= {"term": told["term"][: -len(_IONIZED)], "analyte": "CAION"}
    return Asked(
        **told,  # type: ignore[arg-type]
        untreated=_TRUTH.get(row.get("untreated", "").strip().lower(), False),
        worse=_WORSE.get(row.get("direction", "").strip().lower()),
        facts=dict(_facts(row, facts)),
    )


def _facts(row: Mapping[str, str], facts: frozenset[str]) -> Iterator[tuple[str, bool]]:
    flag = " ".join(row.get("baseline_indicator", "").upper().split())
    if flag in _FLAGS:
        yield BASELINE_ABNORMAL, _FLAGS[flag]
    told = [(name, row.get(name, "")) for name in facts]
    told += [(name, word) for name, _, word in (one.partition("=") for one in row.get("other_inputs", "").split(";"))]
    for name, word in told:
        truth = _TRUTH.get(word.strip().lower())
        for fact in _ASSUMED.get(name.strip(), (name.strip(),)):
            if truth is not None and fact in facts:
                yield fact, truth
