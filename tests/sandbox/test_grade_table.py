"""A table in, a graded table out: columns kept, every row answered, nothing that a cell can hold stops it."""

import csv
import io
import json
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.clinical.grade_one import Asked, answers, prepare
from safety_stream.clinical.ladder import Ladders
from safety_stream.quantity import Interval, plain, read_limit, read_value
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.grade_table import facts_known, grade_table

BOOK = load_book(allow_unsigned=True)
KEYS = [key for key in BOOK.analytes if BOOK.rules(key)]
FACTS = facts_known(BOOK)


def graded(text: str, *, as_json: bool = False) -> list[dict[str, str]]:
    """The rows that come out of a table."""
    output = io.StringIO()
    grade_table(io.StringIO(text, newline=""), output, BOOK, as_json=as_json)
    if as_json:
        return [json.loads(line) for line in output.getvalue().splitlines()]
    return list(csv.DictReader(io.StringIO(output.getvalue())))


def test_columns_are_kept_in_order_and_every_term_has_a_row() -> None:
    """Input columns first, in their order, then ours; sodium feeds two terms, so it comes back twice."""
    text = "id,value,unit,analyte,lln,uln\nr1,127,mmol/L,SODIUM,135,145\n"
    output = io.StringIO()
    assert grade_table(io.StringIO(text), output, BOOK, as_json=False) == (1, 0)
    head, first, second = output.getvalue().splitlines()
    assert head == "id,value,unit,analyte,lln,uln,grade_term,grade_lowest,grade_highest,rule,reason"
    assert first.startswith("r1,127,mmol/L,SODIUM,135,145,Hyponatremia,2,3,ctcae-5.0/Hyponatremia,")
    assert "G6: not known: hyponatremia_symptoms" in first
    assert second.startswith("r1,127,mmol/L,SODIUM,135,145,Hypernatremia,0,0,")


