"""Episodes: onset, worsening, improvement, resolution, recurrence of one term, from graded samples in order.

    grade 4              *
    grade 3           *     *
    grade 2        *           *                  *
    grade 1     *                 *            *     *
    normal   o                       o   o  o           o
             .  [---- episode 1 ----]          [- 2 --]

An episode opens with the first sample above the floor and ends with the first that is normal. The floor is 0; for a
subject whose grade before treatment was not normal it is the worst grade before treatment, until a normal sample is
seen: then an excursion ends when it is back at that grade. A sample that cannot be graded neither opens nor ends one.
"""

from datetime import UTC, timedelta

from safety_stream.clinical.at_grades import at_grades
from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.fold import Episode, RuleFold, Seen, Stretch
from safety_stream.clinical.jumps import risen, steepest
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.sample import Sample, worse_of

READINGS_SHOWN = 4


def advance(fold: RuleFold, sample: Sample, thresholds: tuple[int, ...]) -> tuple[RuleFold, Episode | None]:
    """The fold after one more sample, and the episode that it closed, if it did.

    ``thresholds``: the grades whose unbroken stretches a DLT rule may ask for.
    """
    if fold.open is None and sample.grade.highest == 0:
        return _rested(fold, sample), None
    fold = _entered(fold, sample)
    closed: Episode | None = None
    now = fold.open
    if sample.alerting > fold.floor:
        now = _opened(fold, sample) if now is None else _extended(now, sample, above_floor=sample.period == "after")
    elif now is not None:
        if _ends(now, sample):
            closed = _extended(now, sample, above_floor=False)._replace(resolved=sample.moment, closed=True)
            now = None
        else:
            now = _extended(now, sample, above_floor=False)
    ending = closed or now
    if ending is not None:
        ending = ending._replace(
            stretches=_stretched(ending.stretches, sample, thresholds, fold.recent),
            readings=_shown(fold, sample),
            times=at_grades(ending.times, sample),
            risen=steepest(ending.risen, risen(fold.recent, sample.seen))
            if sample.period != "before"
            else ending.risen,
        )
    return _left(fold, sample, ending if closed is None else None), ending if closed is not None else None


def _rested(fold: RuleFold, sample: Sample) -> RuleFold:
    """The fold after a normal sample outside any episode: most samples are so."""
    recent = (*fold.recent, sample.seen)[-READINGS_SHOWN:]
    if sample.period == "after":
        return RuleFold(fold.episodes, None, fold.before, 0, True, fold.baseline, recent, fold.clock)
    before = sample.grade if fold.before is None else fold.before
    return RuleFold(fold.episodes, None, before, 0, fold.treated, sample.seen, recent, fold.clock)


def _entered(fold: RuleFold, sample: Sample) -> RuleFold:
    """What treatment changes: with the first sample after its start the grade before it becomes the floor."""
    if sample.period != "after":
        return fold._replace(before=worse_of(fold.before, sample.grade), baseline=sample.seen)
    if fold.treated:
        return fold
    floor = fold.before.lowest if fold.open is not None and fold.before is not None else 0
    return fold._replace(treated=True, floor=floor)


def _ends(episode: Episode, sample: Sample) -> bool:
    """A normal sample ends an episode; so does the return of an excursion to the grade before treatment."""
    if sample.grade.highest == 0:
        return True
    return sample.period == "after" and episode.above_floor and sample.grade.lowest > 0


def _opened(fold: RuleFold, sample: Sample) -> Episode:
    after = sample.period == "after"
    return Episode(
        number=fold.episodes + 1,
        onset=sample.moment,
        last_observed=sample.moment,
        current=sample.grade,
        peak=sample.grade,
        alerting=sample.alerting,
        peak_observed=sample.moment,
        provisional=sample.provisional,
        evidence=sample.graded.evidence,
        began=sample.period,
        above_floor=after,
        emergent_peak=sample.grade if after else None,
    )


def _extended(episode: Episode, sample: Sample, *, above_floor: bool) -> Episode:
    now = episode._replace(
        last_observed=sample.moment,
        current=sample.grade,
        above_floor=episode.above_floor or above_floor,
        emergent_peak=episode.emergent_peak
        if sample.period != "after"
        else worse_of(episode.emergent_peak, sample.grade),
    )
    peak = worse_of(episode.peak, sample.grade)  # what one sample surely was, a vaguer one after it does not undo
    if _height(sample.alerting, sample.grade) <= _height(episode.alerting, episode.peak):
        return now if peak == episode.peak else now._replace(peak=peak)
    return now._replace(
        peak=peak,
        alerting=sample.alerting,
        peak_observed=sample.moment,
        provisional=sample.provisional,
        evidence=sample.graded.evidence,
    )


def _left(fold: RuleFold, sample: Sample, still_open: Episode | None) -> RuleFold:
    normal = sample.grade.highest == 0
    return fold._replace(
        episodes=fold.episodes if still_open is None else still_open.number,
        open=still_open,
        floor=0 if normal else fold.floor,
        recent=(*fold.recent, sample.seen)[-READINGS_SHOWN:],
    )


def _shown(fold: RuleFold, sample: Sample) -> tuple[Seen, ...]:
    """Baseline and the last results, oldest first."""
    last = (*fold.recent, sample.seen)[-READINGS_SHOWN:]
    return last if fold.baseline is None or fold.baseline in last else (fold.baseline, *last)


def _height(alerting: int, grade: GradeRange) -> tuple[int, int, int]:
    return alerting, grade.lowest, grade.highest


def _stretched(
    stretches: tuple[Stretch, ...], sample: Sample, thresholds: tuple[int, ...], recent: tuple[Seen, ...]
) -> tuple[Stretch, ...]:
    """The runs at or above each threshold after one more sample of the episode."""
    now = list(stretches)
    for threshold in thresholds:
        running = next((i for i, one in enumerate(now) if one.grade == threshold and one.after is None), None)
        sure, maybe = sample.grade.lowest >= threshold, sample.grade.highest >= threshold
        if running is None:
            if maybe and sample.alerting >= threshold:
                alone = (sample.moment, sample.moment) if sure else None
                before = _last_below(recent, threshold)
                now.append(
                    Stretch(
                        threshold, sample.moment, sample.moment, sure, before, None, alone, alone, sample.seen.source
                    )
                )
        elif not maybe:
            now[running] = now[running]._replace(after=sample.moment)
        elif sure:
            now[running] = _surely_on(now[running], sample.moment)
        elif now[running].going is not None:
            now[running] = now[running]._replace(going=None)
    return tuple(now)


def _surely_on(run: Stretch, moment: Moment) -> Stretch:
    """A run with one more sample that surely belongs to it."""
    going = (run.going[0] if run.going else moment, moment)
    known = going if run.known is None or _time(going) >= _time(run.known) else run.known
    return run._replace(first=run.first if run.sure else moment, last=moment, sure=True, known=known, going=going)


def _time(stretch: tuple[Moment, Moment]) -> timedelta:
    """The least time from the first to the last sample: of two stretches it tells the longer in any zone."""
    return stretch[1].earliest(UTC) - stretch[0].latest(UTC)


def _last_below(recent: tuple[Seen, ...], threshold: int) -> Moment | None:
    """When the last sample surely below a threshold was taken; None: not among the last ones."""
    below = [one.observed_at for one in recent if one.grade is not None and one.grade.highest < threshold]
    return below[-1] if below else None
