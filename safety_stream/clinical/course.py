"""What one series is judged with: its analyte, the frame, the book, and what follows from the three of them.

Made once for a series and a frame, and asked for with every result.
"""

from datetime import datetime
from functools import cached_property

from safety_stream.clinical.baseline import baseline_for
from safety_stream.clinical.depths import Counting, counting_of
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, NoBaseline
from safety_stream.clinical.long_before import oldest
from safety_stream.clinical.observed import Expected, expected_of
from safety_stream.clinical.plan import plan_of, soc_of
from safety_stream.clinical.result import Result, order_of
from safety_stream.clinical.sample import Period
from safety_stream.rulebook.tables import Analyte, Book, GradingRule


class Course:
    """``analyte`` is None for a test that the rulebook does not know; the rest is said in ``plan``."""

    def __init__(self, key: str, analyte: Analyte | None, frame: Frame, book: Book) -> None:
        self.key, self.analyte, self.frame, self.book, self.zone = key, analyte, frame, book, frame.zone
        self.order = order_of(analyte, frame.zone)
        plan = plan_of(key, analyte, frame.version, book)
        self.rules, self.thresholds = plan.rules, plan.thresholds
        self.limited, self.leaning = plan.limited, plan.leaning
        self.joint, self.companions, self.joins = plan.joint, plan.companions, plan.joins
        self.criteria, self.clauses, self.limits = plan.criteria, plan.clauses, plan.limits
        self._compared: tuple[tuple[Result, ...], Baseline] | None = None

    def baseline(self, period: Period, standing: tuple[Result, ...]) -> Baseline:
        """What a result of that period is compared with: asked for with every result, so the last answer is kept."""
        if period != "after" or self.analyte is None:
            return NoBaseline.NOT_YET_TREATED
        if self._compared is None or self._compared[0] is not standing:
            self._compared = standing, baseline_for(period, standing, self.analyte, self.frame, self.book)
        return self._compared[1]

    def soc(self, rule: GradingRule) -> str | None:
        """The system organ class of a rule's term."""
        return soc_of(rule, self.book)

    @cached_property
    def oldest(self) -> datetime | None:
        """What was observed before it is long before the consent; None: the protocol sets no such day."""
        return oldest(self.frame)

    @cached_property
    def expected(self) -> Expected | None:
        """What the schedule expects of the analyte."""
        return expected_of(self.frame, self.key)

    @cached_property
    def counting(self) -> Counting | None:
        """How the days of a low count are counted for hematotoxicity; None: not of this analyte."""
        return counting_of(self.frame, self.key)
