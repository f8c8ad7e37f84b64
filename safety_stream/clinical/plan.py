"""What the rulebook and one version of a protocol say of one analyte: the same for every subject of that version."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from safety_stream.clinical.grading import leans_on_baseline
from safety_stream.clinical.toxicities import measured_rules, thresholds
from safety_stream.rulebook.protocol import Clauses, Criteria, ProtocolVersion, WatchLimit
from safety_stream.rulebook.tables import Analyte, Book, GradingRule

_Thing = TypeVar("_Thing")


class Plan(NamedTuple):
    """How results of one analyte are judged; an ``analyte`` that the rulebook does not know is judged by nothing.

    ``rules``: the grading rules; ``thresholds``: by rule the grades of which is kept how long they lasted; ``limited``:
    the rules whose term a DLT rule of the protocol speaks of; ``leaning``: those that compare with the baseline.
    ``joint``: whether results of one time point are judged together; ``companions``: the analytes whose results stand
    on the same page; ``joins``: whether the analyte is joined with another in time. Of the protocol the ``criteria``,
    the ``clauses`` of composites and the watch ``limits`` on the analyte.
    """

    rules: tuple[GradingRule, ...]
    thresholds: Mapping[str, tuple[int, ...]]
    limited: frozenset[str]
    leaning: frozenset[str]
    joint: bool
    companions: frozenset[str]
    joins: bool
    criteria: Criteria
    clauses: Clauses
    limits: tuple[WatchLimit, ...]


class _The(Generic[_Thing]):
    """A thing as itself: the very object is the key, not what it says."""

    __slots__ = ("thing",)

    def __init__(self, thing: _Thing) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _The) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def plan_of(key: str, analyte: Analyte | None, version: ProtocolVersion, book: Book) -> Plan:
    """The plan for one analyte: worked out once."""
    return _plan(key, analyte, _The(version), _The(book))


@lru_cache(maxsize=4096)
def _plan(key: str, analyte: Analyte | None, of_version: _The[ProtocolVersion], of_book: _The[Book]) -> Plan:
    version, book = of_version.thing, of_book.thing
    rules = book.rules(key)
    return Plan(
        rules=rules,
        thresholds={rule.id: thresholds(version, rule, soc_of(rule, book)) for rule in rules},
        limited=frozenset(rule.id for rule in rules if measured_rules(version, rule, soc_of(rule, book))),
        leaning=frozenset(rule.id for rule in rules if leans_on_baseline(rule)),
        joint=analyte is not None and analyte.joint,
        companions=frozenset() if analyte is None else analyte.companions,
        joins=bool(book.joined_on(key)),
        criteria=version.criteria_on(key),
        clauses=version.clauses_on(key),
        limits=version.watched(key),
    )


def soc_of(rule: GradingRule, book: Book) -> str | None:
    """The system organ class of a rule's term."""
    term = book.terms.get(rule.meddra_code)
    return term.soc if term else None
