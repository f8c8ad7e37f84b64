"""One analyte of one subject: each result is measured, graded, judged and questioned in order of observation.

``carried`` takes the fold over one more time point (for most analytes that is one result); ``folded`` does so for a
whole series. Both give the same, because the second is the first repeated: that is why appending a result in order
costs the same however long the history.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from safety_stream.clinical import watch
from safety_stream.clinical.at_grades import TOLD
from safety_stream.clinical.at_one_time import TWO_RESULTS
from safety_stream.clinical.bands import expected_up_to
from safety_stream.clinical.baseline import other_period_of, period_of
from safety_stream.clinical.clock import timed
from safety_stream.clinical.composites import Marks, marks_of, thinned
from safety_stream.clinical.conclusion import GradeRange, worst_of
from safety_stream.clinical.course import Course
from safety_stream.clinical.depths import deeper
from safety_stream.clinical.dlt import observe
from safety_stream.clinical.doubts import doubts, of_an_unknown_test
from safety_stream.clinical.eligibility import breach, breach_id, counts, judge_result, judged_key
from safety_stream.clinical.episodes import advance
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.fold import Digest, Episode, Flood, Fold, Judged, RuleFold, Seen
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Baseline, Basis, Graded, Measured, NoBaseline, grade_on
from safety_stream.clinical.long_before import RESULT as LONG_BEFORE
from safety_stream.clinical.long_before import SEVERE, question
from safety_stream.clinical.observed import Expected, observed
from safety_stream.clinical.points import Drawn, drawn, is_of, point_of, points
from safety_stream.clinical.queries import asked, poured, query
from safety_stream.clinical.reconciliation import graded_episodes
from safety_stream.clinical.result import Place, Result, measured_result
from safety_stream.clinical.running import Depths, Observed, Spell
from safety_stream.clinical.sample import Period, Sample
from safety_stream.clinical.spells import joining
from safety_stream.clinical.toxicities import (
    dlt_ids,
    dose_limiting_toxicities,
    toxicity,
)
from safety_stream.clinical.two_baselines import other_baseline, with_other
from safety_stream.rulebook.tables import GradingRule


class Touched(NamedTuple):
    """What one time point brought: episodes it closed, questions it raised, grades it was given.

    ``judged``: the criteria that it answered otherwise than before; one that is met again is the same answer.
    """

    closed: tuple[tuple[GradingRule, RuleFold, Episode], ...] = ()
    judged: tuple[Judged, ...] = ()
    floods: tuple[Flood, ...] = ()
    grades: tuple[GradeRange, ...] = ()
    inside: tuple[watch.Closed, ...] = ()


_NOTHING = Touched()
_NO_SAMPLE = RuleFold()


def carried(fold: Fold, point: tuple[Result, ...], course: Course) -> tuple[Fold, Touched]:
    """The fold after one more time point of results that stand, and what it brought."""
    fold, touched = at_end_of(fold, point, course), _NOTHING
    if course.analyte is None:
        named = course.key[1:]
        questions = [asked("unknown_analyte", named, named, "a test of the rulebook", one.source) for one in point]
        return _asked(fold, touched, (*questions, *of_an_unknown_test(point, course)))
    said = drawn(point, course.analyte, course.frame, course.book)
    for one in said:
        if isinstance(one.measured, Measured):
            fold, touched = _judged(fold, touched, one, point, course)
        elif one.measured.query:
            fold, touched = _asked(fold, touched, (asked(*one.measured.remark, one.result.source),))
        if course.limits:
            fold, touched = _watched(fold, touched, one, course)
    # a companion is questioned on its own page
    own = [one for one in point if is_of(one, course.analyte, course.book)] if course.companions else point
    if not said and course.expected is not None:
        fold = fold._replace(observed=_seen(fold.observed, own, course.expected, course))
    return _asked(fold, touched, doubts(own, course))


def _seen(held: Observed, own: Iterable[Result], expected: Expected, course: Course) -> Observed:
    """What was measured and gave way to a companion (G16) was observed all the same."""
    for one in own:
        if course.analyte is not None and isinstance(measured_result(one, course.analyte), Measured):
            held = observed(held, one.place(course.zone), expected, course.zone)
    return held


def _watched(fold: Fold, touched: Touched, one: Drawn, course: Course) -> tuple[Fold, Touched]:
    """The time outside the watch limits, which runs on beside the grades."""
    state, ended = watch.watched(fold.watched, one, course.frame, course.limits)
    now = fold._replace(watched=state)
    return now, touched._replace(inside=(*touched.inside, *ended)) if ended else touched


def at_end_of(fold: Fold, point: tuple[Result, ...], course: Course) -> Fold:
    """The fold with no more said than that these results have been."""
    last = point[-1]
    return Fold(course.order(last), point_of(last, course.zone) if course.joint else "", *fold[2:])


def _asked(fold: Fold, touched: Touched, floods: Iterable[Flood]) -> tuple[Fold, Touched]:
    told = tuple(floods)
    if not told:
        return fold, touched
    return fold._replace(floods=poured(fold.floods, told)), touched._replace(floods=(*touched.floods, *told))


def _judged(
    fold: Fold, touched: Touched, one: Drawn, point: tuple[Result, ...], course: Course
) -> tuple[Fold, Touched]:
    """The fold after one quantity of a time point, which is the baseline while no treatment came before it."""
    frame, zone, measured = course.frame, course.zone, one.measured
    assert isinstance(measured, Measured)  # noqa: S101  # the caller's condition
    place = one.result.place(zone)
    period, other_period = period_of(frame, place), other_period_of(frame, place)
    baseline = course.baseline(period, fold.baseline)
    graded = _graded(fold, _Compared(one, measured, place, period, baseline), course) if course.rules else _UNGRADED
    judged = dict[str, Judged]()
    if course.criteria:
        decides = measured if one.among is None else one.among
        answers = ((judged_key(now), now) for now in judge_result(one.result, decides, frame, course.criteria))
        judged = {key: now for key, now in answers if counts(now, fold.judged.get(key), one.result.observed_at)}
    marks, expected, counting = Marks(fold.marks, fold.aside), course.expected, course.counting
    if course.clauses:
        told, early = fold.marks, one.provisional
        more = marks_of(measured, place, baseline, course.key, course.clauses, told=told, preliminary=early)
        marks = thinned(marks, more, frame.version.by_runs)
    after = Fold(
        last=fold.last,
        point=fold.point,
        rules=fold.rules if graded is _UNGRADED else graded.rules,
        judged={**fold.judged, **judged} if judged else fold.judged,
        floods=fold.floods,
        marks=marks.told,
        baseline=fold.baseline if period == "after" else point,
        watched=fold.watched,
        joining=joining(fold.joining, one, measured, course.book, zone) if course.joins else fold.joining,
        other=fold.other if other_period == "after" else point,
        depths=fold.depths if counting is None else deeper(fold.depths, one, measured, counting, zone),
        observed=fold.observed if expected is None else observed(fold.observed, place, expected, zone),
        aside=marks.aside,
    )
    if graded.given or judged:
        touched = Touched(
            (*touched.closed, *graded.closed),
            (*touched.judged, *judged.values()),
            touched.floods,
            (*touched.grades, *[given.grade for given in graded.given]),
            touched.inside,
        )
    if one.ends:
        after, touched = _asked(after, touched, _untold_hours(one, graded.given, after.judged.values()))
    if course.oldest is not None and place[1] < course.oldest:
        after, touched = _asked(after, touched, _dated_long_before(one.result, graded.given, course))
    if measured.remarks or not all(given.grade.decided for given in graded.given):
        cited = [part.source for part in measured.either] or [measured.source]
        questions = [asked(*remark, *cited) for remark in measured.remarks]
        return _asked(after, touched, (*questions, *_undecided(graded.given, measured, baseline)))
    return after, touched


def _dated_long_before(result: Result, graded: Iterable[Graded], course: Course) -> Iterator[Flood]:
    """Whether the day it is dated is meant, where it is told during the study."""
    worst = max((given.alerting_grade for given in graded), default=0)
    severe = f"grade {worst}" if worst >= SEVERE else ""
    dated, source = result.observed_at, result.source
    return question(course.frame, course.key, dated, result.reported_at, source, code=LONG_BEFORE, severe=severe)


class _Compared(NamedTuple):
    """One quantity, where it stands to the treatment, and what it is compared with."""

    drawn: Drawn
    measured: Measured
    place: Place
    period: Period
    baseline: Baseline


class _Graded(NamedTuple):
    """What the rules of an analyte make of one quantity: their states, the episodes it closed, and the grades."""

    rules: dict[str, RuleFold]
    closed: list[tuple[GradingRule, RuleFold, Episode]]
    given: list[Graded]


_UNGRADED = _Graded({}, [], [])


def _graded(fold: Fold, one: _Compared, course: Course) -> _Graded:
    _, measured, place, period, baseline = one
    frame, graded = course.frame, _Graded(dict(fold.rules), [], [])
    facts, other = frame.facts_at(place[0]), baseline
    if period == "after" and course.leaning and fold.other != fold.baseline:
        other = other_baseline(place, fold.other, measured, frame, course.book)
    for rule in course.rules:
        known = Basis(rule, measured, baseline, facts)
        state, given = timed(fold.rules.get(rule.id) or _NO_SAMPLE, one.drawn.result, known, frame)
        if other is not baseline and rule.id in course.leaning:
            given = with_other(given, known, other, frame)
        samples = (_sample(one, given, frame),) if one.drawn.among is None else _of_a_day(one, given, one.drawn, frame)
        graded.given.append(given)
        for sample in samples:
            state, ended = advance(state, sample, course.thresholds[rule.id])
            if ended is not None:
                graded.closed.append((rule, state, ended))
        graded.rules[rule.id] = state
    return graded


def _of_a_day(one: _Compared, given: Graded, drawn: Drawn, frame: Frame) -> Iterator[Sample]:
    """One draw of a day whose hours nobody told: its worst grade surely was, and which came last is open (G45)."""
    if drawn.among is None:
        return
    last = grade_on(given.basis._replace(measured=drawn.among))
    if last.grade.decided or given.grade.highest >= last.grade.highest:
        yield _sample(one, given, frame)
    if drawn.ends and not last.grade.decided:
        yield _sample(one._replace(measured=drawn.among), last, frame)


def _untold_hours(one: Drawn, graded: Iterable[Graded], judged: Iterable[Judged]) -> Iterator[Flood]:
    """Which draw of a day came last, where a grade or a criterion hangs on it."""
    if one.among is None or not one.ends:
        return
    at = one.result.observed_at
    hangs = any(each.met is None and each.observed_at == at for each in judged)
    hangs = hangs or any(not grade_on(given.basis._replace(measured=one.among)).grade.decided for given in graded)
    for remark in one.among.remarks if hangs else ():
        if remark.code == TWO_RESULTS:
            cited = [part.source for part in one.among.either]
            yield asked("hours_untold", remark.about, remark.found, "the hour of each, or which came last", *cited)


def _sample(one: _Compared, graded: Graded, frame: Frame) -> Sample:
    moment, measured, alerting = one.drawn.result.observed_at, one.measured, graded.alerting_grade
    return Sample(
        moment=moment,
        grade=graded.grade,
        alerting=alerting,
        period=one.period,
        provisional=one.drawn.provisional,
        seen=Seen(moment, measured.text, measured.ucum, graded.grade, measured.source),
        graded=graded,
        expected=expected_up_to(frame, graded.basis.rule.term, moment) if alerting >= TOLD[0] else 0,
    )


def _undecided(graded: Iterable[Graded], measured: Measured, baseline: object) -> Iterator[Flood]:
    """A grade that depends on a limit or a baseline that is not there is a question; one on a symptom is none.

    Nobody sent a derived quantity: no laboratory owes us its limits.
    """
    for one in graded:
        if one.grade.decided:
            continue
        rule = one.basis.rule
        limit = measured.range.high if rule.worse == "higher" else measured.range.low
        named = "upper" if rule.worse == "higher" else "lower"
        if limit is None and one.grade.lowest == 0 and not measured.derived:
            found, expected = f"no {named} limit of normal", "the limit the laboratory sends with the result"
        elif baseline is NoBaseline.UNKNOWN and rule.if_baseline is not None:
            found, expected = "no valid result before the first treatment", "a baseline"
        else:
            continue
        yield asked("grade_undecided", f"{rule.analyte}: {rule.term}", found, expected, measured.source)


class Carried(NamedTuple):
    """One result of a series after it was folded: the fold after it, and what it brought.

    Of results judged jointly the last one brings everything.
    """

    result: Result
    fold: Fold
    touched: Touched


def folded(results: Iterable[Result], course: Course, base: Fold | None = None) -> list[Carried]:
    """A series folded in the order given, from a fold before its first; results that were taken back bring nothing."""
    fold, steps = base or Fold(), list[Carried]()
    standing = [one for one in results if one.stands]
    for point in points(standing, course.analyte, course.frame.zone):
        steps += [Carried(one, at_end_of(fold, (one,), course), Touched()) for one in point[:-1]]
        fold, touched = carried(fold, point, course)
        steps.append(Carried(point[-1], fold, touched))
    return steps


def all_findings(fold: Fold, touched: Iterable[Touched], course: Course) -> dict[str, AnyFinding]:
    """Everything that follows from a whole series."""
    touched = tuple(touched)
    episodes = [ended for one in touched for ended in one.closed] + list(_open(fold, course))
    found = dict(_about_episodes(episodes, course))
    found.update(_about_criteria(fold.judged.values(), course))
    found.update(_about_questions(fold.floods.values(), course))
    found.update(_about_watching(fold, (ended for one in touched for ended in one.inside), course))
    return found


def new_findings(fold: Fold, touched: Touched, course: Course) -> tuple[dict[str, AnyFinding], frozenset[str]]:
    """What follows anew after one more result in order, and the ids of all findings that it can have changed."""
    episodes = [*touched.closed, *_open(fold, course)]
    if not (episodes or touched.judged or touched.floods or touched.inside or fold.watched):
        return {}, frozenset()
    found = dict(_about_episodes(episodes, course))
    found.update(_about_criteria(touched.judged, course))
    found.update(_about_questions((fold.floods[f"{one.code}|{one.about}"] for one in touched.floods), course))
    found.update(_about_watching(fold, touched.inside, course))
    among = {*found, *(breach_id(course.frame, one) for one in touched.judged)}
    for rule, _, episode in episodes:
        if rule.id in course.limited:
            among.update(dlt_ids(course.frame, rule, course.soc(rule), episode.number))
    return found, frozenset(among)


def _open(fold: Fold, course: Course) -> Iterator[tuple[GradingRule, RuleFold, Episode]]:
    for rule in course.rules:
        state = fold.rules.get(rule.id)
        if state is not None and state.open is not None:
            yield rule, state, state.open


def _about_episodes(
    episodes: Iterable[tuple[GradingRule, RuleFold, Episode]], course: Course
) -> Iterator[tuple[str, AnyFinding]]:
    for rule, state, episode in episodes:
        finding = toxicity(course.frame, rule, state, episode)
        yield finding.id, finding
        if rule.id in course.limited:
            for dlt in dose_limiting_toxicities(course.frame, rule, course.soc(rule), episode, course.book):
                yield dlt.id, dlt


def _about_criteria(judged: Iterable[Judged], course: Course) -> Iterator[tuple[str, AnyFinding]]:
    for one in judged:
        finding = breach(course.frame, one, course.book.version)
        if finding is not None:
            yield finding.id, finding


def _about_questions(floods: Iterable[Flood], course: Course) -> Iterator[tuple[str, AnyFinding]]:
    for one in floods:
        finding = query(course.frame, one)
        yield finding.id, finding


def _about_watching(fold: Fold, ended: Iterable[watch.Closed], course: Course) -> Iterator[tuple[str, AnyFinding]]:
    if course.analyte is not None:
        for one in watch.standing(fold.watched, ended, course.analyte, course.frame, course.book.version):
            yield one.id, one


def digest_of(found: Mapping[str, AnyFinding], fold: Fold) -> Digest:
    """What the header knows of a series, or of a part of one."""
    return Digest(
        worst=worst_of(one.peak for one in found.values() if one.kind == "toxicity" and one.emergent is not False),
        dlts=tuple(
            sorted(
                (id_, one.state)
                for one in found.values()
                if one.kind == "dose_limiting_toxicity"
                for id_ in (one.id, *one.decided_as)
            )
        ),
        observe=observe(one for one in found.values() if one.kind == "dose_limiting_toxicity"),
        judged=_told(fold),
        marks=fold.marks,
        joined=_joined(fold),
        graded=graded_episodes(found.values()),
        depths=_lasting(fold.depths),
        observed=fold.observed,
        holds=fold.last is not None,
        unclear=any(one.kind == "toxicity" and one.emergent is None for one in found.values()),
    )


def digest_anew(known: Digest, fold: Fold, touched: Touched) -> Digest:
    """The digest of a series whose findings are as they were, with what it takes from a fold as it is now."""
    judged = _told(fold) if touched.judged else known.judged
    return known._replace(
        judged=judged, marks=fold.marks, joined=_joined(fold), depths=_lasting(fold.depths), observed=fold.observed
    )


def _told(fold: Fold) -> tuple[Judged, ...]:
    return tuple(one for _, one in sorted(fold.judged.items()) if one.phase != "after_infusion")


def _joined(fold: Fold) -> tuple[tuple[str, tuple[Spell, ...]], ...]:
    return tuple((rule, one.known) for rule, one in sorted(fold.joining.items()))


def digest_stays(before: Fold, after: Fold, touched: Touched) -> bool:
    """Whether one more result left all that a digest takes from a fold as it was; its findings are looked at elsewhere.

    Most results do: then the header need not be looked at.
    """
    return (
        before.last is not None
        and after.marks == before.marks
        and after.joining == before.joining
        and after.observed == before.observed
        and (after.depths is before.depths or _lasting(after.depths) == _lasting(before.depths))
        and all(one.phase == "after_infusion" for one in touched.judged)
    )


def _lasting(depths: Depths) -> Depths:
    """The depths without the days on which nothing hangs yet."""
    return depths._replace(above=()) if depths.above else depths
