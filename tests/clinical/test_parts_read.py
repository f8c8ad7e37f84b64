"""Every part of the overview reads no more of the digests than it says: else it would be held when it must be asked."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stories import SUBJECT, Played

from safety_stream.clinical.columns import Columns
from safety_stream.clinical.events import ClockTicked
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.overview import overview
from safety_stream.clinical.parts import Parts
from safety_stream.clinical.record import SubjectRecord
from safety_stream.sandbox.random_trials import random_trial

READ: dict[str, set[str]] = defaultdict(set)
TOLD: dict[str, frozenset[str]] = {}
ASKED: list[str] = []


class Watched(Digest):
    """A digest that notes which part asks it for what."""

    def __getattribute__(self, name: str) -> Any:
        if name in Digest._fields and ASKED:
            READ[ASKED[-1]].add(name)
        return super().__getattribute__(name)


def _records() -> Iterator[SubjectRecord]:
    """Subjects of random trials with corrected results, adverse events and deaths, to their last event."""
    for seed in (3, 7):
        trial = random_trial(seed, 5)
        for name in sorted(trial.volunteers):
            played = Played()
            for event in trial.events:
                if not isinstance(event, ClockTicked) and event.subject == name:
                    step = played.take(event.model_copy(update={"subject": SUBJECT}), event.reported_at)
            yield step.record


def test_no_part_reads_a_column_that_it_does_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held back against what ``overview`` names for each part: a reading that it does not name could go stale."""
    of, in_time, column = Parts.of, Parts.in_time, Columns.of

    def noted(name: str, columns: frozenset[str], say: Callable[[], Any]) -> Callable[[], Any]:
        TOLD.setdefault(name, columns)

        def saying() -> Any:
            ASKED.append(name)
            try:
                said = say()
                return (tuple(said[0]), said[1]) if isinstance(said, tuple) else tuple(said)
            finally:
                ASKED.pop()

        return saying

    def watched_of(self: Parts, name: str, columns: Any, read: Any, say: Any) -> Any:
        return of(self, name, columns, read, noted(name, columns, say))

    def watched_in_time(self: Parts, name: str, columns: Any, read: Any, as_of: Any, say: Any) -> Any:
        return in_time(self, name, columns, read, as_of, noted(name, columns, say))

    def watched_column(self: Columns, name: str) -> Any:
        if ASKED:
            READ[ASKED[-1]].add(name)
        return column(self, name)

    monkeypatch.setattr(Parts, "of", watched_of)
    monkeypatch.setattr(Parts, "in_time", watched_in_time)
    monkeypatch.setattr(Columns, "of", watched_column)
    for record in _records():
        assert record.frame is not None
        header, book = record.header, Played().book
        digests: dict[str, Digest] = {page: Watched(*one) for page, one in header.digests.items()}
        as_of = header.concluded_to
        assert as_of is not None
        overview(record.frame.frame, header.facts, digests, book, as_of)
    beyond = {name: read - TOLD[name] for name, read in READ.items() if read - TOLD[name]}
    assert not beyond
    assert {name for name, read in READ.items() if read} >= {
        "composites", "met", "joined", "questions", "eligibility", "hematotoxicity",
        "reporting", "unlike", "unobserved", "status",
    }  # fmt: skip
