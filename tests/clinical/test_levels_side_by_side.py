"""Claims about levels side by side: stagger before the dose, replacement, a lost level, an unknown one, the cap."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from stories import STUDY, bundled, bundled_with

from safety_stream.alerting.policy import revise
from safety_stream.clinical import cohort
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach
from safety_stream.clinical.findings_subject import SubjectStatus

AS_OF = datetime(2030, 1, 1, tzinfo=UTC)


def _status(subject: str, level: int, **more: Any) -> SubjectStatus:
    """A subject through the window without a DLT."""
    facts: dict[str, Any] = {
        "study": STUDY, "subject": subject, "dose_level": level, "phase": "completed_window", "dosed": True,
        "first_infusion": date(2024, 6, 1), "window_to": date(2024, 8, 5), "evaluable": True, "dlt": "none",
        "worst_grade": 0, "as_of": AS_OF,
    }  # fmt: skip
    return SubjectStatus.model_validate(facts | more)


def _coming(subject: str, level: int, day: int, **more: Any) -> SubjectStatus:
    """A subject whose first infusion is planned for a day of July 2024."""
    plan = {"phase": "enrolled", "dosed": False, "first_infusion": None, "window_to": None, "evaluable": None}
    return _status(subject, level, **plan, planned_infusion=date(2024, 7, day), **more)


def _played(*statuses: SubjectStatus, book: Any = None) -> tuple[list[AnyFinding], list[FindingChange]]:
    record = cohort.empty(STUDY)
    sent: list[FindingChange] = []
    for one in statuses:
        record, changes = cohort.step(record, one, book or bundled(), AS_OF)
        sent += changes
    return [kept.finding for kept in record.kept.values() if kept.finding], sent


def _advice(*statuses: SubjectStatus, book: Any = None) -> dict[int | None, CohortDecision]:
    found = _played(*statuses, book=book)[0]
    return {one.dose_level: one for one in found if isinstance(one, CohortDecision)}


@pytest.mark.parametrize(("day", "breaks"), [(1, True), (14, True), (15, False)])
def test_a_plan_too_soon_is_told_before_the_dose(day: int, breaks: bool) -> None:
    """First given on 1 July, 14 days required: 14 July is day 13, 15 July is day 14."""
    found, sent = _played(_status("001", 1, first_infusion=date(2024, 7, 1)), _coming("002", 1, day))
    broken = [one for one in found if isinstance(one, StaggerBreach)]
    assert [(one.subject, one.infusion, one.earliest) for one in broken] == (
        [("002", "planned", date(2024, 7, 15))] if breaks else []
    )
    alerts = [one for change in sent for one in revise(change) if one.case == "stagger"]
    assert [(one.subject, one.urgency, one.decision.action) for one in alerts] == (
        [("002", "critical", "send")] if breaks else []
    )


def test_a_plan_that_is_moved_ends_the_breach_and_one_that_is_kept_is_worse() -> None:
    """From 8 to 15 July: no longer due, as nothing told was wrong. Given on 8 July all the same: told again."""
    first, plan = _status("001", 1, first_infusion=date(2024, 7, 1)), _coming("002", 1, 8)
    for after, state, reason in (
        (_coming("002", 1, 15, revision=2), "ended", "no_longer_due"),
        (_status("002", 1, first_infusion=date(2024, 7, 8), revision=2), "raised", "worse"),
    ):
        alerts = [one for change in _played(first, plan, after)[1] for one in revise(change) if one.case == "stagger"]
        assert (alerts[-1].state, alerts[-1].decision.reason) == (state, reason)


def test_a_level_above_one_that_lost_its_support_holds_and_above_a_stopped_one_stops() -> None:
    """Level 1 with 1 of 3 after level 2 was opened: hold; with 2 of 3: stop, though nobody there had a DLT."""
    opened = [_status("002", 1), _status("003", 1), _status("004", 2, evaluable=None, phase="in_window")]
    one = _advice(_status("001", 1, dlt="candidate"), *opened)
    assert (one[1].decision, one[1].no_longer_supported, one[2].decision) == ("expand", True, "hold")
    two = _advice(_status("001", 1, dlt="candidate"), _status("005", 1, dlt="confirmed"), *opened)
    assert (two[1].decision, two[2].decision) == ("stop", "stop")


def test_how_many_to_enrol_and_to_replace() -> None:
    """Two clean and one not evaluable: one more, in the place of that one; he or she stays in the safety set."""
    found = _advice(_status("001", 1), _status("002", 1), _status("003", 1, evaluable=False))[1]
    assert (found.decision, found.to_enrol, found.to_replace, found.not_evaluable) == ("enrol", 1, 1, ("003",))
    assert found.tally.dosed == 3


def test_the_top_level_may_be_declared_and_is_the_mtd_only_with_six() -> None:
    """`top_level: declare`: 0 of 3 is tolerated, MTD not reached; 0 of 6 is the MTD."""
    escalation = bundled().protocols[STUDY].version(None).escalation
    assert escalation is not None
    book = bundled_with(escalation=escalation.model_copy(update={"top_level": "declare"}))
    three = [_status(f"{n:03}", 3) for n in range(3)]
    assert _advice(*three, book=book)[3].decision == "declare"
    assert _advice(*three, *(_status(f"{n:03}", 3) for n in range(3, 6)), book=book)[3].decision == "mtd"


def test_an_unknown_level_is_advised_on_nothing_and_opens_nothing() -> None:
    """Level 9 of three: no advice, no level lost its support, and it is said."""
    found = _advice(_status("001", 1, dlt="candidate"), _status("002", 9))
    assert set(found) == {1}
    assert not found[1].no_longer_supported
    assert any("does not have" in reason for reason in found[1].evidence.reasons)


def test_the_cap_is_told_when_it_is_reached_and_for_each_beyond() -> None:
    """Ten are planned: nothing at nine, told at ten, worse at eleven."""
    sent = _played(*(_coming(f"{n:03}", 1, 31) for n in range(11)))[1]
    alerts = [one for change in sent for one in revise(change) if one.case == "cap"]
    assert [(one.decision.reason, one.headline.split()[1]) for one in alerts] == [
        ("new", "reached"), ("worse", "exceeded"),
    ]  # fmt: skip


def test_a_level_that_was_skipped_is_said() -> None:
    """Somebody at level 2 while nobody ever was at level 1: the advice on level 2 says on what it does not rest."""
    skipped = "T7: nobody was enrolled at level 1 before"
    assert skipped in _advice(_status("001", 2))[2].evidence.reasons
    assert skipped not in _advice(_status("001", 1), _status("002", 2))[2].evidence.reasons


def test_each_plan_too_near_to_the_earliest_is_told_while_nobody_was_infused() -> None:
    """Planned for 1, 1, 14 and 15 July: the first of them stands for the first subject; the last is far enough."""
    plans = [_coming("001", 1, 1), _coming("002", 1, 1), _coming("003", 1, 14), _coming("004", 1, 15)]
    broken = [one for one in _played(*plans)[0] if isinstance(one, StaggerBreach)]
    assert {(one.subject, one.first_subject, one.days_apart) for one in broken} == {
        ("002", "001", 0),
        ("003", "001", 13),
    }


@pytest.mark.parametrize("given", ["001", "002"])
def test_a_plan_that_was_never_given_yields_to_an_infusion_that_was(given: str) -> None:
    """Planned for 1 July and still not given, another infused on 5 July: that one is the first, 18 July is day 13.

    Whichever of the two is lower in number; the plan that has passed breaks nothing, for nobody was infused on it.
    """
    planned = "002" if given == "001" else "001"
    infused = _status(given, 1, first_infusion=date(2024, 7, 5))
    found = _played(_coming(planned, 1, 1), infused, _coming("003", 1, 18), _coming("004", 1, 19))[0]
    broken = [one for one in found if isinstance(one, StaggerBreach)]
    assert [(one.subject, one.first_subject, one.first_infusion_on, one.days_apart) for one in broken] == [
        ("003", given, date(2024, 7, 5), 13),
    ]
