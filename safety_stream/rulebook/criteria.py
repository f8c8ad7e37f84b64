"""The language of the tables: ``> 3 x ULN or >= 2 x BASELINE and on_anticoagulant``.

    criterion := clause ("or" clause)*
    clause    := test ("and" test)*
    test      := comparison ["lasting" comparison of hours] | ["not"] fact
    comparison:= ("<" | "<=" | ">" | ">=") bound
    bound     := [number "x"] (ULN | LLN | BASELINE) [("+" | "-") number [unit]]  |  number [unit]

Judged over intervals, a criterion is True, False, or None: cannot be known. Parsed once, when the book is loaded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from safety_stream.quantity import Interval, plain

Verdict = bool | None
Operator = Literal["<", "<=", ">", ">="]
Limit = Literal["ULN", "LLN", "BASELINE"]

_ONE = Decimal(1)
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"  # not \d: it takes the digits of every script
_COMPARISON = re.compile(
    rf"(?P<op><=|>=|<|>)\s*(?:(?:(?P<times>{_NUMBER})\s*x\s*)?(?P<limit>ULN|LLN|BASELINE)"
    rf"(?:\s*(?P<sign>[+-])\s*(?P<plus>{_NUMBER})(?:\s+(?P<plus_unit>\S+))?)?"
    rf"|(?P<number>{_NUMBER})(?:\s+(?P<unit>(?!(?:ULN|LLN|BASELINE|x|lasting)\b)\S+))?)"
    rf"(?:\s+lasting\s+(?P<lasting_op><=|>=|<|>)\s*(?P<hours>{_NUMBER})\s*h)?\Z"
)
_FACT = re.compile(r"(?P<no>not\s+)?(?P<fact>[a-z][a-z0-9_]+)\Z")
_EXPECTED = "tests such as '< 0.5 10*9/L', '> 3 x ULN', '<= BASELINE - 10 %' or 'symptomatic', joined by 'and' / 'or'"


class CriterionError(ValueError):
    """A criterion that is not in the language; says which part and what was expected."""


class Inputs(NamedTuple):
    """What a criterion is judged on, all in one unit; None: not known.

    ``absolute`` is False when the unit is unknown: numbers cannot be compared then, multiples of a limit can.
    ``untreated`` says that no study treatment was given yet: a clause on the baseline does not apply then.
    ``lasting`` is for how many hours the comparison has held.
    """

    value: Interval
    LLN: Interval | None
    ULN: Interval | None
    BASELINE: Interval | None
    facts: Mapping[str, bool]
    absolute: bool = True
    untreated: bool = False
    lasting: Interval | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The value against a bound: ``times`` x ``limit`` + ``plus``, or ``plus`` alone when there is no limit."""

    op: Operator
    limit: Limit | None
    times: Decimal
    plus: Decimal
    unit: str | None
    lasting: "Comparison | None" = None
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self._said())

    def bound(self, inputs: Inputs) -> Interval | None:
        """The bound as an interval, or None where it cannot be known."""
        if self.limit is None:
            return Interval(self.plus, self.plus) if inputs.absolute else None
        limit: Interval | None = getattr(inputs, self.limit)
        if limit is None or (self.plus and not inputs.absolute):
            return None
        if self.times is not _ONE:
            limit = limit.scaled(self.times)
        return limit.shifted(self.plus) if self.plus else limit

    def judge(self, inputs: Inputs) -> Verdict:
        """Whether the value meets the bound, whatever both can mean."""
        if self.limit == "BASELINE" and inputs.untreated:
            return False
        bound = self.bound(inputs)
        verdict = None if bound is None else compare(inputs.value, self.op, bound)
        if self.lasting is None or verdict is False:
            return verdict
        held = None if inputs.lasting is None else compare(inputs.lasting, self.lasting.op, _own(self.lasting))
        return _and(verdict, held)

    def __str__(self) -> str:
        return self.text

    def _said(self) -> str:
        bound = plain(self.plus.copy_abs()) + (f" {self.unit}" if self.unit else "")
        if self.limit is not None:
            times = "" if self.times == 1 else f"{plain(self.times)} x "
            bound = f"{times}{self.limit}" + (f" {'-' if self.plus < 0 else '+'} {bound}" if self.plus else "")
        lasting = f" lasting {self.lasting}" if self.lasting else ""
        return f"{self.op} {bound}{lasting}"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known to be so, known not to be so, or not known."""

    name: str
    wanted: bool

    def judge(self, inputs: Inputs) -> Verdict:
        """Whether the fact is as wanted."""
        known = inputs.facts.get(self.name)
        return None if known is None else known is self.wanted

    def __str__(self) -> str:
        return self.name if self.wanted else f"not {self.name}"


Test = Comparison | Fact


@dataclass(frozen=True, slots=True)
class Criterion:
    """One grade's criterion: clauses joined by ``or``, each of tests joined by ``and``; and every comparison in it."""

    text: str
    clauses: tuple[tuple[Test, ...], ...]
    comparisons: tuple[Comparison, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = tuple(test for clause in self.clauses for test in clause if isinstance(test, Comparison))
        object.__setattr__(self, "comparisons", found)

    def judge(self, inputs: Inputs) -> Verdict:
        """True if one clause surely holds, False if none can, else None."""
        open_clause = False
        for clause in self.clauses:
            verdict: Verdict = True
            for test in clause:
                judged = test.judge(inputs)
                if judged is False:
                    verdict = False
                    break
                if judged is None:
                    verdict = None
            if verdict:
                return True
            open_clause = open_clause or verdict is None
        return None if open_clause else False

    @property
    def facts(self) -> frozenset[str]:
        """The names of the facts it asks for."""
        return frozenset(test.name for clause in self.clauses for test in clause if isinstance(test, Fact))

    def __str__(self) -> str:
        return self.text


def compare(value: Interval, op: Operator, bound: Interval) -> Verdict:
    """Whether every (True), no (False) or some (None) value of one interval compares so with the other."""
    if op == ">":
        return _not(_at_most(value, bound))
    if op == ">=":
        return _not(_less(value, bound))
    if op == "<":
        return _less(value, bound)
    return _at_most(value, bound)


def parse(text: str) -> Criterion:
    """Read a criterion; raises ``CriterionError`` with the part that is wrong and what was expected."""
    clauses = tuple(tuple(_test(part) for part in re.split(r"\s+and\s+", clause)) for clause in _clauses(text))
    return Criterion(" ".join(text.split()), clauses)


def _clauses(text: str) -> list[str]:
    return re.split(r"\s+or\s+", text.strip())


def _test(part: str) -> Test:
    part = part.strip()
    if fact := _FACT.match(part):
        return Fact(fact["fact"], fact["no"] is None)
    match = _COMPARISON.match(part)
    if match is None:
        raise CriterionError(f"{part!r} is not a test; expected {_EXPECTED}")
    return _comparison(match)


def _comparison(match: re.Match[str]) -> Comparison:
    plus = Decimal(match["number"] or match["plus"] or 0)
    lasting = Comparison(_op(match["lasting_op"]), None, _ONE, Decimal(match["hours"]), "h") if match["hours"] else None
    limit: Limit | None = match["limit"]  # type: ignore[assignment]  # the pattern admits nothing else
    return Comparison(
        _op(match["op"]),
        limit,
        Decimal(match["times"]) if match["times"] else _ONE,
        plus.copy_negate() if match["sign"] == "-" else plus,
        match["unit"] or match["plus_unit"],
        lasting,
    )


def _op(text: str) -> Operator:
    return text  # type: ignore[return-value]  # the pattern admits nothing else


def _own(bound: Comparison) -> Interval:
    return Interval(bound.plus, bound.plus)


def _less(value: Interval, bound: Interval) -> Verdict:
    if value.high < bound.low or (value.high == bound.low and (value.high_open or bound.low_open)):
        return True
    return False if value.low >= bound.high else None


def _at_most(value: Interval, bound: Interval) -> Verdict:
    if value.high <= bound.low:
        return True
    if value.low > bound.high or (value.low == bound.high and (value.low_open or bound.high_open)):
        return False
    return None


def _not(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def _and(one: Verdict, other: Verdict) -> Verdict:
    if one is False or other is False:
        return False
    return True if one and other else None
