"""The reporting clocks (T15): 24 h from the first report that says serious; SUSAR 7 and 15 calendar days from day 0.

Times by hand; the study's zone is Asia/Shanghai (UTC+8). 16:00 there on day 9 is 2024-07-03T08:00Z.
"""

import re
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import FAR, TREATED, Played, adverse, at, taken_back

from safety_stream.alerting.load_words import read_words
from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import AdverseEvent, SubjectEvent
from safety_stream.clinical.reporting import case_of
from safety_stream.clinical.versions import settle_report

AWARE = at(9, 16)


def sae(version: int = 1, reported: datetime = AWARE, **more: Any) -> AdverseEvent:
    """A pneumonia that brought the subject to hospital."""
    facts: dict[str, Any] = {"grade": 3, "seriousness": ["hospitalization"], "attribution": "possible"}
    return adverse("Lung infection", 9, version=version, reported=reported, record="ae", **(facts | more))


def clocks(as_of: datetime, *events: SubjectEvent) -> dict[str, tuple[str, datetime]]:
    """State and limit of every clock as of an instant."""
    played = Played()
    for event in (*TREATED, *events):
        played.take(event, as_of)
    concluded = subject.conclude(played.whole(), played.book, as_of)
    assert played.findings == concluded.findings
    return {one.clock: (one.state, one.due) for one in played.of("reporting_due")}


@pytest.mark.parametrize(
    ("hours", "state"),
    [(0, "running"), (19.99, "running"), (20, "due_soon"), (23, "due_soon"), (23.99, "due_soon"), (24, "overdue")],
)
def test_24_hours_from_awareness(hours: float, state: str) -> None:
    """Warned from 20 h on, overdue from 24 h on."""
    played = Played()
    for event in TREATED:
        played.take(event, AWARE)
    played.take(sae(), AWARE + timedelta(hours=hours))
    (one,) = played.of("reporting_due")
    assert (one.state, one.due) == (state, AWARE + timedelta(hours=24))


def test_people_are_told_at_20_and_23_hours_and_when_it_is_overdue_by_the_clock_alone() -> None:
    """The engine ticks at each deadline it was given: three mails, at the hours of the contract, then silence."""
    played = Played()
    for event in (*TREATED, sae()):
        deadline = played.take(event, AWARE).deadline
    told = []
    while deadline is not None and deadline < at(20):
        done = played.take(None, deadline)
        told += [((alert.as_of - AWARE) / timedelta(hours=1), alert.decision.reason)
                 for change in done.changes for alert in revise(change) if alert.type == "sae_clock"]  # fmt: skip
        deadline = done.deadline
    assert told == [(20, "new"), (23, "worse"), (24, "worse")]


def test_a_report_that_was_sent_stops_the_clock_and_says_whether_in_time() -> None:
    """Received after 23 h 59 min: met; a minute after the limit: met late; who was warned is told."""
    for minutes, state in ((23 * 60 + 59, "met"), (24 * 60, "met"), (24 * 60 + 1, "met_late")):
        sent = AWARE + timedelta(minutes=minutes)
        found = clocks(at(15), sae(), sae(2, at(11), reported_to_sponsor_at=sent.isoformat()))
        assert found["sae_to_sponsor"][0] == state, minutes


def test_awareness_is_the_first_report_that_says_serious() -> None:
    """Reported at first as not serious, ten days later as serious: 24 hours from then, whatever came first."""
    first, second = sae(seriousness=[]), sae(2, at(19))
    assert clocks(at(40), first, second)["sae_to_sponsor"][1] == at(20)
    assert clocks(at(40), second, first)["sae_to_sponsor"][1] == at(20)
    assert clocks(at(40), first) == {}


def test_a_downgrade_closes_the_clock_with_its_reason() -> None:
    """No longer told as serious: closed, not vanished."""
    played = Played([*TREATED, sae(), sae(2, at(9, 20), seriousness=[])])
    (one,) = played.of("reporting_due")
    assert one.state == "closed"
    assert "closed: it is no longer told as serious" in one.evidence.reasons
    played.take(taken_back(sae(), 3))
    assert played.of("reporting_due") == []


def susar(version: int = 1, reported: datetime = AWARE, **more: Any) -> AdverseEvent:
    """The same, unexpected by the reference safety information, with the sponsor on the day after."""
    return sae(version, reported, **({"expected": False, "reported_to_sponsor_at": at(10, 10).isoformat()} | more))


