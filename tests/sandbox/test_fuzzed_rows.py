"""Rows that no laboratory should send, and a great many that it may: no exception, never a silent 0, always a reason.

The oracle knows nothing of how a grade is found. It holds that a plain 0 says "whatever is missing, this is normal":
so it completes a row that was graded 0 with values for all that is missing, and no completion may be graded 1 or more.
"""

import csv
import io
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice, product

import pytest

from safety_stream.quantity import Interval, plain, read_limit, read_value
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.grade_table import grade_table

BOOK = load_book(allow_unsigned=True)
KEYS = [key for key in BOOK.analytes if BOOK.rules(key)]
NUMBERS = ("Hello", "NaN", "nan", "Infinity", "-inf", "1e400", "1" + "0" * 30, "9" * 30, "1e-30", "1,000", "4.3 to 6.2")
COLUMNS = (
    "analyte", "value", "unit", "lln", "uln", "baseline", "baseline_lln", "baseline_uln", "untreated", "other_inputs",
)  # fmt: skip
BASELINE_REFUSED = "G26: the baseline is not known"  # its range, as completed, showed that its unit was wrong
_LIMIT = ("0.3", "0.99", "1.01", "4")
NEAR = {
    "lln": _LIMIT, "uln": _LIMIT, "baseline_lln": _LIMIT, "baseline_uln": _LIMIT,
    "baseline": ("0.01", "0.2", "0.65", "0.99", "1.01", "4"),
}  # fmt: skip
Row = dict[str, str]


def graded(rows: list[Row]) -> list[Row]:
    """The rows that come out of a table of these."""
    table, output = io.StringIO(newline=""), io.StringIO(newline="")
    write = csv.DictWriter(table, COLUMNS, restval="", lineterminator="\n")
    write.writeheader()
    write.writerows(rows)
    table.seek(0)
    count, _ = grade_table(table, output, BOOK, as_json=False)
    assert count == len(rows)
    output.seek(0)
    return list(csv.DictReader(output))


ANC = {"analyte": "ANC", "value": "1.6", "unit": "10*9/L", "lln": "1.8", "uln": "7.5"}
ALT = {"analyte": "ALT", "value": "121", "unit": "U/L", "lln": "7", "uln": "40", "untreated": "yes"}
BAD = [
    *((ANC, {"value": text}, "", "G38: unreadable_value") for text in NUMBERS),
    (ANC, {"value": ""}, "", "no_value"),
    (ANC, {"value": "-0.4"}, "", "G20: implausible_value"),
    (ANC, {"value": "100000"}, "", "G20: implausible_value"),
    (ANC, {"value": "<-1"}, "", "G20: implausible_value"),
    (ANC, {"unit": ""}, "", "G39: missing_unit"),
    (ANC, {"unit": "g/L"}, "", "G20: unknown_unit"),
    (ANC, {"lln": "7.5", "uln": "1.8"}, "0-1", "G5: no LLN is known"),
    (ANC, {"lln": "4.3 to 6.2"}, "0-1", "G5: no LLN is known"),
    (ANC, {"lln": "-1"}, "0-1", "G5: no LLN is known"),
    (ANC, {"lln": "NaN"}, "0-1", "G5: no LLN is known"),
    (ANC, {"lln": "1e400"}, "0-1", "G5: no LLN is known"),
    (ANC, {"lln": "4.3 to 6.2", "value": "0.4"}, "4-4", "< 0.5 10*9/L"),
    (ALT, {}, "2-2", "> 3 x ULN (120 U/L)"),
    (ALT, {"unit": ""}, "2-2", "G39: no unit was sent"),
    (ALT, {"unit": "", "uln": ""}, "0-4", "G5: no ULN is known"),
    (ALT, {"unit": "", "lln": "", "uln": ""}, "", "G39: missing_unit"),
    (ALT, {"unit": "", "lln": "40", "uln": "7"}, "", "G39: missing_unit"),
    (ALT, {"uln": "0"}, "0-4", "G5: no ULN is known"),
    (ALT, {"untreated": "", "baseline": "-5"}, "0-2", "G26: the baseline is not known"),
    (ALT, {"untreated": "", "baseline": "1e400"}, "0-2", "G26: the baseline is not known"),
]


@pytest.mark.parametrize(("good", "bad", "grades", "reason"), BAD)
def test_bad_input_is_answered_with_a_reason(good: Row, bad: Row, grades: str, reason: str) -> None:
    """What is no number, no unit or no range is not graded or counts as missing; it says so, and nothing breaks."""
    row = graded([good | bad])[0]
    assert f"{row['grade_lowest']}-{row['grade_highest']}".strip("-") == grades, row["reason"]
    assert reason in row["reason"]


