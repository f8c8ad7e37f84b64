"""One look at a subject in parts, so that a part whose facts are as they were is not asked anew.

    part            reads of every page      leans on             says
    joined          joined                   -                    findings
    decisive        dlts, observe            composites, joined   which DLTs there are, until when to watch
    status          grade, worst, ...        decisive, ...        the status, and when its window closes

A part is a function of the base of the look (frame, facts, book), of the columns it names, of the parts it leans on,
and of the time where it tells an instant ahead. What the parts said last is kept beside the record in memory and never
stored: without it everything is concluded again, and comes to the same.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple, TypeVar, cast

from safety_stream.clinical.changes import Kept
from safety_stream.clinical.columns import Columns
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.frame import Frame
from safety_stream.rulebook.tables import Book

NO_COLUMN: frozenset[str] = frozenset()
AnySaid = AnyFinding | SubjectStatus
_Said = TypeVar("_Said", bound=AnySaid)


class Words(NamedTuple):
    """What a part says: findings or the status, what else it worked out, and when time alone makes it say else.

    ``read``: what a nested part read beside the columns.
    """

    said: tuple[AnySaid, ...] = ()
    other: object = None
    until: datetime | None = None
    read: tuple[object, ...] = ()

    @property
    def findings(self) -> dict[str, AnyFinding]:
        """The findings of what it said, by id."""
        return {one.id: one for one in self.said if not isinstance(one, SubjectStatus)}


class Said(NamedTuple):
    """One look at a subject; ``ahead``: when time alone makes a part say else, by its name.

    ``kept``: the findings it ended in, by which it is known that nothing came between.
    """

    base: tuple[object, ...]
    columns: Columns
    parts: Mapping[str, Words]
    ahead: Mapping[str, datetime]
    kept: Mapping[str, Kept] = {}  # never changed


class Base(NamedTuple):
    """What every part may read: of whom, what the header was told, and the book."""

    frame: Frame
    facts: Mapping[str, HeaderFact]
    book: Book


class Part(NamedTuple):
    """One part of the look: the columns it reads, the parts before it that it leans on, and what it says."""

    name: str
    columns: frozenset[str]
    leans: tuple[str, ...]
    say: Callable[["Look"], Words]


class Agenda:
    """The parts in the order in which they are asked, each after those that it leans on; else a ``ValueError``.

    ``places``: the place of a part by its name. ``reading``: by column the places of the parts that read it;
    ``leaning``: by part the places of those that lean on it.
    """

    def __init__(self, *parts: Part) -> None:
        self.parts = parts
        self.places = {part.name: place for place, part in enumerate(parts)}
        self.reading: dict[str, set[int]] = {}
        self.leaning: dict[str, set[int]] = {part.name: set() for part in parts}
        for place, part in enumerate(parts):
            for column in part.columns:
                self.reading.setdefault(column, set()).add(place)
            for other in part.leans:
                if self.places[other] >= place:
                    raise ValueError(f"{part.name} is asked before {other}, which it leans on")
                self.leaning[other].add(place)


class News(NamedTuple):
    """What the parts say that do not say what they said, by id, and the ids of all that this can have changed."""

    findings: dict[str, AnyFinding]
    among: frozenset[str]


class Look:
    """One look at a subject, part by part; ``before``: the look before. On another base every part is asked anew."""

    def __init__(self, base: Base, digests: Mapping[str, Digest], as_of: datetime, before: Said | None = None) -> None:
        held = before if before is not None and before.base == base else None
        self.base, self.as_of = base, as_of
        self.known = Columns(digests, held.columns if held else None)
        self._before: Mapping[str, Words] = before.parts if before else {}
        self._held, self._ahead = (held.parts, dict(held.ahead)) if held else ({}, {})
        self._said, self._moved = dict(self._before), list[str]()

    def through(self, agenda: Agenda) -> datetime | None:
        """Ask every part that may say something else than before; the next instant at which time alone makes one."""
        wanted = self._wanted(agenda)
        while wanted:
            place = min(wanted)
            wanted.remove(place)
            part = agenda.parts[place]
            if self._asked(part.name, part.say(self)):
                wanted |= agenda.leaning[part.name]
        return min(self._ahead.values(), default=None)

    def _wanted(self, agenda: Agenda) -> set[int]:
        """The places of the parts that read what has changed, and of those whose time has come."""
        if not self._held:
            return set(range(len(agenda.parts)))
        due = [agenda.places[name] for name, until in self._ahead.items() if until <= self.as_of]
        return {*due, *chain.from_iterable([agenda.reading.get(column, ()) for column in self.known.changed])}

    def of(self, name: str) -> Words:
        """What a part before this one says."""
        return self._said[name]

    def nested(self, name: str, read: tuple[object, ...], say: Callable[[], Iterable[_Said]]) -> tuple[_Said, ...]:
        """What a piece of a part says of what it reads; it stays while the part itself is not asked anew."""
        words = self._held.get(name)
        if words is None or words.read != read:
            self._asked(name, Words(tuple(say()), read=read))
        return cast("tuple[_Said, ...]", self._said[name].said)

    def _asked(self, name: str, now: Words) -> bool:
        """Keep what was said anew; whether it is something else than before."""
        before = self._before.get(name)
        words = self._said[name] = now._replace(said=_as_held(before, now.said)) if before and now.said else now
        if words.until is not None:
            self._ahead[name] = words.until
        else:
            self._ahead.pop(name, None)
        moved = before is None or not _alike(before, words)
        if moved:
            self._moved.append(name)
        return moved

    @property
    def said(self) -> Said:
        """The whole look, for the next one."""
        return Said(self.base, self.known, self._said, self._ahead)

    @property
    def news(self) -> News:
        """What is said otherwise than before; with nothing before, everything."""
        found, before = dict[str, AnyFinding](), set[str]()
        for name in self._moved:
            held = self._before.get(name)
            if held is not None and held.said:
                before.update(held.findings)
            found.update(self._said[name].findings)
        return News(found, frozenset({*before, *found}))


def _alike(before: Words, now: Words) -> bool:
    """Whether a part says what it said: each as the very object held."""
    return len(before.said) == len(now.said) and all(map(_is, before.said, now.said)) and before.other == now.other


def _is(one: AnySaid, other: AnySaid) -> bool:
    return one is other


def _name(one: AnySaid) -> str:
    return one.subject if isinstance(one, SubjectStatus) else one.id


def _as_held(before: Words, said: tuple[AnySaid, ...]) -> tuple[AnySaid, ...]:
    """What is said, as the very object held where that says the same: to be compared at once with what was sent."""
    held = {_name(one): one for one in before.said}
    return tuple([_the_same(held.get(_name(one)), one) for one in said])


def _the_same(held: AnySaid | None, one: AnySaid) -> AnySaid:
    return held if held is not None and (held is one or held == one) else one