def test_no_susar_clock_before_somebody_judged_expectedness_and_causality() -> None:
    """Not told, expected, or suspected by neither: no clock; suspected by the sponsor alone is enough."""
    for facts in ({"expected": None}, {"expected": True}, {"attribution": "unrelated"}, {"attribution": "unknown"}):
        assert set(clocks(at(20), susar(**facts))) == {"sae_to_sponsor"}, facts
    found = clocks(at(20), susar(attribution="unrelated", sponsor_attribution="possible"))
    assert set(found) == {"sae_to_sponsor", "susar_15_days"}


def test_fifteen_and_seven_calendar_days_in_the_zone_of_the_study() -> None:
    """Day 0 is 4 July 2024 in Shanghai: the ends of 19 July (15 days) and of 11 July (7 days), which is 16:00 UTC."""
    assert clocks(at(20), susar())["susar_15_days"] == ("running", datetime(2024, 7, 19, 16, tzinfo=UTC))
    fatal = clocks(at(20), susar(outcome="fatal", grade=5))
    assert fatal["susar_7_days"] == ("overdue", datetime(2024, 7, 11, 16, tzinfo=UTC))
    assert "susar_15_days" not in fatal


def test_an_upgrade_opens_seven_days_from_the_new_knowledge() -> None:
    """Hospitalised, dead on day 14 (8 July): the end of 15 July; the 15 days of the first report go on beside it."""
    found = clocks(at(15), susar(), susar(2, at(14, 12), outcome="fatal", grade=5))
    assert found["susar_7_days"] == ("running", datetime(2024, 7, 15, 16, tzinfo=UTC))
    assert found["susar_15_days"] == ("running", datetime(2024, 7, 19, 16, tzinfo=UTC))
    back = clocks(at(15), susar(), susar(2, at(14, 12), outcome="fatal", grade=5), susar(3, at(14, 18)))
    assert back["susar_7_days"][0] == "closed"


GRAVE: dict[str, Any] = {"seriousness": ["life-threatening"], "grade": 4}


def test_a_susar_that_is_grave_no_more_is_due_in_fifteen_days() -> None:
    """Life-threatening at first, then a hospital stay alone: day 0 stays 4 July, so the end of 19 July.

    21 CFR 312.32(c)(1): 15 days for what is serious, unexpected and suspected; (c)(2): 7 for what threatens life.
    """
    fifteen = datetime(2024, 7, 19, 16, tzinfo=UTC)
    milder = clocks(at(20), susar(**GRAVE), susar(2, at(11)))
    assert (milder["susar_7_days"][0], milder["susar_15_days"]) == ("closed", ("running", fifteen))
    never_both = clocks(at(20), susar(expected=None, **GRAVE), susar(2, at(11), expected=None), susar(3, at(12)))
    assert never_both["susar_15_days"][0] == "running"
    graver_again = clocks(at(11, 9), susar(**GRAVE), susar(2, at(11)), susar(3, at(11, 9), **GRAVE))
    assert (graver_again["susar_7_days"][0], "susar_15_days" in graver_again) == ("running", False)


def test_what_was_reported_as_grave_owes_no_second_report_as_milder() -> None:
    """Sent on day 11 within the 7 days: met, and no clock of 15 days beside it."""
    sent = {"reported_to_authority_at": at(11).isoformat()}
    found = clocks(at(40), susar(**GRAVE), susar(2, at(12), **GRAVE, **sent), susar(3, at(13), **sent))
    assert (found["susar_7_days"][0], "susar_15_days" in found) == ("met", False)
    assert clocks(at(40), susar(**GRAVE), susar(2, at(13)))["susar_15_days"][0] == "overdue"


def test_the_authority_was_told_before_the_upgrade() -> None:
    """A report of day 12 meets the 15 days; the death of day 14 needs another one."""
    sent = {"reported_to_authority_at": at(12).isoformat()}
    found = clocks(at(15), susar(), susar(2, at(14, 12), outcome="fatal", grade=5, **sent))
    assert (found["susar_15_days"][0], found["susar_7_days"][0]) == ("met", "running")


def test_a_clock_starts_when_the_case_first_qualified() -> None:
    """Serious and unrelated on day 9, suspected on day 25, 19 July: 15 days from then, the end of 3 August.

    ICH E2A III.B and 21 CFR 312.32(c): from the sponsor's first knowledge that the case qualifies, which needs serious,
    unexpected and suspected. So it is with expectedness judged on day 25.
    """
    for before in ({"attribution": "unrelated"}, {"expected": None}):
        told = susar(**before), susar(2, at(25, 10))
        assert clocks(at(25, 11), *told)["susar_15_days"] == ("running", datetime(2024, 8, 3, 16, tzinfo=UTC))
        dead = susar(3, at(27, 10), outcome="fatal", grade=5)  # day 27 is 21 July: the end of 28 July
        assert clocks(at(28), *told, dead)["susar_7_days"] == ("running", datetime(2024, 7, 28, 16, tzinfo=UTC))


