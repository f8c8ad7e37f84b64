"""The baseline: the last valid result before the first study treatment (decision G9).

Results of one analyte are taken in order of observation; each that can be measured and is not surely after the first
treatment is the baseline until the next one is. A result of the same day with no time of day known is taken as drawn
before the dose, as protocols ask, and the evidence says so.
"""

from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, Measured, NoBaseline
from safety_stream.clinical.points import drawn
from safety_stream.clinical.result import Place, Result
from safety_stream.clinical.sample import Period
from safety_stream.rulebook.tables import Analyte, Book

SAME_DAY = "G9: the order of this sample and the first treatment is not known; read as taken before it"
_PERIODS: dict[bool | None, Period] = {False: "before", None: "unclear", True: "after"}


def period_of(frame: Frame, place: Place) -> Period:
    """Where a result stands to the first study treatment."""
    return _PERIODS[frame.treated_before(place[0], place[1])]


def other_period_of(frame: Frame, place: Place) -> Period:
    """Where it stands to what the protocol's other reading of "first study treatment" takes (decision G9)."""
    start = frame.other_start
    if start is None or place[1] < start[0]:
        return "before"
    return "after" if place[0] > start[1] else "unclear"


def baseline_for(period: Period, standing: tuple[Result, ...], analyte: Analyte, frame: Frame, book: Book) -> Baseline:
    """What a result of that period is compared with; before treatment a result is graded by its own range.

    ``standing``: the results of the last time point before treatment at which the analyte could be measured.
    """
    if period != "after":
        return NoBaseline.NOT_YET_TREATED
    if not standing:
        return NoBaseline.UNKNOWN
    quantities = [one.standing for one in drawn(standing, analyte, frame, book)]
    return next((one for one in reversed(quantities) if isinstance(one, Measured)), NoBaseline.UNKNOWN)
