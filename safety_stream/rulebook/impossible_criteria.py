"""Criteria of eligibility that no subject can meet: alone, or together with another criterion. Pure.

hemoglobin  >= 85 g/L   and   < 70 g/L            no value
ALT         <= 2 x ULN  and   > 3 x ULN           no multiple of any limit
age         >= 70       and   oldest_age: 65      no age
one criterion asks for a fact that another excludes
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

from safety_stream.quantity import exactly
from safety_stream.rulebook.criteria import Comparison, CriterionError, Limit
from safety_stream.rulebook.protocol import EligibilityCriterion, ProtocolVersion
from safety_stream.rulebook.recorded import AGE, AllOf, AnyOf, LastWithin, NumberIs, RecordedFact, Statement
from safety_stream.rulebook.sheet import Path
from safety_stream.rulebook.slip import Slip
from safety_stream.rulebook.tables import Analyte
from safety_stream.rulebook.written import parsed

_RECORDED = ("eligibility", "recorded")
_AS_PRINTED = Decimal("0.1")  # how far two printed figures of one limit may lie apart: both are rounded


class _Asked(NamedTuple):
    """What a criterion asks of a quantity, and where it stands."""

    of: str
    limit: Limit | None
    op: str
    number: Decimal
    path: Path


def impossible_criteria(version: ProtocolVersion) -> Iterator[Slip]:
    """Everything that no subject can meet."""
    measured = [_asked_of(name, one) for name, one in version.criteria]
    yield from _no_number([one for one in measured if one is not None])
    if version.eligibility is not None:
        recorded = version.eligibility.recorded
        yield from _no_number([*_ages(version), *_numbers(recorded.items())])
        yield from _wanted_and_excluded(recorded)
        yield from _no_time(recorded)


def unlike_units(criterion: EligibilityCriterion, analyte: Analyte, path: Path) -> Iterator[Slip]:
    """A limit printed for another unit that is another limit."""
    for unit, text in criterion.must_in.items():
        one, other, known = _single(criterion.must), _single(text), analyte.units.get(unit)
        if one is None or other is None or known is None or one.limit is not None or other.limit is not None:
            continue
        number = known.own(exactly(other.plus)).low
        if not all(exactly(each).meets(*analyte.plausible) for each in (number, one.plus)):
            continue  # told beside each of them
        if one.op != other.op or abs(number - one.plus) > _AS_PRINTED * abs(one.plus):
            yield Slip((*path, "must_in", unit), f"{text} is not the limit {criterion.must}", "one limit in two units")


def _single(text: str) -> Comparison | None:
    """The one comparison that a criterion is; what it is else is told elsewhere."""
    try:
        criterion = parsed(text)
    except CriterionError:
        return None
    return criterion.comparisons[0] if len(criterion.comparisons) == 1 else None


def _asked_of(name: str, criterion: EligibilityCriterion) -> _Asked | None:
    path: Path = ("eligibility", "criteria", name, "must")
    one = _single(criterion.must)
    if one is None or (one.limit is not None and one.plus):
        return None
    return _Asked(criterion.analyte, one.limit, one.op, one.plus if one.limit is None else one.times, path)


def _ages(version: ProtocolVersion) -> Iterator[_Asked]:
    yield _Asked(AGE, None, ">=", Decimal(version.adults_from_age), ("adults_from_age",))
    if version.oldest_age is not None:
        yield _Asked(AGE, None, "<=", Decimal(version.oldest_age), ("oldest_age",))


def _numbers(recorded: Iterable[tuple[str, RecordedFact]]) -> Iterator[_Asked]:
    """Of each number the limits that must all hold."""
    turned = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
    for name, criterion in recorded:
        for one in _each(criterion):
            limit = _single(one.limit) if isinstance(one, NumberIs) else None
            if isinstance(one, NumberIs) and limit is not None and criterion.only_for is None:
                op = limit.op if criterion.must_be else turned[limit.op]
                yield _Asked(one.fact, None, op, limit.plus, (*_RECORDED, name, "when"))


def _each(criterion: RecordedFact) -> tuple[Statement, ...]:
    """The parts of a criterion of which each must hold, or of which none may."""
    together = AllOf if criterion.must_be else AnyOf
    when = criterion.when
    if isinstance(when, together):
        return when.all_of if isinstance(when, AllOf) else when.any_of
    return () if when is None or isinstance(when, AllOf | AnyOf) else (when,)


def _no_number(every: list[_Asked]) -> Iterator[Slip]:
    for one, other in combinations(every, 2):
        if other.path[0] != "eligibility":
            continue  # the two ages of the version: told beside them
        low, high = (one, other) if one.op in {">", ">="} else (other, one)
        if (one.of, one.limit) != (other.of, other.limit) or low.op in {"<", "<="} or high.op in {">", ">="}:
            continue
        closed = low.op == ">=" and high.op == "<="
        if low.number > high.number or (low.number == high.number and not closed):
            beside = one.path[2] if len(one.path) > 2 else one.path[0]
            wrong = f"no {one.of} is {_said(other)} and {_said(one)} ({beside})"
            yield Slip(other.path, wrong, "limits that some value meets together")


def _said(one: _Asked) -> str:
    return f"{one.op} {one.number:f}" + (f" x {one.limit}" if one.limit is not None else "")


def _wanted_and_excluded(recorded: dict[str, RecordedFact]) -> Iterator[Slip]:
    wanted = {fact: name for name, one in recorded.items() if one.must_be for fact in _facts(name, one)}
    for name, one in recorded.items():
        for fact in _facts(name, one) if not one.must_be and one.only_for is None else ():
            if fact in wanted and recorded[wanted[fact]].only_for is None:
                wrong = f"{fact} must not hold here, and must hold under {wanted[fact]}"
                yield Slip((*_RECORDED, name), wrong, "criteria that one subject can meet together")


def _facts(name: str, criterion: RecordedFact) -> Iterator[str]:
    yield name
    yield from (one for one in _each(criterion) if isinstance(one, str))


def _no_time(recorded: dict[str, RecordedFact]) -> Iterator[Slip]:
    for name, criterion in recorded.items():
        for one in _every(criterion.when):
            if isinstance(one, LastWithin) and one.within.text.lstrip("0")[:1] in {" ", "d", "w", "m"}:
                wrong = f"within {one.within} before consent is no time"
                yield Slip((*_RECORDED, name, "when"), wrong, "a time above 0, such as '4 wk'")


def _every(statement: Statement | None) -> Iterator[Statement]:
    if statement is None:
        return
    yield statement
    parts = (
        statement.any_of if isinstance(statement, AnyOf) else statement.all_of if isinstance(statement, AllOf) else ()
    )
    for one in parts:
        yield from _every(one)
