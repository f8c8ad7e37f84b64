"""What may befall a subject of a random trial, and what of it truly happens: drawn before anything is measured.

    none, or one of: cytokine release (grades over the hours), neurotoxicity, an injured liver (short, long, with
    bilirubin), a marrow that recovers late or not for a month, potassium that is truly high

How often each comes is set high, so that few hundred subjects hold enough of each to count; it is no estimate of what
such cells do. The shapes follow what trials print: fever in the first days after an infusion, worst after one more.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from safety_stream.sandbox.courses import Syndrome


class Spell(NamedTuple):
    """A stretch of an event at one grade, in study days."""

    grade: int
    start: float
    end: float


class Illness(NamedTuple):
    """An event that only the site can report: its term and the true course of its grades."""

    term: str
    meddra_code: str
    own_words: str
    spells: tuple[Spell, ...]


class Misfortune(NamedTuple):
    """What truly happens to one subject."""

    name: str
    syndrome: Syndrome | None = None
    illness: Illness | None = None


def cytokine_release(name: str, worst: int, hours: tuple[float, float], chance: Random) -> Misfortune:
    """Fever within three days of an infusion, rising to ``worst`` and staying there for so many hours."""
    start = chance.choice((0, 7)) + chance.uniform(0.5, 3.0)
    length = chance.uniform(*hours) / 24
    spells, at = [], start
    for grade in range(1, worst):
        spells.append(Spell(grade, at, at + chance.uniform(0.3, 0.8)))
        at = spells[-1].end
    spells.append(Spell(worst, at, at + length))
    if worst > 1:
        spells.append(Spell(1, at + length, at + length + chance.uniform(0.5, 2.0)))
    height, over = {1: 38.5, 2: 39.0}.get(worst, 39.4), spells[-1].end
    knots = ((start - 0.1, 0.0), (start + 0.4, 1.0), (over - 0.4, 0.9), (over, 0.0))
    heights = {"TEMP": height, "CRP": 40.0 * worst, "FERRITIN": 500.0 * worst}
    illness = Illness("Cytokine release syndrome", "10052015", "CRS after cells", tuple(spells))
    return Misfortune(name, Syndrome(knots, heights), illness)


def neurotoxicity(name: str, hours: tuple[float, float], chance: Random) -> Misfortune:
    """Encephalopathy of grade 3 some days after an infusion."""
    start = chance.choice((0, 7)) + chance.uniform(3, 6)
    worst = Spell(3, start + 0.5, start + 0.5 + chance.uniform(*hours) / 24)
    spells = (Spell(1, start, start + 0.5), worst, Spell(1, worst.end, worst.end + 1))
    return Misfortune(name, None, Illness("Encephalopathy", "10014625", "confused since the cells", spells))


def liver(name: str, days: tuple[float, float], bilirubin: float | None, chance: Random) -> Misfortune:
    """Aminotransferases far above normal for some days, with or without bilirubin."""
    start, length = chance.uniform(8, 20), chance.uniform(*days)
    rise = 1.0 if bilirubin is None else 2.0
    knots = ((start, 0.0), (start + rise, 1.0), (start + rise + length, 1.0), (start + rise + length + 3, 0.0))
    heights = {"ALT": chance.uniform(260, 420), "AST": chance.uniform(120, 240)}
    if bilirubin is not None:
        heights["BILI"] = bilirubin
    return Misfortune(name, Syndrome(knots, heights))


def marrow(name: str, until: tuple[float, float], chance: Random) -> Misfortune:
    """Neutrophils that stay near nothing until a day."""
    back = chance.uniform(*until)
    return Misfortune(name, Syndrome(((2, 0), (5, 1), (back, 1), (back + 4, 0)), {"NEUT": chance.uniform(0.10, 0.25)}))


def potassium(name: str, chance: Random) -> Misfortune:
    """Truly high for two days around a visit."""
    day = chance.choice((9, 14, 16, 21))
    return Misfortune(name, Syndrome(((day - 1, 0), (day, 1), (day + 1, 0)), {"K": chance.uniform(6.3, 6.8)}))


_DRAWN: tuple[tuple[int, str, Callable[[str, Random], Misfortune]], ...] = (
    (44, "nothing", lambda name, _: Misfortune(name)),
    (15, "cytokine release to grade 1-2", lambda n, c: cytokine_release(n, c.choice((1, 2)), (12, 72), c)),
    (7, "cytokine release grade 3, under 72 h", lambda n, c: cytokine_release(n, 3, (10, 66), c)),
    (5, "cytokine release grade 3, over 72 h", lambda n, c: cytokine_release(n, 3, (78, 150), c)),
    (2, "cytokine release grade 4", lambda n, c: cytokine_release(n, 4, (12, 60), c)),
    (3, "encephalopathy grade 3", lambda n, c: neurotoxicity(n, (12, 72), c)),
    (6, "ALT above 5 x ULN for a day", lambda n, c: liver(n, (0.2, 0.8), None, c)),
    (5, "ALT above 5 x ULN for days", lambda n, c: liver(n, (3.5, 6), None, c)),
    (3, "ALT and bilirubin", lambda n, c: liver(n, (2, 5), c.uniform(50, 60), c)),
    (4, "neutrophils back in the fourth week", lambda n, c: marrow(n, (16, 25), c)),
    (3, "neutrophils not back for a month", lambda n, c: marrow(n, (36, 44), c)),
    (3, "potassium truly high", potassium),
)


def draw(chance: Random) -> Misfortune:
    """One subject's fate."""
    ((_, name, make),) = chance.choices(_DRAWN, weights=[weight for weight, _, _ in _DRAWN])
    return make(name, chance)
