"""How deep the neutrophils fell, carried from sample to sample: what hematotoxicity (ICAHT) is judged by.

    day     -1   0   3   5   9  14 ... 30 | 31 ....          day 0: the infusion, in the study's zone
            last of     one entry a day,    | for each late limit the first two
            before      the lowest count    | samples in a row at or below it

So little is kept that it stays the same size however long the history, and a sample that is neither in the early days
nor low leaves it as it is.
"""

from datetime import date, tzinfo
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.composites import inputs_of
from safety_stream.clinical.frame import Frame, Infusion
from safety_stream.clinical.measure import Measured
from safety_stream.clinical.points import Drawn
from safety_stream.clinical.running import Depth, Depths, Late, Point, Twice
from safety_stream.rulebook.criteria import Verdict
from safety_stream.rulebook.hematotoxicity_rules import EarlyHematotoxicity, Hematotoxicity
from safety_stream.rulebook.written import parsed


def day_zero(frame: Frame, rules: Hematotoxicity) -> date | None:
    """The day that days are counted from; None: no infusion yet, or its day is not known."""
    one = counted_from(frame, rules)
    return one.first_day if one is not None and one.first_day == one.last_day else None


def counted_from(frame: Frame, rules: Hematotoxicity) -> Infusion | None:
    """The infusion that days are counted from, its day known or not; None: no infusion yet."""
    first = rules.day_zero == "first_infusion"
    if first or not frame.infusions:
        return frame.infusions[0] if frame.infusions else None
    return max(frame.infusions, key=lambda infusion: infusion.last_day)


class Counting(NamedTuple):
    """What the depths are judged by: the rules, and the day that days are counted from."""

    rules: Hematotoxicity
    zero: date


def counting_of(frame: Frame, key: str) -> Counting | None:
    """How an analyte is counted; None: not at all, or not before the day of an infusion is known."""
    rules = frame.version.hematotoxicity
    if rules is None or key != rules.analyte:
        return None
    zero = day_zero(frame, rules)
    return None if zero is None else Counting(rules, zero)


def deeper(held: Depths, one: Drawn, measured: Measured, counting: Counting, zone: tzinfo) -> Depths:
    """The depths after one more sample, told in order of observation."""
    rules, zero = counting
    first, last = ((day - zero).days for day in one.result.observed_at.dates(zone))
    if first != last:
        low = _low(measured.bare, rules.early_limits)
        may_be = last >= 0 and any(verdict is not False for verdict in low)
        return held._replace(undated=held.undated or _point(one, measured)) if may_be else held
    newest = max((one.day for one in (*held.days[-1:], *held.above[-1:])), default=first)
    if newest <= rules.early.to_day:  # the first sample after them says how far a stretch may have gone on
        depth = Depth(first, _low(measured.bare, rules.early_limits), _point(one, measured))
        held = _with_day(held, depth, rules.early)
    return held if first <= rules.early.to_day else _late(held, rules, first, one, measured)


def _point(one: Drawn, measured: Measured) -> Point:
    return Point(one.result.observed_at, measured.text, measured.ucum, measured.source, one.provisional)


@lru_cache(maxsize=4096)
def _low(measured: Measured, limits: tuple[str, ...]) -> tuple[Verdict, ...]:
    """Whether the count lies at or below each of the limits."""
    inputs = inputs_of(measured)
    return tuple(parsed(when).judge(inputs) for when in limits)


def _with_day(held: Depths, more: Depth, early: EarlyHematotoxicity) -> Depths:
    """The days with one more sample: of one day the lowest count, of the days before day 0 the last."""
    days, above = held.days, held.above
    if above and above[-1].day == more.day:
        above, more = above[:-1], _deepest(above[-1], more)
    elif not above and days and days[-1].day == more.day:
        days, more = days[:-1], _deepest(days[-1], more)
    if may_be_low(more):
        return held._replace(days=(more,) if more.day < 0 else (*days, *above, more), above=())
    if days and not recovered([one.day for one in _above_at_end(days)], early):
        return held._replace(days=(*days, more), above=above)
    return held._replace(days=days, above=(*above, more)[-2:])


def _deepest(held: Depth, more: Depth) -> Depth:
    low = tuple(_or(one, other) for one, other in zip(held.low, more.low, strict=True))
    return (more if _rank(more.low) > _rank(held.low) else held)._replace(low=low)


def may_be_low(one: Depth) -> bool:
    """Whether a day lies, or may lie, at or below one of the limits."""
    return any(verdict is not False for verdict in one.low)


def _above_at_end(days: tuple[Depth, ...]) -> tuple[Depth, ...]:
    last = max((place for place, one in enumerate(days) if may_be_low(one)), default=-1)
    return days[last + 1 :]


def recovered(above: list[int], early: EarlyHematotoxicity) -> bool:
    """Whether days above, with samples close enough to each other, last for a recovery."""
    since = None
    for place, day in enumerate(above):
        if since is None or day - above[place - 1] > early.observed_every.length.days:
            since = day
        if day - since + 1 >= early.recovered_for:
            return True
    return False


def _late(held: Depths, rules: Hematotoxicity, day: int, one: Drawn, measured: Measured) -> Depths:
    verdicts = _low(measured.bare, rules.late_counts)
    if not any(low is not False for low in verdicts) and all(one.running is None for one in held.late):
        return held
    before, point = held.late or tuple(Twice() for _ in verdicts), _point(one, measured)
    now = tuple(_twice(one, verdict, day, point) for one, verdict in zip(before, verdicts, strict=True))
    return held if now == before else held._replace(late=now)


def _twice(held: Twice, low: Verdict, day: int, point: Point) -> Twice:
    """One late limit after one more sample: two in a row on different days meet it, one above begins anew."""
    if low is False:
        return held._replace(running=None)
    now, running = Late(day, low is True, point), held.running
    if running is None:
        return held._replace(running=now)
    if running.day == day:
        return held._replace(running=now if now.sure and not running.sure else running)
    if running.sure and now.sure:
        return held._replace(met=held.met or (running, now))
    kept = running if now.sure is running.sure else now
    return held._replace(running=kept, perhaps=held.perhaps or (running, now))


def _rank(low: tuple[Verdict, ...]) -> tuple[int, ...]:
    return tuple({True: 2, None: 1, False: 0}[verdict] for verdict in low)


def _or(one: Verdict, other: Verdict) -> Verdict:
    if one or other:
        return True
    return None if one is None or other is None else False