def random_row(chance: random.Random) -> Row:
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

    facts = sorted({fact for rule in BOOK.rules(key) for fact in rule.facts})
    return {
        "analyte": key,
        "value": cell(number(), *NUMBERS, "-1", "<5", ">1000", "\x00"),
        "unit": cell(chance.choice(list(analyte.units)), "foo", "K", "G/L", "%", "10^9 / L"),
        "lln": cell(usual[0], "-5", "4.3 to 6.2", "99999", "low"),
        "uln": cell(usual[1], "0", "0.0001", "n/a", "<40"),
        "baseline": cell(number(), "Hello", "-1", "<5", "0", "1e400"),
        "baseline_lln": cell(usual[0], "0", "x"),
        "baseline_uln": cell(usual[1], "0", "x"),
        "untreated": chance.choice(("", "", "", "yes")),
        "other_inputs": "; ".join(f"{fact}={cell('no', 'yes', 'perhaps')}" for fact in facts),
    }


def _fuzzed(count: int, chance: random.Random) -> None:
    zeros = []
    for row in graded([random_row(chance) for _ in range(count)]):
        _answered(row)
        if row["grade_lowest"] == row["grade_highest"] == "0":
            zeros.append(row)
    completed = [(row, one) for row in zeros for one in islice(_completions(row, chance), 6)]
    answers: dict[int, list[Row]] = {}
    for answer in graded(
        [one | {"other_inputs": f"{one['other_inputs']}; case={n}"} for n, (_, one) in enumerate(completed)]
    ):
        answers.setdefault(int(answer["other_inputs"].rpartition("=")[2]), []).append(answer)
    for number, (row, one) in enumerate(completed):
        grades = {
            answer["grade_highest"]
            for answer in answers[number]
            if answer["rule"] == row["rule"] and not (one["baseline"] and BASELINE_REFUSED in answer["reason"])
        }
        assert grades <= {"", "0"}, json.dumps([row, answers[number]])


def _answered(row: Row) -> None:
    """A reason; a grade its term has, or none; none for what is no number or lies below nothing."""
    assert row["reason"], row
    lowest, highest = row["grade_lowest"], row["grade_highest"]
    assert (lowest == "") == (highest == ""), row
    if lowest:
        term = BOOK.term(row["grade_term"])
        assert term is not None
        assert int(lowest) <= int(highest), row
        assert {int(lowest), int(highest)} <= {0, *term.grades}, row
        assert row["value"] not in {*NUMBERS, "", "-1"}, row
        assert row["unit"] not in {"foo", "10^9 / Litre"}, row


def _completions(row: Row, chance: random.Random) -> Iterator[Row]:
    """The row with a value for each limit, baseline and fact that is missing, in a random order of all choices.

    A baseline that is tried came with the limits of the result itself (register G26).
    """
    value = read_value(row["value"])
    if not isinstance(value, Interval) or not value.exact or value.low <= 0:
        return
    missing = [name for name in NEAR if not _known(row, name) and not (name == "baseline" and row["untreated"])]
    facts = [one.partition("=")[0] for one in row["other_inputs"].split("; ") if one.endswith(("=", "=perhaps"))]
    if not (missing or facts):
        return
    choices = list(product(*(NEAR[name] for name in missing), *(("yes", "no") for _ in facts)))
    own = {name: row[name] for name in COLUMNS}
    for choice in chance.sample(choices, min(len(choices), 12)):
        tried = dict(zip([*missing, *facts], choice, strict=True))
        one = own | {name: plain(value.low * Decimal(tried[name])) for name in missing}
        if "baseline" in missing:
            one |= {"baseline_uln": one["uln"], "baseline_lln": one["lln"]}
        one["other_inputs"] = "; ".join([row["other_inputs"], *(f"{fact}={tried[fact]}" for fact in facts)])
        if not (_upside_down(one, "lln", "uln") or _upside_down(one, "baseline_lln", "baseline_uln")):
            yield one


def _known(row: Row, name: str) -> bool:
    """Whether the cell says something that can be used: a number that is possible, and a range the right way up."""
    pair = ("lln", "uln") if name in {"lln", "uln"} else ("baseline_lln", "baseline_uln")
    return _limit(row, name) is not None and (name == "baseline" or not _upside_down(row, *pair))


def _limit(row: Row, name: str) -> Decimal | None:
    limit = read_limit(row[name])
    lowest = Decimal("1e-20") if name.endswith("uln") else Decimal(0)
    return limit if isinstance(limit, Decimal) and limit >= lowest else None


def _upside_down(row: Row, lower: str, upper: str) -> bool:
    low, high = _limit(row, lower), _limit(row, upper)
    return low is not None and high is not None and low > high


def test_a_fuzzed_table_is_answered_row_by_row() -> None:
    """No exception, a reason in every row, and no 0 where something missing could make it 1."""
    _fuzzed(4_000, random.Random(20260304))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_million_fuzzed_rows() -> None:
    """The same for a million rows."""
    chance = random.Random(20260305)
    for _ in range(100):
        _fuzzed(10_000, chance)
