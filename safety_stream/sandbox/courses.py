"""How values move: the course of each test over the study days, after lymphodepletion and cells.

    level     usual ------.                                .------ usual
                           `-.                        .--'
                              `--.               .--'
                                  `---- turn ---'
    share       0     ...           1          ...       0          (straight on a logarithmic scale)

Each course runs between a subject's usual level and its turning value; ``_SHARES`` says how far along it is on
which study day. Fludarabine and cyclophosphamide empty the lymphocytes within days and bring the neutrophils to
their lowest about day 8, back by about day 21; platelets and hemoglobin follow more slowly and less deeply.
"""

from bisect import bisect
from dataclasses import dataclass
from math import exp, log
from random import Random

from safety_stream.sandbox.panels import TESTS

Knots = tuple[tuple[float, float], ...]

_SHARES: dict[str, Knots] = {
    "NEUT": ((-5, 0), (-2, 0.15), (0, 0.40), (4, 0.80), (8, 1), (10, 0.97), (14, 0.60), (21, 0.12), (42, 0)),
    "LYMPH": ((-5, 0), (-3, 0.70), (-1, 1), (10, 1), (14, 0.90), (21, 0.70), (28, 0.50), (42, 0.30), (84, 0.05)),
    "PLT": ((-4, 0), (0, 0.30), (10, 1), (14, 0.85), (21, 0.35), (28, 0.10), (42, 0)),
    "HGB": ((-5, 0), (7, 0.70), (14, 1), (21, 0.80), (28, 0.50), (42, 0.20), (84, 0)),
    "CRP": ((-1, 0), (1, 1), (4, 0.3), (7, 0.3), (8, 1), (11, 0.3), (14, 0.3), (15, 0.8), (18, 0.2), (24, 0)),
    "FERRITIN": ((-1, 0), (9, 1), (16, 1), (28, 0.4), (42, 0.1), (84, 0)),
}
_TURNS: dict[str, tuple[float, float]] = {
    "NEUT": (0.62, 0.90),
    "LYMPH": (0.03, 0.07),
    "PLT": (82, 118),
    "HGB": (90, 98),
    "CRP": (9, 16),
    "FERRITIN": (140, 280),
}
_CLIP = 2.0  # A result further out than this many spreads would be a story of its own, and stories are told in cast.py.


@dataclass(frozen=True, slots=True)
class Syndrome:
    """A cytokine release: for each test the value at its height, over the days it lasts."""

    knots: Knots
    heights: dict[str, float]


@dataclass(frozen=True, slots=True)
class Constitution:
    """One subject's own levels: usual value and turning value of each test, sex and age."""

    sex: str
    age: int
    usual: dict[str, float]
    turn: dict[str, float]
    syndrome: Syndrome | None = None


def constitution(
    sex: str, age: int, chance: Random, turns: dict[str, float], syndrome: Syndrome | None
) -> Constitution:
    """Draw one subject's levels; ``turns`` and ``syndrome`` are what its story fixes."""
    usual = {code: chance.uniform(*test.usual) for code, test in TESTS.items()}
    turn = {code: chance.uniform(*bounds) for code, bounds in _TURNS.items()} | turns
    if sex == "male":  # heavier men: ranges for creatinine and hemoglobin lie higher
        usual["CREAT"] *= 1.3
        usual["HGB"] += 8
    return Constitution(sex, age, usual, turn, syndrome)


def panel_values(codes: tuple[str, ...], body: Constitution, day: float, chance: Random) -> dict[str, str]:
    """The results of one specimen as text, each with the decimals its test is reported with."""
    values = {code: _result(code, body, day, chance) for code in codes}
    if "WBC" in values:
        values["WBC"] = values["NEUT"] + values["LYMPH"] + _other_leukocytes(body, day)
    if "EGFR" in values:
        values["EGFR"] = ckd_epi_2021(values["CREAT"], body.age, body.sex)
    return {code: f"{value:.{TESTS[code].decimals}f}" for code, value in values.items()}


def _result(code: str, body: Constitution, day: float, chance: Random) -> float:
    noise = max(-_CLIP, min(_CLIP, chance.gauss(0, 1)))
    return level(code, body, day) * exp(noise * TESTS[code].spread)


def level(code: str, body: Constitution, day: float) -> float:
    """The subject's expected value on a study day, without the noise of one result."""
    value = body.usual[code]
    if code in _SHARES:
        value = _between(value, body.turn[code], share(_SHARES[code], day))
    if body.syndrome and code in body.syndrome.heights:
        value = _between(value, body.syndrome.heights[code], share(body.syndrome.knots, day))
    return value


def share(knots: Knots, day: float) -> float:
    """How far a course has turned on a study day, 0 to 1; flat before its first and after its last knot."""
    days = [at for at, _ in knots]
    after = bisect(days, day)
    if after in (0, len(knots)):
        return knots[min(after, len(knots) - 1)][1]
    (start, low), (end, high) = knots[after - 1], knots[after]
    return low + (high - low) * (day - start) / (end - start)


def _between(usual: float, turn: float, part: float) -> float:
    return exp((1 - part) * log(usual) + part * log(turn))


def _other_leukocytes(body: Constitution, day: float) -> float:
    """Monocytes and the rest: they fall with the neutrophils."""
    return 0.12 * level("NEUT", body, day) + 0.05


def ckd_epi_2021(creatinine: float, age: int, sex: str) -> float:
    """The eGFR that the hospital computes (CKD-EPI 2021, race-free), mL/min/1.73 m2, from creatinine in umol/L."""
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine / 88.4 / kappa
    return float(142 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.200 * 0.9938**age * factor)
