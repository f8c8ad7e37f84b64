"""Where the two readings of "baseline" grade differently, the finding states both (decision G9).

    last result before      lymphodepletion        first infusion
                                  |                      |
    ------ * ---------------------|------- * ------------|------- o -------->
           the one reading                 the other              graded by both

The protocol says which of the two decides; the other is a reason in the evidence, never the grade.
"""

from functools import cached_property

from safety_stream.clinical.baseline import baseline_for, other_period_of
from safety_stream.clinical.conclusion import Evidence
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, Basis, Graded, Measured, grade_on
from safety_stream.clinical.result import Place, Result
from safety_stream.rulebook.tables import Book


def other_baseline(place: Place, standing: tuple[Result, ...], known: Measured, frame: Frame, book: Book) -> Baseline:
    """What the protocol's other reading compares a result with."""
    return baseline_for(other_period_of(frame, place), standing, known.analyte, frame, book)


def with_other(given: Graded, known: Basis, other: Baseline, frame: Frame) -> Graded:
    """The grade, saying what the other reading of the baseline would make of it where that is another grade."""
    if other == known.baseline:
        return given
    second = grade_on(known._replace(baseline=other)).grade
    if second == given.grade:
        return given
    named = "the first infusion" if frame.version.baseline.before == "lymphodepletion" else "lymphodepletion"
    what = f"{other.text} {other.ucum or ''} of {other.source}" if isinstance(other, Measured) else "none"
    return Beside(given, f"G9: with the baseline before {named} ({what.replace('  ', ' ')}) it would be grade {second}")


class Beside(Graded):
    """A grade whose evidence has one more reason."""

    def __init__(self, one: Graded, reason: str) -> None:
        super().__init__(one.basis, one.grade, one.alerting_grade)
        self._one, self._reason = one, reason

    @cached_property
    def evidence(self) -> Evidence:
        """Why, and what the other reading would say."""
        told = self._one.evidence
        return told.model_copy(update={"reasons": (*told.reasons, self._reason)})
