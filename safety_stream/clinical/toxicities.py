"""From an episode in the making to the findings about it: the toxicity, and the DLT rules it matches."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from safety_stream.clinical.bands import beyond
from safety_stream.clinical.conclusion import Evidence, GradeRange, Reading, finding_id, record_of
from safety_stream.clinical.dlt import dlt_id, dose_limiting
from safety_stream.clinical.dlt_candidate import Candidate
from safety_stream.clinical.dlt_match import matched, rules_for
from safety_stream.clinical.findings_measured import Lasted, Reached, TimeAtGrade, Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.fold import AtGrade, Episode, RuleFold, Seen, Shows, Stretch
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.jumps import jump_of
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.sample import Period
from safety_stream.rulebook.dlt_rules import DltRule
from safety_stream.rulebook.protocol import ProtocolVersion
from safety_stream.rulebook.tables import Book, GradingRule, JoinedRule

ANY, SEVERE, LIFE_THREATENING = 1, 3, 4
COUNTED_ANEW = 64  # by so many at most results that are taken back lower the number of an episode


def toxicity_id(frame: Frame, rule: GradingRule | JoinedRule, episode: int) -> str:
    """The id of one episode of one term on one analyte: an ordinal, so that a late result does not change it."""
    return finding_id(frame.study, frame.subject, "toxicity", rule.id, rule.analyte, episode)


def toxicity(frame: Frame, rule: GradingRule | JoinedRule, fold: RuleFold, episode: Episode) -> Toxicity:
    """The finding for one episode as far as it has come."""
    return Toxicity.made(
        id=toxicity_id(frame, rule, episode.number),
        **frame.head,
        evidence=_evidence(frame, episode),
        kind="toxicity",
        term=rule.term,
        meddra_code=rule.meddra_code,
        analyte=rule.analyte,
        episode=episode.number,
        open=not episode.closed,
        onset=episode.onset,
        last_observed=episode.last_observed,
        resolved=episode.resolved,
        current=episode.current,
        peak=episode.peak,
        peak_observed=episode.peak_observed,
        alerting_grade=episode.alerting,
        baseline_grade=fold.before,
        emergent=emergent(fold.before, episode.began, episode.emergent_peak),
        expected=_expected(frame, rule.term, episode),
        provisional=episode.provisional,
        study_day=frame.study_day(episode.peak_observed),
        readings=tuple(_reading(one) for one in episode.readings),
        lasted=_lasted(frame, episode),
        reached=_reached(frame, rule.term, fold.before, episode),
        times=tuple(
            _time(frame, rule.term, fold.before, episode, one) for one in episode.times if _holds(one, episode)
        ),
        jump=jump_of(episode.risen),
    )


def _reading(seen: Seen) -> Reading:
    return Reading.made(
        observed_at=seen.observed_at, value=seen.value, unit=seen.unit, grade=seen.grade, source=seen.source
    )


def _holds(time: AtGrade, episode: Episode) -> bool:
    """A timed grade that turned out lower when its hours were known was none of the higher one."""
    return time.grade <= episode.alerting


def _time(frame: Frame, term: str, before: GradeRange | None, episode: Episode, time: AtGrade) -> TimeAtGrade:
    first, source = time.unexpected or time.first
    peak = time.shows.observed_at == episode.peak_observed
    shows = _peak_of(episode) if peak else time.shows
    grade, to_day = (None, None) if time.unexpected is None else beyond(frame, term, first)
    return TimeAtGrade.made(
        grade=time.grade,
        record=record_of(source),
        first=first,
        last=time.last,
        began=time.first[0],
        expected=time.unexpected is None,
        expected_grade=grade,
        expected_to_day=to_day,
        emergent=emergent(before, episode.began, time.emergent_peak),
        peak=shows.grade,
        alerting_grade=shows.alerting,
        observed=shows.observed_at,
        study_day=frame.study_day(shows.observed_at),
        provisional=shows.provisional,
        evidence=None if peak else shows.evidence,
    )


def _peak_of(episode: Episode) -> Shows:
    return Shows(episode.peak_observed, episode.peak, episode.alerting, episode.provisional, episode.evidence)


def emergent(before: GradeRange | None, began: Period, after: GradeRange | None) -> bool | None:
    """Treatment-emergent (T12): onset after the first treatment, or worse than the worst grade before it.

    ``after``: the worst grade after treatment began. An onset on the day of the first treatment, its hour unknown, may
    have come after it: a later recovery does not prove the contrary.
    """
    if began == "after":
        return True
    if after is not None and before is not None and after.lowest > before.highest:
        return True
    if began == "unclear":
        return None
    worse = after is not None and before is not None and after.highest > before.lowest
    return None if worse else False


def _evidence(frame: Frame, episode: Episode) -> Evidence:
    reasons = []
    if episode.began == "unclear":
        reasons.append("T12: the order of the onset and the first treatment is not known")
    if episode.provisional:
        reasons.append("the peak leans on a preliminary result")
    if not reasons:
        return episode.evidence
    return episode.evidence.model_copy(update={"reasons": (*episode.evidence.reasons, *reasons)})


def _expected(frame: Frame, term: str, episode: Episode) -> bool:
    """Whether the peak and the last severe sample lie inside a band of the protocol.

    What was severe after the band has ended was not expected, and a recovery later does not make it so.
    """
    severe = [one.last for one in episode.stretches if one.grade == SEVERE][-1:]
    moments = [episode.peak_observed, *severe]
    if episode.current.highest >= SEVERE:
        moments.append(episode.last_observed)
    for band in frame.version.expected:
        if band.term == term and episode.alerting <= band.up_to_grade:
            days = [frame.day_from_plan(moment) for moment in moments]
            if all(day is not None and band.from_day <= day <= band.to_day for day in days):
                return True
    return False


def _reached(frame: Frame, term: str, before: GradeRange | None, episode: Episode) -> tuple[Reached, ...]:
    """Since when it was surely severe, and life-threatening: a report is owed from then, whatever it rises to later."""
    brought = before.highest if episode.began != "after" and before is not None else 0
    return tuple(
        Reached.made(grade=grade, first=runs[0].first, unexpected=_unexpected(frame, term, runs))
        for grade in (SEVERE, LIFE_THREATENING)
        if grade > brought and (runs := [one for one in episode.stretches if one.grade == grade and one.sure])
    )


def _unexpected(frame: Frame, term: str, runs: Iterable[Stretch]) -> Moment | None:
    """The first moment of some runs at one grade that no band expects."""
    return next((moment for one in runs if (moment := _beyond_band(frame, term, one)) is not None), None)


def _beyond_band(frame: Frame, term: str, run: Stretch) -> Moment | None:
    """The first sample of a run, or the day after the band that it began in; None: the band holds all of it."""
    first, last = frame.day_from_plan(run.first), frame.day_from_plan(run.last)
    ends = [
        band.to_day
        for band in frame.version.expected
        if band.term == term and run.grade <= band.up_to_grade and first is not None
        if band.from_day <= first <= band.to_day
    ]
    if not ends or first is None:
        return run.first
    if last is not None and last <= max(ends):
        return None
    return Moment((run.first.dates(frame.zone)[0] + timedelta(days=max(ends) + 1 - first)).isoformat())


def thresholds(version: ProtocolVersion, rule: GradingRule | JoinedRule, soc: str | None) -> tuple[int, ...]:
    """The grades of which is kept how long they lasted: any, those a report may be owed for or a DLT rule may ask."""
    rules = measured_rules(version, rule, soc)
    return tuple(sorted({ANY, SEVERE, LIFE_THREATENING, *(one.grade.lowest for one in rules if one.grade is not None)}))


def measured_rules(version: ProtocolVersion, rule: GradingRule | JoinedRule, soc: str | None) -> tuple[DltRule, ...]:
    """The DLT rules that a measured toxicity of this term can match."""
    return rules_for(version.dlt, rule.term, soc, "measured")


def dlt_ids(frame: Frame, rule: GradingRule | JoinedRule, soc: str | None, episode: int) -> Iterator[str]:
    """The id of the DLT finding one episode can have, where a rule is about its term."""
    if measured_rules(frame.version, rule, soc):
        yield dlt_id(frame, _key(rule, episode))


def dose_limiting_toxicities(
    frame: Frame, rule: GradingRule | JoinedRule, soc: str | None, episode: Episode, book: Book
) -> Iterator[DoseLimitingToxicity]:
    """The finding about one episode: for each DLT rule every stretch that fulfils it, or may."""
    matches = (
        matched(frame, one, _candidate(frame, rule, soc, episode, stretch))
        for one in measured_rules(frame.version, rule, soc)
        for stretch in episode.stretches
        if one.grade is not None and stretch.grade == one.grade.lowest
    )
    found = dose_limiting(frame, matches, book.version)
    if found is not None:
        yield found


def _key(rule: GradingRule | JoinedRule, episode: int) -> str:
    return f"measured|{rule.id}|{rule.analyte}|{episode}"


def _keys(rule: GradingRule | JoinedRule, episode: int) -> tuple[str, ...]:
    """The keys that an episode may have had when a decision was made on it, whatever its number is now."""
    return tuple(_key(rule, number) for number in range(1, episode + COUNTED_ANEW + 1))


def _candidate(
    frame: Frame, rule: GradingRule | JoinedRule, soc: str | None, episode: Episode, stretch: Stretch
) -> Candidate:
    shortest, longest = _length(frame, stretch)
    lowest = episode.peak.lowest if stretch.sure else min(episode.peak.lowest, stretch.grade - 1)
    return Candidate(
        about=toxicity_id(frame, rule, episode.number),
        key=_key(rule, episode.number),
        term=rule.term,
        soc=soc,
        seen_as="measured",
        grade=GradeRange(lowest=lowest, highest=episode.peak.highest),
        onset=stretch.first,
        shortest=shortest,
        longest=longest,
        over=stretch.after is not None,
        rose=((stretch.first.latest(frame.zone), stretch.grade),),
        known_to=stretch.known[1].earliest(frame.zone) if stretch.known else None,
        ended_by=stretch.after.latest(frame.zone) if stretch.after else None,
        span=(episode.onset.earliest(frame.zone), episode.last_observed.latest(frame.zone)),
        others=_keys(rule, episode.number) if frame.adjudicated else (),
        record=record_of(stretch.source),
        analyte=rule.analyte,
        seen_before=stretch.before,
    )


def _length(frame: Frame, stretch: Stretch) -> tuple[timedelta, timedelta | None]:
    """The least and the most time a run can have lasted: from sample to sample, and between the samples around it."""
    shortest = _between(frame, *stretch.known)[0] if stretch.known else timedelta(0)
    if stretch.before is None or stretch.after is None:
        return shortest, None
    return shortest, _between(frame, stretch.before, stretch.after)[1]


def _lasted(frame: Frame, episode: Episode) -> tuple[Lasted, ...]:
    """How long the last run at or above each grade lasted, and the longest one, as far as samples show it."""
    shown: dict[int, list[tuple[Stretch, timedelta, timedelta | None]]] = {}
    for stretch in episode.stretches:
        one = (stretch, *_length(frame, stretch))
        held = shown.get(stretch.grade)
        longest = one if held is None or one[1] > held[0][1] else held[0]
        shown[stretch.grade] = [longest] if longest is one else [longest, one]
    told = [one for _, runs in sorted(shown.items()) for one in runs]
    return tuple(
        Lasted.made(grade=one.grade, first=one.first, at_least=shortest, at_most=longest, over=one.after is not None)
        for one, shortest, longest in told
    )


def _between(frame: Frame, one: Moment, other: Moment) -> tuple[timedelta, timedelta]:
    """The least and the most time that can lie between two moments."""
    first, last = one.bounds(frame.zone), other.bounds(frame.zone)
    return max(timedelta(0), last[0] - first[1]), last[1] - first[0]
