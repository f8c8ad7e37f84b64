"""The truth about a subject of a random trial: from the course itself, before noise, errors and omissions.

The limits stand here once more, copied from the printed CTCAE v5.0 and from the bundled protocol by hand: nothing of
the judgement is asked. A course is looked at every three hours from the first lymphodepletion to the last visit.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from safety_stream.sandbox.courses import Constitution, level
from safety_stream.sandbox.misfortunes import Misfortune
from safety_stream.sandbox.panels import TESTS, range_of

FIRST_DAY, LAST_DAY, STEP = -5.0, 42.0, 0.125
_EXPECTED_TO = 28.0
"""The last day to which the bundled protocol expects leukocytes of any grade and neutrophils down to grade 3."""
_WINDOW_TO = 42.0
"""28 days after the third infusion."""


class Limit(NamedTuple):
    """Where grade 3 and grade 4 of a term begin: absolute, or in multiples of the ULN."""

    term: str
    worse: str
    grade_3: float
    grade_4: float
    times_uln: bool = False


LIMITS: Mapping[str, Limit] = {
    "NEUT": Limit("Neutrophil count decreased", "lower", 1.0, 0.5),
    "WBC": Limit("White blood cell decreased", "lower", 2.0, 1.0),
    "LYMPH": Limit("Lymphocyte count decreased", "lower", 0.5, 0.2),
    "PLT": Limit("Platelet count decreased", "lower", 50, 25),
    "HGB": Limit("Anemia", "lower", 80, float("-inf")),
    "K": Limit("Hyperkalemia", "higher", 6.0, 7.0),
    "ALT": Limit("Alanine aminotransferase increased", "higher", 5, 20, times_uln=True),
    "AST": Limit("Aspartate aminotransferase increased", "higher", 5, 20, times_uln=True),
    "BILI": Limit("Blood bilirubin increased", "higher", 3, 10, times_uln=True),
}
FEBRILE = "Febrile neutropenia"
HYS_LAW = "hys-law"
Days = tuple[tuple[float, int], ...]
"""Study days at which something is so, each with the lowest grade that tells of it."""


class Truth(NamedTuple):
    """What must be known of a subject: terms that truly reached an alarming grade, and terms that limit the dose.

    ``days``: when a term was alarming; ``limits``: when it was what limits the dose.
    """

    days: Mapping[str, Days]
    limits: Mapping[str, Days]

    @property
    def alarming(self) -> frozenset[str]:
        """The terms that were alarming."""
        return frozenset(self.days)

    @property
    def limiting(self) -> frozenset[str]:
        """The terms that limit the dose."""
        return frozenset(self.limits)

    @property
    def sentence(self) -> str:
        """Both in words."""
        alarming, limiting = (", ".join(sorted(each)) or "nothing" for each in (self.alarming, self.limiting))
        return f"grade 3 or more beyond what is expected: {alarming}; dose-limiting: {limiting}"


def grade_at_least_3(code: str, value: float, sex: str) -> int:
    """0, 3 or 4: the grade of a value where it is alarming."""
    limit = LIMITS[code]
    by = times_uln(code, value, sex) if limit.times_uln else value
    three, four = (
        (by < limit.grade_3, by < limit.grade_4) if limit.worse == "lower" else (by > limit.grade_3, by > limit.grade_4)
    )
    return 4 if four else 3 if three else 0


def true_level(code: str, body: Constitution, day: float) -> float:
    """The subject's own level of a test; leukocytes are the sum of their parts."""
    if code == "WBC":
        return 1.12 * level("NEUT", body, day) + level("LYMPH", body, day) + 0.05
    return level(code, body, day)


def truth_of(body: Constitution, misfortune: Misfortune) -> Truth:
    """Everything that is true of one subject."""
    days, limits = dict[str, Days](), dict[str, Days]()
    for code, limit in LIMITS.items():
        grades = [(day, grade_at_least_3(code, true_level(code, body, day), body.sex)) for day in _days()]
        days[limit.term] = tuple((day, lowest_alarming(code, day)) for day, at in grades if is_alarming(code, day, at))
        limits[limit.term] = _limits(code, grades)
    hot = (day for day in _days() if level("TEMP", body, day) > 38.3 and level("NEUT", body, day) < 1.0)
    days[FEBRILE] = tuple((day, 3) for day in hot)
    limits[HYS_LAW] = _hys_law(body)
    illness = misfortune.illness
    if illness is not None:
        worst = max(one.grade for one in illness.spells)
        hours = sum((one.end - one.start) * 24 for one in illness.spells if one.grade >= 3)
        days[illness.term] = tuple(
            (one.start + STEP * n, 3)
            for one in illness.spells
            if one.grade >= 3
            for n in range(int((one.end - one.start) / STEP) + 1)
        )
        if worst >= 4 or hours > 72 or (worst >= 3 and illness.term == "Encephalopathy"):
            limits[illness.term] = days[illness.term]
    return Truth(*({term: told for term, told in each.items() if told} for each in (days, limits)))


def _days() -> Iterator[float]:
    return (FIRST_DAY + STEP * n for n in range(round((LAST_DAY - FIRST_DAY) / STEP) + 1))


def is_alarming(code: str, day: float, grade: int) -> bool:
    """Grade 3 or more beyond what the protocol expects of lymphodepletion."""
    if code == "LYMPH" or (code == "WBC" and day < _EXPECTED_TO + 1):
        return False
    return grade >= lowest_alarming(code, day)


def lowest_alarming(code: str, day: float) -> int:
    """The lowest grade that alarms on a day: of neutrophils inside the expected band only grade 4 does."""
    return 4 if code == "NEUT" and day < _EXPECTED_TO + 1 else 3


def _limits(code: str, grades: list[tuple[float, int]]) -> Days:
    """Grade 4 neutrophils or platelets for over 28 days; any other test at 4, or at 3 for over 72 hours."""
    if code in {"WBC", "LYMPH", "HGB"}:
        return ()
    inside = [(day, grade) for day, grade in grades if 0 <= day <= _WINDOW_TO]
    if code in {"NEUT", "PLT"}:
        return _longer(inside, 4, 28)
    return tuple(sorted({(day, 3) for day, grade in inside if grade >= 4} | {*_longer(inside, 3, 3)}))


def _longer(grades: list[tuple[float, int]], grade: int, days: float) -> Days:
    """All of the stretches at a grade or above that are longer than so many days."""
    stretches = (list(told) for high, told in groupby(grades, lambda one: one[1] >= grade) if high)
    return tuple((day, grade) for told in stretches if told[-1][0] - told[0][0] > days for day, _ in told)


def _hys_law(body: Constitution) -> Days:
    """ALT or AST at least 3 x ULN and bilirubin above 2 x ULN within 14 days; alkaline phosphatase stays normal."""
    enzymes = [day for day in _days() if any(_times(code, body, day) >= 3 for code in ("ALT", "AST"))]
    yellow = [day for day in _days() if _times("BILI", body, day) > 2]
    both = any(abs(one - other) <= 14 for one in enzymes[:1] + enzymes[-1:] for other in yellow[:1] + yellow[-1:])
    return tuple((day, 0) for day in sorted({*enzymes, *yellow})) if both else ()


def _times(code: str, body: Constitution, day: float) -> float:
    return times_uln(code, level(code, body, day), body.sex)


def times_uln(code: str, value: float, sex: str) -> float:
    """A value in multiples of its upper limit of normal."""
    return value / float(range_of(TESTS[code], sex)[1] or "inf")
