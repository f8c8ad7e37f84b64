"""One analyte of one subject: each result is measured, graded, judged and questioned in order of observation.

``carried`` takes the fold over one more result; ``folded`` does so for a whole series. Both give the same, because the
second is the first repeated: that is why appending a result in order costs the same however long the history.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from safety_stream.clinical import watch
from safety_stream.clinical.baseline import baseline_for, period_of
from safety_stream.clinical.clock import Known, timed
from safety_stream.clinical.composites import marks_of, thinned
from safety_stream.clinical.eligibility import breach, breach_id, judge_result, judged_key
from safety_stream.clinical.episodes import Period, Sample, advance
from safety_stream.clinical.findings import AnyFinding, GradeRange
from safety_stream.clinical.fold import Digest, Episode, Flood, Fold, Judged, RuleFold, Seen
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import Graded, Measured, NoBaseline
from safety_stream.clinical.queries import asked, poured, query
from safety_stream.clinical.result import Place, Result, measured_result
from safety_stream.clinical.spells import joining
from safety_stream.clinical.toxicities import (
    dlt_ids,
    dose_limiting_toxicities,
    thresholds,
    toxicity,
)
from safety_stream.rulebook.tables import Analyte, Book, GradingRule


@dataclass(frozen=True, slots=True)
class Course:
    """What one series is judged with: its analyte (None: a test the rulebook does not know), the frame, the book."""

    key: str
    analyte: Analyte | None
    frame: Frame
    book: Book

    @property
    def rules(self) -> tuple[GradingRule, ...]:
        """The grading rules of the analyte."""
        return self.book.rules(self.key)

    def soc(self, rule: GradingRule) -> str | None:
        """The system organ class of a rule's term."""
        term = self.book.terms.get(rule.meddra_code)
        return term.soc if term else None


class Touched(NamedTuple):
    """What one result brought: episodes it closed, criteria it judged, questions it raised, grades it was given."""

    closed: tuple[tuple[GradingRule, RuleFold, Episode], ...] = ()
    judged: tuple[Judged, ...] = ()
    floods: tuple[Flood, ...] = ()
    grades: tuple[GradeRange, ...] = ()
    inside: tuple[watch.Closed, ...] = ()


def carried(fold: Fold, result: Result, place: Place, course: Course) -> tuple[Fold, Touched]:
    """The fold after one more result that stands, and what that result brought."""
    now, touched = _carried(fold, result, place, course)
    return _beside(now, touched, result, course) if course.analyte is not None else (now, touched)


def _beside(now: Fold, touched: Touched, result: Result, course: Course) -> tuple[Fold, Touched]:
    """What runs on beside the grades: time outside the watch limits, and the spells of rules that join two series."""
    place, frame, book = now.last, course.frame, course.book
    if course.analyte is None or place is None or not (frame.version.watched(course.key) or book.joined_on(course.key)):
        return now, touched
    told = measured_result(result, course.analyte)
    state, ended = watch.watched(now.watched, result, told, place, frame)
    spells = joining(now.joining, result, told, book, frame.zone) if isinstance(told, Measured) else now.joining
    return now._replace(watched=state, joining=spells), touched._replace(inside=ended)


def _carried(fold: Fold, result: Result, place: Place, course: Course) -> tuple[Fold, Touched]:
    rivals = tuple(_rivals(result))
    if course.analyte is None:
        floods = (
            asked("unknown_analyte", course.key[1:], course.key[1:], "a test of the rulebook", result.source),
            *rivals,
        )
        return fold._replace(last=place, floods=poured(fold.floods, floods)), Touched(floods=floods)
    measured = measured_result(result, course.analyte)
    if not isinstance(measured, Measured):
        remark = measured.remark
        floods = (asked(*remark, result.source), *rivals) if measured.query else rivals
        return fold._replace(last=place, floods=poured(fold.floods, floods)), Touched(floods=floods)
    return _judged(fold._replace(last=place), result, measured, course, rivals)


