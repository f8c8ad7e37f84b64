"""The reporting clocks of serious events: when each report is due, and how far its clock has come (decision T15).

    site aware                     20 h     23 h  24 h            sponsor aware = day 0            end of day 7 or 15
       |-----------------------------|--------|-----|                  |--------------------------------|
       running                      due soon       overdue             fatal or life-threatening: 7, other SUSAR: 15

A clock starts with the first report that says what starts it, whichever report stands now. What a person judges,
causality and expectedness, is taken as told: where it is not told there is no SUSAR clock, and nothing is guessed.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import Evidence, Input, finding_id
from safety_stream.clinical.events import AdverseEvent
from safety_stream.clinical.facts import ReportFact
from safety_stream.clinical.findings_reported import ReportingDue
from safety_stream.clinical.fold import Digest, SeriousCase
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.seriousness import is_grave, is_serious
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
    rules, event = frame.version.reporting, fact.event
    if rules is None or fact.serious_at is None:
        return None
    return SeriousCase(
        record=event.source.record,
        source=f"{event.source.record} v{event.source.version}",
        term=event.term,
        serious_at=fact.serious_at.astimezone(UTC),
        grave_at=_in_utc(fact.grave_at),
        serious=is_serious(event),
        grave=is_grave(event),
        sponsor_at=_in_utc(event.reported_to_sponsor_at),
        authority_at=_in_utc(event.reported_to_authority_at),
        suspected=_suspected(event, rules),
        expected=event.expected,
    )


def _in_utc(told: datetime | None) -> datetime | None:
    """One instant is written one way, whichever version it came from."""
    return None if told is None else told.astimezone(UTC)


def _suspected(event: AdverseEvent, rules: Reporting) -> bool:
    """Whether the investigator or the sponsor suspects it: one of the two is enough (ICH E2A)."""
    return event.attribution in rules.suspected or event.sponsor_attribution in rules.suspected


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
    if not case.suspected or case.expected is not False:
        return
    known = case.sponsor_at or case.serious_at
    first_grave = None if case.grave_at is None else max(known, case.grave_at)
    if first_grave is None or first_grave.astimezone(frame.zone).date() > known.astimezone(frame.zone).date():
        yield _susar("susar_15_days", known, case, frame)._replace(closed=closed)
    if first_grave is not None:
        softer = None if case.grave else "it is no longer told as fatal or life-threatening"
        yield _susar("susar_7_days", first_grave, case, frame)._replace(closed=closed or softer)


def _susar(clock: Clock, known: datetime, case: SeriousCase, frame: Frame) -> Running:
    """Day 0 is a date in the study's zone, and the report is due by the end of the day so many days after it."""
    rules = frame.version.reporting
    assert rules is not None  # noqa: S101  # a case was made
    days = rules.susar_grave_days if clock == "susar_7_days" else rules.susar_other_days
    zero = known.astimezone(frame.zone).date()
    last = zero + timedelta(days=days)
    due = datetime.combine(last + timedelta(days=1), time.min, tzinfo=frame.zone).astimezone(UTC)
    of_whom = "the sponsor's knowledge" if case.sponsor_at else "the first report (the sponsor's knowledge is not told)"
    counted = f"day 0 is {zero} by {of_whom}; {days} calendar days: the end of {last}"
    done = case.authority_at if case.authority_at is not None and case.authority_at >= known else None
    return Running(clock, known, due, _before(due, rules.susar_warn_before, known), done, None, counted)


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
            sentence=f"{case.term}: {said}; due {clock.due.isoformat()}, {clock.counted}.",
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
    return () if clock.closed is None or clock.done is not None else (f"closed: {clock.closed}",)
