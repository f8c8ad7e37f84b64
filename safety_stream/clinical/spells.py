"""One series as a rule that joins two measurements sees it, carried from result to result (febrile neutropenia).

    what happens (temperature)       o   *  *  *   o      *   o        * meets, or may meet, the figure   o does not
                                         [ run ]          [ ]          one spell a run, judged with its hours
    the state around (neutrophils)   o   o   *   *   *      *   o      * below the figure   o not below
                                     [---]   [-------]      .   .      one spell a verdict, samples close enough

Runs of a fever that surely is none are dropped; of spells that tell the same, one a day is enough.
"""

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import chain

from safety_stream.clinical.hours import apart, held_for
from safety_stream.clinical.measure import Measured
from safety_stream.clinical.points import Drawn
from safety_stream.clinical.running import Joining, Months, Point, Spell
from safety_stream.quantity import ZERO, Interval, exactly
from safety_stream.rulebook.criteria import Comparison, Criterion, Inputs, Verdict, compare
from safety_stream.rulebook.tables import Book, Part

Stretch = tuple[Point, Point]
MONTH = 31
_NO_TIME, _ENOUGH_TIME = exactly(ZERO), exactly(Decimal(1_000_000))


def joining(
    held: Mapping[str, Joining], one: Drawn, measured: Measured, book: Book, zone: tzinfo
) -> Mapping[str, Joining]:
    """The spells of every joined rule on the analyte after one more result; what cannot be measured tells nothing."""
    now = dict(held)
    point = Point(one.result.observed_at, measured.text, measured.ucum, measured.source, one.provisional)
    for rule in book.joined_on(measured.key):
        state = now.get(rule.id) or Joining()
        if measured.key == rule.happens.analyte:
            now[rule.id] = _happens(state, rule.happens, measured, point, zone)
        else:
            now[rule.id] = _around(state, rule.around, measured, point, zone)
    return now


def _criterion(part: Part, measured: Measured) -> tuple[Criterion, Interval]:
    """The criterion in the unit reported where it is printed for it, else in the analyte's own (register G1)."""
    reported = part.when.get(measured.ucum or "")
    if reported is not None:
        return reported, measured.value
    return part.when[measured.analyte.unit], measured.own


def _judged(part: Part, measured: Measured, lasting: Interval) -> Verdict:
    return _judged_bare(part, measured.bare, lasting)


@lru_cache(maxsize=4096)
def _judged_bare(part: Part, measured: Measured, lasting: Interval) -> Verdict:
    """What a quantity says to a part: once for all results that say the same."""
    criterion, value = _criterion(part, measured)
    return criterion.judge(Inputs(value, None, None, None, {}, measured.unit is not None, lasting=lasting))


def _around(state: Joining, part: Part, measured: Measured, point: Point, zone: tzinfo) -> Joining:
    """A state: the spell goes on while samples tell the same and lie close enough to each other."""
    met = _judged(part, measured, _NO_TIME)
    running = state.open
    if running is not None and running.met is met and _near(running.last, point, part.observed_every, zone):
        gone_on = running._replace(last=point, daily=_by_day(running.daily, point, zone))
        return Joining(state.spells, state.before, gone_on)
    return Joining(_kept(state.spells, running, zone), open=Spell(met, point, point, point, daily=((point,),)))


def _happens(state: Joining, part: Part, measured: Measured, point: Point, zone: tzinfo) -> Joining:
    """Something that happens: a run of samples that meet the figure, or may, with the hours it came to."""
    at_once, if_long = (_judged(part, measured, time) for time in (_NO_TIME, _ENOUGH_TIME))
    running = state.open
    if if_long is False and at_once is False:
        ended = running and _with_verdict(running._replace(after=point), part, zone)
        return Joining(_kept(state.spells, ended, zone), before=point)
    if running is None or not _near(running.last, point, part.observed_every, zone):
        spells = _kept(state.spells, running, zone)
        running = Spell(None, point, point, point, before=state.before)
    else:
        spells = state.spells
    running = _extended(running, point, at_once, if_long, zone)
    return Joining(spells, state.before, _with_verdict(running, part, zone))


def _extended(running: Spell, point: Point, at_once: Verdict, if_long: Verdict, zone: tzinfo) -> Spell:
    shows = point if at_once and not running.at_once else running.shows
    stretch = None
    if if_long:
        stretch = (running.stretch[0] if running.stretch else point, point)
    return running._replace(
        last=point,
        shows=shows,
        stretch=stretch,
        longest=_longer(running.longest, stretch, zone),
        at_once=_or(running.at_once, at_once),
        if_long=_or(running.if_long, if_long),
    )


def _longer(held: Stretch | None, now: Stretch | None, zone: tzinfo) -> Stretch | None:
    if held is None or now is None:
        return held or now
    return now if apart(*now, zone)[0] > apart(*held, zone)[0] else held


def _with_verdict(spell: Spell, part: Part, zone: tzinfo) -> Spell:
    return spell._replace(met=_met(spell, part, zone))


def _met(spell: Spell, part: Part, zone: tzinfo) -> Verdict:
    """What a run came to: by one sample, or by its hours; while it goes on there is no end to what is possible."""
    if spell.at_once or spell.if_long is False:
        return spell.at_once
    time = _timed(part)
    if time is None:
        return spell.at_once
    first, last = spell.longest or (None, None)
    hours = held_for(first, last, spell.before, spell.after, zone).hours
    long = None if hours is None else compare(hours, time.op, exactly(time.plus))
    if long is False:
        return spell.at_once
    return True if long and spell.if_long else None


def _timed(part: Part) -> Comparison | None:
    own = next(iter(part.when.values()))
    return next((one.lasting for one in own.comparisons if one.lasting is not None), None)


def _near(one: Point, other: Point, within: timedelta, zone: tzinfo) -> bool:
    return apart(one, other, zone)[1] <= within


def _kept(spells: tuple[Spell, ...], ended: Spell | None, zone: tzinfo) -> tuple[Spell, ...]:
    """The spells with one more: joined to one of the same day that tells the same."""
    if ended is None or (ended.met is False and ended.after is not None):
        return spells
    day = ended.first.observed_at.dates(zone)[0]
    for place in range(len(spells) - 1, max(len(spells) - 4, -1), -1):
        one = spells[place]
        if one.met is ended.met and one.last.observed_at.dates(zone)[0] == day:
            daily = one.daily
            for point in chain.from_iterable(ended.daily):
                daily = _by_day(daily, point, zone)
            joined = one._replace(last=ended.last, after=ended.after, daily=daily)
            return (*spells[:place], joined, *spells[place + 1 :])
    return (*spells, ended)


def _by_day(months: Months, point: Point, zone: tzinfo) -> Months:
    """The samples with a later one: the last of each day. Only the last month is written anew."""
    last = months[-1] if months else ()
    if last and last[-1].observed_at.dates(zone)[0] == point.observed_at.dates(zone)[0]:
        return (*months[:-1], (*last[:-1], point))
    return (*months[:-1], (*last, point)) if 0 < len(last) < MONTH else (*months, (point,))


def _or(one: Verdict, other: Verdict) -> Verdict:
    if one or other:
        return True
    return None if one is None or other is None else False
