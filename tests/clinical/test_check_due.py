"""The check before an infusion is never silent: time alone raises it, and it stands until answered, given or moved.

Infusion 1 on Monday 24 June 2024, infusion 2 planned on 1 July (day 7), in Shanghai: wanted from 30 June, 00:00.
"""

from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from stories import (
    FAR,
    ZONE,
    Played,
    adverse,
    at,
    completed,
    enrolled,
    fact,
    infusion,
    lab,
    screened,
    taken_back,
    withdrawn,
)

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.policy import revise
from safety_stream.clinical import subject
from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.subject import Step

SINCE, UNTIL = datetime(2024, 6, 30, tzinfo=ZONE), datetime(2024, 7, 2, tzinfo=ZONE)
SECOND = timedelta(seconds=1)
ENROLLED: tuple[SubjectEvent, ...] = (screened(), enrolled(), infusion(1, 0))


def begun(*events: SubjectEvent) -> Played:
    """A subject after infusion 1, on its day."""
    played = Played()
    for event in (*ENROLLED, *events):
        played.take(event, event.reported_at)
    return played


def sent(step: Step) -> list[Alert]:
    """What people are told of a step."""
    alerts = [alert for change in step.changes for alert in revise(change)]
    return [one for one in alerts if one.decision.action == "send"]


def check(played: Played) -> Any:
    """The check before infusion 2, if it stands."""
    found = played.of("eligibility_status", infusion=2)
    return found[0] if found else None


def test_time_alone_asks_for_a_check_that_nobody_answered() -> None:
    """No result came: from midnight before the day before, the infusion is held, with what is missing."""
    played = begun()
    assert played.record.header.deadline is not None
    assert played.record.header.deadline <= SINCE
    played.take(None, SINCE - SECOND)
    assert check(played) is None
    (alert,) = sent(played.take(None, SINCE))
    assert (alert.type, alert.case, alert.urgency, alert.state) == (
        "eligibility_breach", "check_open", "warning", "raised",
    )  # fmt: skip
    assert alert.headline.endswith("Infusion 2 on 2024-07-01: HOLD, check not answered")
    found = check(played)
    assert (found.state, found.needed_by, found.given) == ("undetermined", date(2024, 7, 1), False)
    missing = {one.criterion: one.missing for one in found.criteria}
    assert missing["alt"] == ("a valid result (ALT)",)
    assert missing["uncontrolled-infection"] == ("uncontrolled-infection",)
    assert "hemoglobin" not in missing  # not judged again after lymphodepletion


def test_the_end_of_the_day_is_no_answer() -> None:
    """After the last second of the planned day it is as open as before: lapsed, and told so once."""
    played = begun()
    played.take(None, SINCE)
    played.take(None, UNTIL - SECOND)
    assert (check(played).needed_by, check(played).lapsed) == (date(2024, 7, 1), False)
    step = played.take(None, UNTIL)
    assert (check(played).needed_by, check(played).lapsed) == (date(2024, 7, 1), True)
    assert [(one.state, one.decision.reason) for one in sent(step)] == [("raised", "lapsed")]
    assert sent(played.take(None, UNTIL + timedelta(days=30))) == []


def test_a_broken_criterion_holds_by_itself() -> None:
    """ALT of 120 in the check is a hold of its own: the open check adds no second mail."""
    played = begun(lab("ALT", 4, "120"))
    step = played.take(None, SINCE)
    assert check(played).state == "hold"
    assert sent(step) == []


def test_who_left_is_asked_for_nothing() -> None:
    """A subject who left the study, or died, has no infusion to hold."""
    death = adverse("Sepsis", 3, grade=5, outcome="fatal", attribution="unrelated")
    for end in (withdrawn(3), death):
        played = begun(end)
        assert not [one for one in sent(played.take(None, SINCE)) if one.type == "eligibility_breach"]
        assert check(played) is None


def test_an_infusion_given_without_any_answer_says_what_was_never_answered() -> None:
    """Nothing on file for infusion 2 on 1 July: ten criteria (four blood counts are not asked again), by that day."""
    played = begun(infusion(2, 7))
    found = check(played)
    assert (found.state, found.given, found.unanswered_by, found.needed_by) == (
        "undetermined", True, date(2024, 7, 1), None,
    )  # fmt: skip
    assert [one.criterion for one in found.criteria if one.verdict == "undetermined"] == [
        "alt", "ast", "egfr", "bilirubin", "lvef", "oxygen-saturation", "prothrombin-time", "inr", "creatinine",
        "uncontrolled-infection",
    ]  # fmt: skip
    assert found.evidence.sentence.endswith("Never answered: infusion 2 was given on 2024-07-01 without it.")
    (first,) = played.of("eligibility_status", infusion=1)
    assert (first.unanswered_by, len(first.criteria)) == (date(2024, 6, 24), 14)


