"""For how long: the hours a figure has been met, for rules that time it ("> 40.0 Cel lasting > 24 h"; decision T4).

    above    .       *        *              *       .             * meets the figure   . does not
             before  first                   last    after
                     [---- known hours -----]
             [-------------- possible hours ---------]

Known hours join samples no farther apart than the rule's ``observed_every``: a long time without a sample is never
known, only possible. Before a sample after, there is no end to what is possible. When that sample comes, the worst
sample of the run is graded again with the hours it has come to, and the peak of the episode is set by it.
"""

from dataclasses import replace
from datetime import timedelta, tzinfo
from functools import cached_property, lru_cache

from safety_stream.clinical.baseline import period_of
from safety_stream.clinical.conclusion import Evidence
from safety_stream.clinical.evidence import evidence_of
from safety_stream.clinical.fold import Episode, RuleFold
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Bare, Basis, Graded, Measured, bare, grade_on
from safety_stream.clinical.hours import Held, apart, held_for, samples_of, words_of
from safety_stream.clinical.result import Result, measured_result
from safety_stream.clinical.running import Clock, Peak, Point
from safety_stream.clinical.sample import worse_of
from safety_stream.quantity import exactly
from safety_stream.rulebook.criteria import Verdict
from safety_stream.rulebook.tables import GradingRule


def timed(state: RuleFold, result: Result, known: Basis, frame: Frame) -> tuple[RuleFold, Graded]:
    """The grade of one more sample, and the fold with the clock moved on; a run that it ended is judged to its end."""
    if known.rule.observed_every is None:
        return state, grade_on(known)
    held = state.clock or Clock()
    point = Point(result.observed_at, known.measured.text, known.measured.ucum, result.source)
    met = _met(bare(known))
    if met is False:
        over = _ended(state, known, point, frame)
        return over._replace(clock=Clock(before=point)), grade_on(known)
    clock = _moved(_begun(state, held) if held.worst is None else held, point, known.rule, frame.zone, sure=met is True)
    one = _graded(known, held_for(clock.first, clock.last, clock.before, None, frame.zone))
    height = (one.alerting_grade, one.grade.lowest, one.grade.highest)
    if clock.worst is None or height > clock.height:
        clock = clock._replace(worst=result, height=height)
    return state._replace(clock=clock), one


@lru_cache(maxsize=4096)
def _met(known: Bare) -> Verdict:
    """Whether the sample meets the figure that is timed, whatever the time."""
    row, inputs = known.case.arms[0]
    for _, criterion in row.worst_first:
        for one in criterion.comparisons:
            if one.lasting is not None:
                return replace(one, lasting=None).judge(inputs)
    return False


def _begun(state: RuleFold, held: Clock) -> Clock:
    """A run begins: what stood before it is kept."""
    now = state.open
    peak = (
        None
        if now is None
        else Peak(now.peak, now.alerting, now.peak_observed, now.provisional, now.evidence, now.emergent_peak)
    )
    number = state.episodes + 1 if now is None else now.number
    return Clock(before=held.before, episode=number, peak=peak, untreated=state.before)


def _moved(clock: Clock, point: Point, rule: GradingRule, zone: tzinfo, *, sure: bool) -> Clock:
    """The stretch after one more sample: joined to it when close enough, begun anew when not, broken when unsure."""
    if not sure:
        return clock._replace(first=None, last=None)
    near = clock.last is not None and apart(clock.last, point, zone)[1] <= (rule.observed_every or timedelta(0))
    first = clock.first if near and clock.first is not None else point
    longest = clock.longest
    if longest is None or apart(first, point, zone)[0] >= apart(*longest, zone)[0]:
        longest = (first, point)
    return clock._replace(first=first, last=point, longest=longest)


class Timed(Graded):
    """A grade that leans on a duration: its evidence says how the hours came about."""

    def __init__(self, one: Graded, alerting_grade: int, held: Held) -> None:
        super().__init__(one.basis, one.grade, alerting_grade)
        self._held = held

    @cached_property
    def evidence(self) -> Evidence:
        """Why, and from which samples the hours were counted."""
        told = evidence_of(self.case, self.grade, self.alerting_grade)
        samples = tuple(samples_of(self._held))
        return told.model_copy(
            update={"inputs": (*told.inputs, *samples), "reasons": (*told.reasons, words_of(self._held))}
        )


def _graded(known: Basis, held: Held) -> Graded:
    """The grade with the hours; while they are open, alerts count with the hours known where the rule says lowest."""
    one = grade_on(known._replace(lasting=held.hours))
    alerting = one.alerting_grade
    if not one.grade.decided and held.hours is not None and known.rule.when_undecided == "lowest":
        alerting = grade_on(known._replace(lasting=exactly(held.hours.low))).alerting_grade
    return Timed(one, alerting, held)


def _ended(state: RuleFold, known: Basis, after: Point, frame: Frame) -> RuleFold:
    """The fold once a run is over: its worst sample graded with the hours it came to, in place of what it seemed."""
    now, held = state.open, state.clock
    if now is None or held is None or held.worst is None or now.number != held.episode:
        return state
    measured, place = measured_result(held.worst, known.measured.analyte), held.worst.place(frame.zone)
    if not isinstance(measured, Measured):
        return state
    known = known._replace(measured=measured, facts=frame.facts_at(place[0]))
    first, last = held.longest or (None, None)
    one = _graded(known, held_for(first, last, held.before, after, frame.zone))
    treated = period_of(frame, place) == "after"
    before = state.before if treated else worse_of(held.untreated, one.grade)
    return state._replace(open=_settled(now, held.peak, one, held.worst, treated=treated), before=before)


def _settled(now: Episode, before: Peak | None, one: Graded, worst: Result, *, treated: bool) -> Episode:
    """The episode with the peak that stood before the run, or that of the run where it is higher."""
    emergent = None if before is None else before.emergent
    peak = before
    if before is None or (one.alerting_grade, one.grade.lowest, one.grade.highest) > (
        before.alerting,
        before.grade.lowest,
        before.grade.highest,
    ):
        peak = Peak(
            one.grade, one.alerting_grade, worst.observed_at, worst.status == "preliminary", one.evidence, emergent
        )
    assert peak is not None  # noqa: S101  # one of the two
    return now._replace(
        peak=worse_of(before.grade if before else None, one.grade),
        alerting=peak.alerting,
        peak_observed=peak.observed_at,
        provisional=peak.provisional,
        evidence=peak.evidence,
        emergent_peak=worse_of(emergent, one.grade) if treated else now.emergent_peak,
    )
