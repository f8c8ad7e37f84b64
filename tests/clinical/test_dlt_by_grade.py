"""Claims about when an event was at the grade that a DLT rule asks for: by its course, by its line, more than once.

onset -3    infusion 0     5            12
grade 3 ------------------|= grade 4 ==|-- 1 --        the grade began in the window, the event before it
"""

from typing import Any

import pytest
from stories import TREATED, Played, adjudicated, adverse, at, bundled_with, lab, told, without_schedule

from safety_stream.clinical.moment import Moment


def _course(*lines: tuple[float, int]) -> dict[str, Any]:
    """The course of a grade, and a cause by the product."""
    course = [{"since": told(day), "grade": grade} for day, grade in lines]
    return {"grade": max(grade for _, grade in lines), "grade_course": course, "attribution": "probable"}


@pytest.mark.parametrize(
    ("onset", "lines", "dlts"),
    [
        (-3, [(-3, 3), (5, 4)], [("non-hematologic-4", "candidate", 5)]),  # grade 4 began in the window
        (-3, [(-3, 1), (5, 3)], [("non-hematologic-3", "candidate", 5)]),  # and grade 3 for a week
        (-3, [(-3, 3), (-1, 1)], []),  # grade 3 was over before the first infusion
        (-3, [(-3, 3), (-1, 1), (9, 3)], [("non-hematologic-3", "candidate", 9)]),  # the second time counts
        (40, [(40, 1), (100, 3)], []),  # grade 3 began long after the last window
    ],
)
def test_the_window_asks_when_the_grade_of_the_rule_began(
    onset: float, lines: list[tuple[float, int]], dlts: list[tuple[str, str, int]]
) -> None:
    """As it does of a laboratory value: an event that was mild before the infusion has another onset (T1, T50)."""
    says = _course(*lines)
    event = adverse("Nausea", onset, reported=at(max(20, lines[-1][0] + 7)), outcome="not-recovered", **says)
    found = Played([*TREATED, event], book=without_schedule()).of("dose_limiting_toxicity")
    assert [(one.rule, one.state, one.onset) for one in found] == [
        (rule, state, Moment(at(day).isoformat())) for rule, state, day in dlts
    ]


@pytest.mark.parametrize("reading", ["throughout", "worst"])
def test_a_line_raised_after_the_infusion_may_have_been_raised_in_the_window(reading: str) -> None:
    """Told as grade 1 on day -1 and as grade 4 on day 9: since when it was grade 4 is asked, not guessed (T50)."""
    dlt = bundled_with().protocols["CAR-NK-SLE-01"].version(None).dlt
    assert dlt is not None
    book = bundled_with(dlt=dlt.model_copy(update={"line_grade": reading}), schedule=None)
    says: dict[str, Any] = {"record": "ae-7", "attribution": "definite", "outcome": "not-recovered"}
    mild = adverse("Hypoxia", -1, grade=1, reported=at(-1, 20), **says)
    grave = adverse("Hypoxia", -1, grade=4, version=2, reported=at(9), **says)
    for order in ([mild, grave], [grave, mild]):
        played = Played([*TREATED, *order], book=book)
        found = played.one("dose_limiting_toxicity")
        assert (found.state, found.rules[0].rule, found.rules[0].open) == ("possible", "non-hematologic-4", ("window",))
        assert [one.code for one in played.of("data_query") if one.code == "grade_course_untold"]


def test_an_event_over_before_the_infusion_is_no_dlt_however_its_line_is_read() -> None:
    """The worst grade of a line that ended on day -1 cannot have been reached after day 0."""
    dlt = bundled_with().protocols["CAR-NK-SLE-01"].version(None).dlt
    assert dlt is not None
    book = bundled_with(dlt=dlt.model_copy(update={"line_grade": "worst"}))
    over = adverse("Nausea", -4, grade=4, resolved=told(-1), outcome="recovered", attribution="definite")
    assert not Played([*TREATED, over], book=book).of("dose_limiting_toxicity")


def _sepsis(onset: float, dead: float | None, **more: Any) -> Any:
    """A fatal sepsis that the product may have caused, reported the day after the death."""
    fatal: dict[str, Any] = {"attribution": "possible", "outcome": "fatal", "grade": 5}
    known = {"resolved": told(dead), "reported": at(dead + 1)} if dead is not None else {"reported": at(11)}
    return adverse("Sepsis", onset, **(fatal | known | more))