def test_it_is_for_the_lists_unless_the_hold_was_told() -> None:
    """Held for the digest; who was told to hold is told that it was given without the check, and nothing else."""
    played = begun()
    (alert,) = [one for change in played.changes for one in revise(change) if one.case == "check_open"]
    assert (alert.decision.action, alert.decision.reason) == ("hold", "given_unchecked")  # infusion 1
    assert [one.state for one in sent(played.take(None, SINCE))] == ["raised"]
    given = infusion(2, 7)
    told = [one.state for one in sent(played.take(given, given.reported_at)) if one.type == "eligibility_breach"]
    assert told == ["raised"]
    assert sent(played.take(None, UNTIL)) == []


@pytest.mark.parametrize(("day", "answered"), [(1.9, False), (2, True), (7, True), (8, False)])
def test_a_late_result_observed_in_time_takes_it_back(day: float, answered: bool) -> None:
    """Told on day 20: observed in the 5 days before the infusion it answers; one taken before or after does not."""
    played = begun(infusion(2, 7))
    played.take(lab("ALT", day, "30", observed_at=str(at(day, 0).date())), at(20))
    assert check(played).unanswered_by == (None if answered else date(2024, 7, 1))
    states = {one.criterion: one.verdict for one in check(played).criteria}
    assert states["alt"] == ("met" if answered else "undetermined")


def test_an_infusion_taken_back_takes_its_check_along() -> None:
    """Entered in error: nothing was given; on its planned day the check is wanted again, after it it has lapsed."""
    given = infusion(2, 7)
    played = begun(given, taken_back(given))
    assert (check(played).unanswered_by, check(played).needed_by) == (None, date(2024, 7, 1))
    played.take(None, UNTIL)
    assert (check(played).given, check(played).lapsed) == (False, True)


def test_the_check_that_was_never_answered_hangs_on_no_order() -> None:
    """Consent, enrolment, two infusions and a fact of the check before the third, in every order."""
    answer = fact("uncontrolled-infection", 12, value=False)
    told: list[SubjectEvent] = [screened(), enrolled(), infusion(1, 0), infusion(3, 14), answer]
    first = Played(told)
    assert [one.infusion for one in first.of("eligibility_status") if one.unanswered_by] == [1]
    for order in permutations(told):
        again = Played(order, stored=True)
        assert again.findings == first.findings
    assert first.findings == subject.conclude(first.whole(), first.book, FAR).findings


DEVIATIONS = [
    ("enrolled", (screened(), fact("hiv", -19, value=True), enrolled())),
    ("dosed", (screened(), enrolled(), infusion(1, 0), fact("hiv", -19, value=True))),
    ("given_on_hold", (*ENROLLED, fact("uncontrolled-infection", 4, value=True), infusion(2, 7))),
]


@pytest.mark.parametrize(("case", "events"), DEVIATIONS, ids=[case for case, _ in DEVIATIONS])
def test_enrolled_dosed_or_given_all_the_same_is_told_at_once(case: str, events: tuple[SubjectEvent, ...]) -> None:
    """One critical mail, naming the criterion, with what would make it pass."""
    played, told = Played(), list[Alert]()
    for event in events:
        told += sent(played.take(event, max(event.reported_at, played.record.header.concluded_to or event.reported_at)))
    (alert,) = [one for one in told if one.case == case and one.state == "raised"]
    criterion = "uncontrolled-infection" if case == "given_on_hold" else "hiv"
    assert (alert.type, alert.urgency) == ("eligibility_breach", "critical")
    assert criterion in alert.headline
    (not_met,) = [value for label, value in alert.facts if label == "Not met"]
    assert not_met.startswith(f"{criterion}: ")
    assert f"to pass: recorded: {'hiv-' if criterion == 'hiv' else criterion}" in not_met


def test_nobody_who_completed_the_study_is_asked_for_a_check() -> None:
    """Completed on day 3 without infusions 2 and 3: no check is due for them, one that had lapsed is over.

    The completion taken back, they lapse again.
    """
    played = begun()
    played.take(None, UNTIL)
    assert check(played).lapsed
    done = completed(8)
    step = played.take(done, at(8, 18))
    assert [one.infusion for one in played.of("eligibility_status") if one.needed_by] == []
    ended = [one.decision.reason for change in step.changes for one in revise(change) if one.state == "ended"]
    assert ended[:1] == ["no_longer_due"]
    played.take(taken_back(done), at(9))
    assert check(played).lapsed