def _judged(
    fold: Fold, result: Result, measured: Measured, course: Course, rivals: tuple[Flood, ...]
) -> tuple[Fold, Touched]:
    place = fold.last
    assert place is not None  # noqa: S101  # the caller has just set it
    frame, period = course.frame, period_of(course.frame, place)
    assert course.analyte is not None  # noqa: S101  # measured
    baseline = baseline_for(period, fold.baseline, course.analyte)
    facts = frame.facts_at(place[0])
    rules, closed, graded = dict(fold.rules), [], []
    for rule in course.rules:
        state, one = timed(rules.get(rule.id) or RuleFold(), result, Known(rule, measured, baseline, facts), frame)
        graded.append(one)
        rules[rule.id], ended = advance(
            state,
            _sample(result, measured, period, one),
            lambda rule=rule: thresholds(frame, rule, course.soc(rule)),  # type: ignore[misc]
        )
        if ended is not None:
            closed.append((rule, rules[rule.id], ended))
    judged = tuple(judge_result(result, measured, place, frame))
    floods = (
        *(asked(*remark, result.source) for remark in measured.remarks),
        *_undecided(graded, measured, baseline, result),
        *rivals,
    )
    now = fold._replace(
        last=place,
        rules=rules,
        judged=fold.judged if not judged else {**fold.judged, **{judged_key(one): one for one in judged}},
        floods=poured(fold.floods, floods) if floods else fold.floods,
        marks=thinned(fold.marks, marks_of(result, measured, place, frame))
        if frame.version.clauses_on(measured.key)
        else (),
        baseline=fold.baseline if period == "after" else result,
    )
    return now, Touched(tuple(closed), judged, floods, tuple(one.grade for one in graded))


def _sample(result: Result, measured: Measured, period: Period, graded: Graded) -> Sample:
    seen = Seen(result.observed_at, measured.text, measured.ucum, graded.grade, result.source)
    return Sample(
        moment=result.observed_at,
        grade=graded.grade,
        alerting=graded.alerting_grade,
        period=period,
        provisional=result.status == "preliminary",
        seen=seen,
        graded=graded,
    )


def _undecided(graded: Iterable[Graded], measured: Measured, baseline: object, result: Result) -> Iterator[Flood]:
    """A grade that depends on a limit or a baseline that is not there is a question; one on a symptom is none."""
    for one in graded:
        if one.grade.decided:
            continue
        rule = one.case.rule
        limit = measured.range.high if rule.worse == "higher" else measured.range.low
        named = "upper" if rule.worse == "higher" else "lower"
        if limit is None and one.grade.lowest == 0:
            found, expected = f"no {named} limit of normal", "the limit the laboratory sends with the result"
        elif baseline is NoBaseline.UNKNOWN and rule.if_baseline is not None:
            found, expected = "no valid result before the first treatment", "a baseline"
        else:
            continue
        yield asked("grade_undecided", f"{rule.analyte}: {rule.term}", found, expected, result.source)


def _rivals(result: Result) -> Iterator[Flood]:
    if result.rivals:
        found = f"{len(result.rivals)} different contents under version {result.version}"
        yield asked("contradictory_versions", result.record, found, "a new version for a new content", result.source)


class Carried(NamedTuple):
    """One result of a series after it was folded: the fold after it, and what it brought."""

    result: Result
    fold: Fold
    touched: Touched


def folded(results: Iterable[Result], course: Course, base: Fold | None = None) -> list[Carried]:
    """A series folded result by result, in the order given, from a fold before its first."""
    fold, steps = base or Fold(), []
    for result in results:
        touched = Touched()
        if result.stands:
            fold, touched = carried(fold, result, result.place(course.frame.zone), course)
        steps.append(Carried(result, fold, touched))
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
    found = dict(_about_episodes(episodes, course))
    found.update(_about_criteria(touched.judged, course))
    found.update(_about_questions((fold.floods[f"{one.code}|{one.about}"] for one in touched.floods), course))
    found.update(_about_watching(fold, touched.inside, course))
    among = {*found, *(breach_id(course.frame, one) for one in touched.judged)}
    for rule, _, episode in episodes:
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
    worst = [one.peak.lowest for one in found.values() if one.kind == "toxicity" and one.emergent is not False]
    return Digest(
        worst=max(worst, default=None),
        dlts=tuple(sorted((one.id, one.state) for one in found.values() if one.kind == "dose_limiting_toxicity")),
        judged=tuple(sorted({one.criterion for one in fold.judged.values() if one.phase != "after_infusion"})),
        marks=fold.marks,
        joined=tuple((rule, one.known) for rule, one in sorted(fold.joining.items())),
    )
