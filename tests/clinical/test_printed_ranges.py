"""Every boundary of every rule and unit system, on it and one reported digit to each side, by the printed ranges.

``printed_ranges.csv`` is CTCAE v5.0 as NCI prints it, one range a grade, in the unit and to the digit a laboratory
reports: it was written from the publication, not from ``ctcae_v5.yaml``, which says the same as one threshold a grade.
L, U and b are the limits and the baseline of the case. A value that lies in no range is grade 0; one that lies in two
(creatinine by its limit and by its baseline) has the worse. Where CTCAE leaves a choice, the case follows the
ambiguity register.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from safety_stream.clinical.grade_one import Asked, grade_one
from safety_stream.quantity import Interval, exactly, plain
from safety_stream.rulebook.criteria import Comparison, Inputs
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import GradingRule, Row, Unit

HERE = Path(__file__).resolve()
BOOK = load_book(allow_unsigned=True)
GRADES = ("grade_1", "grade_2", "grade_3", "grade_4")
NUMBER = r"\d+(?:\.\d+)?"
END = re.compile(
    rf"(?:(?P<times>{NUMBER}) )?(?P<name>[LUb])(?: (?P<sign>[+-]) (?P<plus>{NUMBER}))?|(?P<number>{NUMBER})"
)
FACTS_FILE = [
    path
    for parent in list(HERE.parents)[2:6]
    if (path := parent / "shared" / "reference" / "ctcae_v5_computable.json").is_file()
]


class Printed(NamedTuple):
    """One line of the file."""

    line: int
    term: str
    analyte: str
    unit: str
    digit: Fraction
    known: dict[str, Fraction]
    facts: dict[str, bool]
    lasting: str | None
    ranges: tuple[str, ...]

    def grade(self, value: Fraction) -> int:
        """The worst grade in whose printed range the value lies."""
        met = [grade for grade, printed in enumerate(self.ranges, start=1) if printed and self._lies_in(printed, value)]
        return max(met, default=0)

    def _lies_in(self, printed: str, value: Fraction) -> bool:
        return any(self._between(one, value) for one in printed.split(" or "))

    def _between(self, printed: str, value: Fraction) -> bool:
        """``a <= v < b``, either side of which may be missing."""
        parts = re.split(r" (<=|<) ", printed)
        numbers = [value if part == "v" else self.end(part) for part in parts[::2]]
        return all(
            one <= other if sign == "<=" else one < other
            for (one, other), sign in zip(pairwise(numbers), parts[1::2], strict=True)
        )

    def end(self, told: str) -> Fraction:
        """``1.5 U``, ``b - 10`` or a number."""
        match = END.fullmatch(told)
        assert match, f"line {self.line}: {told}"
        if match["number"]:
            return Fraction(match["number"])
        plus = Fraction(match["plus"] or 0) * (-1 if match["sign"] == "-" else 1)
        return self.known[match["name"]] * Fraction(match["times"] or 1) + plus

    def ends(self) -> set[Fraction]:
        """Every end of every range."""
        texts = {part for printed in self.ranges for part in re.split(r" (?:<=|<|or) ", printed)}
        return {self.end(part) for part in texts - {"v", ""}}

    def values(self) -> list[Fraction]:
        """On every end and one digit to each side, below zero aside."""
        around = {end + step * self.digit for end in self.ends() for step in (-1, 0, 1)}
        return sorted(value for value in around if value >= 0)


def _printed() -> Iterator[Printed]:
    with (HERE.parent / "printed_ranges.csv").open(encoding="utf-8", newline="") as lines:
        for line, row in enumerate(csv.DictReader(lines), start=2):
            told = dict(one.split("=") for one in row["known"].split("; ") if one)
            lasting = told.pop("lasting", None)
            yield Printed(
                line, row["term"], row["analyte"], row["unit"], Fraction(row["digit"]),
                {name: Fraction(row[name]) for name in "LUb" if row[name]},
                {fact: word == "yes" for fact, word in told.items()}, lasting,
                tuple(row[name] or "" for name in GRADES),
            )  # fmt: skip


PRINTED = list(_printed())


def _text(number: Fraction) -> str:
    """The number as a laboratory writes it; every one here has an end."""
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    assert Fraction(exact) == number, number
    return plain(exact)


def _asked(case: Printed, value: Fraction) -> Asked:
    known = {name: _text(number) for name, number in case.known.items()}
    return Asked(
        term=case.term, analyte=case.analyte, value=_text(value), unit=case.unit,
        lln=known.get("L"), uln=known.get("U"), baseline=known.get("b"),
        baseline_lln=known.get("L"), baseline_uln=known.get("U"), untreated="b" not in known,
        facts=case.facts, lasting=None if case.lasting is None else exactly(Decimal(case.lasting)),
    )  # fmt: skip


@pytest.mark.parametrize("case", PRINTED, ids=lambda case: f"line {case.line} {case.term} {case.unit}")
def test_a_boundary_is_where_it_is_printed(case: Printed) -> None:
    """On every end of every printed range, and one reported digit to each side, the grade is the printed one."""
    found = {value: grade_one(_asked(case, value), BOOK) for value in case.values()}
    grades = {_text(value): str(one.graded.grade) if one.graded else one.reason for value, (one,) in found.items()}
    assert grades == {_text(value): str(case.grade(value)) for value in case.values()}


def _rules() -> list[GradingRule]:
    """Every rule but those of dipsticks, whose words are worked in their examples."""
    return [rule for key, analyte in BOOK.analytes.items() if not analyte.scale for rule in BOOK.rules(key)]


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule.id)
def test_no_boundary_of_a_rule_was_left_out(rule: GradingRule) -> None:
    """Every comparison of every row, in every unit NCI prints, has a value on it among those that are graded here."""
    cases = [case for case in PRINTED if (case.term, case.analyte) == (rule.term, rule.analyte)]
    met: dict[tuple[str, Comparison], bool] = defaultdict(bool)
    for case in cases:
        name, to_row = rule.conversions[case.unit]
        low, high, baseline = (_limit(case, limit, to_row) for limit in ("L", "U", "b"))
        inputs = Inputs(exactly(Decimal(0)), low, high, baseline, case.facts)
        values = {to_row.own(exactly(Decimal(_text(value)))) for value in case.values()}
        for row in (rule.rows[name], rule.rows_then.get(name)):
            for test in _comparisons(row):
                met[row.unit if row is rule.rows[name] else "then", test] |= test.bound(inputs) in values
    wanted = {(row.unit, test) for row in rule.rows.values() for test in _comparisons(row)}
    wanted |= {("then", test) for row in rule.rows_then.values() for test in _comparisons(row)}
    assert wanted <= {place for place, on_it in met.items() if on_it}


def _limit(case: Printed, name: str, to_row: Unit) -> Interval | None:
    return to_row.own(exactly(Decimal(_text(case.known[name])))) if name in case.known else None


def _comparisons(row: Row | None) -> list[Comparison]:
    return [test for _, criterion in row.worst_first for test in criterion.comparisons] if row else []


@pytest.mark.skipif(not FACTS_FILE, reason="the computed facts of CTCAE v5.0 are not here")
def test_the_printed_figures_are_those_of_the_independent_facts() -> None:
    """Every figure of a case also stands in the independently written facts of its term, where the unit is theirs."""
    facts = {row["term"]: row for row in json.loads(FACTS_FILE[0].read_text(encoding="utf-8"))}
    facts["Aspartate aminotransferase increased"] |= facts["Alanine aminotransferase increased"]  # "as ALT"
    missing = []
    for case in PRINTED:
        fact = facts[case.term]
        told = set(re.findall(NUMBER, " ".join(str(cell) for cell in fact.values())))
        figures = {number for printed in case.ranges for number in re.findall(NUMBER, printed)}
        known = {Fraction(number) for number in told}
        if fact["unit"].startswith(case.unit):
            missing += [(case.line, case.term, one) for one in figures if Fraction(one) not in {*known, 0}]
    assert not missing
