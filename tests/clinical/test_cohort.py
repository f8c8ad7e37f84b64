"""The 3+3 decision: against an independent enumeration of the published design, and as cohorts change under it."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest
from stories import STUDY, bundled

from safety_stream.clinical import cohort
from safety_stream.clinical.escalation import Counts, Place, decide, reachable
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.rulebook.escalation_table import Escalation

NOW = datetime(2024, 9, 1, tzinfo=UTC)
PLACES = [Place(), Place(top=True), Place(above_stopped=True), Place(top=True, above_stopped=True)]


def design() -> Escalation:
    """The bundled trial's design."""
    version = bundled().protocols[STUDY].version(None)
    assert version.escalation is not None
    return version.escalation


def by_the_book(outcomes: tuple[bool, ...], place: Place) -> str:
    """The published 3+3 rule, walked patient by patient: True is a DLT. Written without the product's table."""
    dlts = sum(outcomes)
    if dlts >= 2:
        return "stop"
    confirming = place.top or place.above_stopped  # this level may become the recommended one: it needs six
    if len(outcomes) >= 6:
        return "mtd" if confirming else "escalate"
    if place.above_stopped:
        return "fill"
    if dlts == 0 and len(outcomes) >= 3:
        return "fill" if place.top else "escalate"
    return "expand" if len(outcomes) == 3 else "enrol"


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_course_of_a_cohort_is_decided_by_the_book(place: Place) -> None:
    """All 127 sequences of up to six outcomes, in each place a level can be in."""
    for length in range(7):
        for outcomes in product((False, True), repeat=length):
            counts = Counts(length, sum(outcomes))
            assert decide(design(), counts, place) == by_the_book(outcomes, place), (outcomes, place)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_reachable_is_every_way_the_pending_subjects_can_end(place: Place) -> None:
    """Each pending subject ends with a DLT, without one, or not evaluable: those decisions, no other, none missing."""
    for evaluable, dlt, pending in product(range(5), range(3), range(4)):
        if dlt > evaluable:
            continue
        ends = set()
        for fates in product((None, False, True), repeat=pending):
            known = [fate for fate in fates if fate is not None]
            outcomes = (True,) * dlt + (False,) * (evaluable - dlt) + tuple(known)
            ends.add(by_the_book(outcomes, place))
        assert set(reachable(design(), Counts(evaluable, dlt, pending), place)) == ends


def test_nobody_escalates_while_a_pending_subject_could_forbid_it() -> None:
    """With a subject's window open, the advice is to escalate only when every way it can end allows that."""
    for evaluable, dlt, pending in product(range(7), range(3), range(1, 4)):
        if dlt <= evaluable and decide(design(), Counts(evaluable, dlt, pending), Place()) == "escalate":
            assert reachable(design(), Counts(evaluable, dlt, pending), Place()) == ("escalate",)


def status(subject: str, level: int | None, **more: Any) -> SubjectStatus:
    """A subject whose window was completed without a DLT, unless told otherwise."""
    facts = {
        "study": STUDY, "subject": subject, "dose_level": level, "phase": "completed_window", "dosed": True,
        "first_infusion": date(2024, 6, 24), "window_to": date(2024, 8, 5), "evaluable": True, "dlt": "none",
        "worst_grade": 2, "as_of": NOW,
    }  # fmt: skip
    return SubjectStatus.model_validate(facts | more)


def played(*statuses: SubjectStatus) -> tuple[cohort.StudyRecord, dict[int, Any]]:
    """The study after these statuses, and the standing advice by level."""
    record = cohort.empty(STUDY)
    for one in statuses:
        record, _ = cohort.step(record, one, bundled(), NOW)
    standing = [kept.finding for kept in record.kept.values() if kept.finding is not None]
    return record, {one.dose_level: one for one in standing if one.kind == "cohort_decision" and one.dose_level}


