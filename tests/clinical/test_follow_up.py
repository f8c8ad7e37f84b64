"""Claims about the follow-up: which reported events count for the primary outcome, to the day, and what is planned."""

from datetime import date

import pytest
from stories import (
    STUDY,
    Played,
    adverse,
    at,
    bundled,
    enrolled,
    infusion,
    lymphodepletion,
    planned,
    screened,
    taken_back,
    withdrawn,
)

from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_subject import Followed, SubjectStatus
from safety_stream.clinical.stagger import stagger_breaches

TREATED = (screened(), enrolled(), lymphodepletion(-5), infusion(1, 0))  # day 0 is 24 June 2024, at 10:00


def _status(*events: SubjectEvent) -> SubjectStatus:
    found = Played(events).take(None, at(800)).record.header.status
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("onset", "counts", "uncertain"),
    [
        ("2024-06-10", 0, 0),  # before any treatment
        ("2024-06-22", 0, 0),  # after lymphodepletion, before the first infusion
        ("2024-06-24T09:59:00+08:00", 0, 0),
        ("2024-06-24T10:01:00+08:00", 1, 0),
        ("2024-06-24", 1, 1),  # that day, the hour not told
        ("2025-06-24T23:59:00+08:00", 1, 0),  # day 365 is inside to its last minute
        ("2025-06-25T00:00:00+08:00", 0, 0),
        ("2025-06", 1, 1),  # a month that the follow-up ends in
        ("2025", 1, 1),
        (None, 1, 1),
    ],
)
def test_an_event_counts_by_its_onset(onset: str | None, counts: int, uncertain: int) -> None:
    """From the first infusion through day 365; where it cannot be known the event is counted, and said to be so."""
    event = adverse("Nausea", 400, grade=2, onset=onset)
    followed = _status(*TREATED, event).followed
    assert (followed.events, followed.uncertain) == (counts, uncertain)
    assert followed.worst == (2 if counts else None)


def test_the_worst_of_all_and_of_the_serious_ones() -> None:
    """A grade 3 that is not serious and a serious grade 2; one that was entered in error is none."""
    events = (
        adverse("Nausea", 3, grade=3),
        adverse("Fatigue", 4, grade=2, seriousness=["hospitalization"]),
        adverse("Seizure", 5, grade=4, status="entered-in-error"),
    )
    assert _status(*TREATED, *events).followed == Followed(events=2, serious=1, worst=3, worst_serious=2)


def test_without_an_infusion_nothing_is_followed() -> None:
    """Lymphodepletion alone opens no follow-up."""
    assert _status(screened(), enrolled(), lymphodepletion(-5), adverse("Nausea", -3, grade=2)).followed == Followed()


def test_the_planned_infusion_is_shown_until_it_is_given_or_the_subject_leaves() -> None:
    """Planned for 24 June; given, it is planned no more; a subject who left or died has none ahead."""
    before = (screened(), enrolled(), planned(1, 0))
    assert _status(*before).planned_infusion == date(2024, 6, 24)
    assert _status(*before, infusion(1, 0)).planned_infusion is None
    assert _status(*before, withdrawn(-2)).planned_infusion is None
    assert _status(*before, withdrawn(-2, "treatment")).planned_infusion is None
    death = adverse("Sepsis", -3, grade=5, outcome="fatal", attribution="unrelated")
    assert _status(*before, death).planned_infusion is None
    assert _status(*before, death, taken_back(death)).planned_infusion == date(2024, 6, 24)


def test_nobody_waits_for_the_plan_of_a_subject_who_died() -> None:
    """Planned for 24 and 26 June at one level: two days apart, until the first one dies without an infusion."""
    version = bundled().protocols[STUDY].versions[0]
    other = _status(screened(), enrolled(), planned(1, 2)).model_copy(update={"subject": "002"})
    alive = (screened(), enrolled(), planned(1, 0))
    assert [one.days_apart for one in stagger_breaches(version, 1, [_status(*alive), other])] == [2]
    death = adverse("Sepsis", -3, grade=5, outcome="fatal", attribution="unrelated")
    assert not list(stagger_breaches(version, 1, [_status(*alive, death), other]))