def test_a_judgement_entered_after_its_report_was_sent_does_not_ask_for_another_one() -> None:
    """Suspected by a version of day 25 that tells of an expedited report of day 12: whoever sent it knew it then."""
    sent = {"reported_to_authority_at": at(12).isoformat()}
    found = clocks(at(40), susar(attribution="unknown", expected=None), susar(2, at(25, 10), **sent))
    assert found["susar_15_days"] == ("met", datetime(2024, 7, 21, 16, tzinfo=UTC))  # day 0 is 6 July


def test_what_is_sent_later_never_makes_the_first_report_late() -> None:
    """Sponsor on day 10, authority on day 13; a follow-up to both on day 26, or the report of a death of day 25.

    Day 0 stays day 10. The death has 7 days of its own, to the end of 26 July (day 32): a report of day 27 meets them.
    """
    first = susar(reported_to_authority_at=at(13).isoformat())
    follow_up = {"reported_to_authority_at": at(26).isoformat(), "reported_to_sponsor_at": at(26).isoformat()}
    found = clocks(at(27), first, susar(2, at(26), **follow_up))
    assert found == clocks(at(27), first)
    assert {clock: state for clock, (state, _) in found.items()} == {"sae_to_sponsor": "met", "susar_15_days": "met"}
    death = susar(2, at(25), outcome="fatal", grade=5, reported_to_authority_at=at(27).isoformat())
    found = clocks(at(28), first, death)
    assert found["susar_15_days"] == ("met", datetime(2024, 7, 19, 16, tzinfo=UTC))
    assert found["susar_7_days"] == ("met", datetime(2024, 7, 26, 16, tzinfo=UTC))


def test_a_report_to_the_sponsor_from_before_it_was_serious_is_none_of_it_as_serious() -> None:
    """Told to the sponsor on day 10 as not serious; serious on day 19: 24 hours from then (T15), met on day 19, 20:00.

    A sponsor who was called an hour before the first report was entered was told in time.
    """
    first, second = sae(seriousness=[], reported_to_sponsor_at=at(10)), sae(2, at(19), reported_to_sponsor_at=at(10))
    assert clocks(at(19, 12), first, second)["sae_to_sponsor"] == ("running", at(20))
    third = sae(3, at(20), reported_to_sponsor_at=at(19, 20))
    assert clocks(at(40), first, second, third)["sae_to_sponsor"] == ("met", at(20))
    called = sae(reported_to_sponsor_at=AWARE - timedelta(hours=1))
    assert clocks(at(15), called)["sae_to_sponsor"][0] == "met"


def test_a_page_of_an_earlier_format_keeps_its_clocks() -> None:
    """Such a page does not tell since when the case qualified, nor any instant but those of the standing report."""
    held = Played(TREATED).record.frame
    assert held is not None
    fact = settle_report(None, susar(reported_to_authority_at=at(12)))
    older = fact._replace(blamed=(), to_sponsor=(), to_authority=())
    case = case_of(fact, held.frame)
    assert case is not None
    assert case.susar is not None
    assert case.susar.sent == at(12)
    assert case_of(older, held.frame) == case


def test_any_order_of_the_versions_ends_the_same() -> None:
    """Not suspected, suspected, upgraded and sent, followed up: in every order."""
    versions = [
        susar(attribution="unrelated"), susar(2, at(12)),
        susar(3, at(14, 12), outcome="fatal", reported_to_authority_at=at(15)),
        susar(4, at(16), outcome="fatal", reported_to_authority_at=at(17), reported_to_sponsor_at=at(17)),
    ]  # fmt: skip
    expected = clocks(at(20), *versions)
    assert {clock: state for clock, (state, _) in expected.items()} == {
        "sae_to_sponsor": "met", "susar_15_days": "met", "susar_7_days": "met"
    }  # fmt: skip
    for order in permutations(versions):
        assert clocks(at(20), *order) == expected


VERSIONS = st.builds(
    susar, st.integers(1, 3), st.sampled_from([at(9, 16), at(10), at(12), at(13)]),
    outcome=st.sampled_from(["unknown", "fatal"]), expected=st.sampled_from([None, False, True]),
    seriousness=st.sampled_from([[], ["hospitalization"], ["life-threatening"]]),
    reported_to_sponsor_at=st.sampled_from([None, at(10).isoformat(), at(12).isoformat()]),
    reported_to_authority_at=st.sampled_from([None, at(11).isoformat(), at(14).isoformat()]),
    attribution=st.sampled_from(["unrelated", "possible", "unknown"]),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(VERSIONS, min_size=1, max_size=4))
