"""What a reported text means, and that nothing of it is lost."""

from decimal import Decimal

import pytest

from safety_stream.quantity import (
    ENDLESS,
    Interval,
    Unreadable,
    above,
    below,
    exactly,
    hull,
    plain,
    plain_number,
    read_limit,
    read_value,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0.42", "0.42"),
        ("3.50", "3.5"),
        (" .5 ", "0.5"),
        ("5.", "5"),
        ("1.2E3", "1200"),
        ("<0.2", "<0.2"),
        ("< 0.2", "<0.2"),
        ("≤5", "<=5"),
        (">=1000", ">=1000"),
        ("＞１０００", ">1000"),
        ("0,42", "0.42"),
        ("12,5", "12.5"),
        ("0,420", "0.42"),
        ("-1", "-1"),
        ("-0,420", "-0.42"),
        ("1234,567", "1234.567"),
        ("1e20", "1" + "0" * 20),
        ("0.00000000000000000001", "0.00000000000000000001"),
        ("123456789012345678901234e-4", "12345678901234567890.1234"),
        ("0e-40", "0"),
    ],
)
def test_reads_what_laboratories_send(text: str, meant: str) -> None:
    """A number with its comparator is read as it is meant, whatever the width of its digits."""
    value = read_value(text)
    assert isinstance(value, Interval)
    assert str(value) == meant


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "",
        "NaN",
        "Infinity",
        "-inf",
        "1,000",
        "12,345",
        "4.3 to 6.2",
        "1/2",
        "5 5",
        "1e99",
        "1e400",
        "1e1000",
        "1e21",
        "1" + "0" * 30,
        "9.9e-21",
        "0.1e-20",
        "1234567890123456789012345e-5",
        "0e41",
        "0e-41",
        "100,000",
        "-100,000",
        "-1,000",
        "4.3-6.2",
        "0x1F",
        "1" * 40,
        "+",
        "<",
        "++",
    ],
)
def test_refuses_what_states_no_number(text: str) -> None:
    """What is not one number, or can be two, is unreadable: a value that says what was expected, not an exception."""
    value = read_value(text)
    assert isinstance(value, Unreadable)
    assert value.expected


ONE_NUMBER = "one number, such as 3.50, <0.2 or >=1000"
NO_COMMA = "a point as decimal mark: this comma can mean thousands or decimals"
NO_GIANT = "a number of at most 24 digits between 1E-20 and 1E20"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" Hello ", ONE_NUMBER), ("4.3 to 6.2", ONE_NUMBER), ("1,000", NO_COMMA), ("<100,000", NO_COMMA),
     ("1e400", NO_GIANT), ("1" * 40, NO_GIANT)],
)  # fmt: skip
def test_a_refusal_says_what_was_sent_and_what_was_expected(text: str, expected: str) -> None:
    """A data manager reads the text as it was sent, and in which way it should have been written."""
    assert read_value(text) == Unreadable(text, expected)


def test_digits_are_kept() -> None:
    """A number keeps every digit that was reported: 16 digits do not become a float."""
    value = read_value("99.99999999999999")
    assert isinstance(value, Interval)
    assert value.low == Decimal("99.99999999999999")


def test_a_product_is_exact() -> None:
    """1.8 mg/dL x 88.4 is 159.12 umol/L and exactly 1.5 x (1.2 x 88.4)."""
    creatinine = exactly(Decimal("1.8")).scaled(Decimal("88.4"))
    limit = exactly(Decimal("1.2")).scaled(Decimal("88.4")).scaled(Decimal("1.5"))
    assert creatinine == limit == exactly(Decimal("159.12"))


def test_an_interval_is_scaled_divided_and_shifted_end_by_end() -> None:
    """Both ends move, and an open end stays open: ]2, 4] halved is ]1, 2], less 3 is ]-1, 1]."""
    half_open = Interval(Decimal(2), Decimal(4), low_open=True)
    assert half_open.scaled(Decimal("2.5")) == Interval(Decimal(5), Decimal(10), low_open=True)
    assert half_open.divided(Decimal(2)) == Interval(Decimal(1), Decimal(2), low_open=True)
    assert half_open.shifted(Decimal(-3)) == Interval(Decimal(-1), Decimal(1), low_open=True)
    other = Interval(Decimal(2), Decimal(4), high_open=True)
    assert other.scaled(Decimal("2.5")) == Interval(Decimal(5), Decimal(10), high_open=True)
    assert other.divided(Decimal(2)) == Interval(Decimal(1), Decimal(2), high_open=True)
    assert other.shifted(Decimal(-3)) == Interval(Decimal(-1), Decimal(1), high_open=True)


