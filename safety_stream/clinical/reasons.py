"""What is missing, assumed or ambiguous about a grade: each reason opens with the id of its register entry."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.grading import Case, NoBaseline
from safety_stream.clinical.measure import Measured
from safety_stream.quantity import plain
from safety_stream.rulebook.criteria import Comparison, Fact, Inputs, Test

_ENTRY: Final = re.compile(r"\b[GT]\d+\b")


class Missing(NamedTuple):
    """What would have to be known to narrow a grade: limits by name, facts, for how long."""

    limits: frozenset[str]
    facts: frozenset[str]
    duration: bool


_NOTHING = Missing(frozenset(), frozenset(), duration=False)


def reasons_of(case: Case, grade: GradeRange, alerting_grade: int) -> tuple[str, ...]:
    """Every reason, what is missing first; entries the rule rests on that need no words come last, as bare ids."""
    told = list(_about_the_value(case))
    missing = missing_for(case, grade)
    if missing is not _NOTHING or len(case.arms) > 1:
        told += _about_the_missing(case, missing)
    if not grade.decided:
        told.append(f"alerts count with grade {alerting_grade}{_usual(case, missing)}")
    mentioned = {id_ for reason in told for id_ in _ENTRY.findall(reason)}
    return (*told, *(id_ for id_ in case.rule.register if id_ not in mentioned and id_ != "G6"))


def missing_for(case: Case, grade: GradeRange) -> Missing:
    """What the open clauses of the grades between the lowest and the highest wait for."""
    if grade.decided:
        return _NOTHING
    found: set[str] = set()
    for test, inputs in _open_tests(case, grade):
        if isinstance(test, Fact):
            found.add(test.name)
        else:
            found |= set(_wanted(test, inputs))
    limits = found & {"LLN", "ULN", "BASELINE"}
    return Missing(frozenset(limits), frozenset(found - limits - {"lasting"}), "lasting" in found)


def _open_tests(case: Case, grade: GradeRange) -> Iterator[tuple[Test, Inputs]]:
    for row, inputs in case.arms:
        for number, criterion in row.worst_first:
            if grade.lowest < number <= grade.highest:
                for clause in criterion.clauses:
                    judged = [(test, test.judge(inputs)) for test in clause]
                    if all(verdict is not False for _, verdict in judged):
                        yield from ((test, inputs) for test, verdict in judged if verdict is None)


def _wanted(test: Comparison, inputs: Inputs) -> Iterator[str]:
    if test.limit is not None and getattr(inputs, test.limit) is None:
        yield test.limit
    if test.lasting is not None and inputs.lasting is None:
        yield "lasting"


def _about_the_value(case: Case) -> Iterator[str]:
    measured = case.measured
    joint = measured.analyte.corrected
    if measured.either:
        yield f"{measured.derived}"
        return
    if measured.derived:
        yield f"derived: {measured.derived}"
    elif joint is not None:
        yield f"{joint.entry}: not corrected: no {' or '.join(joint.of)} of the same specimen"
    if measured.unit is None:
        yield "G39: no unit was sent; compared with the range of the same result"
    if not measured.value.exact:
        yield f"G19: {measured.text} stands for every value it can mean"


def _about_the_missing(case: Case, missing: Missing) -> Iterator[str]:
    yield from (f"G5: no {name} is known" for name in ("LLN", "ULN") if name in missing.limits)
    yield from (f"G6: not known: {fact}" for fact in sorted(missing.facts))
    if missing.duration:
        yield "G5: not known for how long"
    both_arms = len(case.arms) > 1
    if case.baseline is NoBaseline.UNKNOWN and (both_arms or "BASELINE" in missing.limits):
        yield "G26: the baseline is not known"
    elif both_arms and isinstance(case.baseline, Measured):
        yield "G5: whether the baseline was abnormal is not known: no limit came with it"
    elif "BASELINE" in missing.limits:
        yield "G39: the baseline cannot be compared: one of the two has no unit"


def _usual(case: Case, missing: Missing) -> str:
    analyte = case.measured.analyte
    used = [
        f"{name} {plain(usual)} {analyte.unit}"
        for name, usual in zip(("LLN", "ULN"), analyte.usual, strict=True)
        if usual is not None and name in missing.limits
    ]
    return f" by a usual {' and '.join(used)} (G27)" if used else ""
