"""What is told against the protocol's plan, and reports sent later than what tells of them, are questions for the list.

The plan: fludarabine on days -5 to -3, infusions 1 to 3 on days 0, 7 and 14 (day 0 is 24 June 2024).
"""

from itertools import permutations
from typing import Any

from stories import TREATED, Played, adverse, at, completed, enrolled, infusion, lymphodepletion, screened, withdrawn

from safety_stream.alerting.drafts import alerts_of
from safety_stream.clinical.events import SubjectEvent


def _held(played: Played, code: str) -> bool:
    """Whether the question is there and on the list alone."""
    return [draft.decision.action for draft in alerts_of(played.one("data_query", code=code))] == ["hold"]


def test_completed_with_an_infusion_missing_names_the_one_that_is() -> None:
    """Infusions 1 and 2 are told, and the completion of the study: was the third not given, or not told?"""
    played = Played([*TREATED[:7], completed(60)])
    question = played.one("data_query", code="completed_without_infusions")
    assert question.found == "completed 2024-08-23, no infusion 3"
    assert question.sources == ("test|completion v1",)
    assert _held(played, "completed_without_infusions")


def test_who_stopped_the_treatment_completes_the_study_without_the_rest() -> None:
    """Stopped after infusion 2 and followed to the end: as told, nothing contradicts anything."""
    stopped = withdrawn(10, "treatment")
    assert not Played([*TREATED[:7], stopped, completed(60)]).of("data_query", code="completed_without_infusions")
    assert not Played([*TREATED, completed(60)]).of("data_query", code="completed_without_infusions")


def test_lymphodepletion_dated_after_the_cells_is_asked_about() -> None:
    """Fludarabine of days 2 and 3 and an infusion of day 0: one question that names the earlier of the two."""
    told: list[SubjectEvent] = [screened(), enrolled(), lymphodepletion(2), lymphodepletion(3), infusion(1, 0)]
    for order in permutations(told[2:]):
        played = Played([*told[:2], *order])
        question = played.one("data_query", code="lymphodepletion_after_infusion")
        assert question.found == (
            "fludarabine given 2024-06-26T10:00:00+08:00, infusion 1 given 2024-06-24T10:00:00+08:00"
        )
        assert question.sources == ("test|infusion-1", "test|flu@2 v1", "test|flu@3 v1")
        assert _held(played, "lymphodepletion_after_infusion")


def test_lymphodepletion_on_the_day_of_the_infusion_may_have_come_before_it() -> None:
    """Of the fludarabine only the day is told: it may be before the infusion of that day."""
    told: list[SubjectEvent] = [screened(), enrolled(), lymphodepletion(0, given="2024-06-24"), infusion(1, 0)]
    assert not Played(told).of("data_query", code="lymphodepletion_after_infusion")
    assert not Played(TREATED).of("data_query", code="lymphodepletion_after_infusion")


def test_a_report_to_the_authority_later_than_what_tells_of_it_is_asked_about() -> None:
    """Told on day 3 that the authority was told on day 5: it would stop the clock of a report that nobody has sent."""
    says: dict[str, Any] = {"grade": 4, "serious": True, "expected": False, "attribution": "possible", "record": "e"}
    played = Played([*TREATED, adverse("Sepsis", 3, reported_to_authority_at=at(5), **says)])
    question = played.one("data_query", code="sent_after_report")
    assert question.found == ("sent to the authority 2024-06-29T08:00:00+08:00, reported 2024-06-27T20:00:00+08:00")
    assert _held(played, "sent_after_report")
    once = Played([*TREATED, adverse("Sepsis", 3, reported_to_authority_at=at(3, 20), **says)])
    assert not once.of("data_query", code="sent_after_report")
