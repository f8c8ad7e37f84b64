"""Times, case by case: tests/clinical/times.csv says for each what a clinician expects, and why.

Its expectations were worked out apart from the code, in UTC, with each zone's changes of clock as they are published.
"""

import csv
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from stories import (
    STUDY,
    SUBJECT,
    TREATED,
    Played,
    adverse,
    at,
    bundled,
    bundled_with,
    infusion,
    lab,
    screened,
    without_schedule,
)

from safety_stream.clinical import subject
from safety_stream.clinical.dlt_windows import in_window
from safety_stream.clinical.events import AdverseEvent, LabResult
from safety_stream.clinical.frame import Frame, frame_of
from safety_stream.clinical.memory import remember_fact
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.record import Header
from safety_stream.intake import Rejected, read
from safety_stream.intake.native import write
from safety_stream.rulebook.dlt_rules import Window
from safety_stream.rulebook.protocol import Protocol

HERE = Path(__file__).parent
Row = dict[str, str]


def _rows(name: str) -> list[Row]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


TIMES, REFUSED, CLOCKS = _rows("times.csv"), _rows("times_refused.csv"), _rows("times_clocks.csv")
_LATE = "2029-01-01T00:00:00+08:00"
_INSIDE = {True: "yes", False: "no", None: "maybe"}


@cache
def _protocol(zone: str) -> Protocol:
    """The bundled protocol in another zone."""
    return bundled_with(zone=zone).protocols[STUDY]


def _frame(row: Row) -> Frame:
    """The frame of a subject with one infusion, in a study of that zone."""
    given = infusion(1, 0, given=row["infusion"])
    header = remember_fact(remember_fact(Header(STUDY, SUBJECT), screened()).page, given).page
    return frame_of(STUDY, SUBJECT, header.facts, _protocol(row["zone"]))


def _line(row: Row) -> str:
    return f"{row['zone']}: infusion {row['infusion']}, event {row['event']} ({row['why']})"


def test_the_table_is_long_enough() -> None:
    """At least two hundred cases, none of them twice; nine zones, four of them with changes of clock or odd offsets."""
    assert len(TIMES) >= 200
    assert len({(row["zone"], row["infusion"], row["event"]) for row in TIMES}) == len(TIMES)
    assert len({row["zone"] for row in TIMES}) >= 9
    assert all(row["why"] for row in [*TIMES, *REFUSED])


@pytest.mark.parametrize("zone", sorted({row["zone"] for row in TIMES}))
def test_the_day_of_the_study(zone: str) -> None:
    """Day 0 is the date of the infusion in the study's zone, whatever zone the sender writes in."""
    for row in TIMES:
        if row["zone"] == zone:
            day = _frame(row).study_day(Moment(row["event"]))
            assert ("unknown" if day is None else str(day)) == row["study_day"], _line(row)


@pytest.mark.parametrize("zone", sorted({row["zone"] for row in TIMES}))
def test_inside_the_window(zone: str) -> None:
    """Within 28 calendar days of the infusion and not before it: yes, no, or not to be known."""
    for row in TIMES:
        if row["zone"] == zone:
            held = in_window(_frame(row), Moment(row["event"]), Window(days=28, anchor="each_infusion"))
            assert _INSIDE[held.inside] == row["inside_28_days"], _line(row)


@pytest.mark.parametrize("zone", sorted({row["zone"] for row in TIMES}))
def test_the_order_of_infusion_and_event(zone: str) -> None:
    """Before, after, the same instant, or not to be known because a date alone was told."""
    for row in TIMES:
        if row["zone"] == zone:
            (first, last), (early, late) = (Moment(row[name]).bounds(ZoneInfo(zone)) for name in ("infusion", "event"))
            order = "before" if late < first else "after" if early > last else "unknown"
            order = "same" if first == last == early == late else order
            assert order == row["order"], _line(row)
            treated = _frame(row).treated_before(early, late)
            if order != "same":
                assert treated is {"before": False, "after": True, "unknown": None}[order], _line(row)


def test_the_hours_between_instants() -> None:
    """Durations count real hours: a day with a change of clocks has 23, 25, 23.5 or 24.5 of them."""
    for row in TIMES:
        if row["hours_after"]:
            zone = ZoneInfo(row["zone"])
            between = Moment(row["event"]).earliest(zone) - Moment(row["infusion"]).earliest(zone)
            assert between / timedelta(hours=1) == pytest.approx(float(row["hours_after"]), abs=1e-6), _line(row)


