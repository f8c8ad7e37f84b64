"""The examples beside each rule, worked: a rule that does not grade its own examples is a problem of the book."""

from collections.abc import Iterator

from safety_stream.clinical.grade_one import Answer, Asked, grade_one
from safety_stream.clinical.grading import Case
from safety_stream.clinical.scales import Judged, judge_example
from safety_stream.quantity import Interval, read_value
from safety_stream.rulebook.scales import UNKNOWN as UNKNOWN_FACT
from safety_stream.rulebook.scales import Domain, DomainFact, Level, Scale, ScaleExample
from safety_stream.rulebook.tables import Book, Example, GradingRule

UNKNOWN = "unknown"


def failing(book: Book) -> list[str]:
    """Every example that is not graded as it says, with the line of its rule."""
    rules = (rule for analyte in book.analytes for rule in book.rules(analyte))
    wrong = [problem for rule in rules for example in rule.examples if (problem := _problem(rule, example, book))]
    cases = ((scale, example) for scale in book.scales.values() for example in scale.examples)
    return wrong + [problem for scale, example in cases if (problem := _scale_problem(scale, example, book))]


def asked_by(rule: GradingRule, example: Example) -> Asked:
    """The question an example asks of its rule."""
    value, _, unit = example.value.partition(" ")
    baseline, _, baseline_unit = (example.baseline or "").partition(" ")
    return Asked(
        analyte=rule.analyte,
        term=rule.term,
        worse=rule.worse,
        value=value,
        unit=unit,
        lln=_number(example.lln),
        uln=_number(example.uln),
        baseline=None if baseline == UNKNOWN else baseline,
        baseline_unit=baseline_unit or None,
        baseline_lln=_number(example.baseline_lln or example.lln),
        baseline_uln=_number(example.baseline_uln or example.uln),
        untreated=example.baseline is None,
        facts=example.known,
        lasting=_hours(example.lasting),
    )


def _problem(rule: GradingRule, example: Example, book: Book) -> str | None:
    answer = _answer(rule, example, book)
    grade = "not graded" if answer.graded is None else str(answer.graded.grade)
    if grade == example.grade:
        return None
    return f"{rule.where}: {rule.id}: example {example.value}: {grade}; expected {example.grade} ({answer.reason})"


def _number(limit: str | None) -> str | None:
    return None if limit is None else limit.partition(" ")[0]


def _hours(lasting: str | None) -> Interval | None:
    value = read_value(lasting.removesuffix("h").strip()) if lasting else None
    return value if isinstance(value, Interval) else None


def uncovered(book: Book) -> list[str]:
    """Every boundary without an example on it and to each side, and every fact without an example of either state."""
    found: list[str] = []
    for analyte in book.analytes:
        for rule in book.rules(analyte):
            cases = [answer.graded.case for example in rule.examples if (answer := _answer(rule, example, book)).graded]
            found += (f"{rule.where}: {rule.id}: {wrong}" for wrong in _gaps(rule, cases))
    for scale in book.scales.values():
        judged = [judge_example(scale, example, book) for example in scale.examples]
        found += (f"{scale.where}: {scale.key}: {wrong}" for one in scale.domains for wrong in _unseen(one, judged))
    return found


def _scale_problem(scale: Scale, example: ScaleExample, book: Book) -> str | None:
    judged = judge_example(scale, example, book)
    lowest, highest = judged.verdict.grades
    grade = str(lowest) if lowest == highest else f"{lowest}-{highest}"
    if judged.remarks:
        grade = f"{grade} ({judged.remarks[0].code})"
    if grade == example.grade:
        return None
    told = ", ".join(f"{name} {text}" for name, text in example.facts.items())
    return f"{scale.where}: {scale.key}: example {told}: {grade}; expected {example.grade}"


def _unseen(domain: Domain, judged: list[Judged]) -> Iterator[str]:
    """Levels without an example, figures without one on them, a domain that is never unknown or of another cause."""
    facts = [one.facts[domain.name] for one in judged]
    shown = {level.name for fact in facts if not fact.other_cause for level in _shown_by(domain, fact)}
    for level in domain.levels:
        if level.name not in shown:
            yield f"no example with {domain.name} {level.name}"
        for test in level.when.comparisons if level.when else ():
            if test.op in {"<=", ">="} and not any(fact.value and fact.value.low == test.plus for fact in facts):
                yield f"no example on the boundary of {domain.name} {level.name}: {test}"
    if not any(fact == UNKNOWN_FACT for fact in facts):
        yield f"no example without {domain.name}"


def _answer(rule: GradingRule, example: Example, book: Book) -> Answer:
    (answer,) = grade_one(asked_by(rule, example), book)
    return answer


def _gaps(rule: GradingRule, cases: list[Case]) -> Iterator[str]:
    for row in (*rule.rows.values(), *rule.rows_then.values()):
        judged = [inputs for case in cases for arm, inputs in case.arms if arm is row]
        for grade, criterion in row.worst_first:
            for test in criterion.comparisons:
                at = [inputs for inputs in judged if (bound := test.bound(inputs)) and bound == inputs.value]
                if not at:
                    yield f"no example on the boundary of grade {grade}: {test} ({row.unit})"
                if {True, False} - {test.judge(inputs) for inputs in judged}:
                    yield f"no example to each side of grade {grade}: {test} ({row.unit})"
    told = [case.facts for case in cases]
    for fact in sorted(rule.facts):
        if {True, False} - {facts.get(fact) for facts in told}:
            yield f"no example with {fact} true and one with it false"


def _shown_by(domain: Domain, fact: DomainFact) -> tuple[Level, ...]:
    return () if fact == UNKNOWN_FACT else domain.possible(fact)
