"""Derived quantities: marked, exact, and equal to published or hand-worked values."""

from decimal import Decimal

import pytest

from safety_stream.clinical.derive import corrected_calcium, egfr, mean_of, neutrophils, qtcf
from safety_stream.clinical.grading import Measured, NoBaseline, grade
from safety_stream.clinical.measure import measured
from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)


def quantity(analyte: str, value: str, unit: str | None, lln: str | None = None, uln: str | None = None) -> Measured:
    """A measured quantity whose record is named after its analyte."""
    found = measured(BOOK.analytes[analyte], value, unit, (lln, uln), source=f"lis|{analyte} v1")
    assert isinstance(found, Measured), found
    return found


def test_calcium_is_corrected_for_albumin() -> None:
    """1.95 mmol/L with albumin 30 g/L: 1.95 + 0.02 x 10 = 2.15, which is not below an LLN of 2.15 (G16)."""
    derived = corrected_calcium(quantity("CA", "1.95", "mmol/L", "2.15", "2.55"), quantity("ALB", "30", "g/L"), BOOK)
    assert derived is not None
    assert (derived.key, str(derived.value), derived.source) == ("CACORR", "2.15", "lis|CA v1, lis|ALB v1")
    assert derived.derived is not None
    graded = grade(BOOK.rules("CACORR")[0], derived, NoBaseline.NOT_YET_TREATED)
    assert str(graded.grade) == "0"
    assert graded.evidence.reasons[0].startswith("derived: ")


def test_calcium_in_mg_dl_stays_in_mg_dl() -> None:
    """7.6 mg/dL with albumin 3.0 g/dL: 7.6 + 0.8 x 1.0 = 8.4 mg/dL, graded by the figures for mg/dL."""
    derived = corrected_calcium(quantity("CA", "7.6", "mg/dL", "8.4", "10.3"), quantity("ALB", "30", "g/L"), BOOK)
    assert derived is not None
    assert (str(derived.value), derived.ucum) == ("8.4", "mg/dL")
    assert str(grade(BOOK.rules("CACORR")[0], derived, NoBaseline.NOT_YET_TREATED).grade) == "0"


def test_a_censored_albumin_makes_a_range_of_calcium() -> None:
    """Albumin <20 g/L: corrected calcium is above 1.7 + 0.4, and no one knows by how much."""
    derived = corrected_calcium(quantity("CA", "1.7", "mmol/L"), quantity("ALB", "<20", "g/L"), BOOK)
    assert derived is not None
    assert str(derived.value) == ">2.1"


def test_neutrophils_from_the_differential() -> None:
    """4.0 x (10 % + 5 %) = 0.6 x 10^9/L (G18), in the unit of the leukocytes."""
    leukocytes = quantity("WBC", "4.0", "THOU/uL")
    derived = neutrophils(leukocytes, quantity("NEUTLE", "10", "%"), quantity("NEUTBLE", "0.05", "fraction"), BOOK)
    assert derived is not None
    assert (str(derived.value), derived.ucum) == ("0.6", "10*3/uL")
    assert str(grade(BOOK.rules("NEUT")[0], derived, NoBaseline.NOT_YET_TREATED).grade) == "3"


# The published coefficients, worked with a desk calculator to two decimals.
CKD_EPI = [
    ("1.0", "mg/dL", 50, "female", "68.63"),
    ("1.0", "mg/dL", 50, "male", "91.69"),
    ("0.5", "mg/dL", 30, "female", "129.32"),
    ("88.4", "umol/L", 50, "male", "91.69"),
]


@pytest.mark.parametrize(("value", "unit", "age", "sex", "expected"), CKD_EPI)
def test_egfr_by_ckd_epi_2021(value: str, unit: str, age: int, sex: str, expected: str) -> None:
    """eGFR by the race-free equation of 2021, the same from either unit of creatinine (G17)."""
    derived = egfr(quantity("CREAT", value, unit), age, "female" if sex == "female" else "male", BOOK)
    assert derived is not None
    assert derived.value.low == Decimal(expected)


def test_egfr_against_plain_arithmetic() -> None:
    """The equation in floating point, as anybody would type it, agrees to within a hundredth."""
    for creatinine in (0.3, 0.7, 0.9, 1.3, 2.5, 6.0):
        for age in (18, 40, 65):
            for sex, kappa, alpha, factor in (("female", 0.7, -0.241, 1.012), ("male", 0.9, -0.302, 1.0)):
                ratio = creatinine / kappa
                plain = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor
                derived = egfr(quantity("CREAT", str(creatinine), "mg/dL"), age, sex, BOOK)  # type: ignore[arg-type]
                assert derived is not None
                assert abs(float(derived.value.low) - plain) < 0.0051


def test_egfr_is_for_adults_and_known_creatinine() -> None:
    """No estimate for a minor, nor from a creatinine that has no lower end."""
    assert egfr(quantity("CREAT", "1.0", "mg/dL"), 17, "male", BOOK) is None
    assert egfr(quantity("CREAT", "<0.2", "mg/dL"), 40, "male", BOOK) is None


def test_a_high_creatinine_above_the_scale_gives_a_low_egfr_below_it() -> None:
    """Creatinine >10 mg/dL in a man of 50 leaves eGFR below 5.8 (142 x (10/0.9)^-1.2 x 0.9938^50)."""
    derived = egfr(quantity("CREAT", ">10", "mg/dL"), 50, "male", BOOK)
    assert derived is None or derived.value.high < Decimal("5.9")


def test_qtc_by_fridericia() -> None:
    """QT 400 ms at RR 1000 ms is 400 ms; at 60/min too; QT 360 at RR 729 ms is 360 / 0.9 = 400 ms (G15)."""
    for derived in (
        qtcf(quantity("QT", "400", "ms"), rr=quantity("RR", "1000", "ms"), book=BOOK),
        qtcf(quantity("QT", "400", "ms"), heart_rate=quantity("HR", "60", "/min"), book=BOOK),
        qtcf(quantity("QT", "360", "ms"), rr=quantity("RR", "729", "ms"), book=BOOK),
    ):
        assert derived is not None
        assert derived.value.low == Decimal("400.0")


def test_the_mean_of_replicates() -> None:
    """481, 480 and 482 ms have the mean 481 ms, grade 2; one reading is its own mean."""
    replicates = [quantity("QTCF", text, "ms") for text in ("481", "480", "482")]
    mean = mean_of(replicates)
    assert mean is not None
    assert str(mean.value) == "481"
    assert mean.derived == "mean of 3 replicates (G15), from 481 ms, 480 ms, 482 ms"
    assert mean_of(replicates[:1]) is replicates[0]
    assert mean_of([]) is None
    assert mean_of([replicates[0], quantity("QT", "400", "ms")]) is None
