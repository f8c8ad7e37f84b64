"""The version of CTCAE is data: rows of v6.0 load beside those of v5.0, and grade the same result otherwise.

Figures of v6.0 as published in 2025: neutrophils moved one grade and lost their LLN, fasting glucose has figures again,
an abnormal baseline of ALT counts from 1.0 x baseline.
"""

import shutil
from pathlib import Path

import pytest

from safety_stream.clinical.examples import failing
from safety_stream.clinical.grade_one import Asked, grade_one
from safety_stream.rulebook.load import BUNDLED, load_book
from safety_stream.rulebook.proofs import unproved
from safety_stream.rulebook.tables import Book

RULES = """
- term: Neutrophil count decreased
  analyte: NEUT
  worse: lower
  source: CTCAE v6.0, Investigations
  grades: {1: "< 1.5 10*9/L", 2: "< 1.0 10*9/L", 3: "< 0.5 10*9/L", 4: "< 0.1 10*9/L"}
  examples:
    - {value: 0.42 10*9/L, grade: 3}

- term: Thrombocytopenia
  analyte: PLAT
  worse: lower
  source: CTCAE v6.0, Blood and lymphatic system disorders
  grades: {1: "< LLN", 2: "< 75 10*9/L", 3: "< 50 10*9/L", 4: "< 10 10*9/L"}

- term: Hyperglycemia
  analyte: GLUCFAST
  worse: higher
  source: CTCAE v6.0, Metabolism and nutrition disorders
  grades: {1: "> ULN", 2: "> 8.9 mmol/L", 3: "> 13.9 mmol/L", 4: "> 27.8 mmol/L"}
  grades_in:
    mg/dL: {1: "> ULN", 2: "> 160 mg/dL", 3: "> 250 mg/dL", 4: "> 500 mg/dL"}

- term: Alanine aminotransferase increased
  analyte: ALT
  worse: higher
  source: CTCAE v6.0, Investigations
  grades: {1: "> ULN", 2: "> 3 x ULN", 3: "> 5 x ULN", 4: "> 20 x ULN"}
  if_baseline: "> ULN"
  grades_then: {1: ">= BASELINE", 2: "> 1.5 x BASELINE", 3: "> 2 x BASELINE", 4: "> 4 x BASELINE"}
"""
TERMS = """term,meddra_code,system_organ_class,grades,specify
Neutrophil count decreased,10029366,Investigations,1 2 3 4,no
Thrombocytopenia,10043554,Blood and lymphatic system disorders,1 2 3 4 5,no
Hyperglycemia,10020639,Metabolism and nutrition disorders,1 2 3 4 5,no
Alanine aminotransferase increased,10001551,Investigations,1 2 3 4,no
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Book, Book]:
    """The bundled book, and one with a handful of rows of v6.0 over the same analytes."""
    folder = tmp_path_factory.mktemp("v6")
    for name in ("units.yaml", "analytes.yaml", "ambiguities.yaml"):
        shutil.copy(BUNDLED / name, folder / name)
    (folder / "ctcae_v6.yaml").write_text(RULES, encoding="utf-8")
    (folder / "ctcae_v6_terms.csv").write_text(TERMS, encoding="utf-8")
    return load_book(), load_book(folder, scale="ctcae-6.0", allow_unsigned=True)


BOTH = [
    (Asked(analyte="ANC", value="0.42", unit="10^9/L", lln="1.8"), "4", "3"),
    (Asked(analyte="ANC", value="1.6", unit="10^9/L"), "0-1", "0"),
    (Asked(analyte="PLT", value="20", unit="10^9/L", lln="150"), "4", "3"),
    (Asked(analyte="ALT", value="130", unit="U/L", uln="40", baseline="60", baseline_uln="40"), "1", "3"),
    (Asked(analyte="FPG", value="14.0", unit="mmol/L", uln="6.1"), None, "3"),
    (Asked(analyte="FPG", value="500", unit="mg/dL", uln="110"), None, "3"),
]


@pytest.mark.parametrize(("asked", "of_record", "beside"), BOTH)
def test_one_result_in_both_versions(
    books: tuple[Book, Book], asked: Asked, of_record: str | None, beside: str
) -> None:
    """The same result has its grade of record by v5.0, and beside it the grade by v6.0; each names its version."""
    grades = []
    for book, scale in zip(books, ("ctcae-5.0", "ctcae-6.0"), strict=True):
        worse = {"FPG": "higher"}.get(asked.analyte or "")
        answers = [one for one in grade_one(asked, book) if one.graded and worse in {None, one.graded.case.rule.worse}]
        assert all(one.rule and one.rule.startswith(f"{scale}/") for one in answers)
        assert all(one.graded and one.graded.evidence.book.startswith(scale) for one in answers)
        grades.append(str(answers[0].graded.grade) if answers and answers[0].graded else None)
    assert grades == [of_record, beside]


def test_the_same_proofs_hold_for_another_version(books: tuple[Book, Book]) -> None:
    """Proofs and examples are worked for whatever table is loaded."""
    assert unproved(books[1]) == []
    assert failing(books[1]) == []


def test_a_term_of_another_version_is_unknown_in_this_one(books: tuple[Book, Book]) -> None:
    """Thrombocytopenia is a term of v6.0, not of v5.0."""
    five, six = books
    assert five.term("Thrombocytopenia") is None
    assert six.term("Thrombocytopenia") is not None


def test_a_missing_table_of_a_version_is_named(tmp_path: Path) -> None:
    """Asking for a version whose tables are not there says which file was expected."""
    from safety_stream.errors import RulebookError

    with pytest.raises(RulebookError, match=r"ctcae_v7\.yaml:1: cannot be read"):
        load_book(tmp_path, scale="ctcae-7.0")
