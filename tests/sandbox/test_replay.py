"""Replay finds in the simulated trial exactly what its cast promises, and nothing else; twice the same bytes."""

from collections import Counter

import pytest

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.findings import FindingChange
from safety_stream.intake import Rejected
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.replay import final_findings, replay
from safety_stream.sandbox.simulator import simulated_trial
from safety_stream.sandbox.verdict import compare, to_be_told

News = list[FindingChange | Alert | Rejected]


@pytest.fixture(scope="module")
def book() -> Book:
    """The bundled book."""
    return load_book(allow_unsigned=True)


@pytest.fixture(scope="module")
def news(book: Book) -> News:
    """All that follows from the default trial."""
    return list(replay((message.line for message in simulated_trial().messages), book))


def _alerts(news: News) -> list[Alert]:
    return [one for one in news if isinstance(one, Alert)]


@pytest.mark.parametrize("seed", [7, 20240530])
def test_the_whole_truth_and_nothing_but_the_truth(seed: int, book: Book) -> None:
    """Whatever the seed: every expectation holds, nobody is told anything else, one message is unreadable."""
    trial = simulated_trial(seed)
    news = list(replay((message.line for message in trial.messages), book))
    last = {change.finding.id: change for change in news if isinstance(change, FindingChange)}
    told = to_be_told(_alerts(news))
    mails = Counter((alert.id, alert.revision) for alert in told)
    failed = [
        verdict
        for verdict in compare(trial.truth, list(last.values()), told, [], mails)
        if not verdict.holds and "torn" not in verdict.sentence
    ]
    assert not failed
    assert [one.code for one in news if isinstance(one, Rejected)] == ["not_json"]


def test_the_cohorts_end_where_the_arithmetic_says(news: News) -> None:
    """3+3 by hand: 0 of 3 escalate, 0 of 3 escalate, 1 of 3 expand."""
    decisions = {
        finding.dose_level: (finding.tally.dlt, finding.tally.evaluable, finding.decision)
        for finding in final_findings(news).values()
        if finding.kind == "cohort_decision"
    }
    assert decisions == {1: (0, 3, "escalate"), 2: (0, 3, "escalate"), 3: (1, 3, "expand")}


def test_twice_the_same_bytes(news: News, book: Book) -> None:
    """Findings and alerts are functions of the events: replayed again, not a byte differs."""
    again = replay((message.line for message in simulated_trial().messages), book)
    assert [one.model_dump_json() for one in again] == [one.model_dump_json() for one in news]


def test_duplicates_change_nothing(news: News, book: Book) -> None:
    """Every message twice in a row: the same findings and alerts, and two rejections of the torn one."""
    twice = (message.line for message in simulated_trial().messages for _ in range(2))
    again = list(replay(twice, book))
    assert [one for one in again if not isinstance(one, Rejected)] == [
        one for one in news if not isinstance(one, Rejected)
    ]


def test_without_the_clock_nothing_that_waits_for_time_happens(book: Book) -> None:
    """Windows close by ticks once nothing more is reported: without them 010, last seen on day 42, stays in its window.

    009 counts by its DLT, 008 when it is seen in week 8.
    """
    lines = (message.line for message in simulated_trial().messages if not message.is_tick)
    decisions = [one for one in final_findings(replay(lines, book)).values() if one.kind == "cohort_decision"]
    last = {one.dose_level: one for one in decisions}[3]
    assert (last.tally.evaluable, last.tally.in_window) == (2, 1)
    assert last.decision != "expand"


def test_another_study_is_rejected_by_name(book: Book) -> None:
    """An event of a study that has no protocol here is rejected, with the studies that have one."""
    line = b'{"kind":"clock_ticked","as_of":"2026-01-01T00:00:00Z"}'
    other = simulated_trial().messages[1].line.replace(b"CAR-NK-SLE-01", b"OTHER-1")
    (rejected,) = (one for one in replay([line, other, b"  \n"], book) if isinstance(one, Rejected))
    assert (rejected.code, rejected.found) == ("unknown_study", '"OTHER-1"')
    assert "CAR-NK-SLE-01" in rejected.expected
