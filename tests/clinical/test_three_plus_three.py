"""The advice against an independent 3+3: a simulated trial that treats subjects, walked along every dose path.

The trial below knows no table and no levels side by side. It is the published procedure as a person would run it:

    up      treat three. None with a DLT: the next dose. One: three more; still one of six: the next dose
    over    two or more with a DLT: this dose is too high, go down one
    down    a dose with six subjects and at most one DLT is the MTD; a dose with three is filled to six first
    ends    no lower dose: no MTD, the committee. No higher dose: the last one is filled to six, and is the MTD

At every node of every path the advice for the dose in hand, and the MTD, must be what the trial does next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Literal

import pytest
from stories import STUDY, bundled, bundled_with

from safety_stream.clinical import cohort
from safety_stream.clinical.advice import Board
from safety_stream.clinical.escalation import Counts, Place, decide, endings
from safety_stream.clinical.findings_study import CohortDecision, StudyTally
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.ways import ways
from safety_stream.rulebook.escalation_table import Escalation
from safety_stream.rulebook.protocol import DoseLevel
from safety_stream.rulebook.tables import Book

AS_OF = datetime(2030, 1, 1, tzinfo=UTC)
Act = Literal["treat", "up", "down", "mtd", "none"]


@dataclass(frozen=True)
class Trial:
    """A 3+3 trial under way: what each subject of each dose had, the dose in hand, whether it is coming down."""

    doses: int
    had: tuple[tuple[bool, ...], ...]
    dose: int = 0
    coming_down: bool = False

    @property
    def next_act(self) -> Act:
        """What a person would do now, one subject at a time: treat one more here, or leave this dose."""
        here = self.had[self.dose]
        if here.count(True) > 1:
            return "none" if self.dose == 0 else "down"
        enough = 6 if self.coming_down or any(here[:3]) or (self.dose + 1 == self.doses and len(here) >= 3) else 3
        if len(here) < enough:
            return "treat"
        return "mtd" if self.coming_down or self.dose + 1 == self.doses else "up"

    def treated(self, *outcomes: bool) -> "Trial":
        """After more subjects at the dose in hand."""
        had = list(self.had)
        had[self.dose] = (*had[self.dose], *outcomes)
        return replace(self, had=tuple(had))

    def moved(self) -> "Trial":
        """One dose up, or one down: then it comes down for good."""
        up = self.next_act == "up"
        return replace(self, dose=self.dose + (1 if up else -1), coming_down=self.coming_down or not up)


def begun(doses: int) -> Trial:
    """Nobody treated yet."""
    return Trial(doses, ((),) * doses)


def by_cohorts(trial: Trial, met: list[Trial]) -> int:
    """Walk every path of 0 to 3 DLTs in each cohort of three, noting every node; the number of paths to an end."""
    met.append(trial)
    act = trial.next_act
    if act == "treat":
        outcomes = ((True,) * struck + (False,) * (3 - struck) for struck in range(4))
        return sum(by_cohorts(trial.treated(*one), met) for one in outcomes)
    return by_cohorts(trial.moved(), met) if act in {"up", "down"} else 1


def by_subjects(trial: Trial, met: set[Trial]) -> int:
    """The same one subject at a time, in every order of outcomes; two DLTs end a dose at once."""
    met.add(trial)
    act = trial.next_act
    if act == "treat":
        return sum(by_subjects(trial.treated(struck), met) for struck in (False, True))
    return by_subjects(trial.moved(), met) if act in {"up", "down"} else 1


@cache
def book_of(doses: int) -> Book:
    """The bundled study with so many dose levels."""
    amounts = (DoseLevel(number=n + 1, amount=Decimal(n + 2) * 1000000, unit="cells/kg") for n in range(doses))
    return bundled_with(dose_levels=tuple(amounts))


def status(number: int, level: int, struck: bool | None, **more: object) -> SubjectStatus:
    """One subject: with a DLT, through the window without one, or (None) still in the window."""
    facts = {
        "study": STUDY, "subject": f"{number:03}", "dose_level": level, "dosed": True, "as_of": AS_OF,
        "phase": "in_window" if struck is None else "completed_window", "evaluable": None if struck is None else True,
        "dlt": "candidate" if struck else "none", "worst_grade": None, "window_to": date(2029, 1, 1),
        "first_infusion": date(2024, 1, 1) + timedelta(days=15 * number),
    }  # fmt: skip
    return SubjectStatus.model_validate(facts | more)


def concluded(trial: Trial, *more: SubjectStatus) -> tuple[dict[int, CohortDecision], StudyTally | None]:
    """What the product says of the trial: advice by level, and the study as a whole."""
    outcomes = [(level, struck) for level, had in enumerate(trial.had, 1) for struck in had]
    told = [status(number, level, struck) for number, (level, struck) in enumerate(outcomes, 100)]
    statuses = {one.subject: one for one in (*told, *more)}
    found = cohort.conclude(STUDY, statuses, book_of(trial.doses)).values()
    advice = {one.dose_level: one for one in found if isinstance(one, CohortDecision) and one.dose_level}
    return advice, next((one for one in found if isinstance(one, StudyTally)), None)


def mtd_of(trial: Trial) -> int | None:
    """The MTD as soon as it is known: where the trial ends once it has come down past doses that need nobody more."""
    while trial.next_act == "down":
        trial = trial.moved()
    return trial.dose + 1 if trial.next_act == "mtd" else None


WANTED = {"treat": {"enrol", "expand", "fill"}, "up": {"escalate"}, "mtd": {"mtd"}, "down": {"stop"}, "none": {"stop"}}


def differences(trial: Trial) -> Iterator[str]:
    """Every way in which what the product concludes differs from what the trial does next."""
    advice, whole = concluded(trial)
    here, act = advice.get(trial.dose + 1), trial.next_act
    if here is not None and here.decision not in WANTED[act]:
        yield f"{trial}: {act}, but {here.decision}"
    if here is not None and here.to_enrol != (to_treat(trial) if act == "treat" else 0):
        yield f"{trial}: {here.to_enrol} to enrol"
    if (here is None) != (not trial.had[trial.dose]):
        yield f"{trial}: advice for a dose that nobody had, or none for one that somebody had"
    if (whole.mtd if whole else None) != mtd_of(trial):
        yield f"{trial}: MTD {mtd_of(trial)}, but {whole and whole.mtd}"
    if any(one.no_longer_supported or one.decision == "hold" for one in advice.values()):
        yield f"{trial}: a regular path lost its support"


def to_treat(trial: Trial) -> int:
    """How many of three, or of six, are missing at the dose in hand."""
    return (3 if len(trial.had[trial.dose]) < 3 and not trial.coming_down else 6) - len(trial.had[trial.dose])


def by_formula(doses: int) -> int:
    """The number of paths by hand: over a dose in 5 ways, past it with three or with six; the last in 3 ways and 7.

    Coming down: from a dose with six the trial ends; from one with three in 2 ways, or in 2 more goes on down.
    """

    def down(below: tuple[int, ...]) -> int:
        return 1 if not below or below[-1] == 6 else 2 + 2 * down(below[:-1])

    over = sum(5 * down(below) for dose in range(doses - 1) for below in product((3, 6), repeat=dose))
    return over + sum(3 + 7 * down(below) for below in product((3, 6), repeat=doses - 1))


@pytest.mark.parametrize(("doses", "paths", "nodes"), [(1, 10, 13), (3, 154, 277), (5, 1162, 2197)])
def test_every_path_of_cohorts_is_advised_as_the_trial_goes(doses: int, paths: int, nodes: int) -> None:
    """0 to 3 DLTs in each cohort of three, from the first level to the end, filling and coming down included."""
    met: list[Trial] = []
    assert by_cohorts(begun(doses), met) == paths == by_formula(doses)
    assert len(met) == nodes
    assert [difference for trial in met for difference in differences(trial)] == []


@pytest.mark.parametrize(("doses", "paths"), [(3, 1114), (5, 25642)])
def test_every_order_of_subjects_is_advised_as_the_trial_goes(doses: int, paths: int) -> None:
    """One subject at a time in every order of outcomes, each decision from the counts of all levels alone."""
    met: set[Trial] = set()
    assert by_subjects(begun(doses), met) == paths
    version = book_of(doses).protocols[STUDY].version(None)
    for trial in met:
        counts = {n: Counts(len(had), had.count(True)) for n, had in enumerate(trial.had, 1) if had}
        now = Board(STUDY, version, design(), {}, counts, 0)
        if trial.had[trial.dose]:
            here = decide(design(), counts[trial.dose + 1], now.place(trial.dose + 1))
            assert here in WANTED[trial.next_act], trial


def design() -> Escalation:
    """The bundled table."""
    found = bundled().protocols[STUDY].version(None).escalation
    assert found is not None
    return found


FATES = {"any": (None, False, True), "lost": (None, True), "through": (False, True)}
BELOW: tuple[Literal["allow", "lost", "stopped"], ...] = ("allow", "lost", "stopped")
PLACES = [Place(top, above, below) for top, above, below in product((False, True), (False, True), BELOW)]


def test_reachable_is_every_future_and_each_way_leads_where_it_says() -> None:
    """All levels of up to six, up to four pending of three kinds, in each place: against every fate of each subject.

    Each future is enumerated subject by subject. It must lie in exactly one way, that of the decision it ends in.
    """
    checked = 0
    for evaluable, dlt, pending in product(range(7), range(3), range(1, 5)):
        for lost, through in product(range(pending + 1), repeat=2):
            if dlt > evaluable or lost + through > pending:
                continue
            kinds = ("lost",) * lost + ("through",) * through + ("any",) * (pending - lost - through)
            futures = {(ends.count(True), ends.count(False)) for ends in product(*(FATES[kind] for kind in kinds))}
            for place in PLACES:
                checked += 1
                counts = Counts(evaluable, dlt, pending, lost, through)
                told = ways(design(), counts, place)
                reached = set()
                for struck, completed in futures:
                    end = decide(design(), Counts(evaluable + struck + completed, dlt + struck), place)
                    inside = [
                        way.decision for way in told
                        if way.dlts[0] <= struck <= way.dlts[1] and way.completed[0] <= completed <= way.completed[1]
                    ]  # fmt: skip
                    assert inside == [end], (counts, place, struck, completed, told)
                    reached.add(end)
                assert set(endings(design(), counts, place)) == reached == {way.decision for way in told}
    assert checked == 18 * 34 * 12, "18 counts, 34 mixtures of up to four pending, 12 places"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (
            Counts(2, 0, 1),
            (
                "enrol: of the 1 not decided, none with a DLT and none complete without one",
                "expand: of the 1 not decided, 1 with a DLT",
                "escalate: of the 1 not decided, none with a DLT and 1 complete without one",
            ),
        ),
        (
            Counts(3, 1, 3),
            (
                "enrol: of the 3 not decided, none with a DLT and 1 or 2 complete without one",
                "expand: of the 3 not decided, none with a DLT and none complete without one",
                "escalate: of the 3 not decided, none with a DLT and 3 complete without one",
                "stop: of the 3 not decided, 1 to 3 with a DLT",
            ),
        ),
    ],
)
def test_the_ways_read_as_a_committee_would_say_them(counts: Counts, told: tuple[str, ...]) -> None:
    """2 of 3 clean and one waiting; an expanded cohort with one DLT and three waiting. Written by hand."""
    assert tuple(way.words for way in ways(design(), counts, Place())) == told


def chance(doses: int, rates: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    """The exact chance that each dose is named the MTD (the first: none is), summed over the orders of outcomes."""
    found = [Fraction(0)] * (doses + 1)

    def walk(trial: Trial, weight: Fraction) -> None:
        act, rate = trial.next_act, rates[trial.dose]
        if act == "treat":
            walk(trial.treated(True), weight * rate)
            walk(trial.treated(False), weight * (1 - rate))
        elif act in {"up", "down"}:
            walk(trial.moved(), weight)
        else:
            found[trial.dose + 1 if act == "mtd" else 0] += weight

    walk(begun(doses), Fraction(1))
    return tuple(found)


def test_the_chance_to_pass_a_dose_is_the_published_one() -> None:
    """A dose is passed with chance q^3 + 3 p q^2 * q^3 (0 of 3, or 1 of 3 and none of the next three), p = 1 - q.

    For two doses without DLTs at the second, the MTD is none exactly when the first fails; by cohorts of three or
    subject by subject the chance is the same, and all chances add up to one.
    """
    p = Fraction(1, 4)
    q = 1 - p
    none, first, second = chance(2, (p, Fraction(0)))
    assert none == 1 - (q**3 + 3 * p * q**2 * q**3)
    assert first == 0
    assert none + first + second == 1
