"""Why a grade: the comparison that decided, the nearest values that would grade otherwise, what is missing."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from safety_stream.clinical.conclusion import Evidence, GradeRange, Input
from safety_stream.clinical.grading import Case
from safety_stream.clinical.measure import Measured
from safety_stream.clinical.reasons import reasons_of
from safety_stream.quantity import EXACT, Interval, exactly, plain
from safety_stream.rulebook.criteria import Comparison, Criterion, Fact, Inputs, Operator
from safety_stream.rulebook.tables import Row, is_pure

_SHOWN = 12
_HUNDREDTH = Decimal("0.01")
_OPPOSITE: dict[Operator, Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
Say = Callable[[Comparison, Case, Inputs], str]


def evidence_of(case: Case, grade: GradeRange, alerting_grade: int) -> Evidence:
    """The whole evidence of one grade."""
    comparison = _deciding(case, grade, _said)
    reasons = reasons_of(case, grade, alerting_grade)
    return Evidence(
        rule=case.rule.id,
        book=case.rule.book,
        inputs=tuple(_inputs(case)),
        comparison=comparison,
        counterfactual=_counterfactual(case),
        reasons=reasons,
        sentence=_sentence(case, grade, comparison, reasons),
    )


def brief(case: Case, grade: GradeRange, alerting_grade: int) -> str:
    """Why in a few words, without the value: the comparison that decided, then what is missing or assumed."""
    deciding = _deciding(case, grade, _against)
    return "; ".join(one for one in (deciding, *reasons_of(case, grade, alerting_grade)) if one)


def shown(number: Decimal) -> str:
    """A number for a reader: exact as long as it is short, else to twelve digits."""
    text = plain(number)
    return text if len(text) <= _SHOWN + 2 else plain(number.normalize(EXACT).quantize(_place(number), context=EXACT))


def _place(number: Decimal) -> Decimal:
    return Decimal(1).scaleb(number.adjusted() - _SHOWN + 1)


def _inputs(case: Case) -> list[Input]:
    measured, rule = case.measured, case.rule
    unit = measured.ucum
    told = [Input(name=measured.analyte.name, value=measured.text, unit=unit, source=measured.source)]
    limits = (("LLN", measured.range.low), ("ULN", measured.range.high))
    told += [Input(name=name, value=plain(limit), unit=unit) for name, limit in limits if limit is not None]
    if isinstance(case.baseline, Measured) and _asks_baseline(case):
        baseline = case.baseline
        told.append(Input(name="baseline", value=baseline.text, unit=baseline.ucum, source=baseline.source))
    told += _multiple(case)
    told += [Input(name=fact, value=str(case.facts[fact]).lower()) for fact in sorted(rule.facts & case.facts.keys())]
    if case.lasting is not None:
        told.append(Input(name="lasting", value=str(case.lasting), unit="h"))
    return told


def _multiple(case: Case) -> list[Input]:
    """Beside a grade against the baseline the multiple of the limit of normal (register G7: Hy's law needs it)."""
    rule, (low, high) = case.rule, case.measured.range
    limit = high if rule.worse == "higher" else low
    against_baseline = any(row is then for row, _ in case.arms for then in rule.rows_then.values())
    if not (against_baseline and limit and case.measured.value.exact):
        return []
    multiple = EXACT.divide(case.measured.value.low, limit).quantize(_HUNDREDTH, context=EXACT)
    return [Input(name=f"multiple of {'ULN' if rule.worse == 'higher' else 'LLN'}", value=str(multiple))]


def _asks_baseline(case: Case) -> bool:
    rows = (*case.rule.rows.values(), *case.rule.rows_then.values())
    return any(
        one.limit == "BASELINE" for row in rows for _, criterion in row.worst_first for one in criterion.comparisons
    )


def _deciding(case: Case, grade: GradeRange, say: Say) -> str | None:
    """The comparison that decided: met for the highest grade, or not met for the mildest when the grade is 0."""
    if grade.highest == 0:
        row, inputs = case.arms[-1]
        first = row.worst_first[-1][1].comparisons[0]
        return say(_not_met(first), case, inputs)
    for row, inputs in case.arms:
        for number, criterion in row.worst_first:
            if number == grade.highest and (said := _clause_said(criterion, case, inputs, say)):
                return said
    return None


@lru_cache(maxsize=1024)
def _not_met(test: Comparison) -> Comparison:
    return Comparison(_OPPOSITE[test.op], test.limit, test.times, test.plus, test.unit, test.lasting)


def _clause_said(criterion: Criterion, case: Case, inputs: Inputs, say: Say) -> str | None:
    """The first clause that holds, or may hold, with its numbers."""
    for wanted in (True, None):
        for clause in criterion.clauses:
            judged = [test.judge(inputs) for test in clause]
            if False not in judged and (wanted is None or None not in judged):
                return " and ".join(str(test) if isinstance(test, Fact) else say(test, case, inputs) for test in clause)
    return None


def _said(test: Comparison, case: Case, inputs: Inputs) -> str:
    as_reported = inputs.value is case.measured.value and inputs.value.exact
    value = case.measured.text.strip() if as_reported else _interval(inputs.value)
    return f"{value}{_unit(case)} {_against(test, case, inputs)}"


def _against(test: Comparison, case: Case, inputs: Inputs) -> str:
    if test.limit is None:
        return str(test)
    bound = test.bound(inputs)
    known = "not known" if bound is None else f"{_interval(bound)}{_unit(case)}"
    return f"{test} ({known})"


def _unit(case: Case) -> str:
    return "" if case.unit is None or is_pure(case.unit.ucum) else f" {case.unit.ucum}"


def _interval(value: Interval) -> str:
    return shown(value.low) if value.exact else str(value)


def _counterfactual(case: Case) -> str | None:
    """The nearest values, one to each side, that would be graded otherwise, all else as it is."""
    _, inputs = case.arms[-1]
    unit = _unit(case)
    here = case.judge()
    bounds = sorted({end for arm in case.arms for end in _bounds(*arm)})
    value = inputs.value
    below = [bound for bound in reversed(bounds) if bound <= value.low]
    above = [bound for bound in bounds if bound >= value.high]
    found = [_first_change(case, here, below, "<", unit), _first_change(case, here, above, ">", unit)]
    return "; ".join(change for change in found if change) or None


def _bounds(row: Row, inputs: Inputs) -> list[Decimal]:
    found = []
    for _, criterion in row.worst_first:
        for test in criterion.comparisons:
            bound = None if test.limit == "BASELINE" and inputs.untreated else test.bound(inputs)
            if bound is not None and bound.exact:
                found.append(bound.low)
    return found


def _first_change(case: Case, here: tuple[int, int], bounds: list[Decimal], side: str, unit: str) -> str | None:
    for place, bound in enumerate(bounds):
        at = _judged_at(case, exactly(bound))
        if at != here:
            return f"grade {_range(at)} at {side}= {shown(bound)}{unit}"
        beyond = bounds[place + 1] if place + 1 < len(bounds) else None
        past = _judged_at(case, exactly(_between(bound, beyond, side)))
        if past != here:
            return f"grade {_range(past)} at {side} {shown(bound)}{unit}"
    return None


def _between(bound: Decimal, beyond: Decimal | None, side: str) -> Decimal:
    if beyond is not None:
        return EXACT.divide(EXACT.add(bound, beyond), Decimal(2))
    return EXACT.add(bound, Decimal(1)) if side == ">" else EXACT.divide(bound, Decimal(2))


def _judged_at(case: Case, value: Interval) -> tuple[int, int]:
    return case.at(value).judge()


def _range(grades: tuple[int, int]) -> str:
    return str(grades[0]) if grades[0] == grades[1] else f"{grades[0]}-{grades[1]}"


def _sentence(case: Case, grade: GradeRange, comparison: str | None, reasons: tuple[str, ...]) -> str:
    named = f"{case.rule.term}: grade {grade}" if grade.highest else f"{case.rule.term}: not present (grade 0)"
    why = f"{case.measured.analyte.name} {comparison}" if comparison else case.measured.analyte.name
    open_because = [reason for reason in reasons if reason.startswith(("G5:", "G6:", "G19:", "G26:", "G45:"))]
    missing = "" if grade.decided or not open_because else f"; not decided, {'; '.join(open_because)}"
    return f"{named}. {why}{missing}."
