"""The bundled book loads, signed, and answers."""

import pytest

from safety_stream.rulebook.load import load_book
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
