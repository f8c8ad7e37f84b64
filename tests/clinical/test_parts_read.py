"""Every part of the overview reads no more of the digests than it says: else it would be held when it must be asked."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from stories import SUBJECT, Played

from safety_stream.clinical.columns import Columns
from safety_stream.clinical.events import ClockTicked
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.overview import PARTS, overview
from safety_stream.clinical.parts import Agenda, Look, Part, Words
from safety_stream.clinical.record import SubjectRecord
from safety_stream.sandbox.random_trials import random_trial

READ: dict[str, set[str]] = defaultdict(set)
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


def test_no_part_reads_a_column_or_leans_on_a_part_that_it_does_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held back against what each part of the overview names: a reading that it does not name could go stale."""
    column, other = Columns.of, Look.of
    leant: dict[str, set[str]] = defaultdict(set)

    def noted(part: Part) -> Part:
        def saying(look: Look) -> Words:
            ASKED.append(part.name)
            try:
                return part.say(look)
            finally:
                ASKED.pop()

        return part._replace(say=saying)

    def watched_column(self: Columns, name: str) -> Any:
        if ASKED:
            READ[ASKED[-1]].add(name)
        return column(self, name)

    def watched_part(self: Look, name: str) -> Words:
        if ASKED:
            leant[ASKED[-1]].add(name)
        return other(self, name)

    monkeypatch.setattr("safety_stream.clinical.overview.PARTS", Agenda(*(noted(part) for part in PARTS.parts)))
    monkeypatch.setattr(Columns, "of", watched_column)
    monkeypatch.setattr(Look, "of", watched_part)
    for record in _records():
        assert record.frame is not None
        header, book = record.header, Played().book
        digests: dict[str, Digest] = {page: Watched(*one) for page, one in header.digests.items()}
        as_of = header.concluded_to
        assert as_of is not None
        overview(record.frame.frame, header.facts, digests, book, as_of)
    for part in PARTS.parts:
        assert READ[part.name] <= part.columns, part.name
        assert leant[part.name] == set(part.leans), part.name
    assert {part.name for part in PARTS.parts if part.columns} == {name for name, read in READ.items() if read}
