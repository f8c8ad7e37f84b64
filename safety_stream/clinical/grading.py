"""One measured quantity, one rule: the CTCAE grade as a range, the grade alerts count with, and the evidence.

The law of this file: what is not known widens the range, it never makes the grade 0. The evidence is built when it is
asked for, so that a result within normal limits costs a few microseconds.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple

from safety_stream.clinical.conclusion import Evidence, GradeRange
from safety_stream.clinical.measure import Measured, Remark, Unmeasurable, measure
from safety_stream.quantity import ENDLESS, ZERO, Interval, ReferenceRange, exactly
from safety_stream.rulebook.criteria import Criterion, Inputs, Verdict
from safety_stream.rulebook.tables import GradingRule, Row, Unit

__all__ = ["Baseline", "Basis", "Graded", "Measured", "NoBaseline", "Remark", "Unmeasurable", "grade", "measure"]

NOTHING_KNOWN: Mapping[str, bool] = MappingProxyType({})
BASELINE_ABNORMAL = "baseline_abnormal"
_HOURS_NONE = exactly(ZERO)


class NoBaseline(Enum):
    """Why there is no baseline: nobody was treated yet, or treatment began and no valid result is known."""

    NOT_YET_TREATED = "not yet treated"
    UNKNOWN = "unknown"


Baseline = Measured | NoBaseline


class Case(NamedTuple):
    """All that a grade was judged on: the arms of the rule that may apply, each with its inputs, in ``unit``."""

    rule: GradingRule
    measured: Measured
    baseline: Baseline
    facts: Mapping[str, bool]
    lasting: Interval | None
    arms: tuple[tuple[Row, Inputs], ...]
    unit: Unit | None

    def judge(self) -> tuple[int, int]:
        """Lowest and highest grade that the inputs allow."""
        row, inputs = self.arms[0]
        lowest, highest = row.judge(inputs)
        for row, inputs in self.arms[1:]:
            low, high = row.judge(inputs)
            lowest, highest = min(lowest, low), max(highest, high)
        return lowest, highest

    def at(self, value: Interval) -> "Case":
        """The same case with another value, in ``unit``."""
        arms = tuple([(row, Inputs(value, *inputs[1:])) for row, inputs in self.arms])
        return Case(self.rule, self.measured, self.baseline, self.facts, self.lasting, arms, self.unit)

    def supposed(self) -> "Case":
        """What alerts count with while the range is open: usual limits (G27), no baseline (G26), facts by G6."""
        return self._replace(arms=tuple((row, _supposed(self, inputs)) for row, inputs in self.arms[:1]))


class Basis(NamedTuple):
    """What one measured quantity is graded on, in the order in which ``grade`` asks for it."""

    rule: GradingRule
    measured: Measured
    baseline: Baseline
    facts: Mapping[str, bool] = NOTHING_KNOWN
    lasting: Interval | None = None


class Graded:
    """The grade of one measured quantity by one rule; why it is so is worked out when it is first asked for."""

    def __init__(self, basis: Basis, grade: GradeRange, alerting_grade: int) -> None:
        self.basis = basis
        self.grade = grade
        self.alerting_grade = alerting_grade

    @property
    def term(self) -> str:
        """The CTCAE term."""
        return self.basis.rule.term

    @property
    def meddra_code(self) -> str:
        """The term's MedDRA code."""
        return self.basis.rule.meddra_code

    @property
    def rule_id(self) -> str:
        """The id of the rule that graded."""
        return self.basis.rule.id

    @cached_property
    def case(self) -> Case:
        """The arms of the rule that it was judged by."""
        return case_of(*self.basis)

    @cached_property
    def evidence(self) -> Evidence:
        """Why: the comparison that decided, what would have changed it, what is missing."""
        from safety_stream.clinical.evidence import evidence_of

        return evidence_of(self.case, self.grade, self.alerting_grade)


