"""Grades of other scales beside the CTCAE grade of record: from the facts of a report to a grade with its evidence.

Nothing here changes the grade of record. A difference between two scales is no contradiction, and is not asked about
(decisions T13, S7).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from safety_stream.clinical.conclusion import Evidence, GradeRange, Input
from safety_stream.clinical.events import AdverseEvent
from safety_stream.clinical.findings_reported import ScaleGrade
from safety_stream.clinical.measure import Measured, Remark, measured
from safety_stream.rulebook.scales import UNKNOWN, Domain, DomainFact, Scale, ScaleExample, ScaleVerdict
from safety_stream.rulebook.tables import Book, Term

_NO_LIMITS = (None, None)
# The field of the contract that holds the measured value of a domain, where it is not the domain's own.
_MEASURED_IN = {"fever": "temperature"}
Question = tuple[str, str, str]


class Sent(NamedTuple):
    """What was sent of one domain: a level, a value with its unit, that the sign has another cause."""

    level: str | None = None
    value: str | None = None
    unit: str = ""
    other_cause: bool = False


class Judged(NamedTuple):
    """One scale judged on what was sent for it."""

    scale: Scale
    sent: Mapping[str, Sent]
    facts: Mapping[str, DomainFact]
    verdict: ScaleVerdict
    remarks: tuple[Remark, ...]
    fatal: bool


def scale_grades(
    event: AdverseEvent, term: Term | None, book: Book, *, fatal: bool
) -> tuple[tuple[ScaleGrade, ...], tuple[Question, ...]]:
    """The grade of every scale whose facts were sent, and what must be asked: code, found, expected."""
    told = {key: getattr(event.scale_facts, key, None) for key in book.scales}
    judged = [
        _judge(book.scales[key], _sent(book.scales[key], facts.model_dump()), book, fatal=fatal)
        for key, facts in told.items()
        if facts is not None
    ]
    source = f"{event.source.record} v{event.source.version}"
    questions = tuple(question for one in judged for question in _questions(one, event.grade, term))
    return tuple(_graded(one, source, term, book) for one in judged), questions


def judge_example(scale: Scale, example: ScaleExample, book: Book) -> Judged:
    """An example of the book, judged: each fact is a level, or a value with its unit."""
    sent = {}
    for domain in scale.domains:
        text = example.facts.get(domain.name)
        other_cause = domain.name in example.other_cause
        if text is None or text in {level.name for level in domain.levels}:
            sent[domain.name] = Sent(level=text, other_cause=other_cause)
        else:
            value, _, unit = text.partition(" ")
            sent[domain.name] = Sent(None, value, unit, other_cause)
    return _judge(scale, sent, book, fatal=example.fatal)


def _sent(scale: Scale, facts: Mapping[str, Any]) -> dict[str, Sent]:
    found = {}
    for domain in scale.domains:
        told, quantity = facts.get(domain.name), facts.get(_MEASURED_IN.get(domain.name, ""))
        if isinstance(told, int):  # a score
            told, quantity = None, {"value": str(told), "unit": ""}
        other_cause = domain.name in facts["other_cause"]
        found[domain.name] = Sent(told, **(quantity or {}), other_cause=other_cause)
    return found


def _judge(scale: Scale, sent: Mapping[str, Sent], book: Book, *, fatal: bool) -> Judged:
    remarks: list[Remark] = []
    facts = {domain.name: _fact(domain, sent[domain.name], book, remarks) for domain in scale.domains}
    return Judged(scale, sent, facts, scale.judge(facts, fatal=fatal), tuple(remarks), fatal)


def _fact(domain: Domain, sent: Sent, book: Book, remarks: list[Remark]) -> DomainFact:
    if sent.value is None or domain.analyte is None:
        return DomainFact(sent.level, None, sent.other_cause)
    result = measured(book.analytes[domain.analyte], sent.value, sent.unit, _NO_LIMITS, source="scale")
    if isinstance(result, Measured):
        return DomainFact(sent.level, result.own, sent.other_cause)
    remarks.append(result.remark)
    return DomainFact(sent.level, None, sent.other_cause)


def _graded(one: Judged, source: str, term: Term | None, book: Book) -> ScaleGrade:
    scale, verdict = one.scale, one.verdict
    grade = GradeRange(lowest=verdict.grades[0], highest=verdict.grades[1])
    reasons, decided = tuple(_reasons(one, term)), _deciding(one)
    return ScaleGrade(
        key=scale.key,
        scale=scale.name,
        grade=grade,
        evidence=Evidence(
            rule=f"scale/{scale.key}",
            book=book.version,
            inputs=tuple(_inputs(one, source)),
            comparison=decided,
            reasons=reasons,
            sentence=f"{'; '.join([f'{scale.name}: grade {grade}', decided, *reasons])}.",
        ),
    )


def _inputs(one: Judged, source: str) -> Iterator[Input]:
    for domain, sent in one.sent.items():
        name = _words(domain)
        if sent.level is not None:
            yield Input(name=name, value=sent.level, source=source)
        if sent.value is not None:
            yield Input(name=name, value=sent.value, unit=sent.unit or None, source=source)
        if sent.other_cause:
            yield Input(name=name, value="of another cause", source=source)


def _deciding(one: Judged) -> str:
    """What was sent and gives the grade; of a range what gives its lowest, and what can still raise it."""
    (lowest, highest), levels = one.verdict.grades, one.verdict.levels
    if one.fatal and one.scale.death is not None:
        return "the event was fatal"
    if one.verdict.condition is False:
        return f"no {' and no '.join(_words(name) for name in one.scale.needs)} that counts"
    if lowest == highest:
        return _told(one, {name for name, left in levels.items() if left[0].grades[0] == lowest})
    at_least = {name for name, left in levels.items() if lowest and min(level.grades[0] for level in left) == lowest}
    raising = [_words(name) for name, left in levels.items() if max(level.grades[1] for level in left) > lowest]
    known = f"at least {lowest} by {_told(one, at_least)}; " if at_least else ""
    return f"{known}up to {highest} by {', '.join(raising)}"


def _told(one: Judged, names: Collection[str]) -> str:
    """What was sent of these domains, in the words of the scale."""
    return "; ".join(
        f"{_words(name)}: {' or '.join(level.says for level in levels)}"
        for name, levels in one.verdict.levels.items()
        if name in names and one.facts[name] != UNKNOWN and not one.facts[name].other_cause
    )


def _reasons(one: Judged, term: Term | None) -> Iterator[str]:
    for name, fact in one.facts.items():
        if fact.other_cause:
            yield f"S8: {_words(name)} has another cause and does not count"
        elif fact == UNKNOWN:
            yield f"G5: {_words(name)} is not known"
        elif len(one.verdict.levels[name]) > 1:
            left = " or ".join(level.name for level in one.verdict.levels[name])
            yield f"G5: {_words(name)} may be {left}"
    if term is not None and term.name not in one.scale.terms:
        yield f"{term.name} is not a term that this scale is made for"


def _questions(one: Judged, grade: int | None, term: Term | None) -> Iterator[Question]:
    for remark in one.remarks:
        yield "scale_facts_unreadable", f"{one.scale.name}: {remark.about} {remark.found}", remark.expected
    for name, fact in one.facts.items():
        levels = one.verdict.levels[name]
        if one.scale.contradictory(name, fact, levels):
            measured_as = " or ".join(level.name for level in levels)
            found = f"{one.scale.name}: {_words(name)} {fact.level}, and a value that is {measured_as}"
            yield "scale_facts_contradictory", found, "one or the other"
    yield from _against_the_grade_of_record(one, grade, term)


def _against_the_grade_of_record(one: Judged, grade: int | None, term: Term | None) -> Iterator[Question]:
    """Asked only where CTCAE's own words exclude the grade (S7); death is judged without any scale."""
    if grade is None or grade == 5 or one.fatal or term is None or term.name not in one.scale.terms:
        return
    lowest, highest = one.scale.ctcae_allows(one.verdict, one.facts)
    if not lowest <= grade <= highest:
        allowed = lowest if lowest == highest else f"{lowest} to {highest}"
        found = f"CTCAE grade {grade}, and {_told(one, one.facts)}"
        yield "grade_against_facts", found, f"CTCAE grade {allowed} with these facts, or other facts"


def _words(domain: str) -> str:
    return "ICE score" if domain == "ice_score" else domain.replace("_", " ")