@pytest.mark.parametrize(
    ("onset", "dead", "more", "rules"),
    [
        (-2, 10, {}, {"death": "met"}),  # begun under lymphodepletion, dead within 28 days of infusions 1 and 2
        (-2, 45, {}, {}),  # dead three days after the last window
        (-2, -1, {}, {}),
        (-2, 10, {"attribution": "unrelated"}, {}),
        (-2, 10, {"grade": 3}, {"death": "grade"}),  # a death told as grade 3 is never ruled out (G24)
        (-2, None, {}, {"death": "window"}),  # the day of death is not told
        (3, 45, {}, {"death": "met", "non-hematologic-4": "met", "non-hematologic-3": "met"}),  # begun inside: one line
        (-2, 10, {"grade_course": [{"since": told(-2), "grade": 3}]}, {"death": "met"}),
        (3, 45, {"grade_course": [{"since": told(3), "grade": 2}, {"since": told(44), "grade": 4}]}, {}),
    ],
)
def test_a_death_lies_where_the_subject_died_and_not_only_where_the_event_began(
    onset: float, dead: float | None, more: dict[str, Any], rules: dict[str, str]
) -> None:
    """Grade 5 is reached with the death (T50); a single line is read as of its grade from its onset on as well."""
    played = Played([*TREATED, _sepsis(onset, dead, **more)], book=without_schedule())
    found = [rule for one in played.of("dose_limiting_toxicity") for rule in one.rules]
    assert {one.rule: " and ".join(one.open) or "met" for one in found} == rules
    asked = [one.about for one in played.of("data_query", code="grade_course_untold")]
    assert bool(asked) is ("window" in rules.values()), "the day of a death that is not told is asked for"


def test_a_death_told_after_the_event_is_a_candidate_by_its_day() -> None:
    """Grade 3 from day -2, told as fatal on day 10 by the next version: no need to ask since when it was grade 5."""
    first = _sepsis(-2, None, grade=3, outcome="not-recovered", reported=at(-1))
    for order in ([first, _sepsis(-2, 10, version=2)], [_sepsis(-2, 10, version=2), first]):
        found = Played([*TREATED, *order], book=without_schedule()).one("dose_limiting_toxicity")
        assert (found.rule, found.state, found.onset) == ("death", "candidate", Moment(told(10)))


def test_what_was_reported_as_over_was_over_by_then() -> None:
    """Grade 3 from day 2, reported on day 3 as recovered: 36 hours at most, so never more than 72; the end is asked."""
    over = adverse("Nausea", 2, grade=3, outcome="recovered", attribution="probable", reported=at(3, 20))
    played = Played([*TREATED, over])
    assert not played.of("dose_limiting_toxicity")
    assert played.one("data_query", code="missing_end").found == "outcome recovered, no end"


def test_a_new_rise_after_a_refutation_is_a_candidate_again() -> None:
    """ALT of grade 4 on day 5, refuted on day 8, and again on day 20, with grade 2 between: nobody has judged that."""
    told_ = [lab("ALT", day, value) for day, value in ((-10, "30"), (5, "850"), (7, "300"))]
    played = Played([*TREATED, *told_], book=without_schedule())
    first = played.one("dose_limiting_toxicity")
    played.take(adjudicated(first.id, 8, "refuted"))
    assert played.one("dose_limiting_toxicity").state == "refuted"
    for day, value in ((10, "150"), (14, "150"), (20, "900")):
        played.take(lab("ALT", day, value))
    again = played.one("dose_limiting_toxicity")
    assert (again.id, again.state, again.onset) == (first.id, "candidate", Moment(at(20).isoformat()))


def test_a_short_relapse_does_not_open_what_was_refuted() -> None:
    """Grade 3 for 120 h, refuted; later 12 h at grade 3: no time of it that lasted 72 h is new."""
    lines = [(2.0, 3), (7.0, 1)]
    says: dict[str, Any] = {"outcome": "not-recovered", "record": "ae"}
    played = Played([*TREATED, adverse("Nausea", 2, reported=at(9), **says, **_course(*lines))])
    played.take(adjudicated(played.one("dose_limiting_toxicity").id, 10, "refuted"))
    relapse = _course(*lines, (12.0, 3), (12.5, 1))
    played.take(adverse("Nausea", 2, version=2, reported=at(14), **says, **relapse))
    assert played.one("dose_limiting_toxicity").state == "refuted"


@pytest.mark.parametrize(
    ("lines", "emergent", "followed"),
    [
        ([(-12, 1), (5, 3)], True, 1),  # above its worst grade before treatment
        ([(-12, 3), (-8, 1), (5, 3)], False, 0),  # as bad as it was
        ([(-12, 2), (-8, 2)], False, 0),
    ],
)
def test_an_event_that_rose_after_treatment_began_is_emergent(
    lines: list[tuple[float, int]], emergent: bool, followed: int
) -> None:
    """T12: grade above the worst before treatment, or onset after it; and so it counts for the primary outcome."""
    event = adverse("Arthralgia", -12, reported=at(20), outcome="not-recovered", **_course(*lines))
    played = Played([*TREATED, event])
    assert played.one("reported_event").emergent is emergent
    assert played.record.header.status is not None
    assert played.record.header.status.followed.events == followed