_RANGES = [[GradeRange(lowest=min(low, high), highest=high) for high in range(6)] for low in range(6)]


def grade(
    rule: GradingRule,
    measured: Measured,
    baseline: Baseline,
    facts: Mapping[str, bool] = NOTHING_KNOWN,
    lasting: Interval | None = None,
) -> Graded:
    """The CTCAE grade of ``measured`` by ``rule``.

    ``facts`` holds what is known to be true or false (a fact that is absent is unknown); ``lasting`` for how many
    hours the worst comparison has held, where a rule asks for it.
    """
    return grade_on(Basis(rule, measured, baseline, facts, lasting))


def grade_on(basis: Basis) -> Graded:
    """The grade on a basis: worked out once for all results that say the same, whosever they are."""
    lowest, highest, alerting = _weighed(bare(basis))
    return Graded(basis, _RANGES[lowest][highest], alerting)


class Bare(NamedTuple):
    """A basis without its records: all that a grade depends on."""

    rule: GradingRule
    measured: Measured
    baseline: Baseline
    facts: tuple[tuple[str, bool], ...]
    lasting: Interval | None

    @property
    def case(self) -> Case:
        """What is judged."""
        return case_of(self.rule, self.measured, self.baseline, dict(self.facts), self.lasting)


def bare(basis: Basis) -> Bare:
    """What two results must have in common to be graded alike: a key to remember by."""
    rule, measured, baseline, facts, lasting = basis
    if not _asks_for_baseline(rule):
        baseline = NoBaseline.NOT_YET_TREATED
    elif isinstance(baseline, Measured):
        baseline = baseline.bare
    told = tuple([(name, facts[name]) for name in _facts_asked(rule) if name in facts]) if facts else ()
    return Bare(rule, measured.bare, baseline, told, lasting)


@lru_cache(maxsize=16_384)
def _weighed(known: Bare) -> tuple[int, int, int]:
    return weigh(known.case)


def weigh(case: Case) -> tuple[int, int, int]:
    """Lowest and highest grade of a case, and the one alerts count with."""
    lowest, highest = case.judge()
    alerting = highest if lowest == highest else max(lowest, min(highest, case.supposed().judge()[1]))
    return lowest, highest, alerting


@lru_cache(maxsize=1024)
def leans_on_baseline(rule: GradingRule) -> bool:
    """Whether any criterion of the rule names the baseline."""
    rows = (*rule.rows.values(), *rule.rows_then.values())
    told = [criterion.text for row in rows for _, criterion in row.worst_first]
    return rule.if_baseline is not None or any("BASELINE" in text for text in told)


@lru_cache(maxsize=1024)
def _asks_for_baseline(rule: GradingRule) -> bool:
    """Whether the baseline can play a part: named by a criterion, or by its unit in a rule that converts none."""
    return rule.relative or leans_on_baseline(rule)


@lru_cache(maxsize=1024)
def _facts_asked(rule: GradingRule) -> tuple[str, ...]:
    about_baseline = frozenset() if rule.if_baseline is None else {BASELINE_ABNORMAL, *rule.if_baseline.facts}
    return tuple(sorted(rule.facts | about_baseline))


def case_of(
    rule: GradingRule, measured: Measured, baseline: Baseline, facts: Mapping[str, bool], lasting: Interval | None
) -> Case:
    """The arms of the rule that may apply, and what each is judged on."""
    unit = measured.unit
    name, to_row = rule.conversions[None if unit is None else unit.ucum]
    as_reported = rule.relative and (not isinstance(baseline, Measured) or baseline.ucum == measured.ucum)
    own = _as_it_is if as_reported else to_row.own
    told = baseline.value if as_reported and isinstance(baseline, Measured) else _comparable(measured, baseline)
    untreated = baseline is NoBaseline.NOT_YET_TREATED
    inputs = _inputs(measured, own, told, facts, untreated=untreated, lasting=lasting)
    arms = _arms(rule, name, inputs, baseline)
    in_unit = unit if unit is None or as_reported else measured.analyte.units[name]
    return Case(rule, measured, baseline, facts, lasting, arms, in_unit)