def test_stepping_at_each_deadline_is_concluding_afresh_then(versions: list[SubjectEvent]) -> None:
    """At every deadline given, and just before it, what stands is what the facts alone say as of then."""
    played = Played()
    for event in (*TREATED, *versions):
        deadline = played.take(event, at(14)).deadline
    while deadline is not None:
        assert deadline > (played.record.header.concluded_to or at(0))
        before = subject.conclude(played.whole(), played.book, deadline - timedelta(seconds=1))
        assert played.findings == before.findings
        assert before.deadline == deadline
        done = played.take(None, deadline)
        assert played.findings == subject.conclude(played.whole(), played.book, deadline).findings
        deadline = done.deadline
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings


SENT: dict[str, Any] = {"reported_to_authority_at": at(12).isoformat()}
OTHERWISE = [
    ({"attribution": "unrelated"}, "closed: it is no longer suspected: by the investigator unrelated"),
    ({"attribution": "unlikely", "sponsor_attribution": "unrelated"},
     "closed: it is no longer suspected: by the investigator unlikely, by the sponsor unrelated"),
    ({"expected": True}, "closed: it is told as expected now"),
    ({"seriousness": []}, "closed: it is no longer told as serious"),
]  # fmt: skip


@pytest.mark.parametrize(("judged", "reason"), OTHERWISE)
def test_a_susar_that_is_judged_otherwise_is_closed_with_its_reason(judged: dict[str, Any], reason: str) -> None:
    """Known on day 10, judged otherwise on day 11: closed, not vanished; judged back on day 13: the same 15 days.

    The sponsor knew on day 10 that it qualified: day 0 stays 4 July, the limit the end of 19 July, in any order.
    """
    versions = [susar(), susar(2, at(11), **judged), susar(3, at(13))]
    fifteen = datetime(2024, 7, 19, 16, tzinfo=UTC)
    for order in permutations(versions[:2]):
        assert clocks(at(20), *order)["susar_15_days"] == ("closed", fifteen)
    assert reason in Played([*TREATED, *versions[:2]]).one("reporting_due", clock="susar_15_days").evidence.reasons
    for order in permutations(versions):
        assert clocks(at(20), *order)["susar_15_days"] == ("running", fifteen)


@pytest.mark.parametrize(("judged", "reason"), OTHERWISE)
def test_a_report_that_was_sent_stays_on_record_whatever_is_judged_later(judged: dict[str, Any], reason: str) -> None:
    """Sent on day 12, judged otherwise on day 13: met, with the instant at which it was sent."""
    later = [*TREATED, susar(**SENT), susar(2, at(13), **SENT, **judged)]
    kept = Played(later).one("reporting_due", clock="susar_15_days")
    assert (kept.state, kept.done) == ("met", at(12))
    assert reason not in kept.evidence.reasons


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"attribution": "unknown"}),
        ({}, {"expected": None}),
        ({"attribution": "unrelated", "sponsor_attribution": "possible"}, {"attribution": "unrelated"}),
    ],
)
def test_a_judgement_that_is_told_no_more_closes_no_clock(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Nobody has judged it otherwise: an attribution that is not assessable any more, or left out, is no acquittal."""
    assert clocks(at(20), susar(**first), susar(2, at(11), **second))["susar_15_days"][0] == "running"


def test_who_was_warned_hears_why_the_clock_is_closed_and_hears_of_it_again_if_it_runs_on() -> None:
    """Due at the end of 19 July (day 25). Warned 48 h before; unrelated on day 24; suspected on day 26: overdue."""
    played = Played()
    for event in (*TREATED, susar()):
        played.take(event, AWARE)
    told = [alert for change in played.take(None, at(24)).changes for alert in revise(change)]
    (warned,) = [alert for alert in told if alert.type == "sae_clock" and "SUSAR" in alert.headline]
    closing = susar(2, at(24, 12), attribution="unrelated")
    (over,) = [alert for change in played.take(closing, at(24, 12)).changes for alert in revise(change)
               if alert.id == warned.id]  # fmt: skip
    assert (over.state, over.decision.action, over.decision.reason) == ("ended", "send", "clock_closed")
    assert over.headline == "CLOSED: 15-day SUSAR report to the authority: Lung infection, due 2024-07-19 16:00 UTC"
    assert dict(over.facts)["Why"].startswith(
        "the report is not due any more; closed: it is no longer suspected: by the investigator unrelated; "
    )
    assert re.findall("[a-z]{4,}", read_words()["zh"].value(dict(over.facts)["Why"])) == ["test"]  # the record
    (again,) = [alert for change in played.take(susar(3, at(26)), at(26)).changes for alert in revise(change)
                if alert.id == warned.id]  # fmt: skip
    assert (again.state, again.headline.split(":")[0]) == ("raised", "OVERDUE")
