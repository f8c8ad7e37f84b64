"""The laws of convergence over thousands of drawn histories, with pages so small that every history crosses a seam.

Run with ``--long``; the same laws over fewer histories are in test_convergence.py and test_sealed_series.py.
"""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from any_event import events
from crashing import Crashing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stories import FAR, Played, at, bundled, bundled_with, screened, taken_back, timeless

from safety_stream.clinical import shelf, subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings import AnyFinding
from safety_stream.rulebook.tables import Book

AT_LENGTH = settings(
    max_examples=2000,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of four results, sealed by two."""
    monkeypatch.setattr(shelf, "OPEN", 4)
    monkeypatch.setattr(shelf, "HALF", 2)


def end_of(told: Any, *, stored: bool = False, book: Book | None = None) -> dict[str, AnyFinding]:
    """What stands in the end; stepping agrees with concluding afresh."""
    played = Played(told, stored=stored, book=book)
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings
    return played.findings


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("small_pages")
@AT_LENGTH
@given(st.lists(events(), max_size=25), st.randoms(use_true_random=False), st.booleans())
def test_order_and_duplication(told: list[SubjectEvent], chance: Any, stored: bool) -> None:
    """Shuffled, some told twice, in memory or from stored pages."""
    again = [*told, *(chance.choice(told) for _ in range(5))] if told else []
    chance.shuffle(again)
    assert end_of(told) == end_of(again, stored=stored)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("small_pages")
@AT_LENGTH
@given(st.lists(events(), max_size=15), st.randoms(use_true_random=False), st.booleans())
def test_a_running_clock(told: list[SubjectEvent], chance: Any, stored: bool) -> None:
    """Time going by the reports; after each event what stands follows from the facts and the time alone.

    Not ``stored``: the record stays in memory, and with it what was said last.
    """
    chance.shuffle(told)
    played, now = Played(stored=stored), at(-30)
    for event in told:
        now = max(now, event.reported_at)
        played.take(event, now)
        concluded = subject.conclude(played.whole(), played.book, now)
        assert (played.findings, played.record.header.deadline) == (concluded.findings, concluded.deadline)
        assert timeless(played.record.header.status) == timeless(concluded.status)
    played.take(None, FAR)
    assert played.findings == end_of(told)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("small_pages")
@AT_LENGTH
@given(st.lists(events(), max_size=20), events(), st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_taken_back(
    told: list[SubjectEvent], mistake: SubjectEvent, first: int, second: int, known: bool
) -> None:  # fmt: skip
    """Whatever is told of the wrong subject and taken back leaves no trace, also where nobody was ever screened."""
    source = mistake.source.model_copy(update={"id": "a-mistake", "version": 1})
    wrong = mistake.model_copy(update={"source": source, "status": "final"})
    told = [screened(), *told] if known else told
    order = list(told)
    order.insert(first, wrong)
    order.insert(second, taken_back(wrong))
    ended = end_of(order)
    assert ended == end_of(told)
    assert "a-mistake" not in " ".join(one.model_dump_json() for one in ended.values())


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("small_pages")
@AT_LENGTH
@given(st.lists(events(), min_size=1, max_size=15), st.integers(0, 15), st.booleans())
def test_an_amended_protocol(told: list[SubjectEvent], since: int, stored: bool) -> None:
    """Some events under the old protocol, the rest under one with another window, follow-up and reading of lines."""
    dlt = bundled().protocols["CAR-NK-SLE-01"].versions[0].dlt
    assert dlt is not None
    window = dlt.window.model_copy(update={"days": 21, "anchor": "first_infusion"})
    dlt = dlt.model_copy(update={"window": window, "line_grade": "worst"})
    newer = replace(bundled_with(dlt=dlt, follow_up="30 d"), version="another")
    played = Played(told[:since], stored=stored)
    played.book = newer
    for event in told[since:]:
        played.take(event)
    played.take(None)
    assert played.findings == end_of(told, book=newer)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("small_pages")
@AT_LENGTH
@given(st.lists(events(), max_size=15), st.integers(0, 10_000))
def test_a_crash_in_every_step(told: list[SubjectEvent], seed: int) -> None:
    """Any part of each step's pages written, then the same event again: findings and revisions are the same."""
    crashing = Crashing(Random(seed))
    for event in told:
        crashing.take(event)
    assert crashing.findings == end_of(told)
    assert crashing.findings == subject.conclude(crashing.whole(), crashing.book, FAR).findings
