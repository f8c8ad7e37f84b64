"""Units as laboratories write them: read where they can mean one thing, refused where they cannot."""

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest

from safety_stream.quantity import exactly
from safety_stream.rulebook.load import BUNDLED, load_book

BOOK = load_book(allow_unsigned=True)

READ = [
    ("WBC", "10*9/L", ["10*9/L", "10^9/L", "x10^9/L", "X10E9/L", "10E9/L", "10e9/l", "×10⁹/L", "10⁹/L", "10**9/L",
                       "x10(9)/L", "G/L", "GI/L", "10^9 cells/L", " 10^9/L "]),
    ("WBC", "10*3/uL", ["10*3/uL", "10^3/uL", "10^3/µL", "10^3/μL", "K/uL", "k/ul", "THOU/uL", "10^3/mm3", "1000/uL"]),
    ("WBC", "/uL", ["/uL", "/mm3", "cells/uL", "cells/mm3", "1/uL", "/cumm"]),
    ("WBC", "10*3/mL", ["10^3/mL"]),
    ("PLAT", "10*9/L", ["10^9/L", "x10E9/L", "X10^9/L", "GI/L", "G/L"]),
    ("PLAT", "10*3/uL", ["THOU/uL", "K/uL", "10^3/µL", "10^3/μL"]),
    ("RBC", "10*6/uL", ["M/uL", "10^6/µL"]),
    ("SODIUM", "meq/L", ["mEq/L", "mval/L"]),
    ("DDIMER", "mg/L{FEU}", ["mg/L{FEU}", "mg/L FEU"]),
    ("DDIMER", "ng/mL{FEU}", ["ng/mL{FEU}", "ng/mL FEU"]),
    ("HCRNA", "k[IU]/mL", ["k[IU]/mL", "kIU/mL"]),
    ("DLCO", "mL/min/mm[Hg]", ["mL/min/mmHg", "cm3/min/mm[Hg]"]),
    ("UPCR", "g/mmol{creat}", ["g/mmol{creat}"]),
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
    ("WBC", "K", "kelvin, or thousands of what?"),
    ("PLAT", "K", "kelvin, or thousands of what?"),
    ("K", "K", "the name of the analyte"),
    ("WBC", "C", "coulomb"),
    ("HGB", "C", "coulomb"),
    ("WBC", "G", "gauss"),
    ("HGB", "G", "gauss, or grams of nothing"),
    ("RBC", "M", "millions of what?"),
    ("K", "M", "molar, or meter"),
    ("K", "M/L", "millions a litre"),
    ("ALT", "mU/L", "a thousandth of a unit: nobody reports so"),
    ("ALT", "MU/L", "mega or milli"),
    ("K", "meq", "an amount is not a concentration"),
    ("PLAT", "10^9", "per what?"),
    ("DDIMER", "ng/mL DDU", "D-dimer units are about half of fibrinogen equivalents"),
    ("CREATCLR", "mL/min/1.73m2", "normalized to body surface is another quantity"),
    ("EGFR", "mL/min", "not normalized to body surface"),
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


# Standard atomic weights, IUPAC 2021, abridged.
ATOMS = {"H": "1.008", "C": "12.011", "N": "14.007", "O": "15.999", "P": "30.974", "Mg": "24.305", "Ca": "40.078",
         "Co": "58.933"}  # fmt: skip
FORMULAS = {
    "BILI": "C33H36N4O6", "BILDIR": "C33H36N4O6", "CREAT": "C4H7N3O", "UPCR": "C4H7N3O", "BUN": "N2", "UREA": "CH4N2O",
    "URATE": "C5H4N4O3", "CA": "Ca", "CACORR": "Ca", "CAION": "Ca", "MG": "Mg", "PHOS": "P", "GLUC": "C6H12O6",
    "GLUCFAST": "C6H12O6", "CHOL": "C27H46O", "TRIG": "C57H104O6", "LACTICAC": "C3H6O3", "VITB12": "C63H88CoN14O14P",
}  # fmt: skip
HEMOGLOBIN = {"HGB": Decimal(64458) / 4, "MCH": Decimal(64458) / 4, "MCHC": Decimal(64458) / 4}  # g/mol, one heme
# Grams, or moles, in one unit. An equivalent of calcium and magnesium is half a mole.
GRAMS = {"mg/dL": "0.01", "mg/L": "0.001", "g/L": "1", "g/dL": "10", "pg/mL": "1E-9", "ng/L": "1E-9", "pg": "1E-12"}
MOLES = {"mol/L": "1", "mmol/L": "0.001", "umol/L": "1E-6", "pmol/L": "1E-12", "fmol": "1E-15", "meq/L": "0.0005"}


def weighed(formula: str) -> Decimal:
    """The molar mass of a formula, g/mol."""
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", formula)
    return sum((Decimal(ATOMS[atom]) * int(count or 1) for atom, count in parts), Decimal(0))


def masses_of_the_table() -> dict[str, Decimal]:
    """The molar mass that analytes.yaml states beside its factors."""
    text = (BUNDLED / "analytes.yaml").read_text(encoding="utf-8")
    found = re.findall(r"key: (\w+),(?:(?!key:).)*?molar_mass: ([\d.]+)", text, flags=re.DOTALL)
    return {key: Decimal(mass) for key, mass in found}


def test_molar_masses_are_those_of_the_formulas() -> None:
    """Each stated molar mass is the sum of its atoms, or a quarter of the hemoglobin tetramer, to within 0.02 %."""
    expected = {key: weighed(formula) for key, formula in FORMULAS.items()} | HEMOGLOBIN
    stated = masses_of_the_table()
    assert set(stated) == set(expected)
    wrong = {key: mass for key, mass in stated.items() if abs(mass / expected[key] - 1) > Decimal("0.0002")}
    assert not wrong


def test_every_factor_between_mass_and_substance_is_the_molar_mass_s() -> None:
    """Each factor agrees with the molar mass to within 0.2 % (phosphate, vitamin B12): no slip of a digit, no other."""
    stated = masses_of_the_table()
    checked = 0
    for key, analyte in BOOK.analytes.items():
        for unit in analyte.units.values():
            grams = GRAMS.get(unit.ucum) or GRAMS.get(analyte.unit)
            moles = MOLES.get(unit.ucum) or MOLES.get(analyte.unit)
            if grams is None or moles is None:
                continue
            assert key in stated, f"{key}: {unit.ucum} is weighed against {analyte.unit} without a molar mass"
            in_moles = Decimal(grams) / Decimal(moles) / stated[key]
            expected = in_moles if analyte.unit in MOLES else 1 / in_moles
            assert abs(unit.factor / unit.divisor / expected - 1) < Decimal("0.002"), (key, unit)
            checked += 1
    assert checked > 25
    in_creatinine = BOOK.analytes["UPCR"].units["mg/mmol{creat}"].factor
    assert abs(in_creatinine * stated["UPCR"] / 1000 - 1) < Decimal("0.002")  # mg/mmol to mg/g


# Codes and units of a list of common laboratory codes that are refused, and why (said in rulebook/README.md).
NOT_TAKEN = {
    ("DLCO", "mmol/min/kPa"): "published factors differ",
    ("CMVDNACP", "[IU]/mL"): "no factor between copies and units holds for every assay",
    ("EBVDNA", "[IU]/mL"): "no factor between copies and units holds for every assay",
}
HERE = Path(__file__).resolve()
CODES = [
    path for parent in list(HERE.parents)[2:5] if (path := parent / "shared" / "reference" / "loinc_ucum.csv").is_file()
]


@pytest.mark.skipif(not CODES, reason="the list of common laboratory codes is not here")
def test_every_common_code_and_unit_is_known_or_refused_with_a_reason() -> None:
    """Each code is an analyte, and each unit beside it is taken, or stands in the list of refusals."""
    unknown, refused = [], set()
    with CODES[0].open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            analyte = BOOK.analyte(loinc=row["loinc"])
            if analyte is None:
                unknown.append(row["loinc"])
            elif not analyte.qualitative:
                units = {row[name] for name in ("input_unit_ucum", "canonical_unit_ucum", "loinc_example_unit")}
                told = units - {"-", "\N{EM DASH}", "not in 2.67"}
                refused |= {(analyte.key, unit) for unit in told if analyte.unit_of(unit) is None}
    assert not unknown
    assert refused == set(NOT_TAKEN)


def test_refusals_are_explained_to_the_reader() -> None:
    """The rulebook's README names each unit that is refused on purpose."""
    text = (BUNDLED / "README.md").read_text(encoding="utf-8")
    assert all(unit in text for _, unit in NOT_TAKEN)
