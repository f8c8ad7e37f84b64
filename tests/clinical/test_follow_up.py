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
    told,
    withdrawn,
)

from safety_stream.clinical.events import SubjectEvent
from safety_stream.clinical.findings_subject import Followed, SubjectStatus
from safety_stream.clinical.stagger import stagger_breaches
from safety_stream.rulebook.recorded import Ago

TREATED = (screened(), enrolled(), lymphodepletion(-5), infusion(1, 0))  # day 0 is 24 June 2024, at 10:00


def _status(*events: SubjectEvent, until: float = 800) -> SubjectStatus:
    found = Played(events).take(None, at(until)).record.header.status
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
        ("2025-06-24T23:59:00+08:00", 1, 0),  # the same day a year on is inside to its last minute
        ("2025-06-25T00:00:00+08:00", 0, 0),
        ("2025-06", 1, 1),  # a month that the follow-up ends in
        ("2025", 1, 1),
        (None, 1, 1),
    ],
)
def test_an_event_counts_by_its_onset(onset: str | None, counts: int, uncertain: int) -> None:
    """From the first infusion to the day 12 months later; what cannot be known is counted, and said to be so."""
    event = adverse("Nausea", 400, grade=2, onset=onset)
    followed = _status(*TREATED, event).followed
    assert (followed.events, followed.uncertain) == (counts, uncertain)
    assert followed.worst == (2 if counts else None)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2023-03-01", "2024-03-01"),  # a 29 February between them: day 366
        ("2023-06-24", "2024-06-24"),
        ("2024-02-29", "2025-02-28"),  # a day that the month does not have is its last
        ("2024-02-28", "2025-02-28"),
        ("2023-02-28", "2024-02-28"),  # and a last day is not moved to a later last day
        ("2024-06-30", "2025-06-30"),
        ("2024-12-31", "2025-12-31"),
    ],
)
def test_twelve_months_end_on_the_day_of_the_same_name(first: str, last: str) -> None:
    """Calendar months (T51), worked out with a calendar."""
    assert Ago("12 mo").after(date.fromisoformat(first)) == date.fromisoformat(last)
    assert Ago("6 wk").after(date(2024, 2, 1)) == date(2024, 3, 14)


@pytest.mark.parametrize(("onset", "counts"), [("2028-02-29", 1), ("2028-03-01", 1), ("2028-03-02", 0)])
def test_a_leap_day_inside_takes_no_day_from_the_twelve_months(onset: str, counts: int) -> None:
    """Infused on 1 March 2027: 12 months end with 1 March 2028, which is day 366."""
    event = adverse("Nausea", 400, grade=2, onset=onset, reported="2028-04-01T08:00:00+08:00")
    treated = (screened(), enrolled(), infusion(1, 980))  # 980 days after 24 June 2024
    assert treated[-1].given.text[:10] == "2027-03-01"
    assert _status(*treated, event, until=1500).followed.events == counts


@pytest.mark.parametrize(
    ("says", "lowest", "highest"),
    [
        ({"severity_word": "severe"}, 1, 4),  # no grade: alive and not threatened, grades 1 to 4 of five
        ({"seriousness": ["life-threatening"]}, 4, None),  # no grade, but only 4 threatens life
        ({"outcome": "fatal"}, 5, None),  # and only 5 is death
        ({"grade": 3, "seriousness": ["death"]}, 3, 5),  # either the grade is wrong or the death is
        ({"grade": 2, "seriousness": ["life-threatening"]}, 2, 4),
        ({"grade": 3}, 3, None),
    ],
)
def test_a_worst_grade_is_as_certain_as_what_was_told(
    says: dict[str, object], lowest: int, highest: int | None
) -> None:
    """Pneumonitis has the grades 1 to 5; what is not decided is a range, and in no count of one grade (G24)."""
    status = _status(*TREATED, adverse("Pneumonitis", 9, **says))  # type: ignore[arg-type]
    assert (status.followed.worst, status.followed.worst_at_most) == (lowest, highest)
    assert (status.worst_grade, status.worst_grade_at_most) == (lowest, highest)
    assert status.adverse_events_by_grade == {"none" if highest else str(lowest): 1}


def test_a_surely_graver_event_decides_what_a_vague_one_leaves_open() -> None:
    """One event without a grade (1 to 4) beside a grade 4: the worst is 4. Beside a grade 2 it is 2 to 4."""
    vague = adverse("Pneumonitis", 9)
    assert _status(*TREATED, vague, adverse("Sepsis", 9, grade=4)).followed == Followed(
        events=2, serious=0, worst=4, worst_serious=None
    )
    followed = _status(*TREATED, vague, adverse("Nausea", 9, grade=2)).followed
    assert (followed.worst, followed.worst_at_most) == (2, 4)


PRESENT = adverse("Pneumonitis", -30, grade=1, record="p", reported=at(-15))


@pytest.mark.parametrize(
    ("versions", "emergent", "worst"),
    [
        ((PRESENT,), False, None),  # as before treatment
        ((PRESENT, (20, 4, {})), None, 4),  # told higher only after treatment: since when, nobody knows
        ((PRESENT, (20, 1, {})), False, None),
        ((PRESENT, (-10, 4, {}), (20, 4, {})), False, None),  # told higher before treatment already
        ((PRESENT, (-10, 3, {}), (20, 4, {})), None, 4),
        ((PRESENT, (20, 4, {}), (25, 1, {})), False, None),  # and corrected again
        ((PRESENT, (20, 4, {"grade_course": ((1, -30), (4, 19))})), True, 4),
        ((PRESENT, (20, 4, {"grade_course": ((4, -30),)})), False, None),
    ],
)
def test_an_event_from_before_that_was_told_graver_after_may_be_emergent(
    versions: tuple[object, ...], emergent: bool | None, worst: int | None
) -> None:
    """T12: grade 1 told before treatment, a higher one on day 20: unknown without a course, so counted as uncertain."""
    told_now = [versions[0], *(_version(n, *one) for n, one in enumerate(versions[1:], start=2))]  # type: ignore[misc]
    orders = [told_now, [*reversed(told_now)]]
    for order in orders:
        played = Played((*TREATED, *order))  # type: ignore[arg-type]
        assert [one.emergent for one in played.of("reported_event")] == [emergent]
        followed = _status(*TREATED, *order).followed  # type: ignore[arg-type]
        assert (followed.worst, followed.uncertain) == (worst, int(emergent is None))


def _version(number: int, day: float, grade: int, more: dict[str, tuple[tuple[int, float], ...]]) -> SubjectEvent:
    course = [{"grade": one, "since": told(since)} for one, since in more.get("grade_course", ())]
    facts = {"grade": grade, "record": "p", "version": number, "reported": at(day), "grade_course": course}
    return adverse("Pneumonitis", -30, **facts)  # type: ignore[arg-type]


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
