"""Our grades beside an independent grader's: every row agrees, contains its grade, or differs under a register id.

The file of cases is not part of the repository; where it is not found, nothing is claimed.
"""

import csv
import io
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from safety_stream.rulebook.load import BUNDLED, load_book
from safety_stream.sandbox.grade_table import grade_table

HERE = Path(__file__).resolve()
FOUND = [
    path
    for parent in list(HERE.parents)[2:5]
    if (path := parent / "shared" / "reference" / "ctcae_v5_lab_vectors.csv").is_file()
]
MOST_DIGITS_OF_A_DOUBLE = 15
NUMBERS = ("value", "lln", "uln", "baseline_value", "other_inputs")
needs_the_cases = pytest.mark.skipif(not FOUND, reason="the cases of the independent grader are not here")
Row = dict[str, str]


def graded_cases() -> list[Row]:
    """Every case with our columns behind its own."""
    output = io.StringIO()
    with FOUND[0].open(encoding="utf-8", newline="") as lines:
        grade_table(lines, output, load_book(allow_unsigned=True), as_json=False)
    return list(csv.DictReader(io.StringIO(output.getvalue())))


def verdict(row: Row) -> str:
    """``agrees``, ``contains``, or the register id under which we differ; ``?`` where no id explains it."""
    lowest, highest, expected = row["grade_lowest"], row["grade_highest"], row["expected_grade"]
    if lowest == highest == expected:
        return "agrees"
    if expected and lowest and int(lowest) <= int(expected) <= int(highest):
        return "contains"
    return _id(row, decided=lowest == highest)


def _id(row: Row, *, decided: bool) -> str:
    """The id, from what is in the row, not from what our reason says."""
    if not row["grade_lowest"]:
        return "G20" if row["reason"].startswith("G20: ") else "?"
    if not row["expected_grade"]:
        return _where_they_do_not_grade(row, decided=decided)
    ids = {
        "G2": any(_digits(row[name]) > MOST_DIGITS_OF_A_DOUBLE for name in NUMBERS),
        "G1": "(ionized)" in row["term"].lower() and row["unit"].strip().lower() == "mg/dl",
        "G41": row["baseline_indicator"] not in {"", "HIGH", "NORMAL", "LOW"},
        "G8": row["term"].strip() == "GGT increased" and _twice(row["baseline_value"]) == Decimal(row["value"]),
        "G12": row["term"].startswith("Fibrinogen") and "pchg" in row["other_inputs"],
    }
    return next((id_ for id_, explains in ids.items() if explains), "?")


def _twice(baseline: str) -> Decimal | None:
    return 2 * Decimal(baseline) if baseline else None


def _where_they_do_not_grade(row: Row, *, decided: bool) -> str:
    if not decided:
        limit = row["lln"] if row["direction"] == "L" else row["uln"]
        return "G5" if not limit else ("G26" if not row["baseline_value"] else "?")
    if row["baseline_indicator"] == "HIGH" and not row["uln"]:
        return "G7"
    if row["term"] != row["term"].strip() or row["unit"] != row["unit"].strip() or row["unit"] == "/mm3":
        return "G42"
    of_the_other_system = {"SI": {"mg/dL"}, "USCV": {"mmol/L"}}[row["unit_system"]]
    haemoglobin_in_mmol = row["term"].startswith("Hemoglobin") and row["unit"] == "mmol/L"
    return "G1" if row["unit"] in of_the_other_system or haemoglobin_in_mmol else "?"


def _digits(text: str) -> int:
    return max((len(re.sub(r"^0+|\.", "", number)) for number in re.findall(r"[\d.]+", text)), default=0)


def table_of_the_readme() -> Counter[str]:
    """The counts the rulebook's README states."""
    text = (BUNDLED / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (agrees|contains|G\d+) \| (\d+) \|", text, flags=re.MULTILINE)
    return Counter({name: int(count) for name, count in rows})


@needs_the_cases
def test_no_difference_without_an_id() -> None:
    """Every case agrees, has its grade in our range, or differs under an entry of the ambiguity register."""
    book = load_book(allow_unsigned=True)
    unexplained = [row for row in graded_cases() if verdict(row) not in {"agrees", "contains", *book.ambiguities}]
    assert not unexplained, [
        (row["case_id"], row["expected_grade"], row["grade_lowest"], row["reason"]) for row in unexplained
    ]


@needs_the_cases
def test_the_readme_states_the_counts() -> None:
    """The rulebook's README says how many cases agree and how many differ under which id."""
    assert Counter(verdict(row) for row in graded_cases()) == table_of_the_readme()


@needs_the_cases
def test_a_case_in_range_is_never_a_missing_limit_called_zero() -> None:
    """Where the independent grader cannot grade for want of a limit, we never say a plain 0."""
    cases = [row for row in graded_cases() if row["kind"] == "limit_missing" and not row["expected_grade"]]
    by_the_limit = [row for row in cases if row["baseline_indicator"] != "HIGH"]
    assert by_the_limit
    assert not [row["case_id"] for row in by_the_limit if row["grade_highest"] == "0"]


@needs_the_cases
def test_the_register_says_what_it_moves() -> None:
    """Each entry states how many of the cases it moves."""
    book = load_book(allow_unsigned=True)
    moved = {id_: one.moves for id_, one in book.ambiguities.items() if one.moves}
    assert moved == {name: count for name, count in table_of_the_readme().items() if name.startswith("G")}
