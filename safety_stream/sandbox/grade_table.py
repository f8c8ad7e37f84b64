"""A table of results to be graded, CSV or NDJSON: one row out for each row in and CTCAE term, input columns kept.

Columns that are read: ``analyte`` or ``loinc`` or ``term``; ``value``, ``unit``, ``lln``, ``uln``; ``baseline``,
``baseline_unit``, ``baseline_lln``, ``baseline_uln``; ``untreated``; and any fact of the rulebook
(``on_anticoagulant``) with yes or no. A blank is not known.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TextIO

from safety_stream.clinical.grade_one import Answer, Asked, grade_one
from safety_stream.rulebook.tables import Book

TEXTS = (
    "analyte", "loinc", "term", "value", "unit", "lln", "uln",
    "baseline", "baseline_unit", "baseline_lln", "baseline_uln",
)  # fmt: skip
ADDED = ("grade_term", "grade_lowest", "grade_highest", "rule", "reason")
_TRUTH = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}
Line = dict[str, str]


def facts_known(book: Book) -> list[str]:
    """The facts that a rule may ask for."""
    return sorted({fact for key in book.analytes for rule in book.rules(key) for fact in rule.facts})


def grade_table(lines: TextIO, output: TextIO, book: Book, *, as_json: bool) -> tuple[int, int]:
    """Grade every row; how many rows there were, and how many of them have no grade at all."""
    facts = frozenset(facts_known(book))
    rows = iter(_read(lines, as_json))
    first = next(rows, None)
    if first is None:
        return 0, 0
    write = _writer(output, [*first, *ADDED], as_json)
    count = without = 0
    for row in chain([first], rows):
        answers = grade_one(_asked(row, facts), book)
        count, without = count + 1, without + all(answer.graded is None for answer in answers)
        for answer in answers:
            write(row | _added(answer))
    return count, without


def _read(lines: Iterable[str], as_json: bool) -> Iterator[Line]:
    if not as_json:
        yield from csv.DictReader(lines)
        return
    for line in lines:
        if line.strip():
            told = json.loads(line, parse_float=str, parse_int=str)
            yield {str(name): "" if value is None else str(value) for name, value in told.items()}


def _writer(output: TextIO, columns: list[str], as_json: bool) -> Any:
    if as_json:
        return lambda row: output.write(json.dumps(row, ensure_ascii=False) + "\n")
    table = csv.DictWriter(output, columns, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    return table.writerow


def _asked(row: Mapping[str, str], facts: frozenset[str]) -> Asked:
    told = {name: row[name].strip() for name in TEXTS if (row.get(name) or "").strip()}
    known = {name: _TRUTH[word] for name in facts if (word := (row.get(name) or "").strip().lower()) in _TRUTH}
    untreated = _TRUTH.get((row.get("untreated") or "").strip().lower(), False)
    return Asked(**told, untreated=untreated, facts=known)  # type: ignore[arg-type]


def _added(answer: Answer) -> Line:
    lowest, highest = ("", "") if answer.graded is None else _ends(answer)
    return dict(zip(ADDED, (answer.term or "", lowest, highest, answer.rule or "", answer.reason), strict=True))


def _ends(answer: Answer) -> tuple[str, str]:
    grade = answer.graded.grade if answer.graded else None
    return (str(grade.lowest), str(grade.highest)) if grade else ("", "")
