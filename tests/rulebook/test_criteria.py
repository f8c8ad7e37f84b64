"""The language of the tables: what it reads, what it refuses, and how it judges what is not known."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety_stream.quantity import Interval, exactly, read_value
from safety_stream.rulebook.criteria import CriterionError, Fact, Inputs, Operator, Verdict, compare, parse


def inputs(value: str, *, known: dict[str, bool] | None = None, lasting: str | None = None, **limits: str) -> Inputs:
    """Inputs from text: ``inputs("121", ULN="40")``."""
    read = {name: _interval(text) for name, text in limits.items()}
    return Inputs(
        _interval(value),
        read.get("LLN"),
        read.get("ULN"),
        read.get("BASELINE"),
        known or {},
        lasting=None if lasting is None else _interval(lasting),
    )


def _interval(text: str) -> Interval:
    value = read_value(text)
    assert isinstance(value, Interval)
    return value


@pytest.mark.parametrize(
    ("criterion", "given_", "verdict"),
    [
        ("< 0.5 10*9/L", inputs("0.49"), True),
        ("< 0.5 10*9/L", inputs("0.5"), False),
        ("<= 0.5 10*9/L", inputs("0.5"), True),
        ("> 3 x ULN", inputs("120", ULN="40"), False),
        ("> 3 x ULN", inputs("120.1", ULN="40"), True),
        (">= 1.5 x BASELINE", inputs("90", BASELINE="60"), True),
        ("> ULN + 20 g/L", inputs("180", ULN="160"), False),
        ("> ULN + 20 g/L", inputs("180.5", ULN="160"), True),
        ("<= BASELINE - 10 %", inputs("60", BASELINE="70"), True),
        ("> ULN", inputs("41"), None),
        ("> BASELINE", inputs("41", ULN="40"), None),
        ("> ULN or > 300 U/L", inputs("301"), True),
        ("> ULN and > 300 U/L", inputs("299"), False),
        ("> ULN and symptomatic", inputs("41", ULN="40"), None),
        ("> ULN and symptomatic", inputs("41", ULN="40", known={"symptomatic": True}), True),
        ("> ULN and symptomatic", inputs("41", ULN="40", known={"symptomatic": False}), False),
        ("> ULN and not symptomatic", inputs("41", ULN="40", known={"symptomatic": False}), True),
        ("> 40 Cel lasting > 24 h", inputs("40.1"), None),
        ("> 40 Cel lasting > 24 h", inputs("40.1", lasting="24"), False),
        ("> 40 Cel lasting > 24 h", inputs("40.1", lasting="24.5"), True),
        ("> 40 Cel lasting > 24 h", inputs("40", lasting="24.5"), False),
        ("> 40 Cel lasting > 24 h", inputs("40"), False),
        ("< 50 10*9/L", inputs("<50"), True),
        ("< 50 10*9/L", inputs("<=50"), None),
        ("<= 50 10*9/L", inputs("<=50"), True),
        ("> 50 10*9/L", inputs(">=50"), None),
        ("> 50 10*9/L", inputs(">50"), True),
        (">= 50 10*9/L", inputs("<50"), False),
        ("> 3 x BASELINE", inputs("30", BASELINE="<10"), True),
        ("> 3 x BASELINE", inputs("30", BASELINE="<=10"), None),
        (">= 3 x BASELINE", inputs("30", BASELINE="<=10"), True),
        ("> 3 x BASELINE", inputs("30", BASELINE=">=10"), False),
        ("<= 3 x BASELINE", inputs("30", BASELINE=">10"), True),
        ("< 3 x BASELINE", inputs("30", BASELINE=">10"), True),
        ("< 3 x BASELINE", inputs("30", BASELINE=">=10"), None),
        ("<= 3 x BASELINE", inputs("30", BASELINE="<10"), False),
    ],
)
def test_judges(criterion: str, given_: Inputs, verdict: Verdict) -> None:
    """True where every value it can mean meets it, False where none does, None where it cannot be known."""
    assert parse(criterion).judge(given_) is verdict


@pytest.mark.parametrize(
    "text",
    ["", "> ", "3 x ULN", "> 3 ULN", "> x ULN", "=> 3", "> 3 x uln", "> ULN or", "> ULN and", "> 1e3", "> -3",
     "> ULN - ", "Symptomatic", "> ULN + 3 x BASELINE", "> 40 Cel lasting 24 h", "> 40 Cel lasting > 24 d"],
)  # fmt: skip
def test_refuses_what_is_not_in_the_language(text: str) -> None:
    """A criterion that is not in the language says which part is wrong and what was expected."""
    with pytest.raises(CriterionError, match="expected"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["> 3 x ULN", ">= 1.5 x BASELINE", "< 0.5 10*9/L", "> ULN + 20 g/L", "<= BASELINE - 10 %", "< LLN", "> 1.2",
     "> ULN + 0.5 g/L", "<= LLN - 0.5 g/L", "> 40 Cel lasting > 24 h", "> 139 mm[Hg] lasting >= 24 h"],
)  # fmt: skip
def test_a_comparison_is_shown_as_it_was_written(text: str) -> None:
    """What evidence shows is what the table says."""
    assert [str(one) for one in parse(text).comparisons] == [text]


def test_a_criterion_and_its_facts_are_shown_as_they_were_written() -> None:
    """Evidence names a fact as the table does; spacing aside, so it does a criterion."""
    criterion = parse("  > ULN  and not  symptomatic or\n> 5 x ULN and at_rest ")
    assert str(criterion) == "> ULN and not symptomatic or > 5 x ULN and at_rest"
    facts = [test for clause in criterion.clauses for test in clause if isinstance(test, Fact)]
    assert [str(fact) for fact in facts] == ["not symptomatic", "at_rest"]
    assert criterion.facts == {"symptomatic", "at_rest"}


def test_a_duration_is_a_comparison_of_hours() -> None:
    """``lasting > 24 h`` is the comparison ``> 24 h``, and no multiple of anything."""
    (fever,) = parse("> 40 Cel lasting > 24 h").comparisons
    (day,) = parse("> 24 h").comparisons
    assert fever.lasting == day


def test_a_clause_on_the_baseline_does_not_apply_before_treatment() -> None:
    """Before the first study treatment there is nothing to compare with."""
    untreated = inputs("200", ULN="100", BASELINE="10")._replace(untreated=True)
    assert parse("> 3 x BASELINE").judge(untreated) is False
    assert parse("> 3 x BASELINE or > ULN").judge(untreated) is True


def test_numbers_cannot_be_compared_without_a_unit_but_multiples_can() -> None:
    """With the unit unknown, a figure says nothing and a multiple of the range of the same result still does."""
    unitless = inputs("121", ULN="40")._replace(absolute=False)
    assert parse("> 100 U/L").judge(unitless) is None
    assert parse("> ULN + 20 U/L").judge(unitless) is None
    assert parse("> 3 x ULN").judge(unitless) is True


_numbers = st.decimals(0, 1000, places=2)


@st.composite
def _intervals(draw: st.DrawFn) -> Interval:
    low, high = sorted((draw(_numbers), draw(_numbers)))
    if low == high:
        return exactly(low)
    return Interval(low, high, draw(st.booleans()), draw(st.booleans()))


def _members(interval: Interval) -> list[Decimal]:
    step = Decimal("0.001")
    inside = [interval.low + step, interval.high - step, (interval.low + interval.high) / 2]
    ends = [
        end for end, is_open in ((interval.low, interval.low_open), (interval.high, interval.high_open)) if not is_open
    ]
    return [number for number in inside if interval.low < number < interval.high] + ends


@given(_intervals(), st.sampled_from(["<", "<=", ">", ">="]), _intervals())
def test_a_verdict_holds_for_every_member(value: Interval, op: Operator, bound: Interval) -> None:
    """What is judged of two intervals is true of each pair of numbers from them."""
    verdict = compare(value, op, bound)
    pairs = {compare(exactly(one), op, exactly(other)) for one in _members(value) for other in _members(bound)}
    if verdict is not None:
        assert pairs <= {verdict}


@given(_intervals(), _intervals())
def test_opposites_exclude_each_other(value: Interval, bound: Interval) -> None:
    """``<`` and ``>=`` are never both surely true, nor both surely false."""
    less, at_least = compare(value, "<", bound), compare(value, ">=", bound)
    assert (less is None) == (at_least is None)
    assert less is None or less is not at_least
