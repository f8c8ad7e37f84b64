"""An engine that is killed in the middle of every step, and then told the same event again."""

from collections.abc import Iterable
from random import Random
from typing import Any

from stories import Played

from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import FindingChange


def said_of(change: FindingChange) -> tuple[str, str, int]:
    """A change by what it does, to which finding, under which revision."""
    return change.change, change.finding.id, change.revision


class Crashing(Played):
    """Keeps only some of a step's pages at its first try, then starts again from what is stored, as an engine does."""

    def __init__(self, chance: Random) -> None:
        super().__init__(stored=True)
        self.chance = chance

    def cut_off(self, pages: frozenset[str]) -> list[str]:
        """The pages that were written before the crash."""
        return [name for name in sorted(pages) if self.chance.random() < 0.5]

    def take(self, event: SubjectEvent | None, as_of: Any = None) -> subject.Step:
        """The event once with a crash in the middle of the writing, then again to the end."""
        tried = self.tried(event, as_of)
        written = self.cut_off(tried.pages)
        self.store.update({name: subject.page_json(tried.record, name) for name in written})
        done = super().take(event, as_of)
        repeated = {said_of(one): one for one in done.changes}
        for change in tried.changes:  # what the crash cut off is told again, the same; what was kept is not told anew
            again = repeated.pop(said_of(change), None)
            assert again is None or again.model_dump() == change.model_dump()
        assert not self.otherwise(tried, repeated.values())
        return done

    def otherwise(self, tried: subject.Step, repeated: Iterable[FindingChange]) -> list[FindingChange]:
        """What is told again that was not told at the first try: with pages written out of their order, which no engine
        does, the same may be told once more under a higher revision.
        """
        first = {one.finding.id: one for one in tried.changes}
        return [one for one in repeated if not _same_but_higher(first.get(one.finding.id), one)]


def _same_but_higher(first: FindingChange | None, again: FindingChange) -> bool:
    if first is None or again.revision <= first.revision:
        return False
    return (again.change, again.finding) == (first.change, first.finding)


class CrashingBetweenBatches(Crashing):
    """Writes the pages in the engine's order, the header last, and is killed somewhere between two of them."""

    def cut_off(self, pages: frozenset[str]) -> list[str]:
        """The first of them."""
        order = sorted(pages, key=lambda name: (name == "header", name))
        return order[: self.chance.randint(0, len(order))]

    def otherwise(self, tried: subject.Step, repeated: Iterable[FindingChange]) -> list[FindingChange]:
        """Nothing may be told otherwise."""
        return list(repeated)
