"""What nobody looked at: hours that a dosed subject went unobserved, and results of a visit that did not come (T44).

The schedule of these tests: a blood count (NEUT or HGB) at least every 48 h to day 7, results within 12 h; a visit on
day 7, one day before or after, with NEUT and ALT. The infusion is at 08:00 on day 0, results are taken at 08:00.

    day    0    1    2    3    4    5    6    7    8    9
           |---------|                                       48 h, told 12 h later: on day 2.5
                                          [ visit  ]  told on day 9.5
"""

from datetime import datetime, timedelta
from functools import cache
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import (
    FAR,
    STUDY,
    TREATED,
    Played,
    adverse,
    at,
    bundled,
    bundled_with,
    completed,
    infusion,
    lab,
    screened,
    taken_back,
    told,
    vital,
    withdrawn,
)

from safety_stream.alerting.facts_subject import unobserved_facts
from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.rulebook.schedule_rules import Schedule
from safety_stream.rulebook.tables import Book

DOSED = (screened(), infusion(1, 0, given=told(0)))
VISIT = {"name": "day-7", "day": 7, "days_before": 1, "days_after": 1, "needs": ["NEUT", "ALT"], "source": "test"}
LIMIT = {"text": "No blood count", "any_of": ["NEUT", "HGB"], "at_most": "48 h", "to_day": 7, "source": "test"}


@cache
def book(*parts: str) -> Book:
    """The bundled book with the blind time, the visit, or both."""
    says: dict[str, Any] = {"results_within": "12 h"}
    if "blind" in parts:
        says["blind"] = [{"name": "count", "tell": "told" in parts} | LIMIT]
    if "visit" in parts:
        says["visits"] = [VISIT]
    return bundled_with(schedule=Schedule.model_validate(says))


def counted(*days: float) -> list[SubjectEvent]:
    """A neutrophil count on each of these days."""
    return [lab("NEUT", day, "3.0") for day in days]


def blind(events: list[SubjectEvent], day: float, **also: str) -> list[tuple[float, float | None]]:
    """Times unobserved as of a day: from and to which day; None: still open."""
    played = Played(book=book("blind"))
    for one in [*DOSED, *events]:
        played.take(one, at(day))
    concluded = subject.conclude(played.whole(), played.book, at(day))
    assert played.findings == concluded.findings
    return [(_day(one.since), one.until and _day(one.until)) for one in played.of("unobserved", **also)]


def _day(instant: datetime) -> float:
    return round((instant - at(0)) / timedelta(days=1), 4)


BLIND: list[tuple[list[SubjectEvent], float, list[tuple[float, float | None]]]] = [
    ([], 2.4, []),  # the time that results may take is not over
    ([], 2.5, [(0, None)]),  # 48 h and 12 h after the infusion
    (counted(1), 3.4, []),
    (counted(1), 3.5, [(1, None)]),
    (counted(1, 2.9, 4.8, 6.5), 8, []),  # never 48 h
    (counted(1, 3, 4.8, 6.5), 8, [(1, 3)]),  # 48 h themselves
    (counted(1, 4), 5, [(1, 4)]),  # closed by the next count
    ([*counted(1, 4), lab("HGB", 2, "120")], 5, [(2, 4)]),  # the other measurement the limit names
    ([*counted(1, 4), lab("HGB", 2.5, "120")], 5, []),
    ([*counted(1, 4), lab("ALT", 2.5, "20")], 5, [(1, 4)]),  # not one that the limit names
    ([*counted(1, 4), lab("NEUT", 2.5, "Hello")], 5, [(1, 4)]),  # unreadable: no observation
    (counted(-1, 1, 2.5, 4, 5.5), 10, [(5.5, 7 + 2 / 3)]),  # the end of day 7 (16 h after 08:00) ends it
    (counted(1, 2.5, 4, 5.9), 30, []),  # 42 h to the end of day 7
    ([*counted(1), withdrawn(2)], 30, []),  # left before 48 h were over
    ([*counted(1), withdrawn(5)], 30, [(1, 5)]),  # to the departure
    ([*counted(1), completed(3)], 30, []),  # completed on day 3, which begins 40 h after the count
    ([*counted(1), completed(5)], 30, [(1, 5 - 1 / 3)]),  # to the beginning of the day of completion
    ([*counted(1), taken_back(completed(3))], 3.5, [(1, None)]),  # completed in error: expected as before
    ([*counted(1), adverse("Sepsis", 2, grade=5, outcome="fatal", resolved=at(2.5).isoformat())], 30, []),
    ([lab("NEUT", 1, "3.0", observed_at="2024-06-26"), *counted(4)], 5, []),  # a date alone: to its midnight
]  # fmt: skip


