"""The reporting clocks of serious events: when each report is due, and how far its clock has come (decision T15).

    site aware                     20 h     23 h  24 h            sponsor aware = day 0            end of day 7 or 15
       |-----------------------------|--------|-----|                  |--------------------------------|
       running                      due soon       overdue             fatal or life-threatening: 7, other SUSAR: 15

A clock starts with the first report that says what starts it, whichever report stands now: for a SUSAR one that says
serious, unexpected and suspected. It stops with the first report sent from then on, whatever follows. A SUSAR that is
no longer fatal or life-threatening, and was not reported as such, is due in 15 days like any other. What a person
judges, causality and expectedness, is taken as told: where it never was there is no SUSAR clock, nothing is guessed.
Where it is judged otherwise since the clock is closed with that reason, and runs on from its own day 0 if that is taken
back; a judgement that is told no more was not judged otherwise, and closes nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import Evidence, Input, finding_id
from safety_stream.clinical.events import AdverseEvent
from safety_stream.clinical.facts import ReportFact
from safety_stream.clinical.findings_reported import CLOSED, ReportingDue
from safety_stream.clinical.fold import Digest, Expedited, SeriousCase
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.moment import written
from safety_stream.clinical.seriousness import is_grave, is_serious
from safety_stream.clinical.versions import with_its_instants
from safety_stream.rulebook.reporting_rules import Reporting
from safety_stream.rulebook.spans import Span

Clock = Literal["sae_to_sponsor", "susar_7_days", "susar_15_days"]
NAMES: Mapping[str, str] = {
    "sae_to_sponsor": "SAE report from the site to the sponsor",
    "susar_7_days": "report of a fatal or life-threatening SUSAR to the authority",
    "susar_15_days": "report of a SUSAR to the authority",
}


class Running(NamedTuple):
    """One clock of one case: what it counts from and to, when people are warned, and what stops it."""

    clock: Clock
    started: datetime
    due: datetime
    warnings: tuple[datetime, ...]
    done: datetime | None
    closed: str | None
    counted: str


def case_of(fact: ReportFact, frame: Frame) -> SeriousCase | None:
    """What the clocks ask of one report; None: it was never told as serious, or the protocol has no clocks."""
    rules, event, serious_at = frame.version.reporting, fact.event, fact.serious_at
    if rules is None or serious_at is None:
        return None
    fact = with_its_instants(fact)
    susar = _susar_known(fact, serious_at, rules)
    grave = None if susar is None or fact.grave_at is None else max(susar, _known(fact, fact.grave_at))
    return SeriousCase(
        record=event.source.record,
        source=f"{event.source.record} v{event.source.version}",
        term=event.term,
        serious_at=serious_at.astimezone(UTC),
        serious=is_serious(event),
        grave=is_grave(event),
        sponsor_at=_first_from(_known(fact, serious_at), fact.to_sponsor),
        sponsor_told=bool(fact.to_sponsor),
        susar=_expedited(fact, susar),
        grave_susar=_expedited(fact, grave),
        judged_since=_judged_otherwise(fact, rules),
    )


def _susar_known(fact: ReportFact, serious_at: datetime, rules: Reporting) -> datetime | None:
    """When the sponsor first knew of it as serious, unexpected and suspected, all three; None: it never was told so."""
    since = [at for word, at in fact.blamed if word in rules.suspected]
    if not since and is_serious(fact.event) and fact.event.expected is False and _suspected(fact.event, rules):
        since = [serious_at]  # a page of an earlier format did not keep since when
    return _known(fact, min(since)) if since else None


def _known(fact: ReportFact, told_at: datetime) -> datetime:
    """When the sponsor knew what was told then: what the first report told, the sponsor learnt with the event."""
    told_at = told_at.astimezone(UTC)
    if not fact.to_sponsor:
        return told_at
    first = fact.to_sponsor[0]
    return first if fact.heard_at is None or told_at <= fact.heard_at else max(first, told_at)


def _expedited(fact: ReportFact, known: datetime | None) -> Expedited | None:
    return None if known is None else Expedited(known, _first_from(known, fact.to_authority))


def _first_from(known: datetime, sent: tuple[datetime, ...]) -> datetime | None:
    """The first report from then on; a later one, a follow-up or of what became worse, never makes it late."""
    return next((one for one in sent if one >= known), None)


def _suspected(event: AdverseEvent, rules: Reporting) -> bool:
    """Whether the investigator or the sponsor suspects it: one of the two is enough (ICH E2A)."""
    return event.attribution in rules.suspected or event.sponsor_attribution in rules.suspected


def _judged_otherwise(fact: ReportFact, rules: Reporting) -> str | None:
    """By which judgement, told now, it is no SUSAR; None: by none, for one that is told no more is none."""
    if fact.event.expected:
        return "it is told as expected now"
    suspecting = (*rules.suspected, "unknown")
    own, sponsor = fact.event.attribution, fact.event.sponsor_attribution
    if own in suspecting or sponsor in suspecting:
        return None
    if sponsor is None and any(one.sponsor in rules.suspected for one in fact.tellings):
        return None
    by_sponsor = "" if sponsor is None else f", by the sponsor {sponsor}"
    return f"it is no longer suspected: by the investigator {own}{by_sponsor}"


def reporting_due(
    frame: Frame, digests: Mapping[str, Digest], book_version: str, as_of: datetime
) -> tuple[list[ReportingDue], list[datetime]]:
    """Every clock of every serious case as of now, and the instants at which time alone changes one next."""
    found, ahead = list[ReportingDue](), list[datetime]()
    for case in sorted(digest.case for digest in digests.values() if digest.case is not None):
        for clock in _clocks(case, frame):
            found.append(_finding(clock, case, frame, book_version, as_of))
            if clock.done is None and clock.closed is None:
                ahead += [instant for instant in (*clock.warnings, clock.due) if instant > as_of]
    return found, ahead


def _clocks(case: SeriousCase, frame: Frame) -> Iterator[Running]:
    rules = frame.version.reporting
    assert rules is not None  # noqa: S101  # a case was made
    within = frame.version.sae_report_within
    due, closed = case.serious_at + within.length, None if case.serious else "it is no longer told as serious"
    counted = f"{within} from the first report that says it is serious"
    warnings = _before(due, rules.sae_warn_before, case.serious_at)
    yield Running("sae_to_sponsor", case.serious_at, due, warnings, case.sponsor_at, closed, counted)
    if case.susar is None:
        return
    grave, closed = case.grave_susar, closed or case.judged_since
    softer = None if case.grave else "it is no longer told as fatal or life-threatening"
    if grave is None or (softer and grave.sent is None) or _day_zero(grave, frame) > _day_zero(case.susar, frame):
        yield _susar("susar_15_days", case.susar, case, frame)._replace(closed=closed)
    if grave is not None:
        yield _susar("susar_7_days", grave, case, frame)._replace(closed=closed or softer)


def _day_zero(expedited: Expedited, frame: Frame) -> date:
    return expedited.known.astimezone(frame.zone).date()


def _susar(clock: Clock, expedited: Expedited, case: SeriousCase, frame: Frame) -> Running:
    """Day 0 is a date in the study's zone, and the report is due by the end of the day so many days after it."""
    rules = frame.version.reporting
    assert rules is not None  # noqa: S101  # a case was made
    days = rules.susar_grave_days if clock == "susar_7_days" else rules.susar_other_days
    known = expedited.known
    zero = _day_zero(expedited, frame)
    last = zero + timedelta(days=days)
    due = datetime.combine(last + timedelta(days=1), time.min, tzinfo=frame.zone).astimezone(UTC)
    by = "the sponsor's knowledge" if case.sponsor_told else "the first report (the sponsor's knowledge is not told)"
    counted = f"day 0 is {zero} by {by}; {days} calendar days: the end of {last}"
    return Running(clock, known, due, _before(due, rules.susar_warn_before, known), expedited.sent, None, counted)