def test_three_without_a_dlt_escalate() -> None:
    """0 of 3."""
    _, advice = played(status("1", 1), status("2", 1), status("3", 1))
    assert (advice[1].decision, advice[1].tally.evaluable, advice[1].tally.dlt) == ("escalate", 3, 0)


def test_an_amount_that_nobody_told_makes_the_advice_wait() -> None:
    """Two evaluable, of the third the amount is open: nobody escalates on two; all that may come of it is shown."""
    open_ = status("3", 1, evaluable=None, completes=None)
    _, advice = played(status("1", 1), status("2", 1), open_)
    assert (advice[1].decision, advice[1].tally.evaluable) == ("wait", 2)
    assert set(advice[1].reachable) == {"escalate", "enrol", "expand"}
    assert [one.may_end for one in advice[1].pending] == [("dlt", "completed", "not_evaluable")]


def test_a_late_dlt_says_that_the_escalation_is_no_longer_supported() -> None:
    """Level 2 was opened on 0 of 3; a DLT reported later makes it 1 of 3, and refuting it restores it."""
    first = [status(name, 1) for name in "123"] + [status("4", 2, phase="enrolled", dosed=False, evaluable=None)]
    _, before = played(*first)
    late = status("2", 1, dlt="candidate", revision=2)
    _, after = played(*first, late)
    _, refuted = played(*first, late, status("2", 1, revision=3))
    assert [one[1].no_longer_supported for one in (before, after, refuted)] == [False, True, False]
    assert after[1].decision == "expand"


def test_an_older_snapshot_changes_nothing() -> None:
    """Statuses that arrive out of order: the one with the higher revision counts."""
    newest = status("1", 1, dlt="confirmed", revision=5)
    record, _ = played(newest)
    again, changes = cohort.step(record, status("1", 1, revision=4), bundled(), NOW)
    assert (again, changes) == (record, ())


def test_a_possible_dlt_is_pending_not_evaluable() -> None:
    """Two without, one whose DLT cannot be decided yet: wait, and both ends are reachable."""
    _, advice = played(status("1", 1), status("2", 1), status("3", 1, dlt="possible"))
    assert advice[1].decision == "wait"
    assert advice[1].reachable == ("expand", "escalate"), "the window is complete: not evaluable is no end"


def test_order_of_subjects_does_not_matter() -> None:
    """Whatever the order in which four subjects' statuses come, the advice is the same."""
    told = [
        status("1", 1), status("2", 1, dlt="confirmed"), status("3", 1, evaluable=False),
        status("4", 2, evaluable=None),
    ]  # fmt: skip
    advice = {str(sorted(played(*order)[1].items())) for order in permutations(told)}
    assert len(advice) == 1


def test_the_cap_and_the_stagger_are_said() -> None:
    """Eleven subjects where ten were planned; two first infusions three days apart where fourteen were asked for."""
    close = status("b", 1, first_infusion=date(2024, 6, 24) + timedelta(days=3))
    record, advice = played(status("a", 1), close, *(status(f"x{n}", 2) for n in range(9)))
    assert "11 subjects are enrolled, 10 were planned" in " ".join(advice[1].evidence.reasons)
    broken = [kept.finding for kept in record.kept.values() if kept.finding and kept.finding.kind == "stagger_breach"]
    assert [(one.subject, one.first_subject, one.days_apart) for one in broken if one.dose_level == 1] == [
        ("b", "a", 3)
    ]


def test_numbers_name_no_subject() -> None:
    """What metrics are made of: counts by phase, grade and level."""
    record, _ = played(status("1", 1, adverse_events_by_grade={"2": 3}), status("2", 1, dlt="confirmed", worst_grade=4))
    numbers = cohort.study_numbers(record, bundled())
    assert dict(numbers.subjects_by_worst_grade) == {"2": 1, "4": 1}
    assert numbers.tally_by_level[1].dlt_confirmed == 1
    assert dict(numbers.adverse_events_by_grade) == {"2": 3}
