"""One row of a table to be graded: what its columns say, and the cells that are added to it.

Columns that are read: ``analyte`` or ``loinc`` or ``term``; ``value``, ``unit``, ``lln``, ``uln``; ``baseline`` (or
``baseline_value``), ``baseline_unit``, ``baseline_lln``, ``baseline_uln``, ``baseline_indicator`` (HIGH, NORMAL, LOW);
``untreated``; ``direction`` (L, H: which of an analyte's terms); any fact of the rulebook (``on_anticoagulant``) with
yes or no, as a column or in ``other_inputs`` (``on_anticoagulant=yes; ...``). A blank is not known. What could not be
read is said in the reason, unless none of the row's rules asks for it (``sandbox.row_told``).

Rows that differ in nothing but the value, and in columns that their rules never ask for, share one ladder
(``clinical.ladder``): a large file is graded fast.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Generic

from safety_stream.clinical.grade_one import asks_baseline, prepare, said
from safety_stream.clinical.ladder import Cells, Ladders, Shown
from safety_stream.clinical.measure import Remark
from safety_stream.rulebook.tables import Book, GradingRule
from safety_stream.sandbox.row_told import ALSO_CALLED, MARKS, TEXTS, asked

_NAMING = ("analyte", "loinc", "term", "unit", "direction", "other_inputs")
_OF_BASELINE = {
    "baseline", "baseline_unit", "baseline_lln", "baseline_uln", "untreated", "baseline_indicator",
}  # fmt: skip
_MOST_MET = 50_000


def facts_known(book: Book) -> list[str]:
    """The facts that a rule may ask for."""
    return sorted({fact for key in book.analytes for rule in book.rules(key) for fact in rule.facts})


def read_columns(book: Book) -> frozenset[str]:
    """The columns that mean something."""
    return frozenset((*TEXTS, *MARKS, *ALSO_CALLED, "value", *facts_known(book)))


def _unread(columns: Sequence[str], named: Sequence[str], book: Book) -> tuple[str, ...]:
    known = read_columns(book)
    return tuple(column for column, name in zip(columns, named, strict=True) if name not in known)


def _twice(named: Sequence[str], book: Book) -> tuple[str, ...]:
    known = read_columns(book)
    return tuple(sorted(name for name, times in Counter(named).items() if times > 1 and name in known))


class RowGrader(Generic[Shown]):
    """Grades rows of the same columns, remembering every setting it has met; ``show`` as in ``clinical.ladder``.

    ``unread``: the columns that mean nothing to us. ``twice``: those that were given more than once, so that nobody
    knows which one counts: then no row is graded.
    """

    def __init__(self, columns: Sequence[str], book: Book, show: Callable[[Cells], Shown]) -> None:
        named = [ALSO_CALLED.get(column, column) for column in (column.strip().lower() for column in columns)]
        self.unread, self.twice = _unread(columns, named, book), _twice(named, book)
        self._book, self._show = book, show
        self._facts = frozenset(facts_known(book))
        self._places = {name: named.index(name) for name in (*TEXTS, *MARKS, *sorted(self._facts)) if name in named}
        self._naming = _getter([self._places[name] for name in _NAMING if name in self._places])
        self._value = named.index("value") if "value" in named else None
        self._met = 0
        self._known: dict[tuple[str, ...], Settings[Shown]] = {}

    def at(self, row: Sequence[str]) -> tuple[Shown, ...]:
        """What is shown of the row, once for each term."""
        if self.twice:
            return self.refused(Remark("double_column", self.twice[0], "told more than once", "one column"))
        naming = self._naming(row)
        settings = self._known.get(naming)
        if settings is None:
            settings = self._known[naming] = self._settings(row)
            self._met += 1
        context = settings.context(row)
        ladders = settings.known.get(context)
        if ladders is None:
            ladders = settings.known[context] = settings.ladders(context)
            self._forget_at_last()
        return ladders.at("" if self._value is None else row[self._value])

    def refused(self, remark: Remark) -> tuple[Shown, ...]:
        """What is shown of a row that is not judged at all."""
        return (self._show(("", "", "", "", said(remark))),)

    def _forget_at_last(self) -> None:
        self._met += 1
        if self._met > _MOST_MET:
            self._met = 0
            self._known.clear()

    def _settings(self, row: Sequence[str]) -> "Settings[Shown]":
        """What rows named like this one can differ in: columns that none of the rules asks for are left out."""
        told = {name: row[place] for name, place in self._places.items()}
        rules = prepare(asked(told, self._facts), self._book).rules
        left_out: frozenset[str] = frozenset()
        if rules:
            left_out = self._facts.difference(*(rule.facts for rule in rules))
            if not any(_asks_baseline(rule, "baseline_unit" in self._places) for rule in rules):
                left_out |= _OF_BASELINE
        named = {name: text for name, text in told.items() if name in _NAMING}
        read = {name: place for name, place in self._places.items() if name not in {*left_out, *_NAMING}}
        return Settings(named, read, self._facts, self._book, self._show)


class Settings(Generic[Shown]):
    """The settings of rows that are named alike; ``known`` holds the ladders of each that was met."""

    def __init__(
        self,
        named: Mapping[str, str],
        places: Mapping[str, int],
        facts: frozenset[str],
        book: Book,
        show: Callable[[Cells], Shown],
    ) -> None:
        self.context = _getter(list(places.values()))
        self.known: dict[tuple[str, ...], Ladders[Shown]] = {}
        self._named, self._names = named, tuple(places)
        self._facts, self._book, self._show = facts, book, show

    def ladders(self, context: tuple[str, ...]) -> Ladders[Shown]:
        """The ladders of one setting."""
        told = {**self._named, **dict(zip(self._names, context, strict=True))}
        return Ladders(prepare(asked(told, self._facts), self._book), self._show)


def _asks_baseline(rule: GradingRule, baseline_may_have_its_own_unit: bool) -> bool:
    """Whether the baseline can matter; to a rule of ratios also by its unit, in which the reason is then said."""
    return (rule.relative and baseline_may_have_its_own_unit) or asks_baseline(rule)


def _getter(places: list[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return partial(_few, places)


def _few(places: list[int], row: Sequence[str]) -> tuple[str, ...]:
    return tuple(row[place] for place in places)
