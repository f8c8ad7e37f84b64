"""The examples beside each rule hold, and every boundary has one on it and one to each side."""

from dataclasses import replace
from decimal import FloatOperation, localcontext
from types import MappingProxyType

import pytest

from safety_stream.clinical.examples import failing, uncovered
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import Example

BOOK = load_book(allow_unsigned=True)


def test_every_example_holds() -> None:
    """Each of the examples in ctcae_v5.yaml is graded as it says."""
    assert failing(BOOK) == []


def test_no_float_meets_a_decimal() -> None:
    """With Python set to refuse any mixture of the two, the book is read and every example is graded as before."""
    with localcontext() as exact:
        exact.traps[FloatOperation] = True
        assert failing(load_book(allow_unsigned=True)) == []


def test_every_boundary_and_fact_has_its_examples() -> None:
    """A boundary without an example on it, or with none to one of its sides, is not shown to be where it is."""
    assert uncovered(BOOK) == []


@pytest.mark.parametrize(
    ("examples", "wrong"),
    [
        ((), "no example on the boundary of grade 3: > 100 10*9/L"),
        ((Example("100 10*9/L", "0"),), "no example to each side of grade 3: > 100 10*9/L"),
    ],
)
def test_a_boundary_without_examples_is_found(examples: tuple[Example, ...], wrong: str) -> None:
    """Take an example away, and its boundary is named."""
    rules = {key: BOOK.rules(key) for key in BOOK.analytes}
    bare = tuple(replace(rule, examples=examples) if rule.term == "Leukocytosis" else rule for rule in rules["WBC"])
    book = replace(BOOK, _rules=MappingProxyType(rules | {"WBC": bare}))
    assert any(wrong in problem for problem in uncovered(book))


def test_a_wrong_example_is_found() -> None:
    """An example that does not hold is named with its rule's line, what came out and what was expected."""
    rules = {key: BOOK.rules(key) for key in BOOK.analytes}
    wrong = tuple(
        replace(rule, examples=(Example("100 10*9/L", "3"),)) if rule.term == "Leukocytosis" else rule
        for rule in rules["WBC"]
    )
    (problem,) = failing(replace(BOOK, _rules=MappingProxyType(rules | {"WBC": wrong})))
    assert "Leukocytosis: example 100 10*9/L: 0; expected 3" in problem
