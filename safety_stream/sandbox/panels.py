"""What the simulated hospital measures: tests with their LOINC codes, SI units, decimals and reference ranges.

Ranges are those in use for adults in Chinese laboratories (women first, then men); a range may be open on one side.
The usual values are where a subject with lupus, well enough for the trial, tends to be before treatment.
"""

from typing import Literal, NamedTuple

Range = tuple[str | None, str | None]


class Assay(NamedTuple):
    """One test of the hospital: how it is named, written and what is usual."""

    code: str
    loinc: str
    unit: str
    decimals: int
    usual: tuple[float, float]
    women: Range
    men: Range | None = None
    """None: as for women."""
    spread: float = 0.05
    """Relative spread of one result around the subject's own level: biology and analyser together."""


class Panel(NamedTuple):
    """Tests of one specimen, and how many hours the hospital takes to release them (fewest, most)."""

    name: str
    tests: tuple[str, ...]
    released_after: tuple[float, float]
    kind: Literal["lab_result", "vital_sign"] = "lab_result"


_TESTS = (
    # Blood count. Leukocytes are the sum of their parts, see courses.py.
    Assay("WBC", "6690-2", "10^9/L", 2, (3.9, 6.5), ("3.5", "9.5")),
    Assay("NEUT", "751-8", "10^9/L", 2, (2.6, 4.4), ("1.8", "6.3"), spread=0.07),
    Assay("LYMPH", "731-0", "10^9/L", 2, (0.85, 1.5), ("1.1", "3.2"), spread=0.07),
    Assay("HGB", "718-7", "g/L", 0, (104, 128), ("115", "150"), ("130", "175"), spread=0.015),
    Assay("PLT", "777-3", "10^9/L", 0, (150, 260), ("125", "350")),
    # Chemistry
    Assay("ALT", "1742-6", "U/L", 0, (12, 30), ("7", "40"), ("9", "50"), spread=0.09),
    Assay("AST", "1920-8", "U/L", 0, (15, 28), ("13", "35"), ("15", "40"), spread=0.08),
    Assay("ALP", "6768-6", "U/L", 0, (50, 88), ("35", "100"), ("45", "125")),
    Assay("GGT", "2324-2", "U/L", 0, (12, 34), ("7", "45"), ("10", "60"), spread=0.07),
    Assay("BILI", "14631-6", "umol/L", 1, (6.0, 14.0), (None, "21.0"), (None, "26.0"), spread=0.10),
    Assay("ALB", "1751-7", "g/L", 1, (38.0, 44.0), ("40.0", "55.0"), spread=0.02),
    Assay("LDH", "2532-0", "U/L", 0, (150, 215), ("120", "250")),
    Assay("CREAT", "14682-9", "umol/L", 0, (48, 66), ("41", "73"), ("57", "97"), spread=0.04),
    Assay("UREA", "22664-7", "mmol/L", 1, (3.6, 6.2), ("2.6", "7.5"), ("3.1", "8.0"), spread=0.08),
    Assay("EGFR", "98979-8", "mL/min/{1.73_m2}", 0, (90, 120), ("90", None), spread=0.0),
    Assay("K", "2823-3", "mmol/L", 2, (3.85, 4.50), ("3.50", "5.30"), spread=0.03),
    Assay("NA", "2951-2", "mmol/L", 0, (139, 143), ("137", "147"), spread=0.004),
    Assay("CA", "2000-8", "mmol/L", 2, (2.22, 2.36), ("2.11", "2.52"), spread=0.012),
    Assay("MG", "2601-3", "mmol/L", 2, (0.82, 0.95), ("0.75", "1.02"), spread=0.02),
    # Coagulation
    Assay("PT", "5902-2", "s", 1, (11.8, 13.0), ("11.0", "14.5"), spread=0.02),
    Assay("INR", "6301-6", "{INR}", 2, (0.94, 1.06), ("0.85", "1.15"), spread=0.02),
    Assay("APTT", "14979-9", "s", 1, (30.0, 37.0), ("28.0", "42.0"), spread=0.03),
    Assay("FIBRINO", "3255-7", "g/L", 2, (2.60, 3.50), ("2.00", "4.00"), spread=0.04),
    # Inflammation
    Assay("CRP", "1988-5", "mg/L", 1, (1.0, 5.0), (None, "8.0"), spread=0.15),
    Assay("FERRITIN", "2276-4", "ug/L", 0, (60, 120), ("13", "150"), ("30", "400"), spread=0.08),
    # Lupus serology
    Assay("C3", "4485-9", "g/L", 2, (0.40, 0.62), ("0.70", "1.40"), spread=0.03),
    Assay("C4", "4498-2", "g/L", 2, (0.04, 0.08), ("0.10", "0.40"), spread=0.03),
    # At the bedside
    Assay("TEMP", "8310-5", "Cel", 1, (36.4, 36.8), (None, None), spread=0.003),
    Assay("HR", "8867-4", "/min", 0, (68, 82), (None, None), spread=0.04),
    Assay("RESP", "9279-1", "/min", 0, (14, 17), (None, None), spread=0.04),
    Assay("SYSBP", "8480-6", "mmHg", 0, (106, 114), (None, None), spread=0.015),
    Assay("DIABP", "8462-4", "mmHg", 0, (66, 73), (None, None), spread=0.02),
    Assay("SPO2", "59408-5", "%", 0, (97.6, 98.9), (None, None), spread=0.003),
    Assay("LVEF", "10230-1", "%", 0, (60, 68), (None, None), spread=0.01),
    Assay("QTCF", "76634-5", "ms", 0, (398, 425), (None, None), spread=0.008),
)
TESTS = {test.code: test for test in _TESTS}

