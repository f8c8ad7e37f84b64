"""Watch limits: results outside a limit of the protocol where CTCAE v5.0 prints no figure; never a grade (G22).

    limit  - - - - - - * - * - - ? - - - - - - - - - - * - -      * outside   o inside   ? cannot be known
               o   o                 o   o   o   o         o
                     [-- episode 1 --]                [ 2 ]

An episode opens with the first result that lies, or may lie, outside and ends with the first that surely lies inside.
A result that cannot be judged (its unit is not known, "<15" over a limit of 13.9) is never taken as inside: it holds
an open episode open, and opens one that is undetermined until a result surely lies outside.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from safety_stream.clinical.baseline import period_of
from safety_stream.clinical.composites import inputs_of
from safety_stream.clinical.conclusion import Evidence, Input, Reading, finding_id
from safety_stream.clinical.evidence import shown
from safety_stream.clinical.findings_measured import WatchLimitCrossed
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.measure import Measured, Unmeasurable
from safety_stream.clinical.points import Drawn
from safety_stream.clinical.result import Place
from safety_stream.clinical.running import Outside, Point, Watched
from safety_stream.quantity import EXACT, ZERO
from safety_stream.rulebook.criteria import Comparison, Inputs, Verdict
from safety_stream.rulebook.protocol import WatchLimit
from safety_stream.rulebook.tables import Analyte
from safety_stream.rulebook.written import parsed

LABEL = "outside the watch limits of the protocol, not a CTCAE grade"
READINGS_SHOWN = 4
_LONGEST = 60
_TREATED = {"before": False, "unclear": None, "after": True}
_NOTHING_SAID = {"no_value", "qualitative", "unknown_analyte"}


class Judgement(NamedTuple):
    """One result against one limit: whether it lies outside, how far out, and why that cannot be known."""

    outside: Verdict
    height: Decimal | None = None
    distance: str | None = None
    reasons: tuple[str, ...] = ()


Closed = tuple[WatchLimit, Outside]


def watched(
    held: Mapping[str, Watched], one: Drawn, frame: Frame, limits: tuple[WatchLimit, ...]
) -> tuple[Mapping[str, Watched], tuple[Closed, ...]]:
    """The state of every limit on the analyte after one more result, and the episodes that it ended."""
    now, ended, told, place = dict(held), [], one.measured, one.result.place(frame.zone)
    for limit in limits:
        judgement = judge(limit, told)
        if judgement is None or _may_be_last(limit, one, judgement):
            continue
        state, closed = _after(now.get(limit.outside) or Watched(), judgement, _point(one), frame, place)
        now[limit.outside] = state
        if closed is not None:
            ended.append((limit, closed))
    return now, tuple(ended)


def _may_be_last(limit: WatchLimit, one: Drawn, judgement: Judgement) -> bool:
    """Whether a result inside ends nothing, for one of the same day outside may have come after it (G45)."""
    if one.among is None or judgement.outside is not False:
        return False
    last = judge(limit, one.among)
    return last is not None and last.outside is not False


def judge(limit: WatchLimit, told: Measured | Unmeasurable) -> Judgement | None:
    """One result against one limit; None: the result says nothing, not even that there is a value."""
    if isinstance(told, Unmeasurable):
        return None if told.code in _NOTHING_SAID else Judgement(None, reasons=(f"G20: {told.code}: {told.found}",))
    if told.either:
        return _outermost(limit, told)
    comparison, inputs = parsed(limit.outside).comparisons[0], inputs_of(told)
    verdict = comparison.judge(inputs)
    if verdict is False:
        return Judgement(False)
    reach = inputs.value.low if comparison.op.startswith(">") else inputs.value.high.copy_negate()
    height = reach if reach.is_finite() else None
    reasons = () if verdict else tuple(_open(comparison, told, inputs))
    return Judgement(verdict, height, _distance(comparison, told, inputs) if verdict else None, reasons)


def _outermost(limit: WatchLimit, told: Measured) -> Judgement:
    """Of the results of one time the one farthest outside: what one laboratory calls critical is told (G45)."""
    judged = [one for one in (judge(limit, part) for part in told.either) if one is not None]
    worst = max(judged, key=lambda one: (one.outside is not False, *_rank(one.height, sure=one.outside is True)))
    return worst if worst.outside is False else worst._replace(reasons=(*worst.reasons, told.derived or ""))


def _open(comparison: Comparison, told: Measured, inputs: Inputs) -> Iterator[str]:
    if comparison.bound(inputs) is None:
        yield "G5: no unit is known" if told.unit is None else f"G5: no {comparison.limit} is known"
    if not told.value.exact:
        yield f"G19: {told.text} stands for every value it can mean"


def _distance(comparison: Comparison, told: Measured, inputs: Inputs) -> str | None:
    bound, value = comparison.bound(inputs), inputs.value
    if bound is None or not (bound.exact and value.exact):
        return None
    apart, unit = EXACT.subtract(value.low, bound.low), "" if told.unit is None else f" {told.analyte.unit}"
    if not apart:
        return "at the limit"
    return f"{shown(abs(apart))}{unit} {'above' if apart > 0 else 'below'} the limit"


def _point(one: Drawn) -> Point:
    result, told = one.result, one.measured
    if isinstance(told, Measured):
        return Point(result.observed_at, told.text.strip()[:_LONGEST], told.ucum, told.source)
    return Point(result.observed_at, (result.value or "").strip()[:_LONGEST], result.unit, result.source)


def _after(
    state: Watched, judgement: Judgement, point: Point, frame: Frame, place: Place
) -> tuple[Watched, Outside | None]:
    running = state.open
    if judgement.outside is False:
        closed = None if running is None else running._replace(last=point.observed_at, ended=point.observed_at)
        return state._replace(open=None), closed and closed._replace(recent=_recent(closed, point))
    treated = _TREATED[period_of(frame, place)]
    if running is None:
        number = state.episodes + 1
        return Watched(number, _begun(number, judgement, point, treated)), None
    return state._replace(open=_extended(running, judgement, point, treated)), None


def _begun(number: int, judgement: Judgement, point: Point, treated: Verdict) -> Outside:
    return Outside(
        number=number,
        onset=point.observed_at,
        last=point.observed_at,
        sure=judgement.outside is True,
        worst=point,
        height=judgement.height,
        distance=judgement.distance,
        reasons=judgement.reasons,
        treated=treated,
        recent=(point,),
    )


def _extended(running: Outside, judgement: Judgement, point: Point, treated: Verdict) -> Outside:
    now = running._replace(
        last=point.observed_at,
        treated=_either(running.treated, treated),
        recent=_recent(running, point),
    )
    sure = judgement.outside is True
    if _rank(judgement.height, sure=sure) <= _rank(running.height, sure=running.sure):
        return now
    return now._replace(
        sure=sure, worst=point, height=judgement.height, distance=judgement.distance, reasons=judgement.reasons
    )


def _rank(height: Decimal | None, *, sure: bool) -> tuple[bool, bool, Decimal]:
    """What surely lies outside goes before what only may; then the farther out."""
    return sure, height is not None, ZERO if height is None else height


def _either(one: Verdict, other: Verdict) -> Verdict:
    if one or other:
        return True
    return None if one is None or other is None else False


def _recent(running: Outside, point: Point) -> tuple[Point, ...]:
    return (*running.recent, point)[-READINGS_SHOWN:]


def watch_key(limit: str) -> str:
    """How an ended episode of a limit is listed on its page."""
    return f"watch|{limit}"


def watch_id(frame: Frame, analyte: str, limit: str, episode: int) -> str:
    """The id of one episode outside one limit: an ordinal, so that a late result does not change it."""
    return finding_id(frame.study, frame.subject, "watch", analyte, limit, episode)


def standing(
    state: Mapping[str, Watched], ended: Iterable[Closed], analyte: Analyte, frame: Frame, book: str
) -> Iterator[WatchLimitCrossed]:
    """The findings about ended episodes and the open ones."""
    for limit, episode in ended:
        yield crossed(limit, episode, analyte, frame, book)
    for limit in frame.version.watched(analyte.key):
        running = state[limit.outside].open if limit.outside in state else None
        if running is not None:
            yield crossed(limit, running, analyte, frame, book)


def crossed(limit: WatchLimit, episode: Outside, analyte: Analyte, frame: Frame, book: str) -> WatchLimitCrossed:
    """The finding for one episode as far as it has come."""
    worst = episode.worst
    return WatchLimitCrossed(
        id=watch_id(frame, limit.analyte, limit.outside, episode.number),
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/watch/{limit.analyte} {limit.outside}",
            book=book,
            inputs=(Input(name=analyte.name, value=worst.value, unit=worst.unit, source=worst.source),),
            comparison=f"{_said(worst)} against the watch limit {limit.outside}",
            reasons=("G22: a watch limit of the protocol; CTCAE v5.0 has no figure", *episode.reasons),
            sentence=_sentence(limit, episode, analyte),
        ),
        analyte=limit.analyte,
        limit=limit.outside,
        limit_source=limit.source,
        verdict="outside" if episode.sure else "undetermined",
        episode=episode.number,
        open=episode.ended is None,
        onset=episode.onset,
        last_observed=episode.last,
        ended=episode.ended,
        value=worst.value,
        unit=worst.unit,
        distance=episode.distance,
        worst_observed=worst.observed_at,
        emergent=episode.treated,
        tell=limit.tell,
        critical=limit.critical,
        study_day=frame.study_day(worst.observed_at),
        readings=tuple(
            Reading(observed_at=one.observed_at, value=one.value, unit=one.unit, grade=None, source=one.source)
            for one in episode.recent
        ),
    )


def _said(worst: Point) -> str:
    return f"{worst.value} {worst.unit or ''}".strip()


def _sentence(limit: WatchLimit, episode: Outside, analyte: Analyte) -> str:
    told = f"{analyte.name} {_said(episode.worst)}, watch limit {limit.outside}"
    if not episode.sure:
        return f"{told}: cannot be judged ({'; '.join(episode.reasons)}); not a CTCAE grade."
    return f"{told}{f', {episode.distance}' if episode.distance else ''}: {LABEL}."