@pytest.mark.parametrize(("events", "day", "expected"), BLIND)
def test_hours_unobserved(events: list[SubjectEvent], day: float, expected: list[tuple[float, float | None]]) -> None:
    """From the infusion or the last count to the next one, told when the limit and the way of results are over."""
    assert blind(events, day) == [(round(a, 4), b and round(b, 4)) for a, b in expected]


def test_the_clock_raises_it_and_late_data_take_it_back() -> None:
    """Raised by the tick at the deadline; a result told late but observed in time takes it back; a later one closes."""
    played = Played(book=book("blind"))
    for event in (*DOSED, *counted(1)):
        done = played.take(event, event.reported_at)
    assert played.of("unobserved") == []
    assert done.deadline == at(3.5)
    done = played.take(None, at(3.5))
    assert [one.finding.kind for one in done.changes] == ["unobserved"]
    assert done.status is not None
    assert done.status.blind_since == {"count": at(1)}
    played.take(lab("NEUT", 2.5, "3.1"), at(3.6))
    assert played.of("unobserved") == []
    played.take(None, at(5))
    assert [one.state for one in played.of("unobserved")] == ["open"]
    done = played.take(lab("NEUT", 5.5, "3.1"), at(5.6))
    assert [(one.state, one.hours) for one in played.of("unobserved")] == [("closed", 72)]
    assert done.status is not None
    assert (done.status.blind_since, done.status.longest_blind_hours) == ({}, 72)


def test_what_was_known_then() -> None:
    """As of day 3 nothing was missed, though the count of day 6 shows today that 120 h went by."""
    record = Played([*DOSED, *counted(1, 6)], book=book("blind")).whole()
    then = subject.conclude(record, book("blind"), at(3))
    assert [one for one in then.findings.values() if one.kind == "unobserved"] == []
    assert then.deadline is not None
    assert then.deadline <= at(3.5)


def missing(events: list[SubjectEvent], day: float) -> list[tuple[str, tuple[str, ...]]]:
    """Visits with results missing as of a day."""
    played = Played(book=book("visit"))
    for one in [*DOSED, *events]:
        played.take(one, at(day))
    assert played.findings == subject.conclude(played.whole(), played.book, at(day)).findings
    return [(one.state, one.missing) for one in played.of("unobserved")]


VISITS: list[tuple[list[SubjectEvent], float, list[tuple[str, tuple[str, ...]]]]] = [
    ([], 9, []),  # day 8 ends 16 h after 08:00; 12 h more are allowed
    ([], 9.2, [("open", ("NEUT", "ALT"))]),
    ([lab("NEUT", 6, "3"), lab("ALT", 8, "20")], 30, []),  # the first and the last day of the visit
    ([lab("NEUT", 5.6, "3"), lab("ALT", 8, "20")], 30, [("open", ("NEUT",))]),  # 22:24 on day 5
    ([lab("NEUT", 7, "3"), lab("ALT", 9, "20")], 30, [("closed", ("ALT",))]),  # observed later
    ([lab("NEUT", 7, "3"), lab("ALT", 3, "20")], 30, [("open", ("ALT",))]),  # earlier does not count
    ([lab("NEUT", 7, "3"), lab("ALT", 7, "20", observed_at="2024-07-01")], 30, []),  # the date is enough
    ([lab("NEUT", 7, "3"), lab("ALT", 7, "20"), taken_back(lab("ALT", 7, "20"))], 30, [("open", ("ALT",))]),
    ([withdrawn(7)], 30, []),  # left before the last day of the visit
    ([completed(7)], 30, []),  # completed before it: nobody expects results after the end of the study
    ([completed(9)], 30, [("open", ("NEUT", "ALT"))]),  # completed after it: the visit was owed
    ([completed(9, "2024-07")], 30, []),  # some day of July: perhaps before the visit
    ([completed(7), taken_back(completed(7))], 30, [("open", ("NEUT", "ALT"))]),
]  # fmt: skip


