"""A table in, a graded table out: columns kept, every row answered, nothing that a cell can hold stops it."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.clinical.grade_one import Asked, answers, grade_one, prepare
from safety_stream.clinical.ladder import Cells, Ladders
from safety_stream.quantity import plain
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.grade_table import grade_table
from safety_stream.sandbox.row_grader import facts_known

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
    """A short row is blank where it ends, blank cells too many are cut, NUL bytes dropped, blank lines are no rows."""
    text = 'analyte,value,unit\nANC\nANC,0.4,10^9/L,,\n\nANC,0.\x004,10^9/L\n"ANC","0.4\n'
    assert [row["grade_lowest"] for row in graded(text)] == ["", "4", "4", ""]


def test_a_row_with_cells_beyond_the_header_is_not_graded() -> None:
    """A decimal comma makes two cells of one value: 0,42 would be graded as 0, or 5,9 as 5. The reason says so."""
    (row,) = graded("analyte,unit,value\nK,mmol/L,5,9\n")
    assert (row["grade_lowest"], row["reason"]) == (
        "",
        "long_row: row: 4 cells, the last 9; expected 3, as in the header",
    )


_ALT = {"analyte": "ALT", "value": "250", "unit": "U/L", "uln": "40"}
_INR = {"analyte": "INR", "value": "1.3", "uln": "1.1", "untreated": "yes"}
UNREAD = [
    (_ALT, {"uln": "abc"}, "0-4", "G40: unreadable_range: ALT: abc"),
    (_ALT, {"baseline": "abc", "baseline_uln": "40"}, "0-3", "G38: unreadable_value: baseline of ALT: abc"),
    (_ALT, {"baseline": "NaN"}, "0-3", "G38: unreadable_value: baseline of ALT: NaN"),
    (_ALT, {"baseline": "-5"}, "0-3", "G20: implausible_value: baseline of ALT: -5"),
    (_ALT, {"baseline": "1e99"}, "0-3", "baseline of ALT: 1e99"),
    (_ALT, {"baseline": "30", "baseline_uln": "abc"}, "3-3", "G40: unreadable_range: baseline of ALT: abc"),
    (_ALT, {"baseline": "30", "baseline_lln": "90", "baseline_uln": "40"}, "3-3", "range_upside_down: baseline of ALT"),
    (_ALT, {"baseline": "30", "baseline_unit": "furlong"}, "0-3", "G20: unknown_unit: baseline of ALT: furlong"),
    (
        _ALT,
        {"baseline": "30", "untreated": "yes"},
        "0-3",
        "contradiction: baseline: not yet treated, and a baseline of 30",
    ),
    (_ALT, {"untreated": "maybe"}, "0-3", "unreadable_mark: untreated: maybe; expected yes or no"),
    (_ALT, {"direction": "sideways"}, "0-3", "unreadable_mark: direction: sideways; expected L or H"),
    (_ALT, {"baseline": "30", "baseline_indicator": "tall"}, "3-3", "unreadable_mark: baseline_indicator: TALL"),
    (_INR, {"on_anticoagulant": "perhaps"}, "1-1", "unreadable_fact: on_anticoagulant: perhaps; expected yes or no"),
    (_INR, {"other_inputs": "on_anticoagulant=perhaps"}, "1-1", "unreadable_fact: on_anticoagulant: perhaps"),
    (
        _INR,
        {"on_anticoagulant": "no", "other_inputs": "on_anticoagulant=yes"},
        "1-1",
        "contradiction: on_anticoagulant",
    ),
    (_INR, {"other_inputs": "on_anticoagulent=yes"}, "1-1", "unknown_fact: on_anticoagulent: no such fact"),
]


@pytest.mark.parametrize(("good", "bad", "grades", "reason"), UNREAD)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_read_beside_a_value_is_said(
    good: dict[str, str], bad: dict[str, str], grades: str, reason: str, as_json: bool
) -> None:
    """It counts as not known, so the grade is a range where it matters; the reason names what was found."""
    row = good | bad
    table = json.dumps(row) if as_json else f"{','.join(row)}\n{','.join(row.values())}"
    (told,) = graded(table + "\n", as_json=as_json)
    assert f"{told['grade_lowest']}-{told['grade_highest']}" == grades
    assert reason in told["reason"]


def test_a_blank_beside_a_value_is_not_a_question() -> None:
    """What is left blank is not known, and nothing is said to be unreadable."""
    (row,) = graded("analyte,value,unit,uln,untreated,on_anticoagulant,baseline,baseline_unit\nALT,30,U/L,40,,,,\n")
    assert "unreadable" not in row["reason"]
    assert "expected" not in row["reason"]


def notices(text: str, *, as_json: bool = False) -> list[str]:
    """What is said about the columns."""
    told: list[str] = []
    grade_table(io.StringIO(text, newline=""), io.StringIO(), BOOK, as_json=as_json, tell=told.append)
    return told


def test_columns_that_are_not_read_are_named_once() -> None:
    """The sender's own, and one that is nearly ours, with what may have been meant; in JSON at its first line only."""
    expected = ["not read: visit, on_anticoagulent (was on_anticoagulant meant?)"]
    assert notices("visit,analyte,value,on_anticoagulent\n1,INR,1.3,yes\n2,INR,1.3,yes\n") == expected
    line = '{"visit": 1, "analyte": "INR", "value": "1.3", "on_anticoagulent": "yes"}\n'
    assert notices(line * 2, as_json=True) == expected


