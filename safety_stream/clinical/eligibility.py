"""Eligibility: each threshold of the protocol, judged in its phase, with the distance to its limit (decision T9).

        screening        |  -5 d .. infusion 1   |  -5 d .. infusion 2 |            afterwards
    ---------------------|-----------------------X---------------------X------------------------------>
        "not eligible"   |  "hold and ask"       |  "hold and ask"     |            for information

In each phase the last valid result decides, of several of one time the one that passes less. What cannot be judged is
undetermined, never met.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import Evidence, Input, finding_id
from safety_stream.clinical.findings_subject import EligibilityBreach
from safety_stream.clinical.fold import Judged
from safety_stream.clinical.frame import Frame, Upcoming
from safety_stream.clinical.grading import Measured
from safety_stream.clinical.long_before import oldest
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.result import Result
from safety_stream.quantity import EXACT, Interval, plain
from safety_stream.rulebook.criteria import Comparison, Inputs, Verdict
from safety_stream.rulebook.protocol import Criteria, EligibilityCriterion
from safety_stream.rulebook.written import parsed

_NEVER_SAID = Moment("1900")
Phase = Literal["screening", "before_infusion", "after_infusion"]


class Stage(NamedTuple):
    """A phase, and for a check before an infusion which infusion that is."""

    phase: Phase
    infusion: int = 0
    screening: int = 1


class Answer(NamedTuple):
    """What a criterion is judged on: the measured quantity, and the facts known at its time."""

    measured: Measured
    facts: Mapping[str, bool]


def judge_result(result: Result, measured: Measured, frame: Frame, criteria: Criteria) -> Iterator[Judged]:
    """Of these criteria of the subject's protocol version every one that this result can answer, in its phase."""
    place = result.place(frame.zone)
    answer = Answer(measured, frame.facts_at(place[0]))
    for name, criterion in criteria:
        stage = stage_of(frame, criterion, *place)
        if stage is not None:
            yield _judged(name, criterion, stage, result, answer)


def stage_of(frame: Frame, criterion: EligibilityCriterion, earliest: datetime, latest: datetime) -> Stage | None:
    """The phase in which a result of that time is judged; None: the criterion is not judged again then."""
    ahead = _next_infusion(frame, earliest, latest)
    if ahead is not None and _recheck_began(frame, ahead, earliest):
        return _recheck(frame, criterion, ahead, earliest, latest)
    if any(one.earliest < earliest for one in frame.infusions):
        return Stage("after_infusion")
    if frame.treated_before(earliest, latest) is True or _too_old(frame, latest):
        return None
    return Stage("screening", 0, frame.screening_at(earliest))


def _too_old(frame: Frame, latest: datetime) -> bool:
    """Whether a result is surely from a day before those that count for the first screening (T39)."""
    first = oldest(frame)
    return first is not None and latest < first


def _next_infusion(frame: Frame, earliest: datetime, latest: datetime) -> Upcoming | None:
    """The infusion that comes next after a result; none once the subject has left treatment, or has died."""
    left = frame.withdrawn
    for one in frame.upcoming:
        if latest <= one.until or earliest <= one.until < latest:
            gone = left is not None and not one.given and left.withdrawn.earliest(frame.zone) <= latest
            return None if gone or (frame.died is not None and not one.given) else one
    return None


def _recheck_began(frame: Frame, ahead: Upcoming, earliest: datetime) -> bool:
    days = frame.version.eligibility.recheck_from_days_before if frame.version.eligibility else 0
    return earliest.astimezone(frame.zone).date() >= ahead.day - timedelta(days=days)


def _recheck(
    frame: Frame, criterion: EligibilityCriterion, ahead: Upcoming, earliest: datetime, latest: datetime
) -> Stage | None:
    rule = criterion.recheck
    if rule == "default":
        rule = frame.version.eligibility.recheck if frame.version.eligibility else "never"
    if rule == "before_each_infusion":
        return Stage("before_infusion", ahead.number)
    if rule == "before_lymphodepletion" and frame.treated_before(earliest, latest) is not True:
        return Stage("before_infusion", ahead.number)
    return None


def _judged(name: str, criterion: EligibilityCriterion, stage: Stage, result: Result, answer: Answer) -> Judged:
    measured, facts = answer
    printed = criterion.must_in.get(measured.ucum or "")  # in the unit reported where the protocol prints one (T10)
    told = tuple(sorted(facts.items())) if facts else ()
    met, reasons = _met(printed or criterion.must, measured.bare, told, own=printed is None), list[str]()
    if met and criterion.needs == "off_oxygen" and result.flag is not False:
        met = None
        reasons.append("whether oxygen was given is not known" if result.flag is None else "taken while on oxygen")
    if met:
        return _met_in(name, stage)
    if met is None and not reasons:
        reasons.append("the limit of normal or the unit is missing, or the value is not exact enough")
    if measured.derived:
        reasons.append(f"derived: {measured.derived}" if not measured.either else measured.derived)
    rule, inputs = parsed(printed or criterion.must), _inputs(measured, facts, own=printed is None)
    comparison = rule.comparisons[0]
    bound = comparison.bound(inputs)
    return Judged(
        criterion=name,
        phase=stage.phase,
        infusion=stage.infusion,
        met=met,
        value=measured.text,
        unit=measured.ucum,
        limit=_limit(criterion, comparison, inputs, measured),
        distance=_distance(inputs.value, bound, criterion, measured),
        to_pass=f"a result {rule.text}" + (" without oxygen" if criterion.needs else ""),
        observed_at=result.observed_at,
        source=measured.source,
        reasons=tuple(reasons),
        screening=stage.screening,
    )


