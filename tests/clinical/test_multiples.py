"""Claims about how a multiple is shown: so that the number says on which side of a limit it lies."""

from decimal import Decimal

import pytest
from stories import TREATED, Played, lab

from safety_stream.clinical.multiples import shown


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ("5", "5.00"), ("4.996", "4.996"), ("4.9996", "4.9996"), ("5.004", "5.004"), ("2.001", "2.001"),
        ("6.4567", "6.46"), ("0.7", "0.70"), ("2.497", "2.497"), ("4.999999999999", "5.00"),
        ("3.3333333333", "3.33"),
    ],
)  # fmt: skip
def test_no_rounded_nought_stands_at_the_end(times: str, said: str) -> None:
    """Two decimals, or as many as it needs; what is exact to six of them keeps its noughts."""
    assert shown(Decimal(times)) == said


def test_a_ratio_just_below_hepatocellular_is_not_shown_as_hepatocellular() -> None:
    """ALT 249.8 of 40 is 6.245, ALP 125 of 100 is 1.25: R is 4.996, mixed; "hepatocellular from 5"."""
    told = [lab("ALT", 16, "249.8"), lab("BILI", 16, "60"), lab("ALP", 16, "125")]
    found = Played([*TREATED, *told]).one("composite", composite="hys-law")
    assert found.ratio.startswith("R = 4.996 = ALT 6.24 x ULN / ALP 1.25 x ULN")


def test_multiples_that_go_on_for_ever_leave_a_ratio_of_ten_at_ten() -> None:
    """ALT 500 of 30 is 16.66..., ALP 100 of 60 is 1.66...: the ratio is 10, not 10.000002."""
    told = [lab("ALT", 16, "500", range_high="30"), lab("BILI", 16, "60"), lab("ALP", 16, "100", range_high="60")]
    found = Played([*TREATED, *told]).one("composite", composite="hys-law")
    assert found.ratio.startswith("R = 10.00 = ")