@pytest.mark.parametrize(
    "head", ["analyte,value,unit,value", "analyte,value,unit,Value", "analyte,value,baseline,baseline_value"]
)
def test_no_row_is_graded_where_a_column_is_told_twice(head: str) -> None:
    """Nobody knows which of the two counts: said of the table once, and in the reason of each row."""
    text = f"{head}\nANC,0.4,10^9/L,4\n"
    output = io.StringIO()
    assert grade_table(io.StringIO(text), output, BOOK, as_json=False) == (1, 1)
    assert "double_column" in output.getvalue().splitlines()[1]
    assert any("told more than once" in one for one in notices(text))


def test_a_column_of_the_senders_own_may_stand_twice() -> None:
    """What is not read cannot be mistaken."""
    output = io.StringIO()
    text = "note,analyte,value,unit,note\nx,ANC,0.4,10^9/L,y\n"
    assert grade_table(io.StringIO(text), output, BOOK, as_json=False) == (1, 0)


def test_a_name_told_twice_in_json_is_not_graded() -> None:
    """The line comes back whole, with the name in its reason."""
    line = '{"analyte": "ANC", "value": "0.4", "unit": "10^9/L", "value": "4"}'
    (row,) = graded(line + "\n", as_json=True)
    assert (row["grade_lowest"], row["unreadable_line"]) == ("", line)
    assert row["reason"].startswith("duplicate_name: value: told more than once")


def test_a_table_that_names_no_test_says_so_once() -> None:
    """Cells between semicolons, or other names: what was found stands beside what was expected."""
    (unread, told) = notices("analyte;value;unit\nANC;0.4;10^9/L\nANC;0.4;10^9/L\n")
    assert told == "no column analyte, loinc or term in: analyte;value;unit"
    assert unread.startswith("not read: ")


def test_a_torn_line_is_no_row() -> None:
    """The reason says that it is no JSON, and where, not that a name is missing."""
    (row,) = graded('{"analyte": "ANC", "val\n', as_json=True)
    assert row["reason"].startswith("unreadable_line: line: Unterminated string starting at character 20")


def test_an_empty_table_is_nothing() -> None:
    """No header, no rows, no output."""
    assert graded("") == []


@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), min_size=1, max_size=4))
def test_cells_come_back_as_they_were(told: list[list[str]]) -> None:
    """Quotes, commas, line ends within a cell: what is not read is kept, in order (NUL bytes aside)."""
    table = io.StringIO(newline="")
    csv.writer(table).writerows([["first", "second", "third"], *told])
    output = io.StringIO(newline="")
    assert grade_table(io.StringIO(table.getvalue(), newline=""), output, BOOK, as_json=False)[0] == len(told)
    back = list(csv.reader(io.StringIO(output.getvalue(), newline="")))[1:]
    assert [row[:3] for row in back] == [[cell.replace("\0", "") for cell in row] for row in told]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_any_line_end_is_read(end: str) -> None:
    """A table from any system is graded alike, its last line ended or not."""
    lines = ["analyte,value,unit", "ANC,0.4,10^9/L", "ANC,0.6,10^9/L"]
    assert [row["grade_lowest"] for row in graded(end.join(lines))] == ["4", "3"]
    assert [row["grade_lowest"] for row in graded(end.join(lines) + end)] == ["4", "3"]


_texts = st.one_of(
    st.decimals(0, 3000, places=2).map(plain),
    st.sampled_from(["", "Hello", "NaN", "-1", "<0.2", ">=1000", "1,000", "0,5", "1e30", "4.3 to 6.2", "∞", "1+"]),
)  # fmt: skip
_limits = st.one_of(st.just(None), _texts)
_ASKED = ("analyte", "value", "unit", "lln", "uln", "baseline", "baseline_unit", "baseline_lln", "baseline_uln")


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
    ladders: Ladders[Cells] = Ladders(prepared, lambda cells: cells)
    for value in values:
        alone = answers(prepared, value)
        grades = [one.graded.grade if one.graded else None for one in alone]
        assert ladders.at(value) == tuple(
            (
                one.term or "",
                "" if grade is None else str(grade.lowest),
                "" if grade is None else str(grade.highest),
                one.rule or "",
                one.brief,
            )
            for one, grade in zip(alone, grades, strict=True)
        )


@given(st.lists(st.tuples(_asked(), _texts), min_size=1, max_size=8), st.booleans())
def test_a_row_is_graded_as_if_it_were_alone(told: list[tuple[Asked, str]], with_unit: bool) -> None:
    """Whatever rows stand before it, and whichever columns its rules never ask for, a row has its own answers."""
    asked = [one._replace(value=value, baseline_unit=one.unit if with_unit else None) for one, value in told]
    columns = [name for name in _ASKED if with_unit or name != "baseline_unit"]
    table = io.StringIO(newline="")
    write = csv.writer(table, lineterminator="\n").writerow
    write([*columns, "untreated", "baseline_indicator", *FACTS])
    for one in asked:
        flag = {True: "HIGH", False: "NORMAL", None: ""}[one.facts.get("baseline_abnormal")]
        facts = ({True: "yes", False: "no", None: ""}[one.facts.get(fact)] for fact in FACTS)
        told_texts = (getattr(one, name) or "" for name in columns)
        write([*told_texts, "yes" if one.untreated else "", flag, *facts])
    found = [(row["grade_term"], row["grade_lowest"], row["reason"]) for row in graded(table.getvalue())]
    alone = [answer for one in asked for answer in grade_one(one, BOOK)]
    assert found == [(one.term or "", str(one.graded.grade.lowest) if one.graded else "", one.brief) for one in alone]
