"""How long a reported event was at grade 3: by the course that is told, by one line, by lines of the worst grade (T50).

The bundled example rule crs-3: cytokine release syndrome of grade 3 that is not down to grade 2 within 72 hours.

    day        9        10           13          15
    course     |   2    |     3      |     1     |        3 for exactly 72 h: not more than 72
"""

from itertools import permutations
from typing import Any

import pytest
from stories import TREATED, Played, adverse, at, bundled, bundled_with, lab, told

from safety_stream.clinical import subject
from safety_stream.rulebook.tables import Book

RELEASE = "Cytokine release syndrome"


def by_worst() -> Book:
    """The bundled study, if its lines told the worst grade of each event."""
    dlt = bundled().protocols["CAR-NK-SLE-01"].versions[0].dlt
    assert dlt is not None
    return bundled_with(dlt=dlt.model_copy(update={"line_grade": "worst"}))


def course(*lines: tuple[float, int]) -> list[dict[str, Any]]:
    """Each grade with the study day, 08:00, since when it held."""
    return [{"grade": grade, "since": told(day)} for day, grade in lines]


def release(*, until: float | None = 15, grade: int = 3, **more: Any) -> Any:
    """One line from day 9 on."""
    over = {"outcome": "not-recovered"} if until is None else {"outcome": "recovered", "resolved": told(until)}
    reported = at((until or 9) + 0.5)
    return adverse(RELEASE, 9, grade=grade, record="crs", reported=reported, **over | more)


def told_of(*events: Any, book: Book | None = None) -> tuple[str | None, Played]:
    """The state under crs-3, and the subject; stepping and concluding afresh agree."""
    played = Played([*TREATED, *events], book=book)
    assert played.findings == subject.conclude(played.whole(), played.book, at(3000)).findings
    found = played.of("dose_limiting_toxicity")
    return (found[0].state if found else None), played


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([(9, 2), (10, 3), (13, 1)], None),  # 72 h, and not more
        ([(9, 2), (10, 3), (13.01, 1)], "candidate"),
        ([(9, 3), (11, 2), (12, 3), (14, 1)], None),  # twice 48 h are not 96 h
        ([(9, 3), (11, 2), (11.5, 3)], "candidate"),  # the second time for 84 h, to the end
        ([(9, 1), (14, 3)], None),
        ([(9, 3), (12.5, 0)], "candidate"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("worst", [False, True])
def test_a_course_that_is_told_decides_under_either_reading(
    lines: list[tuple[float, int]], state: str | None, *, worst: bool
) -> None:
    """Hours at grade 3 in one stretch, counted by hand; the order of the lines in the message is no matter."""
    for order in permutations(course(*lines)):
        assert told_of(release(grade_course=order), book=by_worst() if worst else None)[0] == state


def test_days_without_a_time_leave_it_possible() -> None:
    """From some time on day 10 to some time on day 13: between 48 hours and just under 96."""
    days = [{"grade": 3, "since": at(10).date().isoformat()}, {"grade": 1, "since": at(13).date().isoformat()}]
    state, played = told_of(release(grade_course=days))
    assert state == "possible"
    assert "2 d to 3 d 23 h" in str(played.one("dose_limiting_toxicity").rules[0].comparison)


def test_one_line_of_six_days_is_a_candidate_and_says_at_most() -> None:
    """Read as holding throughout; the finding names the reading, and that grade 3 lasted at most 6 days."""
    state, played = told_of(release())
    assert state == "candidate"
    assert "T50: one line is told for the whole event; it was at grade 3 for at most 6 d" in (
        played.one("dose_limiting_toxicity").evidence.reasons
    )
    assert not played.of("data_query")


def test_by_the_worst_grade_it_may_limit_the_dose_and_the_site_is_asked() -> None:
    """Nothing but the site knows: possible, at most 6 days, and a question for the rule; a course answers it."""
    state, played = told_of(release(), book=by_worst())
    assert state == "possible"
    (rule,) = (one for one in played.one("dose_limiting_toxicity").rules if one.rule == "crs-3")
    assert "at most 6 d against > 72 h" in rule.comparison
    assert rule.ends_with == ("the days on which it was below grade 3",)
    assert rule.candidate_from is None
    query = played.one("data_query", code="grade_course_untold")
    assert query.found == "grade 3 told for the whole event, at most 6 d"
    assert "not down to grade 2 within 72 hours" in query.expected
    played.take(release(version=2, grade_course=course((9, 3), (11, 1))))
    assert not played.of("data_query")
    assert not played.of("dose_limiting_toxicity")


def test_by_the_worst_grade_a_short_event_never_and_a_running_one_may() -> None:
    """60 hours in all cannot hold more than 72 at grade 3; one that goes on is possible, and nobody is asked yet."""
    assert told_of(release(until=11.5), book=by_worst())[0] is None
    state, played = told_of(release(until=None), book=by_worst())
    assert state == "possible"
    assert not played.of("data_query")
    assert told_of(release(grade=4), book=by_worst())[0] == "candidate"  # crs-4 asks for no duration


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([(9, 2)], "grade 3 and a course up to grade 2"),
        ([(9, 3), (11, 4)], "grade 3 and a course up to grade 4"),
        ([(8, 3)], f"grade 3 since {told(8)}, onset {told(9)}"),
        # reported on day 15 at 20:00
        (
            [(9, 3), (16, 1)],
            f"grade 1 since {told(16)}, reported {told(15, 20)}; grade 1 since {told(16)}, resolved {told(15)}",
        ),
    ],
)
def test_a_course_that_does_not_fit_is_asked_about_and_rules_nothing_out(
    lines: list[tuple[float, int]], found: str
) -> None:
    """What contradicts what; the line's own grade and length still count, and the rest is judged."""
    state, played = told_of(release(grade_course=course(*lines)), lab("K", 9, "7.3"))
    assert state == "candidate"
    assert [one.found for one in played.of("data_query", code="grade_course_contradictory")] == [found]
    assert played.one("toxicity", term="Hyperkalemia").peak.lowest == 4