@pytest.mark.parametrize("zone", sorted({row["zone"] for row in TIMES}))
def test_the_whole_judgement_goes_by_the_table(zone: str) -> None:
    """In a study of each zone: a grade 4 release limits the dose, may, or does not, just as the table says."""
    for row in TIMES:
        if row["zone"] == zone:
            report = adverse("Cytokine release syndrome", 0, grade=4, onset=row["event"], reported=_LATE)
            book = bundled() if zone == "Asia/Shanghai" else bundled_with(zone=zone)
            played = Played([screened(), infusion(1, 0, given=row["infusion"]), report], book=book)
            states = [one.state for one in played.of("dose_limiting_toxicity", rule="crs-4")]
            assert states == {"yes": ["candidate"], "maybe": ["possible"], "no": []}[row["inside_28_days"]], _line(row)


@pytest.mark.parametrize("row", CLOCKS, ids=lambda row: f"{row['told']}: {row['why']}")
def test_clocks_that_disagree_go_through_the_whole_core(row: Row) -> None:
    """From the message's bytes to findings, status and deadline: the receiver's clock decides nothing but what is over.

    times_clocks.csv: when it happened, was reported, was received, and where the receiver's clock stood before.
    """
    played = Played()
    for event in TREATED:
        played.take(event, event.reported_at)
    played.take(None, _instant(row["clock_before"]))
    (told,) = read(None, write(_happened(row)))
    assert isinstance(told, LabResult | AdverseEvent)
    played.take(told, _instant(row["received"]))
    asked = [one.code for one in played.of("data_query") if one.code.endswith(("_reported", "_report"))]
    assert asked == ([row["asked"]] if row["asked"] else [])
    found = played.of("toxicity" if row["told"] == "result" else "dose_limiting_toxicity")
    said = [f"grade {one.peak.lowest}" if one.kind == "toxicity" else one.state for one in found] or ["no DLT"]
    assert row["concluded"] in said
    header = played.record.header
    assert header.status is not None
    assert header.status.phase == row["phase"]
    clock = max(TREATED[-1].reported_at, _instant(row["clock_before"]), _instant(row["received"]))  # it never goes back
    concluded = subject.conclude(played.whole(), played.book, clock)
    assert (played.findings, header.deadline) == (concluded.findings, concluded.deadline)


def _happened(row: Row) -> LabResult | AdverseEvent:
    happened, reported = row["happened"], _instant(row["reported"])
    if row["told"] == "result":
        return lab("NEUT", 9, "0.30", observed_at=happened, reported=reported)
    return adverse("Cytokine release syndrome", 9, grade=4, onset=happened, reported=reported)


def _instant(told: str) -> datetime:
    return datetime.fromisoformat(told)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row['told']}: {row['why']}")
def test_what_is_no_time_is_refused(row: Row) -> None:
    """An impossible or loose time is an error, and the message that holds it is rejected with its field named."""
    with pytest.raises(ValueError, match=r".+"):
        Moment(row["told"])
    line = write(lab("NEUT", 1, "1.5")).replace(b"2024-06-25T08:00:00+08:00", row["told"].encode())
    (refused,) = read(None, line)
    assert isinstance(refused, Rejected)
    assert "observed_at" in refused.detail


def test_received_before_observed_is_asked_about_and_graded_all_the_same() -> None:
    """A specimen that is later than its report has a wrong clock somewhere: a question, and the grade stands."""
    told = lab("NEUT", 9, "0.30", reported="2024-07-03T06:00:00+08:00")
    played = Played([screened(), infusion(1, 0), told])
    assert played.one("data_query", code="observed_after_reported")
    assert played.one("toxicity").peak.lowest == 4


def test_an_event_reported_before_its_onset_is_asked_about() -> None:
    """The same for an adverse event: asked about, never dropped."""
    told = adverse("Nausea", 9, grade=2, reported="2024-07-03T06:00:00+08:00")
    played = Played([screened(), infusion(1, 0), told])
    assert played.one("data_query", code="onset_after_report")
    assert played.one("reported_event").grade == 2


def test_a_clock_that_goes_backwards_opens_no_window_again() -> None:
    """After the window has closed an event with an earlier clock does not open it; nothing else changes either."""
    played = Played(book=without_schedule())
    for event in TREATED:
        played.take(event, at(15))
    played.take(None, at(43))
    assert played.record.header.status is not None
    assert played.record.header.status.phase == "completed_window"
    played.take(lab("K", 20, "4.4"), at(20))
    played.take(adverse("Nausea", 20, grade=1), at(20, 1))
    assert played.record.header.status.phase == "completed_window"
    assert played.record.header.status.evaluable is True


def test_a_window_closes_at_midnight_of_the_study_and_not_before() -> None:
    """The last second of day 42 is inside; the first of day 43, midnight in Shanghai, is not; a deadline says so."""
    played = Played(book=without_schedule())
    for event in TREATED:
        played.take(event, at(15))
    assert played.record.header.deadline == at(43, 0)
    for second, phase in ((-1, "in_window"), (0, "completed_window")):
        played.take(None, at(43, 0) + timedelta(seconds=second))
        assert played.record.header.status is not None
        assert played.record.header.status.phase == phase
    assert bundled().protocols[STUDY].versions[0].zone == "Asia/Shanghai"
