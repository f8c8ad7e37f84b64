"""The bundled book loads, signed, and answers."""

import pytest

from safety_stream.rulebook.load import BUNDLED, load_book
from safety_stream.rulebook.tables import Book


@pytest.fixture(scope="module")
def book() -> Book:
    """The bundled book, as it was signed."""
    return load_book()


def test_it_holds_all_terms(book: Book) -> None:
    """CTCAE v5.0 has 837 terms in 26 system organ classes."""
    assert len(book.terms) == 837
    assert len({term.soc for term in book.terms.values()}) == 26


def test_a_term_is_found_by_name_and_code(book: Book) -> None:
    """Case, spacing, hyphens and NOS do not matter; a code does."""
    by_code = book.term("10029366")
    assert by_code is not None
    assert book.term("  neutrophil-count DECREASED, nos") is by_code
    assert book.term("neutropenia of some kind") is None


def test_a_free_text_is_only_suggested_for(book: Book) -> None:
    """A near miss brings candidates, never a term."""
    assert "Platelet count decreased" in {term.name for term in book.suggest("platelet count low")}


def test_a_loinc_code_decides(book: Book) -> None:
    """A LOINC code that we do not know is no analyte, whatever the test is called: it may be another specimen."""
    assert book.analyte(loinc="2161-8", test="CREAT") is None
    found = book.analyte(loinc="2160-0", test="whatever")
    assert found is not None
    assert found.key == "CREAT"


def test_the_readme_counts_what_is_graded(book: Book) -> None:
    """The rulebook's README says how many terms are graded from a number."""
    graded = {rule.term for key in book.analytes for rule in book.rules(key)}
    assert f"Graded from a number: {len(graded)} of the terms" in (BUNDLED / "README.md").read_text(encoding="utf-8")


def test_the_register_holds_every_decision(book: Book) -> None:
    """G1 to G25 and T1 to T16 are the readings the program was built on: all are in the register."""
    assert {f"G{n}" for n in range(1, 26)} | {f"T{n}" for n in range(1, 17)} <= set(book.ambiguities)