BLOOD_COUNT = Panel("blood count", ("WBC", "NEUT", "LYMPH", "HGB", "PLT"), (0.8, 2.5))
CHEMISTRY = Panel(
    "chemistry",
    ("ALT", "AST", "ALP", "GGT", "BILI", "ALB", "LDH", "CREAT", "UREA", "EGFR", "K", "NA", "CA", "MG"),
    (1.5, 4.5),
)
COAGULATION = Panel("coagulation", ("PT", "INR", "APTT", "FIBRINO"), (1.5, 4.0))
INFLAMMATION = Panel("inflammation", ("CRP", "FERRITIN"), (3.0, 20.0))
SEROLOGY = Panel("lupus serology", ("C3", "C4"), (48.0, 96.0))
BEDSIDE = Panel("bedside", ("TEMP", "HR", "RESP", "SYSBP", "DIABP", "SPO2"), (0.1, 0.6), "vital_sign")
HEART = Panel("heart", ("LVEF", "QTCF"), (2.0, 8.0), "vital_sign")

VISITS: tuple[tuple[tuple[int, ...], tuple[Panel, ...]], ...] = (
    ((-14,), (BLOOD_COUNT, CHEMISTRY, COAGULATION, INFLAMMATION, SEROLOGY, BEDSIDE, HEART)),
    ((-6, 0, 7, 14, 28, 42), (BLOOD_COUNT, CHEMISTRY, COAGULATION, INFLAMMATION, BEDSIDE)),
    ((-2, -1, 2, 9, 10, 11, 12, 16, 21, 35), (BLOOD_COUNT, CHEMISTRY, INFLAMMATION, BEDSIDE)),
    ((-3, 4, 5, 18, 24), (BLOOD_COUNT, BEDSIDE)),
    ((-5, -4, 1, 8, 13, 15, 17), (BEDSIDE,)),
)
"""Study days and the panels taken on them; the published schedule of the simulated site."""
FOLLOW_UP: tuple[tuple[int, ...], tuple[Panel, ...]] = (
    (56, 84, 112, 140, 168), (BLOOD_COUNT, CHEMISTRY, INFLAMMATION, BEDSIDE),
)  # fmt: skip
"""The visits of weeks 8 to 24, after the window."""


def plan_of(day: int) -> tuple[Panel, ...]:
    """The panels planned for one study day; empty when there is no visit."""
    return next((panels for days, panels in VISITS if day in days), ())


def range_of(test: Assay, sex: str) -> Range:
    """The reference range the hospital prints for this sex."""
    return test.men if sex == "male" and test.men else test.women
