"""ALT or AST above 3 x ULN with symptoms (FDA guidance on drug-induced liver injury, 2009; reading T43).

The stories' laboratory: ULN 40 U/L for ALT, so 121 is above 3 x ULN. ALT is 30 on day 6, 160 on days 8 and 12, 30 on
day 15: the rise is known from day 8 to 12 and possible from 6 to 15.
"""

from itertools import permutations
from typing import Any

import pytest
from stories import FAR, TREATED, Played, adverse, at, lab, taken_back, told

from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent

RISE = (lab("ALT", 6, "30"), lab("ALT", 8, "160"), lab("ALT", 12, "160"), lab("ALT", 15, "30"))


def event(term: str, first: float, last: float | None = None, **more: Any) -> SubjectEvent:
    """An adverse event from one day to another; None: it is not told to be over."""
    over: dict[str, Any] = {"resolved": told(last), "outcome": "recovered"} if last is not None else {}
    return adverse(term, first, grade=1, **over, **more)


def state(*events: SubjectEvent) -> str | None:
    """Whether the criterion is met: sure, possible, or not at all."""
    played = Played([*TREATED, *events])
    assert played.findings == subject.conclude(played.whole(), played.book, FAR).findings
    found = played.of("composite", composite="liver-stop-3x-symptoms")
    return found[0].state if found else None


CASES = [
    (RISE, None),  # no symptom
    ((*RISE, event("Nausea", 9, 10)), "sure"),  # within the rise
    ((*RISE, event("Nausea", 4, 8)), "sure"),  # over at the first sample above
    ((*RISE, event("Nausea", 12, 20)), "sure"),  # begins at the last sample above
    ((*RISE, event("Vomiting", 3, 7)), "possible"),  # over between the samples of day 6 and 8
    ((*RISE, event("Fever", 13, 14)), "possible"),  # between the samples of day 12 and 15
    ((*RISE, event("Nausea", 2, 5)), None),  # over before the last normal sample
    ((*RISE, event("Nausea", 16, 18)), None),
    ((*RISE, event("Fatigue", 2)), "sure"),  # not told to be over
    ((*RISE, event("Fatigue", -8)), None),  # began before the first treatment: no appearance
    ((*RISE, event("Headache", 9, 10)), None),  # not in the list
    ((*RISE, adverse("Nausea", 9, grade=1, onset=None)), "possible"),  # nobody told when it began
    ((*RISE, adverse("Nausea", 9, grade=1, onset="2024-07", resolved=told(9))), "possible"),  # July begins on day 7
    ((*RISE, adverse("Nausea", 2, grade=1, outcome="recovered")), "possible"),  # over, nobody told when
    ((*RISE, lab("EOSLE", 9, "5.1")), "sure"),
    ((*RISE, lab("EOSLE", 9, "5.0")), None),  # 5 % itself is not above it
    ((*RISE, lab("EOSLE", 14, "9")), "possible"),
    ((lab("ALT", 8, "121"), event("Nausea", 8, 9)), "sure"),  # one sample above
    ((lab("ALT", 8, "120"), event("Nausea", 8, 9)), None),  # 3 x ULN itself is not above it
    ((lab("ALT", 8, ">100"), event("Nausea", 8, 9)), "possible"),
    ((lab("ALT", 8, "160"), event("Nausea", 20, 21)), "possible"),  # 12 days later, and nobody looked again
    ((lab("ALT", 8, "160"), event("Nausea", 23, 24)), None),  # more than 14 days after the last sample
]


@pytest.mark.parametrize(("events", "expected"), CASES)
def test_symptoms_at_the_time_of_the_rise(events: tuple[SubjectEvent, ...], expected: str | None) -> None:
    """A known overlap is sure; one between samples, or with dates not known, is possible; else there is none."""
    assert state(*events) == expected


@pytest.mark.parametrize(
    ("baseline", "later", "expected"),
    [
        ("130", "130", None),  # 3.25 x ULN before and after: unchanged
        ("130", "260", None),  # twice the baseline itself is not above it
        ("130", "260.1", "sure"),
        ("60", "121", "sure"),  # a baseline of 1.5 x ULN: 3 x ULN is twice that already
        ("70", "130", None),  # 1.75 x ULN: 1.86 x the baseline
        ("40", "121", "sure"),  # a normal baseline
        (">100", "121", None),  # twice the baseline is above 200
        (">100", "250", "possible"),  # and nobody knows how far
        (None, "121", "sure"),  # a baseline that is not known takes nothing away
    ],
)
def test_where_the_baseline_was_raised_it_must_be_above_twice_that_too(
    baseline: str | None, later: str, expected: str | None
) -> None:
    """T46, with nausea between two such results: in either order of what is told."""
    before = [lab("ALT", -10, baseline)] if baseline else []
    told_ = [*before, lab("ALT", 8, later), lab("ALT", 11, later), event("Nausea", 9, 10)]
    assert state(*told_) == state(*reversed(told_)) == expected


def test_a_raised_baseline_is_no_excuse_beside_bilirubin() -> None:
    """3.25 x ULN as before, and bilirubin of 3 x ULN: stop, and Hy's law, by the ULN as published."""
    told_ = [lab("ALT", -10, "130"), lab("ALT", 8, "130"), lab("BILI", 8, "60"), lab("ALP", 8, "60")]
    found = Played([*TREATED, *told_]).of("composite")
    assert {one.composite for one in found} == {"hys-law", "liver-stop-3x-bilirubin"}


def test_any_order_ends_the_same() -> None:
    """Rise, symptom, an earlier symptom taken back, in every order."""
    events = [*RISE[:3], event("Nausea", 9, 10), taken_back(event("Fever", 2)), lab("AST", 9, "200")]
    expected = state(*events)
    assert expected == "sure"
    for order in permutations(events[1:]):
        (found,) = Played([*TREATED, events[0], *order]).of("composite", composite="liver-stop-3x-symptoms")
        assert (found.state, [one.source for one in found.evidence.inputs]) == (
            "sure",
            ["test|ALT@8 v1", "test|ae-Nausea@9 v1"],
        )


def test_people_are_told_once_it_is_sure() -> None:
    """Possible is recorded; the symptom's own dates make it sure, and the mail names both."""
    played = Played([*TREATED, *RISE[:3]])
    played.take(adverse("Nausea", 9, grade=1, onset=None, record="nausea"))
    played.take(adverse("Nausea", 9, grade=1, onset=at(9).isoformat(), record="nausea", version=2))
    told_of = [alert for change in played.changes for alert in revise(change) if alert.type == "liver_stop"]
    assert [(one.decision.action, one.decision.reason) for one in told_of] == [("hold", "possible"), ("send", "new")]
    assert "Nausea as reported" in told_of[-1].headline
    assert "160 U/L > 3 x ULN" in told_of[-1].headline
