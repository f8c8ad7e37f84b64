"""All results of one setting at once: the number line cut into rungs of one grade each, so that a file is graded fast.

Everything but the value is fixed: rule, unit, range, baseline, facts. The line is cut at every bound that grading or
alerting can compare with; a rung is judged once, when the first value falls on it, at any point of it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Generic, TypeVar

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.evidence import brief
from safety_stream.clinical.grade_one import Answer, Prepared, answers, with_doubts
from safety_stream.clinical.grading import Case, case_of, weigh
from safety_stream.clinical.measure import Measured, Remark, Setting, Unmeasurable
from safety_stream.quantity import EXACT, ZERO, Interval, exactly, plain_number
from safety_stream.rulebook.tables import Unit

_MOST_SEEN = 100
_TWO, _ONE = Decimal(2), Decimal(1)
_number = lru_cache(maxsize=65_536)(plain_number)


Cells = tuple[str, str, str, str, str]
Shown = TypeVar("Shown")


class Ladders(Generic[Shown]):
    """One prepared question: a ladder for each of its rules, and the slow way for values that are no plain number.

    ``show`` turns term, lowest grade, highest grade, rule and reason into what is wanted, once a rung.
    """

    def __init__(self, prepared: Prepared, show: Callable[[Cells], Shown]) -> None:
        self._prepared, self._show = prepared, show
        setting = prepared.setting
        self._never_measurable = isinstance(setting, Unmeasurable)
        self._setting = setting if isinstance(setting, Setting) and not setting.analyte.scale else None
        self._seen: dict[str, tuple[Shown, ...]] = {}
        cases = () if self._setting is None else _cases(prepared, self._setting)
        self._rungs = [Ladder(case, show, prepared.doubts).rung for case in cases]

    def at(self, value: str) -> tuple[Shown, ...]:
        """What is shown of each rule for a value as it was reported: empty grades where there is none."""
        setting = self._setting
        if setting is not None:
            number = _number(value)
            if number is not None and setting.lowest <= number <= setting.highest:
                return tuple([rung(number) for rung in self._rungs])
        if self._never_measurable:
            value = ""  # whatever it is, the answer is the same
        if (seen := self._seen.get(value)) is None:
            seen = tuple(self._show(_cells(answer)) for answer in answers(self._prepared, value))
            if len(self._seen) < _MOST_SEEN:
                self._seen[value] = seen
        return seen


def _cases(prepared: Prepared, setting: Setting) -> Iterator[Case]:
    asked = prepared.asked
    blank = Measured(setting.analyte, exactly(ZERO), setting.unit, setting.range, "", "asked", setting.remarks)
    for rule in prepared.rules:
        yield case_of(rule, blank, prepared.baseline, asked.facts, asked.lasting)


def _cells(answer: Answer) -> Cells:
    grade = answer.graded.grade if answer.graded else None
    lowest, highest = ("", "") if grade is None else (str(grade.lowest), str(grade.highest))
    return answer.term or "", lowest, highest, answer.rule or "", answer.brief


class Ladder(Generic[Shown]):
    """The rungs of one case, whose own value plays no part; values are in the reported unit."""

    def __init__(self, case: Case, show: Callable[[Cells], Shown], doubts: tuple[Remark, ...] = ()) -> None:
        self._case, self._show, self._doubts = case, show, doubts
        self._to_case = _conversion(case)
        cuts = list(_cuts(case))
        if None in cuts:
            cuts += _cuts(case.supposed())
        self._cuts = sorted({end for cut in cuts if cut for end in (cut.low, cut.high) if end.is_finite()})
        self._shown: list[Shown | None] = [None] * (2 * len(self._cuts) + 1)

    def rung(self, value: Decimal) -> Shown:
        """What is shown of the rung of an exact value."""
        if self._to_case is not None:
            value = self._to_case.own(exactly(value)).low
        cuts = self._cuts
        place = bisect_left(cuts, value)
        index = 2 * place + 1 if place < len(cuts) and cuts[place] == value else 2 * place
        return self._shown[index] or self._judged(index)

    def _judged(self, index: int) -> Shown:
        place, on_a_cut = divmod(index, 2)
        at = self._cuts[place] if on_a_cut else self._inside(place)
        case = self._case.at(exactly(at))
        lowest, highest, alerting = weigh(case)
        why = with_doubts(brief(case, GradeRange(lowest=lowest, highest=highest), alerting), self._doubts)
        self._shown[index] = shown = self._show((case.rule.term, str(lowest), str(highest), case.rule.id, why))
        return shown

    def _inside(self, place: int) -> Decimal:
        """A point between two cuts, or beyond the first or last."""
        cuts = self._cuts
        if not cuts:
            return _ONE
        if place == 0:
            return EXACT.subtract(cuts[0], _ONE)
        if place == len(cuts):
            return EXACT.add(cuts[-1], _ONE)
        return EXACT.divide(EXACT.add(cuts[place - 1], cuts[place]), _TWO)


def _conversion(case: Case) -> Unit | None:
    """The way from the reported unit to the one that is judged in; None where both have the same size."""
    unit = case.measured.unit
    if unit is None or case.unit is unit:
        return None
    to_row = case.rule.conversions[unit.ucum][1]
    return None if to_row.same else to_row


def _cuts(case: Case) -> Iterator[Interval | None]:
    """Every bound that is compared with; None for one that is not known."""
    for row, inputs in case.arms:
        for _, criterion in row.worst_first:
            for test in criterion.comparisons:
                if test.limit != "BASELINE" or not inputs.untreated:
                    yield test.bound(inputs)
