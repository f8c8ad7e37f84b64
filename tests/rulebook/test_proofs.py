"""Every rule of the bundled book is proved: a partition of the line, worse never graded lower; and flaws are found."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from safety_stream.quantity import Interval
from safety_stream.rulebook.criteria import Inputs, parse
from safety_stream.rulebook.load import BUNDLED, load_book
from safety_stream.rulebook.proofs import flaws, partition
from safety_stream.rulebook.tables import Book, GradingRule, Row

BOOK = load_book(allow_unsigned=True)
RULES = [rule for analyte in BOOK.analytes for rule in BOOK.rules(analyte)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_grades_cut_the_whole_line(rule: GradingRule) -> None:
    """For every order of limits, baseline and figures and every state of the facts: no gap, no overlap, no fall."""
    assert flaws(rule) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_gives_only_grades_its_term_has(rule: GradingRule) -> None:
    """No rule gives a grade that CTCAE v5.0 does not print for the term (register G21)."""
    term = BOOK.term(rule.term)
    assert term is not None
    assert rule.grades <= set(term.grades)


def test_the_partition_of_neutrophils_is_the_printed_one() -> None:
    """LLN 1.8: [1.8, ...) 0; [1.5, 1.8) 1; [1.0, 1.5) 2; [0.5, 1.0) 3; below 4, as NCI prints it."""
    (row,) = next(rule for rule in RULES if rule.analyte == "NEUT").rows.values()
    lln = Interval(*(parse("< 1.8").comparisons[0].plus,) * 2)
    pieces = partition(row, Inputs(lln, lln, None, None, {}))
    assert [(str(piece.stretch), piece.grades) for piece in pieces] == [
        ("<0.5", (4, 4)),
        (">=0.5 and <1", (3, 3)),
        (">=1 and <1.5", (2, 2)),
        (">=1.5 and <1.8", (1, 1)),
        (">=1.8", (0, 0)),
    ]


def test_a_fall_is_found() -> None:
    """A rule whose middle grade runs the other way is no proof: the place where the grade falls is named."""
    rule = next(rule for rule in RULES if rule.term == "Leukocytosis")
    row = Row("10*9/L", ((3, parse("> 100 10*9/L")), (2, parse("< 50 10*9/L"))))
    (flaw,) = flaws(replace(rule, rows=MappingProxyType({"10*9/L": row})))
    assert "grade (2, 2) at <50, but (0, 0)" in flaw


def test_every_bundled_file_is_in_the_package(tmp_path: Path) -> None:
    """The book loads from a copy of its folder: nothing outside is needed."""
    shutil.copytree(BUNDLED, tmp_path / "copy", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    copied: Book = load_book(tmp_path / "copy", allow_unsigned=True)
    assert copied.version == BOOK.version