@pytest.mark.parametrize(("events", "day", "expected"), VISITS)
def test_results_of_a_visit(
    events: list[SubjectEvent], day: float, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    """Owed on the days around the visit, both ends inside; missed when these and the way of results are over."""
    assert missing(events, day) == expected


def test_the_end_of_the_study_takes_back_what_was_missed_after_it() -> None:
    """Told on day 30 that the study ended on day 7: the visit that had been missed on day 9.2 is owed no longer."""
    played = Played(book=book("blind", "visit"))
    for event in (*DOSED, *counted(1, 2.5, 4, 5.5, 6.9)):
        played.take(event, event.reported_at)
    played.take(None, at(10))
    assert [one.name for one in played.of("unobserved")] == ["day-7"]
    done = played.take(completed(7), at(30))
    taken_back = [one.finding.kind for one in done.changes if one.change == "withdrawn"]
    assert taken_back == ["unobserved"]
    assert done.deadline is None or done.deadline > at(30)
    again = Played([*DOSED, completed(7), *counted(6.9, 1, 4, 5.5, 2.5)], book=book("blind", "visit"))
    assert again.of("unobserved") == []


def test_who_is_screened_again_after_a_completion_is_expected_again() -> None:
    """A completion before the consent of the running screening belongs to the course before it."""
    again = screened(-5).model_copy(update={"source": screened().source.model_copy(update={"id": "consent-2"})})
    played = Played([screened(-60), completed(-30), again, infusion(1, 0, given=told(0))], book=book("visit"))
    assert [one.name for one in played.of("unobserved")] == ["day-7"]


def test_nobody_is_missed_before_an_infusion() -> None:
    """Without a dose nothing is owed."""
    played = Played([screened(), *counted(-5)], book=book("blind", "visit"))
    assert played.of("unobserved") == []


def test_a_moved_infusion_moves_what_is_owed() -> None:
    """The infusion turns out to have been on day 3: the counts of days 1 and 2 are before it."""
    played = Played([*DOSED, *counted(1, 2, 3.5, 5, 6.5, 8, 9.5, 10.4)], book=book("blind"))
    assert played.of("unobserved") == []
    played.take(infusion(1, 3, version=2))
    assert played.of("unobserved") == []
    played.take(taken_back(counted(5)[0]))
    assert [(one.hours, one.state) for one in played.of("unobserved")] == [(72, "closed")]


def test_any_order_ends_the_same() -> None:
    """The infusion, counts and a visit's result of a subject who left, in every order."""
    before: list[SubjectEvent] = [screened(), withdrawn(20), completed(21)]
    events: list[SubjectEvent] = [infusion(1, 0), *counted(1, 4), lab("ALT", 7, "20")]
    parts = book("blind", "visit")
    first = Played([*before, *events], book=parts).findings
    for order in permutations(events):
        assert Played([*before, *order], book=parts).findings == first
    assert sorted(one.name for one in first.values() if one.kind == "unobserved") == ["count", "count", "day-7"]


EIGHTHS = st.integers(0, 80).map(lambda eighths: eighths / 8)
EVENTS = st.one_of(
    st.builds(lambda day, test: lab(test, day, "3.0"), EIGHTHS, st.sampled_from(["NEUT", "ALT"])),
    st.builds(lambda day: vital("TEMP", day, "36.8", "Cel"), st.integers(0, 10)),
    st.builds(lambda day, version: infusion(1, day, version=version), st.integers(0, 3), st.integers(1, 2)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENTS, max_size=10), st.integers(0, 12), st.integers(0, 100))
def test_time_alone_changes_nothing_before_the_deadline(events: list[SubjectEvent], day: int, hours: int) -> None:
    """Between an instant and the deadline announced for it nothing is raised, opened or closed."""
    parts = book("blind", "visit")
    record = Played([*DOSED, *events], book=parts).whole()
    first = subject.conclude(record, parts, at(day))
    later = at(day) + timedelta(hours=hours)
    if first.deadline is not None:
        later = min(later, first.deadline - timedelta(microseconds=1))
    assert subject.conclude(record, parts, later).findings == first.findings


@settings(max_examples=20, deadline=None)
@given(st.lists(EVENTS, max_size=10), st.randoms(use_true_random=False))
def test_any_order_and_duplication_and_any_ticks_end_the_same(events: list[SubjectEvent], chance: Any) -> None:
    """Shuffled, some told twice, the clock ticking in between, every page through JSON: day 12 finds the same."""
    parts = book("blind", "visit")
    played, again = Played(book=parts), Played(book=parts, stored=True)
    for one in (*DOSED, *events, None):
        played.take(one, at(12))
    shuffled = [*DOSED, *events, *(chance.choice(events) for _ in range(3 if events else 0))]
    chance.shuffle(shuffled)
    for number, event in enumerate(shuffled):
        again.take(event, at(number / 2))
        again.take(None, at(number / 2 + 0.3))
    again.take(None, at(12))
    assert again.findings == played.findings
    assert again.findings == subject.conclude(again.whole(), parts, at(12)).findings


def test_it_is_told_once_and_ends_when_somebody_had_looked() -> None:
    """One alert of routine urgency; silence when it closes; ended when it turns out that somebody had looked."""
    played = Played(book=book("blind", "told"))
    for event in (*DOSED, *counted(1)):
        played.take(event, event.reported_at)
    played.take(None, at(3.5))
    played.take(counted(4)[0], at(4.1))
    played.take(lab("NEUT", 2.5, "3.0"), at(4.2))
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "unobserved"]
    assert [(one.state, one.urgency, one.decision.reason) for one in alerts] == [
        ("raised", "info", "new"),
        ("ended", "info", "observed"),
    ]