def _arms(rule: GradingRule, name: str, inputs: Inputs, baseline: Baseline) -> tuple[tuple[Row, Inputs], ...]:
    row = rule.rows[name]
    if rule.if_baseline is None or inputs.untreated:
        return ((row, inputs),)
    abnormal = _abnormal(rule.if_baseline, baseline, inputs.facts)
    if abnormal is False:
        return ((row, inputs),)
    then = (rule.rows_then[name], _beyond_normal(rule, inputs))
    return (then,) if abnormal else ((row, inputs), then)


def _inputs(
    measured: Measured,
    own: Callable[[Interval], Interval],
    baseline: Interval | None,
    facts: Mapping[str, bool],
    *,
    untreated: bool = False,
    lasting: Interval | None = None,
) -> Inputs:
    low, high = measured.limits
    return Inputs(
        own(measured.value),
        None if low is None else own(low),
        None if high is None else own(high),
        baseline,
        facts,
        measured.unit is not None,
        untreated,
        lasting,
    )


def _comparable(measured: Measured, baseline: Baseline) -> Interval | None:
    """The baseline in the unit of the row, if it has one where the measured quantity has one."""
    if not isinstance(baseline, Measured) or (baseline.unit is None) != (measured.unit is None):
        return None
    return baseline.own


def _abnormal(condition: Criterion, baseline: Baseline, facts: Mapping[str, bool]) -> Verdict:
    """Whether the baseline was abnormal, by the range that came with it (register G7) or by a flag (G41)."""
    told = facts.get(BASELINE_ABNORMAL)
    if told is not None:
        return told
    if not condition.comparisons:
        return True
    if not isinstance(baseline, Measured):
        return None
    return condition.judge(_inputs(baseline, _own_of(baseline), None, facts))


def _own_of(measured: Measured) -> Callable[[Interval], Interval]:
    return _as_it_is if measured.unit is None else measured.unit.own


def _as_it_is(value: Interval) -> Interval:
    return value


def _beyond_normal(rule: GradingRule, inputs: Inputs) -> Inputs:
    """An abnormal baseline of unknown value lies beyond the limit of the current result (register G26)."""
    if inputs.BASELINE is not None or rule.if_baseline is None or not rule.if_baseline.comparisons:
        return inputs
    if rule.worse == "higher":
        beyond = None if inputs.ULN is None else Interval(inputs.ULN.high, ENDLESS, low_open=True, high_open=True)
    else:
        beyond = None if inputs.LLN is None else Interval(ZERO, inputs.LLN.low, low_open=True, high_open=True)
    return inputs._replace(BASELINE=beyond)


def _supposed(case: Case, inputs: Inputs) -> Inputs:
    facts, lasting = case.facts, inputs.lasting
    if case.rule.when_undecided == "lowest":
        facts = dict.fromkeys(case.rule.facts, False) | dict(case.facts)
        lasting = lasting or _HOURS_NONE
    usual = usual_limits(case)
    return inputs._replace(
        LLN=inputs.LLN or usual[0],
        ULN=inputs.ULN or usual[1],
        untreated=inputs.untreated or inputs.BASELINE is None,
        facts=facts,
        lasting=lasting,
    )


def usual_limits(case: Case) -> tuple[Interval | None, Interval | None]:
    """The usual adult limits in the unit that was judged in; none where no unit is known."""
    if case.unit is None:
        return None, None
    return _usual_in(case.unit, case.measured.analyte.usual)


@lru_cache(maxsize=1024)
def _usual_in(unit: Unit, usual: ReferenceRange) -> tuple[Interval | None, Interval | None]:
    low, high = (None if limit is None else unit.of_own(exactly(limit)) for limit in usual)
    return low, high