ROWS = [
    ("loinc,value,unit,lln", "751-8,0.42,10^9/L,1.8", "4", "4"),
    ("term,value,unit,uln,baseline,baseline_uln", "Alanine aminotransferase increased,181,U/L,40,60,40", "2", "2"),
    ("term,value,unit,uln,baseline", "Alanine aminotransferase increased,170,U/L,40,60", "1", "2"),
    ("term,value,unit,uln,baseline_value,baseline_indicator", "ALT?,1,U/L,40,60,HIGH", "", ""),
    ("term,value,unit,baseline,baseline_indicator", "Alanine aminotransferase increased,181,U/L,60,HIGH", "2", "2"),
    ("term,value,unit,uln,untreated", "Alanine aminotransferase increased,121,U/L,40,yes", "2", "2"),
    ("analyte,value,unit,lln,direction,hyponatremia_symptoms", "NA,127,mmol/L,135,L,no", "2", "2"),
    ("analyte,value,unit,lln,direction,other_inputs", "NA,127,mmol/L,135,L,hyponatremia_symptoms=yes;x=1", "3", "3"),
    ("term,value,unit,lln", "Hypocalcemia (Ionized),0.85,mmol/L,1.15", "3", "3"),
    ("term,value,unit,lln,uln", "Hypokalemia,9,mmol/L,4,5", "0", "0"),
    ("term,value,unit,direction", "Hypokalemia,2.4,mmol/L,H", "", ""),
    ("analyte,value,unit", "ANC,<0.3,10^9/L", "4", "4"),
    ("analyte,value,unit", "ANC,,10^9/L", "", ""),
    ("analyte,value,unit", "ANC,NaN,10^9/L", "", ""),
    ("analyte,value,unit", "HGB,8.5,g/L", "", ""),
    ("analyte,value", "ANC,0.4", "", ""),
    ("value,unit", "0.4,10^9/L", "", ""),
    ("analyte,unit", "ANC,10^9/L", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("head", "row", "lowest", "highest"), ROWS)
def test_a_row_is_graded_by_what_it_says(head: str, row: str, lowest: str, highest: str) -> None:
    """Each way to name a result and what is known beside it; a row without a grade has a reason."""
    first = graded(f"{head}\n{row}\n")[0]
    assert (first["grade_lowest"], first["grade_highest"]) == (lowest, highest), first["reason"]
    assert first["reason"]


def test_ndjson_keeps_its_values_and_reads_numbers_as_they_are_written() -> None:
    """Numbers keep their digits; columns of ours that are already there are not overwritten."""
    (row,) = graded('{"id": 7, "analyte": "ANC", "value": 0.420, "unit": "10*9/L", "rule": "mine"}\n', as_json=True)
    assert (row["id"], row["value"], row["rule"], row["grade_lowest"]) == ("7", "0.420", "mine", "4")
    assert row["graded_rule"] == "ctcae-5.0/Neutrophil count decreased"


@pytest.mark.parametrize("line", ["nothing", "[1]", '{"value": ', "[" * 100_000, '{"a": {"b": [1]}}'])
def test_a_line_that_is_no_row_comes_back_with_a_reason(line: str) -> None:
    """Unreadable NDJSON is answered like any other row that cannot be graded."""
    (row,) = graded(line + "\n", as_json=True)
    assert row["grade_lowest"] == ""
    assert row["reason"]


def test_short_long_and_broken_rows_are_answered() -> None:
    """A short row is blank where it ends, a long one is cut, NUL bytes are dropped, blank lines are no rows."""
    text = 'analyte,value,unit\nANC\nANC,0.4,10^9/L,more\n\nANC,0.\x004,10^9/L\n"ANC","0.4\n'
    assert [row["grade_lowest"] for row in graded(text)] == ["", "4", "4", ""]


def test_an_empty_table_is_nothing() -> None:
    """No header, no rows, no output."""
    assert graded("") == []


_texts = st.one_of(
    st.decimals(0, 3000, places=2).map(plain),
    st.sampled_from(["", "Hello", "NaN", "-1", "<0.2", ">=1000", "1,000", "0,5", "1e30", "4.3 to 6.2", "∞", "1+"]),
)  # fmt: skip
_limits = st.one_of(st.just(None), _texts)


@st.composite
def _asked(draw: st.DrawFn) -> Asked:
    key = draw(st.sampled_from(KEYS))
    units = [*BOOK.analytes[key].units, "", "foo", "K/uL"]
    return Asked(
        analyte=key,
        unit=draw(st.sampled_from(units)),
        lln=draw(_limits),
        uln=draw(_limits),
        baseline=draw(_limits),
        baseline_uln=draw(_limits),
        baseline_lln=draw(_limits),
        untreated=draw(st.booleans()),
        facts=draw(st.dictionaries(st.sampled_from([*FACTS, "baseline_abnormal"]), st.booleans(), max_size=3)),
    )


@given(_asked(), st.lists(_texts, min_size=1, max_size=5))
def test_the_fast_way_and_the_slow_way_agree(asked: Asked, values: list[str]) -> None:
    """A ladder grades every value as grading it alone does, with the same reason."""
    prepared = prepare(asked, BOOK)
    ladders = Ladders(prepared)
    for value in values:
        alone = answers(prepared, value)
        grades = [one.graded.grade if one.graded else None for one in alone]
        assert ladders.cells(value) == tuple(
            (
                one.term or "",
                "" if grade is None else str(grade.lowest),
                "" if grade is None else str(grade.highest),
                one.rule or "",
                one.brief,
            )
            for one, grade in zip(alone, grades, strict=True)
        )


def _random_row(chance: random.Random) -> dict[str, str]:
    """One row of what a file may hold: mostly sensible, each cell now and then missing, absurd or broken."""
    key = chance.choice(KEYS)
    analyte = BOOK.analytes[key]
    low, high = analyte.plausible
    usual = [plain(limit) if limit is not None else "" for limit in analyte.usual]

    def cell(good: str, *bad: str) -> str:
        dice = chance.random()
        return good if dice < 0.8 else ("" if dice < 0.9 else chance.choice(bad))

    def number() -> str:
        span = (high - low) if chance.random() < 0.2 else (analyte.usual.high or high) * 3
        return plain((low + span * Decimal(chance.randrange(1001)) / 1000).quantize(Decimal("0.01")))

    return {
        "analyte": key,
        "value": cell(number(), "Hello", "NaN", "Infinity", "-1", "<5", ">1000", "1,000", "9" * 30, "1e-30", "\x00"),
        "unit": cell(chance.choice(list(analyte.units)), "foo", "K", "G/L", "%", "10^9 / L"),
        "lln": cell(usual[0], "-5", "4.3 to 6.2", "99999", "low"),
        "uln": cell(usual[1], "0", "0.0001", "n/a", "<40"),
        "baseline": cell(number(), "Hello", "-1", "<5", "0"),
        "baseline_uln": cell(usual[1], "0", "x"),
        "baseline_lln": cell(usual[0], "0", "x"),
        "on_anticoagulant": cell("yes", "no", "perhaps"),
    }  # fmt: skip


def _fuzzed(rows: int, chance: random.Random) -> None:
    output, table = io.StringIO(newline=""), io.StringIO(newline="")
    write = csv.DictWriter(table, list(_random_row(chance)), lineterminator="\n")
    write.writeheader()
    for _ in range(rows):
        write.writerow(_random_row(chance))
    table.seek(0)
    count, _ = grade_table(table, output, BOOK, as_json=False)
    assert count == rows
    output.seek(0)
    for row in csv.DictReader(output):
        assert row["reason"], row
        if row["grade_lowest"] == row["grade_highest"] == "0":
            assert not _could_be_worse(row), json.dumps(row)


def _could_be_worse(row: dict[str, str]) -> bool:
    """Whether a limit or baseline that is missing can have a value with which this row is grade 1 or more.

    A baseline that is tried came with the limits of the result itself (register G26).
    """
    value = read_value(row["value"])
    assert isinstance(value, Interval)
    if not value.exact or value.low <= 0:
        return False
    near = {"uln": "0.99", "lln": "1.01", "baseline": "0.2"}
    missing = [name for name in near if not row[name]]
    if "baseline" in missing:
        row = row | {"baseline_uln": row["uln"], "baseline_lln": row["lln"]}
    tried = (row | {name: plain(value.low * Decimal(near[name]))} for name in missing)
    return any(_grade_of(one) not in {"", "0"} for one in tried if not _upside_down(one))


def _upside_down(row: dict[str, str]) -> bool:
    low, high = read_limit(row["lln"]), read_limit(row["uln"])
    return isinstance(low, Decimal) and isinstance(high, Decimal) and low > high


def _grade_of(row: dict[str, str]) -> str:
    """The highest grade of the row's rule, asked alone."""
    own = {name: text for name, text in row.items() if not name.startswith(("grade_", "rule", "reason"))}
    table = io.StringIO(newline="")
    write = csv.DictWriter(table, list(own), lineterminator="\n")
    write.writeheader()
    write.writerow(own)
    return next(one["grade_highest"] for one in graded(table.getvalue()) if one["rule"] == row["rule"])


def test_a_fuzzed_table_is_answered_row_by_row() -> None:
    """No exception, a reason in every row, and no 0 where a missing limit could make it 1."""
    _fuzzed(5_000, random.Random(20260304))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_million_fuzzed_rows() -> None:
    """The same for a million rows."""
    chance = random.Random(20260305)
    for _ in range(100):
        _fuzzed(10_000, chance)
