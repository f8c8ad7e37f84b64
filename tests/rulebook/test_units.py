"""Units as laboratories write them: read where they can mean one thing, refused where they cannot."""

from decimal import Decimal

import pytest

from safety_stream.quantity import exactly
from safety_stream.rulebook.load import load_book

BOOK = load_book(allow_unsigned=True)

READ = [
    ("WBC", "10*9/L", ["10*9/L", "10^9/L", "x10^9/L", "X10E9/L", "10E9/L", "10e9/l", "×10⁹/L", "10⁹/L", "10**9/L",
                       "x10(9)/L", "G/L", "GI/L", "10^9 cells/L", " 10^9/L "]),
    ("WBC", "10*3/uL", ["10*3/uL", "10^3/uL", "10^3/µL", "10^3/μL", "K/uL", "k/ul", "THOU/uL", "10^3/mm3", "1000/uL"]),
    ("WBC", "/uL", ["/uL", "/mm3", "cells/uL", "cells/mm3", "1/uL", "/cumm"]),
    ("WBC", "10*3/mL", ["10^3/mL"]),
    ("HGB", "g/dL", ["g/dL", "G/DL", "gm/dl", "g%", "g/dl"]),
    ("ALB", "g/L", ["g/L", "G/L", "g/l"]),
    ("ALT", "U/L", ["U/L", "IU/L", "u/l", "[IU]/L"]),
    ("ALT", "ukat/L", ["ukat/L", "µkat/L", "μkat/l"]),
    ("K", "meq/L", ["mEq/L", "meq/L", "MEQ/L"]),
    ("TSH", "m[IU]/L", ["mIU/L", "uIU/mL", "µIU/mL", "mU/L"]),
    ("SYSBP", "mm[Hg]", ["mmHg", "mm Hg", "mm[Hg]"]),
    ("HR", "/min", ["bpm", "beats/min", "BEATS/MIN", "/min"]),
    ("TEMP", "Cel", ["C", "°C", "degC", "Cel"]),
    ("TEMP", "[degF]", ["F", "°F", "[degF]"]),
    ("EGFR", "mL/min/{1.73_m2}", ["mL/min/1.73m2", "mL/min/1.73 m2", "ml/min/1.73m²", "mL/min/{1.73_m2}"]),
    ("HEIGHT", "[in_i]", ["IN", "in"]),
    ("WEIGHT", "[lb_av]", ["LB", "lbs"]),
    ("CREAT", "umol/L", ["umol/L", "µmol/L", "μmol/L", "mcmol/L"]),
]  # fmt: skip

REFUSED = [
    ("WBC", "g/L", "grams are not giga"),
    ("WBC", "g/l", "grams are not giga, in small letters neither"),
    ("WBC", "109/L", "a lost superscript"),
    ("WBC", "%", "a share is not a count"),
    ("TEMP", "K", "kelvin"),
    ("HGB", "mg", "an amount is not a concentration"),
    ("ALT", "mg/dL", "an enzyme is not weighed"),
    ("SYSBP", "cm[Hg]", "not a unit we take"),
    ("QT", "mmHg", "time is not pressure"),
]


@pytest.mark.parametrize(("analyte", "ucum", "texts"), READ, ids=lambda case: str(case)[:12])
def test_known_spellings_are_read(analyte: str, ucum: str, texts: list[str]) -> None:
    """A spelling that means one accepted unit is read as that unit."""
    found = {text: BOOK.analytes[analyte].unit_of(text) for text in texts}
    assert {text: unit and unit.ucum for text, unit in found.items()} == dict.fromkeys(texts, ucum)


@pytest.mark.parametrize(("analyte", "text", "because"), REFUSED)
def test_look_alikes_are_refused(analyte: str, text: str, because: str) -> None:
    """A spelling that is another unit, or can be two, is not guessed."""
    assert BOOK.analytes[analyte].unit_of(text) is None, because


CONVERSIONS = [
    ("HGB", "13.5", "g/dL", "135"),
    ("WBC", "1500", "/uL", "1.5"),
    ("WBC", "1.5", "10*3/uL", "1.5"),
    ("WBC", "1500", "10*3/mL", "1.5"),
    ("CREAT", "2.5", "mg/dL", "221.00"),
    ("BILI", "2.0", "mg/dL", "34.2"),
    ("FIBRINO", "50", "mg/dL", "0.5"),
    ("ALT", "1", "ukat/L", "60"),
    ("CA", "5", "meq/L", "2.5"),
    ("TEMP", "104", "[degF]", "40"),
    ("TEMP", "95", "[degF]", "35"),
    ("PO2ART", "7.332731307825", "kPa", "55"),
    ("WEIGHT", "100", "[lb_av]", "45.359237"),
    ("HEIGHT", "10", "[in_i]", "25.4"),
    ("NEUTLE", "0.05", "1", "5"),
]


@pytest.mark.parametrize(("analyte", "value", "ucum", "own"), CONVERSIONS)
def test_conversion_is_exact(analyte: str, value: str, ucum: str, own: str) -> None:
    """Factors by definition, or those laboratories use, applied without rounding (worked by hand)."""
    unit = BOOK.analytes[analyte].units[ucum]
    assert unit.own(exactly(Decimal(value))).low == Decimal(own)
    assert unit.of_own(exactly(Decimal(own))).low == Decimal(value)


def test_factors_agree_with_molar_masses() -> None:
    """Every factor between mass and substance is the molar mass's to within 0.2 %: no slip of a digit."""
    import re  # the rows name their molar masses only in the table itself

    from safety_stream.rulebook.load import BUNDLED

    text = (BUNDLED / "analytes.yaml").read_text(encoding="utf-8")
    checked = 0
    for key, mass in re.findall(r"key: (\w+),(?:(?!key:).)*?molar_mass: ([\d.]+)", text, flags=re.DOTALL):
        analyte = BOOK.analytes[key]
        if "mg/dL" in analyte.units and analyte.unit in {"mmol/L", "umol/L"}:
            scale = 10 if analyte.unit == "mmol/L" else 10_000
            expected = Decimal(scale) / Decimal(mass)
            assert abs(analyte.units["mg/dL"].factor / expected - 1) < Decimal("0.002"), key
            checked += 1
    assert checked > 10