def _alerts(played: Played) -> list[tuple[str, str, str]]:
    alerts = [alert for change in played.changes for alert in revise(change) if alert.type == "unobserved"]
    return [(one.state, one.decision.action, one.decision.reason) for one in alerts]


def test_without_being_asked_nobody_is_mailed() -> None:
    """Where the protocol does not say "tell", both are held as recorded: in the digest and on the lists."""
    played = Played(book=book("blind", "visit"))
    for event in (*DOSED, *counted(1)):
        played.take(event, event.reported_at)
    played.take(None, at(10))
    assert _alerts(played) == [("raised", "hold", "recorded")] * 2


@pytest.mark.parametrize(("day", "mails"), [(3.5, []), (3.6, [("raised", "send", "new")])])
def test_a_count_before_it_was_time_to_ask_is_no_mail(day: float, mails: list[tuple[str, str, str]]) -> None:
    """48 h and 12 h for results: who was counted after 60 h was counted before anybody would have asked."""
    played = Played(book=book("blind", "told"))
    for event in (*DOSED, *counted(1, day, 5, 6.5)):
        played.take(event, event.reported_at)
    assert len(played.of("unobserved", state="closed")) == 1
    assert [one for one in _alerts(played) if one[1] == "send"] == mails


def test_the_bundled_schedule_is_an_example_and_says_so_everywhere() -> None:
    """T44 in the reasons, the finding and the facts of an alert; a missing visit and missing signs mail nobody."""
    played = Played([*TREATED, *counted(1)])
    found = played.of("unobserved")
    assert {one.name: one.tell for one in found if one.what == "blind_time"} == {
        "blood-count": True,
        "vital-signs": False,
    }
    assert {one.tell for one in found if one.what == "missing_results"} == {False}
    for one in found:
        assert one.example
        assert "T44: example schedule, to be signed by the sponsor" in one.evidence.reasons
        assert ("Standing of the rule", "an example that the sponsor has not signed") in list(unobserved_facts(one))


def test_the_bundled_limits_leave_a_usual_site_alone() -> None:
    """Twice a week counted, every second day seen, all visits with their results: nothing is missing, nobody is asked.

    The days of a usual site: counts on days 0, 3, 7, 10, 14 ..., signs on even days, an hour to and fro.
    """
    weeks = [1, 2, 3, 4, 5, 6, 8, 12, 16, 20, 24, 36, 52]
    panel = ("NEUT", "HGB", "PLAT", "WBC", "LYM", "ALT", "AST", "BILI", "ALP", "CREAT")
    seen: list[SubjectEvent] = [lab(test, 7 * week, "20") for week in weeks for test in panel]
    seen += [lab("NEUT", 7 * week + day, "3.0") for week in range(5) for day in (0.04, 3)]
    seen += [vital("TEMP", day + (0.04 if day % 4 else 0), "36.8", "Cel") for day in range(0, 20, 2)]
    assert Played([*TREATED, *seen]).of("unobserved") == []


def test_an_unwritten_or_unjudged_schedule_asks_for_nothing() -> None:
    """Written down and not judged: nothing is concluded; nor where nothing is written."""
    (written,) = {one.schedule for one in bundled().protocols[STUDY].versions}
    assert written is not None
    for schedule in (written.model_copy(update={"judged": False}), None):
        played = Played([*DOSED, *counted(1)], book=bundled_with(schedule=schedule))
        assert played.of("unobserved") == []
        assert subject.conclude(played.whole(), played.book, FAR).status.blind_since == {}
