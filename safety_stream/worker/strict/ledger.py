"""How far a partition may be committed: over an unbroken prefix of what is finished, and never further."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """The offsets of one partition from the first one handed out in this assignment.

    ``front`` is the next offset to commit: everything before it is acknowledged, or is known not to exist. A hole
    counts only with the event behind it: where our own logs have a jump, the guard refuses that event, and what the
    jump leapt over must not be committed.
    ``committed`` is what the broker last confirmed, null while it has confirmed nothing.

    Answers: Faust commits past an event still in flight when it is first in line (its guard tests ``gap > 1`` and
    is skipped while nothing or 0 is committed), counts the event that follows a gap as finished, and forgets what
    was acknowledged when a commit fails.
    Upstream: faust-streaming #606, #316; robinhood/faust #682.
    Tests: tests/worker/strict/test_ledger.py, test_consumer.py.
    """

    front: int
    committed: int | None = None
    _finished: set[int] = field(default_factory=set)
    _absent: dict[int, int] = field(default_factory=dict)

    def finish(self, offset: int) -> None:
        """The event at this offset is finished: its outputs and state are with the broker."""
        if offset >= self.front:
            self._finished.add(offset)
            self._advance()

    def skip(self, start: int, stop: int) -> None:
        """The broker holds no event from ``start`` up to but not including ``stop`` (compaction, markers)."""
        if stop > self.front and stop > start:
            self._absent[max(start, self.front)] = stop
            self._advance()

    def confirm(self, offset: int) -> None:
        """The broker has confirmed a commit of this offset."""
        self.committed = offset

    @property
    def due(self) -> bool:
        """Whether there is anything new to commit."""
        return self.front > (self.committed or 0)

    @property
    def waiting(self) -> int:
        """Events finished out of turn, behind one that is not."""
        return len(self._finished)

    def _advance(self) -> None:
        while (event := self._behind_holes()) in self._finished:
            self._absent = {start: stop for start, stop in self._absent.items() if start >= event}
            self._finished.discard(event)
            self.front = event + 1

    def _behind_holes(self) -> int:
        """The first offset from the front on that the broker may hold."""
        event = self.front
        while event in self._absent:
            event = self._absent[event]
        return event
