"""A table is read with its lines, its exact numbers, and every slip of its form."""

from decimal import Decimal

import pytest

from safety_stream.rulebook.sheet import read_sheet


def test_numbers_are_exact_and_lines_are_known() -> None:
    """1.50 keeps its digits, a key may be a unit, and every value knows the line it stands on."""
    sheet = read_sheet("t.yaml", "a:\n  - {x: 1.50, 10*9/L: 2}\n  - y: yes\n")
    assert sheet.data == {"a": [{"x": Decimal("1.50"), "10*9/L": 2}, {"y": "yes"}]}
    assert not sheet.problems
    assert (sheet.line("a", 0, "x"), sheet.line("a", 1, "y"), sheet.line("a", 1, "nothing", "here")) == (2, 3, 3)


def test_a_key_written_twice_is_a_problem() -> None:
    """The second of two equal keys would silently win: it is named with both lines."""
    sheet = read_sheet("t.yaml", "a: 1\nb: 2\na: 3\n")
    assert sheet.problems == ["t.yaml:3: 'a' again; expected each key once (first: line 1)"]


def test_no_number_but_a_plain_one() -> None:
    """Exponents, hexadecimal, nan and infinity are problems, not numbers."""
    sheet = read_sheet("t.yaml", "a: .nan\nb: 1.5e3\nc: 0x1F\nd: .inf\n")
    assert [problem.split(":")[1] for problem in sheet.problems] == ["1", "2", "3", "4"]


def test_broken_yaml_is_a_problem_with_its_line() -> None:
    """A file that is no YAML at all names the line where it stops being one."""
    sheet = read_sheet("t.yaml", "a: [1, 2\nb: 3\n")
    assert sheet.data is None
    assert sheet.problems[0].startswith("t.yaml:2: ")


UNREADABLE = {
    "a: 1\nb: \x0b\n": "t.yaml:2: character 0xb is no text; expected valid YAML",
    "a: 1\nb: \x7f\n": "t.yaml:2: character 0x7f is no text; expected valid YAML",
    "a: 1\nb: \x9d\n": "t.yaml:2: character 0x9d is no text; expected valid YAML",
    "\x00\x01\x02": "t.yaml:1: character 0x0 is no text; expected valid YAML",
    "[" * 2000: "t.yaml:1: nested too deep to be read; expected valid YAML of a few levels",
    "a: " + "{a: " * 2000: "t.yaml:1: nested too deep to be read; expected valid YAML of a few levels",
    "b: 1\na: &a [*a]\n": "t.yaml:2: a > 0: it holds itself; expected an alias of something else",
    "b: 1\na: &a\n  c: {d: *a}\n": "t.yaml:3: a > c > d: it holds itself; expected an alias of something else",
    "a: 1\nb: " + "9" * 5000: "digits with a point",
    "a: 1\nb: !!int ８\n": "t.yaml:2: b: '８' is no plain number; expected digits with a point",
}


@pytest.mark.parametrize("text", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_no_table_can_hold_is_a_problem(text: str) -> None:
    """Control characters, a thing that holds itself, brackets without end: a line each, and never a traceback."""
    (problem,) = read_sheet("t.yaml", text).problems
    assert UNREADABLE[text] in problem


def test_an_empty_file_is_nothing() -> None:
    """An empty table is None, without a problem of form."""
    sheet = read_sheet("t.yaml", "# only a comment\n")
    assert sheet.data is None
    assert not sheet.problems