@lru_cache(maxsize=1024)
def _met_in(name: str, stage: Stage) -> Judged:
    """A criterion that is met: no more is kept than that, so that the next result that meets it changes nothing."""
    return Judged(
        criterion=name,
        phase=stage.phase,
        infusion=stage.infusion,
        met=True,
        value=None,
        unit=None,
        limit="",
        distance=None,
        to_pass="",
        observed_at=_NEVER_SAID,
        source="",
        screening=stage.screening,
    )


@lru_cache(maxsize=16_384)
def _met(rule: str, measured: Measured, facts: tuple[tuple[str, bool], ...], *, own: bool) -> Verdict:
    """Whether a quantity meets a criterion: once for all that say the same."""
    return parsed(rule).judge(_inputs(measured, dict(facts), own=own))


def _inputs(measured: Measured, facts: Mapping[str, bool], *, own: bool) -> Inputs:
    """What a criterion is judged on: ``own``, in the analyte's own unit; else in the unit reported."""
    limits, unit = measured.limits, measured.unit
    to_own = unit.own if own and unit is not None else None
    low, high = (limit if limit is None or to_own is None else to_own(limit) for limit in limits)
    value = measured.value if to_own is None else measured.own
    return Inputs(value, low, high, None, facts, unit is not None)


def _limit(criterion: EligibilityCriterion, comparison: Comparison, inputs: Inputs, measured: Measured) -> str:
    """The limit as the protocol prints it, and what it comes to with the limit of normal that was sent."""
    if comparison.limit is None:
        return str(comparison)
    limit, bound = getattr(inputs, comparison.limit), comparison.bound(inputs)
    if bound is None or limit is None:
        return f"{comparison} ({comparison.limit} not sent)"
    unit = _unit(criterion, measured)
    return f"{comparison} ({comparison.limit} {limit}{unit}: {comparison.op} {bound}{unit})"


def _distance(
    value: Interval, bound: Interval | None, criterion: EligibilityCriterion, measured: Measured
) -> str | None:
    if bound is None or not (value.exact and bound.exact):
        return None
    apart = EXACT.subtract(value.low, bound.low)
    said = "at the limit" if not apart else f"{plain(abs(apart))}{_unit(criterion, measured)}"
    return said if not apart else f"{said} {'above' if apart > 0 else 'below'} the limit"


def _unit(criterion: EligibilityCriterion, measured: Measured) -> str:
    unit = measured.ucum if measured.ucum in criterion.must_in else measured.analyte.unit
    return f" {unit}" if measured.unit is not None else ""


def counts(now: Judged, held: Judged | None, observed_at: Moment) -> bool:
    """Whether a judgement says something new: the last result decides, and of two of one time the one that passes less.

    Which of two tubes of one time is right nobody knows; the number of a record never makes a subject eligible.
    """
    if held is None or now == held:
        return held is None
    less = now.met is None and held.met is False
    return not (held.met is not True and (now.met or less) and held.observed_at == observed_at)


def judged_key(judged: Judged) -> str:
    """Criterion and phase: the thing of which the last result decides."""
    again = f"|screening {judged.screening}" if judged.screening > 1 else ""
    return f"{judged.criterion}|{judged.phase}|{judged.infusion}{again}"


def breach_id(frame: Frame, judged: Judged) -> str:
    """The id of the finding of one criterion in one phase."""
    return finding_id(frame.study, frame.subject, "eligibility", judged_key(judged))


def breach(frame: Frame, judged: Judged, book_version: str) -> EligibilityBreach | None:
    """The finding, unless the criterion is met; afterwards only what is surely broken is worth a line."""
    if judged.met or (judged.met is None and judged.phase == "after_infusion"):
        return None
    text = frame.version.criterion(judged.criterion).text
    verdict: Literal["breached", "undetermined"] = "undetermined" if judged.met is None else "breached"
    return EligibilityBreach(
        id=breach_id(frame, judged),
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/eligibility/{judged.criterion}",
            book=book_version,
            inputs=(Input(name="value", value=judged.value or "", unit=judged.unit, source=judged.source),),
            comparison=f"{judged.value} {judged.unit or ''} against {judged.limit}",
            reasons=(*judged.reasons, f"T9: {_PHASES[judged.phase]}"),
            sentence=_sentence(text, verdict, judged),
        ),
        criterion=judged.criterion,
        criterion_text=text,
        phase=judged.phase,
        verdict=verdict,
        value=judged.value,
        unit=judged.unit,
        limit=judged.limit,
        distance=judged.distance,
        to_pass=judged.to_pass,
        observed_at=judged.observed_at,
        screening=judged.screening,
    )


_PHASES = {
    "screening": "judged at screening: not eligible while it does not hold",
    "before_infusion": "judged again before an infusion: hold and ask",
    "after_infusion": "after an infusion, for information",
}


def _sentence(text: str, verdict: str, judged: Judged) -> str:
    value = f"{judged.value} {judged.unit or ''}".strip()
    when = f" before infusion {judged.infusion}" if judged.infusion else ""
    if verdict == "undetermined":
        return f"{text}: cannot be judged{when} on {value} ({'; '.join(judged.reasons)})."
    return f"{text}: not met{when}, {value}" + (f", {judged.distance}." if judged.distance else ".")
