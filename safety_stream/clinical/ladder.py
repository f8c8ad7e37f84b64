"""All results of one setting at once: the number line cut into rungs of one grade each, so that a file is graded fast.

Everything but the value is fixed: rule, unit, range, baseline, facts. The line is cut at every bound that grading or
alerting can compare with; a rung is judged once, when the first value falls on it, at any point of it.
"""

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal

from safety_stream.clinical.grade_one import Answer, Prepared, answers
from safety_stream.clinical.grading import Case, case_of, graded
from safety_stream.clinical.measure import Measured, Setting
from safety_stream.quantity import EXACT, ZERO, exactly, plain_number
from safety_stream.rulebook.tables import Unit

_MOST_SEEN = 100
_TWO, _ONE = Decimal(2), Decimal(1)


Cells = tuple[str, str, str, str, str]


class Ladders:
    """One prepared question: a ladder for each of its rules, and the slow way for values that are no plain number."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        setting = prepared.setting
        self._setting = setting if isinstance(setting, Setting) and not setting.analyte.scale else None
        self._seen: dict[str, tuple[Cells, ...]] = {}
        self._ladders = () if self._setting is None else tuple(_ladders(prepared, self._setting))

    def cells(self, value: str) -> tuple[Cells, ...]:
        """Term, lowest grade, highest grade, rule and reason for each rule: empty grades where there is none."""
        setting = self._setting
        number = None if setting is None else plain_number(value)
        if setting is not None and number is not None and setting.lowest <= number <= setting.highest:
            return tuple([ladder.rung(number) for ladder in self._ladders])
        if (seen := self._seen.get(value)) is None:
            seen = tuple(_cells(answer) for answer in answers(self._prepared, value))
            if len(self._seen) < _MOST_SEEN:
                self._seen[value] = seen
        return seen


def _ladders(prepared: Prepared, setting: Setting) -> Iterator["Ladder"]:
    asked = prepared.asked
    blank = Measured(setting.analyte, exactly(ZERO), setting.unit, setting.range, "", "asked", setting.remarks)
    for rule in prepared.rules:
        yield Ladder(case_of(rule, blank, prepared.baseline, asked.facts, asked.lasting))


def _cells(answer: Answer) -> Cells:
    grade = answer.graded.grade if answer.graded else None
    lowest, highest = ("", "") if grade is None else (str(grade.lowest), str(grade.highest))
    return answer.term or "", lowest, highest, answer.rule or "", answer.brief


class Ladder:
    """The rungs of one case, whose own value plays no part; values are in the reported unit."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._to_case = None if case.unit is case.measured.unit else _conversion(case)
        self._cuts = sorted({cut for one in (case, case.supposed()) for cut in _cuts(one)})
        self._rungs: list[Cells | None] = [None] * (2 * len(self._cuts) + 1)

    def rung(self, value: Decimal) -> Cells:
        """The rung of an exact value."""
        if self._to_case is not None:
            value = self._to_case.own(exactly(value)).low
        cuts = self._cuts
        place = bisect_left(cuts, value)
        index = 2 * place + 1 if place < len(cuts) and cuts[place] == value else 2 * place
        return self._rungs[index] or self._judged(index)

    def _judged(self, index: int) -> Cells:
        place, on_a_cut = divmod(index, 2)
        at = self._cuts[place] if on_a_cut else self._inside(place)
        case = self._case.at(exactly(at))
        one = graded(case)
        self._rungs[index] = rung = _cells(Answer(one.term, one.rule_id, one, None))
        return rung

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
    unit = case.measured.unit
    return None if unit is None else case.rule.conversions[unit.ucum][1]


def _cuts(case: Case) -> list[Decimal]:
    found: list[Decimal] = []
    for row, inputs in case.arms:
        for _, criterion in row.worst_first:
            for test in criterion.comparisons:
                bound = None if test.limit == "BASELINE" and inputs.untreated else test.bound(inputs)
                if bound is not None:
                    found += [end for end in (bound.low, bound.high) if end.is_finite()]
    return found
