"""Claims about jumps: two grades or more from one result to the next, in any order of arrival, and who is told.

day    5     12    14    16    19
NEUT   2.5   1.2   2.4   1.7   0.9      LLN 1.8; grade 1 below LLN, 2 below 1.5, 3 below 1.0
       0     2     0     1     3
"""

from itertools import permutations

import findings_made as made
import pytest
from stories import TREATED, Played, lab

from safety_stream.alerting.policy import revise
from safety_stream.clinical.findings_measured import GradeJump

COURSE = ((5, "2.5"), (12, "1.2"), (14, "2.4"), (16, "1.7"), (19, "0.9"))


def _jumps(*told: tuple[float, str], **other: object) -> list[tuple[int, int] | None]:
    played = Played([*TREATED, *(lab("NEUT", day, value, **other) for day, value in told)])  # type: ignore[arg-type]
    found = sorted(played.of("toxicity", term="Neutrophil count decreased"), key=lambda one: one.episode)
    return [one.jump and (one.jump.before, one.jump.after) for one in found]


def test_each_episode_has_its_steepest_jump() -> None:
    """0 to 2 is one, 2 to 0 is none, 0 to 1 is none, 1 to 3 is one."""
    assert _jumps(*COURSE) == [(0, 2), (1, 3)]


def test_a_climb_by_single_grades_is_none() -> None:
    """0, 1, 2, 3, each a day after the other."""
    assert _jumps((5, "2.5"), (12, "1.7"), (13, "1.2"), (14, "0.9")) == [None]


def test_the_first_result_ever_has_risen_from_nowhere() -> None:
    """Grade 3 with nothing before it: nobody knows how fast."""
    assert _jumps((12, "0.9")) == [None]


def test_in_any_order_and_more_than_once() -> None:
    """All orders of the course, each result twice, end in the same jumps."""
    assert {tuple(_jumps(*order, *order)) for order in permutations(COURSE)} == {((0, 2), (1, 3))}


def test_a_late_result_between_the_two_takes_the_jump_away() -> None:
    """2.5, then 1.2: a jump, until a count of 1.7 taken between them arrives: 0 to 1, then 1 to 2."""
    assert _jumps((5, "2.5"), (12, "1.2")) == [(0, 2)]
    assert _jumps((5, "2.5"), (12, "1.2"), (9, "1.7")) == [None]


def test_a_rise_before_treatment_is_none() -> None:
    """Grade 0 on day -9, grade 2 on day -7; lymphodepletion begins on day -5."""
    assert _jumps((-9, "2.5"), (-7, "1.2")) == [None]


@pytest.mark.parametrize(
    ("grade", "other", "action", "reason"),
    [
        (2, {}, "send", "new"),
        (3, {}, "hold", "contained"),
        (4, {}, "hold", "contained"),
        (2, {"expected": True}, "hold", "expected"),
        (2, {"emergent": False}, "hold", "before_treatment"),
    ],
)
def test_who_is_told(grade: int, other: dict[str, bool], action: str, reason: str) -> None:
    """A jump to grade 2 is an alert of its own; to grade 3 or 4 it is inside the graver alert."""
    alerts = revise(made.raised(made.toxicity(grade, "1.2", jump=made.jump(0, grade), **other)))
    (told,) = (one for one in alerts if one.type == "grade_jump")
    assert (told.decision.action, told.decision.reason) == (action, reason)
    assert ("Steepest rise of this episode", f"grade 0 to {grade}") in told.facts


def test_a_jump_that_a_late_result_takes_away_is_withdrawn() -> None:
    """Who was told of the jump is told that there was none; a steeper one is told as worse."""
    jumped = made.toxicity(2, "1.2", jump=made.jump())
    (gone,) = revise(made.changed(jumped, made.toxicity(2, "1.2")))
    assert (gone.type, gone.state, gone.decision.action) == ("grade_jump", "withdrawn", "send")
    shallow = made.toxicity(2, "1.2", jump=GradeJump(**{**made.jump().model_dump(), "before": 0, "after": 2}))
    assert revise(made.changed(shallow, jumped)) == ()