def test_an_infinite_end_is_open() -> None:
    """No value is infinite: everything below 5, or from 5 on, has an open end there."""
    assert below(Decimal(5)) == Interval(-ENDLESS, Decimal(5), low_open=True, high_open=True)
    assert below(Decimal(5), or_equal=True) == Interval(-ENDLESS, Decimal(5), low_open=True, high_open=False)
    assert above(Decimal(5)) == Interval(Decimal(5), ENDLESS, low_open=True, high_open=True)
    assert above(Decimal(5), or_equal=True) == Interval(Decimal(5), ENDLESS, low_open=False, high_open=True)


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        (Interval(Decimal(0), Decimal(5)), "<=5"),
        (Interval(Decimal(0), Decimal(5), low_open=True), ">0 and <=5"),
        (Interval(Decimal(1), Decimal(5), low_open=True, high_open=True), ">1 and <5"),
        (Interval(Decimal(1), Decimal(5)), ">=1 and <=5"),
        (above(Decimal(5)), ">5"),
        (above(Decimal(5), or_equal=True), ">=5"),
        (exactly(Decimal("5.0")), "5"),
    ],
)
def test_an_interval_is_shown_as_a_reader_writes_it(interval: Interval, shown: str) -> None:
    """Comparators say which end belongs; from 0 on only the upper end is said."""
    assert str(interval) == shown


@pytest.mark.parametrize(
    ("low", "high", "met"),
    [
        ("0", "1.9", False),
        ("0", "2", False),
        ("0", "2.1", True),
        ("4", "9", True),
        ("4.1", "9", False),
        ("3", "3", True),
    ],
)
def test_meets_is_about_some_value(low: str, high: str, met: bool) -> None:
    """]2, 4] meets a closed range that holds one of its values: 4 is one of them, 2 is not."""
    assert Interval(Decimal(2), Decimal(4), low_open=True).meets(Decimal(low), Decimal(high)) is met


@pytest.mark.parametrize(("text", "number"), [("0.42", "0.42"), ("-1", "-1"), ("12345678", "12345678")])
def test_a_plain_number_is_read_at_once(text: str, number: str) -> None:
    """Digits with at most one point need no care."""
    assert plain_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["<1", " 1", "1 ", "1,5", "1e3", "", "Hello", "123456789", ".5"])
def test_what_is_not_plain_is_read_with_care(text: str) -> None:
    """Comparators, commas, exponents, blanks and long numbers are left to ``read_value``."""
    assert plain_number(text) is None


def test_an_open_end_does_not_belong() -> None:
    """<0.5 does not reach 0.5, <=0.5 does."""
    assert not below(Decimal("0.5")).meets(Decimal("0.5"), Decimal(1))
    assert below(Decimal("0.5"), or_equal=True).meets(Decimal("0.5"), Decimal(1))


@pytest.mark.parametrize(("text", "limit"), [("40", "40"), ("<40", "40"), (">= 3.5", "3.5")])
def test_a_limit_may_carry_a_comparator(text: str, limit: str) -> None:
    """A laboratory that writes its upper limit as <40 means 40."""
    assert read_limit(text) == Decimal(limit)


def test_plain_has_no_exponent() -> None:
    """A number is shown in plain digits."""
    assert [plain(Decimal(text)) for text in ("1E+3", "0.50", "100", "0")] == ["1000", "0.5", "100", "0"]


def test_the_hull_of_some_values_holds_each_of_them_and_no_end_that_none_has() -> None:
    """2.2 and 3.4: from 2.2 to 3.4; "<0.5" and 0.5: up to 0.5 itself; "<0.5" alone stays below it."""
    low, high, limit = Decimal("2.2"), Decimal("3.4"), Decimal("0.5")
    assert hull([exactly(high), exactly(low)]) == Interval(low, high)
    assert not hull([below(limit), exactly(limit)]).high_open
    assert hull([below(limit)]) == below(limit)
