"""What a reported text means, and that nothing of it is lost."""

from decimal import Decimal

import pytest

from safety_stream.quantity import Interval, Unreadable, below, exactly, plain, read_limit, read_value


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
