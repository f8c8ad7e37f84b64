"""Two measurements joined in time: a fever while the neutrophils are low is febrile neutropenia (register G50).

    neutrophils     o          *     *          o          o below 1.0: *
    temperature   .    .    *     .     .  *       .       fever: *
                            |              |
                            yes            a count below 1.0 within 36 h, or counts below 1.0 on both sides

What happens and the state around it come from two series, as spells that meet in the header: so it does not matter
which was told first. Where the state is not known near what happened, the term is possible, never left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import NamedTuple

from safety_stream.clinical.at_grades import TOLD
from safety_stream.clinical.bands import expected_up_to
from safety_stream.clinical.conclusion import Evidence, GradeRange, Input
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.fold import AtGrade, Digest, Episode, RuleFold, Seen, Shows, Stretch
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.running import Point, Spell
from safety_stream.clinical.sample import grades
from safety_stream.clinical.toxicities import dose_limiting_toxicities, thresholds, toxicity
from safety_stream.rulebook.criteria import Verdict
from safety_stream.rulebook.tables import Book, JoinedRule

Joined = tuple[tuple[str, tuple[Spell, ...]], ...]


class Around(NamedTuple):
    """Whether the state held around what happened, by which samples, and what is missing."""

    held: Verdict
    cited: tuple[Point, ...] = ()
    reasons: tuple[str, ...] = ()


class Occurrence(NamedTuple):
    """One time that the term occurred, or may have: what happened, and the state around it."""

    happened: Spell
    around: Around

    @property
    def sure(self) -> bool:
        """Whether both are known."""
        return self.happened.met is True and self.around.held is True


def joined_findings(
    frame: Frame, told: Iterable[tuple[str, Joined]], book: Book
) -> Iterator[Toxicity | DoseLimitingToxicity]:
    """Every episode of every joined rule, and the DLT rules it matches; ``told``: the spells of each page by rule."""
    pages = {page: dict(joined) for page, joined in told}
    for rule in book.joined:
        spells = {page: joined.get(rule.id, ()) for page, joined in pages.items()}
        found = list(
            _occurrences(rule, spells.get(rule.happens.analyte, ()), spells.get(rule.around.analyte, ()), frame)
        )
        for number, group in enumerate(_episodes(rule, found, frame), start=1):
            episode = _episode(rule, group, number, frame, book)
            yield toxicity(frame, rule, RuleFold(), episode)
            yield from dose_limiting_toxicities(frame, rule, rule.soc, episode, book)


def none_happened(digests: Mapping[str, Digest], book: Book) -> bool:
    """Whether nothing is told that a state could stand around: then no state makes a finding, whatever it is."""
    for rule in book.joined:
        digest = digests.get(rule.happens.analyte)
        if digest is not None and any(spells and name == rule.id for name, spells in digest.joined):
            return False
    return True


def _occurrences(
    rule: JoinedRule, happened: tuple[Spell, ...], states: tuple[Spell, ...], frame: Frame
) -> Iterator[Occurrence]:
    for spell in sorted(happened, key=lambda one: (*_span(one, frame), one.first.source)):
        if spell.met is not False:
            around = _around(rule, spell, states, frame)
            if around.held is not False:
                yield Occurrence(spell, around)


def _span(spell: Spell, frame: Frame) -> tuple[datetime, datetime]:
    """The first and the last instant a spell can mean."""
    return spell.first.observed_at.earliest(frame.zone), spell.last.observed_at.latest(frame.zone)


def _around(rule: JoinedRule, spell: Spell, states: tuple[Spell, ...], frame: Frame) -> Around:
    """The state around what happened: known by the samples next to it, possible, or none."""
    beside = _beside(spell, states, frame)
    near = [one for one in beside if _gap(one, spell, frame) <= rule.within]
    met = {one.met for one in near}
    if any(one.met and _overlaps(one, spell, frame) for one in near) or met == {True}:
        return Around(True, _all_cited([one for one in near if one.met], spell, frame))
    if len(met) > 1 or None in met:
        said = "a value near it may lie on either side" if None in met else "the samples before and after it disagree"
        return Around(None, _all_cited(near, spell, frame), (f"G50: {said}",))
    covered = near and all(any(_from(one, end, frame) <= rule.within for one in near) for end in _span(spell, frame))
    missing = f"G50: no sample of {rule.around.analyte} within {rule.within // timedelta(hours=1)} h of it"
    close = [one for one in beside if one.met is not False and _gap(one, spell, frame) <= rule.around.observed_every]
    if close:
        why = "G50: the samples before and after it disagree" if covered else missing
        return Around(None, _all_cited([one for one in beside if one in near or one in close], spell, frame), (why,))
    if covered:
        return Around(False)
    return Around(None, (), (missing, _SUSPECTED)) if _suspected(rule, spell, frame) else Around(False)


_SUSPECTED = "G50: possible after lymphodepletion, until a sample says otherwise"


def _beside(spell: Spell, states: tuple[Spell, ...], frame: Frame) -> list[Spell]:
    """The spells of the state during what happened, and where none reaches beyond it the next one on that side."""
    first, last = _span(spell, frame)
    before = [one for one in states if _span(one, frame)[1] < first]
    after = [one for one in states if _span(one, frame)[0] > last]
    during = [one for one in states if one not in before and one not in after]
    known = [_known_span(one, frame) for one in during]
    ends = sorted(before, key=lambda one: (_span(one, frame)[::-1], one.last.source))[-1:]
    begins = sorted(after, key=lambda one: (_span(one, frame), one.first.source))[:1]
    return [
        *(ends if all(start > first for start, _ in known) else []),
        *during,
        *(begins if all(end < last for _, end in known) else []),
    ]


def _overlaps(one: Spell, other: Spell, frame: Frame) -> bool:
    return not _gap(one, other, frame)


def _gap(one: Spell, other: Spell, frame: Frame) -> timedelta:
    """The most time between two spells; none where they overlap."""
    (start, end), (begin, stop) = _known_span(one, frame), _known_span(other, frame)
    return max(start - stop, begin - end, timedelta(0))


def _known_span(spell: Spell, frame: Frame) -> tuple[datetime, datetime]:
    """From the latest that its first sample can mean to the earliest that its last one can."""
    return spell.first.observed_at.latest(frame.zone), spell.last.observed_at.earliest(frame.zone)


def _from(spell: Spell, instant: datetime, frame: Frame) -> timedelta:
    start, end = _known_span(spell, frame)
    return max(start - instant, instant - end, timedelta(0))


def _suspected(rule: JoinedRule, spell: Spell, frame: Frame) -> bool:
    began = frame.lymphodepletion
    if began is None or rule.suspected_for is None:
        return False
    first, last = _span(spell, frame)
    return last >= began[0] and first <= began[1] + rule.suspected_for


def _all_cited(states: list[Spell], spell: Spell, frame: Frame) -> tuple[Point, ...]:
    return tuple(dict.fromkeys(point for one in states for point in _cited(one, spell, frame)))


def _cited(state: Spell, spell: Spell, frame: Frame) -> tuple[Point, ...]:
    """Of the samples of a state those next to what happened: before it, the first during it, after it."""
    first, last = _span(spell, frame)
    points = (state.first, *chain.from_iterable(state.daily), state.last)
    before = [one for one in points if one.observed_at.latest(frame.zone) < first]
    after = [one for one in points if one.observed_at.earliest(frame.zone) > last]
    during = [one for one in points if one not in before and one not in after]
    return tuple(dict.fromkeys((*before[-1:], *during[:1], *after[:1])))


def _episodes(rule: JoinedRule, found: list[Occurrence], frame: Frame) -> Iterator[list[Occurrence]]:
    """The occurrences in groups: those no farther apart than the rule says are one episode."""
    group: list[Occurrence] = []
    for one in found:
        apart = _span(one.happened, frame)[0] - _span(group[-1].happened, frame)[1] if group else timedelta(0)
        if group and apart > rule.one_episode_within:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _alerting(rule: JoinedRule, one: Occurrence) -> int:
    """The grade that alerts count with: each part that is open says whether with the highest or the lowest."""
    open_parts = [
        part for part, met in ((rule.happens, one.happened.met), (rule.around, one.around.held)) if met is None
    ]
    return 0 if any(part.undecided == "lowest" for part in open_parts) else rule.grade


def _episode(rule: JoinedRule, group: list[Occurrence], number: int, frame: Frame, book: Book) -> Episode:
    """The episode in the form that every toxicity takes."""
    deciding = max(group, key=lambda one: (one.sure, _alerting(rule, one)))  # the first of them
    peak = grades(rule.grade if deciding.sure else 0, rule.grade)
    onset, last = group[0].happened.first.observed_at, group[-1].happened
    ended = last.after.observed_at if last.after else None
    treated = frame.treated_before(*onset.bounds(frame.zone))
    points = (deciding.happened.shows, *deciding.around.cited)
    alerting, told = _alerting(rule, deciding), _evidence(rule, deciding, frame, book)
    known = _known(group, frame)
    shown = sorted(points, key=lambda one: (*one.observed_at.bounds(frame.zone), one.source))
    shows = Shows(deciding.happened.shows.observed_at, peak, alerting, any(one.preliminary for one in points), told)
    return Episode(
        number=number,
        onset=onset,
        last_observed=ended or last.last.observed_at,
        current=grades(0, 0) if ended else grades(rule.grade if group[-1].sure else 0, rule.grade),
        peak=peak,
        alerting=alerting,
        peak_observed=shows.observed_at,
        provisional=shows.provisional,
        evidence=told,
        began={False: "before", None: "unclear", True: "after"}[treated],  # type: ignore[arg-type]  # one of the three
        emergent_peak=peak if treated else None,
        resolved=ended,
        closed=ended is not None,
        stretches=tuple(
            Stretch(
                grade,
                onset,
                last.last.observed_at,
                deciding.sure,
                _moment(group[0].happened.before),
                ended,
                known,
                source=group[0].happened.first.source,
            )
            for grade in thresholds(frame.version, rule, rule.soc)
            if grade <= alerting
        ),
        readings=tuple(Seen(one.observed_at, one.value, one.unit, peak, one.source) for one in shown),
        times=tuple(_times(rule, group, shows, frame, peak if treated else None)),
    )


def _known(group: list[Occurrence], frame: Frame) -> tuple[Moment, Moment] | None:
    """Of the occurrences in a row that are known, from the first to the last of them; the longest such time."""
    runs = [tuple(run) for sure, run in groupby(group, key=lambda one: one.sure) if sure]
    times = [(run[0].happened.first.observed_at, run[-1].happened.last.observed_at) for run in runs]
    return max(times, key=lambda one: one[1].earliest(frame.zone) - one[0].latest(frame.zone), default=None)


def _times(
    rule: JoinedRule, group: list[Occurrence], shows: Shows, frame: Frame, emergent_peak: GradeRange | None
) -> Iterator[AtGrade]:
    """The episode as one time at its grade, told by the first occurrence that alerts count and no band expects."""
    for grade in TOLD:
        told = [one.happened.first for one in group if _alerting(rule, one) >= grade]
        new = [one for one in told if expected_up_to(frame, rule.term, one.observed_at) < rule.grade]
        if told:
            yield AtGrade(
                grade=grade,
                first=(told[0].observed_at, told[0].source),
                last=group[-1].happened.last.observed_at,
                shows=shows,
                unexpected=(new[0].observed_at, new[0].source) if new else None,
                emergent_peak=emergent_peak,
            )


def _moment(point: Point | None) -> Moment | None:
    return None if point is None else point.observed_at


def _evidence(rule: JoinedRule, one: Occurrence, frame: Frame, book: Book) -> Evidence:
    happened, state = (book.analytes[part.analyte].name for part in (rule.happens, rule.around))
    shows, cited = one.happened.shows, one.around.cited
    inputs = [Input(name=happened, value=shows.value, unit=shows.unit, source=shows.source)]
    inputs += [Input(name=state, value=point.value, unit=point.unit, source=point.source) for point in cited]
    reasons = [*_about_the_hours(one.happened), *one.around.reasons, *rule.register]
    grade = grades(rule.grade if one.sure else 0, rule.grade)
    words = f"{_said(happened, shows)}{_for_long(one.happened)}; " + (
        ", ".join(_said(state, point) for point in cited) or f"{state} not known"
    )
    return Evidence(
        rule=rule.id,
        book=rule.book,
        inputs=tuple(inputs),
        comparison=f"{_printed(rule, shows)} with {state} {_criterion(rule)}: {words}",
        reasons=tuple(reasons),
        sentence=f"{rule.term}: grade {grade}. {words}" + ("." if one.sure else f"; not decided: {_open(one)}."),
    )


def _said(name: str, point: Point) -> str:
    return f"{name} {point.value} {point.unit or ''}".rstrip() + f" at {point.observed_at}"


def _printed(rule: JoinedRule, shows: Point) -> str:
    return (rule.happens.when.get(shows.unit or "") or next(iter(rule.happens.when.values()))).text


def _criterion(rule: JoinedRule) -> str:
    return next(iter(rule.around.when.values())).text


def _for_long(spell: Spell) -> str:
    if spell.at_once or spell.longest is None or spell.first == spell.last:
        return ""
    first, last = spell.longest
    return f", held from {first.observed_at} to {last.observed_at}"


def _about_the_hours(spell: Spell) -> Iterator[str]:
    if spell.met is None:
        yield "T4: for how long it lasted is not known" if not spell.at_once else "G19: the value is not exact"


def _open(one: Occurrence) -> str:
    said = [reason.partition(": ")[2] for reason in (*_about_the_hours(one.happened), *one.around.reasons)]
    return "; ".join(said)