def _before(due: datetime, spans: tuple[Span, ...], started: datetime) -> tuple[datetime, ...]:
    return tuple(sorted(due - one.length for one in spans if due - one.length > started))


def _state(clock: Running, as_of: datetime) -> Literal["running", "due_soon", "overdue", "met", "met_late", "closed"]:
    if clock.done is not None:
        return "met" if clock.done <= clock.due else "met_late"
    if clock.closed is not None:
        return "closed"
    if as_of >= clock.due:
        return "overdue"
    return "due_soon" if any(as_of >= one for one in clock.warnings) else "running"


def _finding(clock: Running, case: SeriousCase, frame: Frame, book_version: str, as_of: datetime) -> ReportingDue:
    state = _state(clock, as_of)
    passed = sum(as_of >= one for one in clock.warnings) if state in {"due_soon", "overdue"} else 0
    said = f"{NAMES[clock.clock]}: {state.replace('_', ' ')}"
    return ReportingDue(
        id=finding_id(frame.study, frame.subject, "reporting", clock.clock, case.record),
        **frame.head,
        evidence=Evidence(
            rule=f"{frame.study}/{frame.version.version}/reporting/{clock.clock}",
            book=book_version,
            inputs=(Input(name="event", value=case.term, source=case.source),),
            comparison=clock.counted,
            reasons=("T15: the program decides neither causality nor expectedness", *_closing(clock)),
            sentence=f"{case.term}: {said}; due {written(clock.due, frame.zone)}, {clock.counted}.",
        ),
        clock=clock.clock,
        record=case.record,
        term=case.term,
        state=state,
        warnings_passed=passed,
        started=clock.started,
        due=clock.due,
        done=clock.done,
    )


def _closing(clock: Running) -> tuple[str, ...]:
    return () if clock.closed is None or clock.done is not None else (f"{CLOSED}{clock.closed}",)
