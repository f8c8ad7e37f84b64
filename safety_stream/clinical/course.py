"""What one series is judged with: its analyte, the frame, the book, and what follows from the three of them.

Made once for a series and a frame, and asked for with every result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property

from safety_stream.clinical.baseline import baseline_for
from safety_stream.clinical.depths import Counting, counting_of
from safety_stream.clinical.episodes import Period
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, NoBaseline, leans_on_baseline
from safety_stream.clinical.observed import Expected, expected_of
from safety_stream.clinical.result import Result
from safety_stream.clinical.toxicities import measured_rules, thresholds
from safety_stream.rulebook.protocol import Clauses, Criteria, WatchLimit
from safety_stream.rulebook.tables import Analyte, Book, GradingRule


@dataclass(frozen=True)
class Course:
    """``analyte`` is None for a test that the rulebook does not know."""

    key: str
    analyte: Analyte | None
    frame: Frame
    book: Book
    _compared: list[tuple[tuple[Result, ...], Baseline]] = field(default_factory=list)

    def baseline(self, period: Period, standing: tuple[Result, ...]) -> Baseline:
        """What a result of that period is compared with: asked for with every result, so the last answer is kept."""
        if period != "after" or self.analyte is None:
            return NoBaseline.NOT_YET_TREATED
        if not self._compared or self._compared[0][0] is not standing:
            self._compared[:] = [(standing, baseline_for(period, standing, self.analyte, self.frame, self.book))]
        return self._compared[0][1]

    @cached_property
    def zone(self) -> tzinfo:
        """Where calendar days are counted."""
        return self.frame.zone

    @cached_property
    def rules(self) -> tuple[GradingRule, ...]:
        """The grading rules of the analyte."""
        return self.book.rules(self.key)

    def soc(self, rule: GradingRule) -> str | None:
        """The system organ class of a rule's term."""
        term = self.book.terms.get(rule.meddra_code)
        return term.soc if term else None

    @cached_property
    def thresholds(self) -> Mapping[str, tuple[int, ...]]:
        """By rule the grades of which is kept how long they lasted."""
        return {rule.id: thresholds(self.frame, rule, self.soc(rule)) for rule in self.rules}

    @cached_property
    def limited(self) -> frozenset[str]:
        """The rules whose term a DLT rule of the protocol speaks of."""
        return frozenset(rule.id for rule in self.rules if measured_rules(self.frame, rule, self.soc(rule)))

    @cached_property
    def leaning(self) -> frozenset[str]:
        """The rules that compare with the baseline."""
        return frozenset(rule.id for rule in self.rules if leans_on_baseline(rule))

    @cached_property
    def joint(self) -> bool:
        """Whether results of one time point are judged together."""
        return self.analyte is not None and self.analyte.joint

    @cached_property
    def companions(self) -> frozenset[str]:
        """The analytes whose results stand on the same page."""
        return frozenset() if self.analyte is None else self.analyte.companions

    @cached_property
    def limits(self) -> tuple[WatchLimit, ...]:
        """The watch limits on the analyte: judged, as all that the protocol says of it, on what it is corrected to."""
        return self.frame.version.watched(self.key)

    @cached_property
    def criteria(self) -> Criteria:
        """The eligibility criteria on the analyte."""
        return self.frame.version.criteria_on(self.key)

    @cached_property
    def clauses(self) -> Clauses:
        """The clauses of composites on the analyte."""
        return self.frame.version.clauses_on(self.key)

    @cached_property
    def joins(self) -> bool:
        """Whether the analyte is joined with another in time."""
        return bool(self.book.joined_on(self.key))

    @cached_property
    def expected(self) -> Expected | None:
        """What the schedule expects of the analyte."""
        return expected_of(self.frame, self.key)

    @cached_property
    def counting(self) -> Counting | None:
        """How the days of a low count are counted for hematotoxicity; None: not of this analyte."""
        return counting_of(self.frame, self.key)
