"""The subject as a whole: what the header's facts contradict, what no page alone can tell, and the subject's status.

Only here does time count by itself: when the last window closes, the subject's status changes without any event. The
``deadline`` is that instant, so that the engine knows when to look again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Literal, NamedTuple

from safety_stream.clinical.check_due import checks_due
from safety_stream.clinical.composites import all_marks, all_told, together
from safety_stream.clinical.composites_met import composites_met
from safety_stream.clinical.conclusion import GradeRange, finding_id
from safety_stream.clinical.contradictions import contradictions, died
from safety_stream.clinical.dlt import dose_limiting, worst
from safety_stream.clinical.dlt_match import Candidate, matched, rules_for
from safety_stream.clinical.eligible import eligibility_findings
from safety_stream.clinical.events import DoseGiven, Enrolled
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.fold import Digest, Flood, Fold
from safety_stream.clinical.follow_up import followed, planned_infusion
from safety_stream.clinical.frame import Frame, Infusion
from safety_stream.clinical.hematotoxicity import day_zero_unknown, hematotoxicity
from safety_stream.clinical.hematotoxicity import in_status as icaht_in_status
from safety_stream.clinical.joined import joined_findings
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.parts import Part, Parts
from safety_stream.clinical.queries import asked, query
from safety_stream.clinical.reconciliation import reconciled
from safety_stream.clinical.reporting import reporting_due
from safety_stream.clinical.series import digest_of
from safety_stream.clinical.unobserved import in_status, unobserved
from safety_stream.quantity import Unreadable, read_value
from safety_stream.rulebook.tables import Book

Phase = Literal["screened", "enrolled", "in_window", "completed_window", "withdrawn"]


class Overview(NamedTuple):
    """What follows from the header and what it knows of the other pages."""

    findings: dict[str, AnyFinding]
    status: SubjectStatus
    deadline: datetime | None
    parts: Mapping[str, Part]


def overview(
    frame: Frame,
    facts: Mapping[str, HeaderFact],
    digests: Mapping[str, Digest],
    book: Book,
    as_of: datetime,
    *,
    before: Mapping[str, Part] | None = None,
) -> Overview:
    """The findings whose home is the header, the subject's status, and when time alone next changes it.

    ``before``: the parts of the look before, if they are still at hand; they change nothing but the time it takes.
    """
    parts = Parts(before)
    marks = tuple(digest.marks for digest in digests.values() if digest.marks)
    events = tuple(digest.told for digest in digests.values() if digest.told is not None)
    composites = parts.of("composites", (frame, book, marks, events), lambda: _composites(frame, digests, book))
    dlts = [pair for digest in digests.values() for pair in digest.dlts]
    spells = tuple((page, digest.joined) for page, digest in digests.items() if digest.joined)
    joined = parts.of("joined", (frame, book, spells), lambda: joined_findings(frame, digests, book))
    own = _of_findings((*composites, *joined))
    dlts += own.dlts
    known = frozenset(id_ for id_, _ in dlts)
    lives = tuple((page, digest.began, digest.died) for page, digest in digests.items() if digest.began or digest.died)
    told = (frame, facts, any(one.holds for one in digests.values()), lives, known)
    questions = parts.of(
        "questions", told, lambda: (query(frame, one) for one in _questions(frame, facts, digests, known))
    )
    found: list[AnyFinding] = [*questions, *composites, *joined]
    found += parts.of("met", (frame, book, marks, events), lambda: composites_met(frame, digests, book.version))
    wanted, checks = checks_due(frame, as_of)
    judged = (frame, book, wanted, tuple(digest.judged for digest in digests.values() if digest.judged))
    found += parts.of("eligibility", judged, lambda: eligibility_findings(frame, digests, book.version, wanted))
    depths = tuple(digest.depths for digest in digests.values())
    toxic = parts.of("hematotoxicity", (frame, book, depths), lambda: hematotoxicity(frame, digests, book.version))
    found += toxic
    due, ahead = reporting_due(frame, digests, book.version, as_of)
    ahead += checks
    found += due
    digests = {**digests, "": _of_findings(joined)}
    unlike, later = reconciled(frame, digests, book, as_of)
    found += (query(frame, flood) for flood in unlike)
    ahead += later
    looked = unobserved(frame, facts, digests, book.version, as_of, parts=parts)
    found += looked.found
    ahead += looked.ahead
    dlt = worst(state for _, state in dlts)
    longer = extension(frame, [*digests.values(), own], dlt)
    end = midnight_after(frame, longer[0]) if longer else closes(frame)
    counted = tuple((one.grade, one.worst, one.serious, one.died, one.followed) for one in digests.values())
    seen = (frame, dlt, end, end is not None and as_of >= end, longer, counted)
    (status,) = parts.of("status", seen, lambda: [_status(frame, digests, dlt, end, as_of, longer=longer)])
    if icaht := icaht_in_status(toxic, frame):
        status = status.model_copy(update={"hematotoxicity": icaht})
    if looked.found:
        status = status.model_copy(update=dict(in_status(looked.found)))
    ahead += [end] if end is not None and as_of < end else []
    return Overview({one.id: one for one in found}, status, min(ahead, default=None), parts.said)


def _of_findings(found: tuple[AnyFinding, ...]) -> Digest:
    """The digest of findings that are on no page."""
    return digest_of({one.id: one for one in found}, Fold()) if found else Digest()


def window_to(frame: Frame) -> date | None:
    """The last day of the last window of the infusions received."""
    if not frame.infusions or frame.version.dlt is None:
        return None
    anchor = frame.version.dlt.window.anchor
    last = frame.infusions[0] if anchor == "first_infusion" else max(frame.infusions, key=lambda one: one.last_day)
    return last.last_day + timedelta(days=frame.version.dlt.window.days)


def closes(frame: Frame) -> datetime | None:
    """The first instant after the last window, in the study's zone."""
    last = window_to(frame)
    return None if last is None else midnight_after(frame, last)


def midnight_after(frame: Frame, day: date) -> datetime:
    """The first instant after a day of the study's zone."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=frame.zone)


def extension(frame: Frame, digests: Iterable[Digest], dlt: str) -> tuple[date, str] | None:
    """Until when a subject is observed beyond the window, and why: a possible DLT can be met only later (T4)."""
    last = window_to(frame)
    asked_for = max((one.observe for one in digests if one.observe is not None), default=None)
    if dlt != "possible" or last is None or asked_for is None or asked_for[0] <= last:
        return None
    return asked_for


def _status(
    frame: Frame,
    digests: Mapping[str, Digest],
    dlt: Literal["none", "possible", "candidate", "confirmed"],
    end: datetime | None,
    as_of: datetime,
    *,
    longer: tuple[date, str] | None,
) -> SubjectStatus:
    closed = end is not None and as_of >= end
    grades = Counter(str(one.grade) for one in digests.values() if one.grade is not None)
    worst_grades = [one.worst for one in digests.values() if one.worst is not None]
    return SubjectStatus(
        study=frame.study,
        subject=frame.subject,
        site=frame.site,
        protocol_version=frame.version.version,
        dose_level=frame.dose_level,
        phase=_phase(frame, closed),
        dosed=bool(frame.infusions),
        first_infusion=frame.infusions[0].first_day if frame.infusions else None,
        window_to=longer[0] if longer else window_to(frame),
        extended_because=f"T4: {longer[1]}" if longer else None,
        evaluable=_evaluable(frame, dlt, closed, died(digests)),
        dlt=dlt,
        worst_grade=max(worst_grades, default=None),
        serious_events=sum(one.serious for one in digests.values()),
        adverse_events_by_grade=dict(sorted(grades.items())),
        planned_infusion=planned_infusion(frame),
        followed=followed(digests.values()),
        as_of=as_of,
    )


def _phase(frame: Frame, closed: bool) -> Phase:
    if frame.withdrawn is not None and frame.withdrawn.from_what == "study":
        return "withdrawn"
    if frame.infusions and frame.version.dlt is not None:
        return "completed_window" if closed else "in_window"
    return "enrolled" if frame.enrolled is not None else "screened"


def _evaluable(frame: Frame, dlt: str, closed: bool, death: tuple[datetime, datetime] | None) -> bool | None:
    """Decision T6: a DLT, or the window completed with all planned infusions at their planned amount.

    Who left or died before its end was not observed to its end; one whose DLT is still possible is not decided (T4).
    """
    if dlt in {"candidate", "confirmed"}:
        return True
    left = frame.withdrawn is not None and frame.withdrawn.from_what == "study"
    if frame.version.dlt is None or not frame.infusions:
        return False if left else None
    end = closes(frame)
    if left and frame.withdrawn is not None and end is not None and frame.withdrawn.withdrawn.latest(frame.zone) < end:
        return False
    if death is not None and end is not None and death[1] < end:
        return False
    if not closed or (dlt == "possible" and _as_planned(frame)):
        return None
    return _as_planned(frame)


def _as_planned(frame: Frame) -> bool:
    plan, rule = frame.version.infusions, frame.version.evaluable
    wanted = len(plan.days) if plan and rule and rule.planned_infusions == "all" else 1
    numbers = {one.number for one in frame.infusions if _within_tolerance(frame, one) is not False}
    return set(range(1, wanted + 1)) <= numbers


def _within_tolerance(frame: Frame, infusion: Infusion) -> bool | None:
    """Whether the amount given lies within the planned one and its tolerance; None: one of them is not known."""
    plan, level = frame.version.infusions, frame.version.levels.get(frame.dose_level or 0)
    if plan is None or level is None or infusion.amount is None or infusion.unit != level.unit:
        return None
    given = read_value(infusion.amount)
    if isinstance(given, Unreadable) or not given.exact:
        return None
    margin = level.amount * plan.tolerance_percent / Decimal(100)
    return level.amount - margin <= given.low <= level.amount + margin


def _composites(frame: Frame, digests: Mapping[str, Digest], book: Book) -> Iterator[DoseLimitingToxicity]:
    """The DLT rules that a composite meets: its onset is the first of the samples that make it."""
    marks = all_marks({page: digest.marks for page, digest in digests.items()})
    for one in together(frame, marks, all_told(digests)):
        onset = min(one.marks, key=lambda mark: (mark.earliest, mark.latest))
        candidate = Candidate(
            about=finding_id(frame.study, frame.subject, "composite", one.name),
            key=f"composite|{one.name}",
            term=one.composite.text,
            soc=None,
            seen_as="measured",
            grade=GradeRange(lowest=0, highest=5),
            onset=Moment(onset.earliest.isoformat()),
            shortest=timedelta(0),
            longest=None,
            composite=one.name,
            inputs=tuple((mark.words, mark.source) for mark in one.marks),
            undecided=one.reasons,
        )
        rules = rules_for(frame.version.dlt, candidate.term, None, "measured", one.name)
        found = dose_limiting(frame, (matched(frame, rule, candidate) for rule in rules), book.version)
        if found is not None:
            yield found


def _questions(
    frame: Frame, facts: Mapping[str, HeaderFact], digests: Mapping[str, Digest], dlts: frozenset[str]
) -> Iterator[Flood]:
    standing = {record: one for record, one in sorted(facts.items()) if one.event.status != "entered-in-error"}
    if frame.screened is None and (standing or any(one.holds for one in digests.values())):
        yield asked("subject_not_registered", frame.subject, "events without a screening", "a screening event first")
    yield from _about_registration(frame, standing)
    yield from _about_doses(frame, standing)
    yield from day_zero_unknown(frame)
    for record, one in standing.items():
        if one.rivals:
            found = f"{len(one.rivals)} different contents under version {one.event.source.version}"
            yield asked("contradictory_versions", record, found, "a new version for a new content", _cited(one))
    yield from contradictions(frame, standing, digests, dlts)


def _cited(fact: HeaderFact) -> str:
    return f"{fact.event.source.record} v{fact.event.source.version}"


def _about_registration(frame: Frame, standing: Mapping[str, HeaderFact]) -> Iterator[Flood]:
    version, screened = frame.version, frame.screened
    if screened is not None:
        source = f"{screened.source.record} v{screened.source.version}"
        if screened.age_years is not None and screened.age_years < version.adults_from_age:
            yield asked("under_age", "age", f"{screened.age_years} years", f"{version.adults_from_age} or more", source)
        if (
            screened.age_years is not None
            and version.oldest_age is not None
            and screened.age_years > version.oldest_age
        ):
            yield asked("over_age", "age", f"{screened.age_years} years", f"{version.oldest_age} or less", source)
        if screened.protocol_version not in {None, version.version}:
            found = repr(screened.protocol_version)
            yield asked("unknown_protocol_version", "protocol version", found, "a version on file", source)
    enrolled = [(one.event, _cited(one)) for one in standing.values() if isinstance(one.event, Enrolled)]
    for event, source in enrolled:
        if version.levels and event.dose_level not in version.levels:
            known = ", ".join(str(level) for level in version.levels)
            yield asked("unknown_dose_level", "dose level", str(event.dose_level), f"one of {known}", source)
    levels = sorted({event.dose_level for event, _ in enrolled})
    if len(levels) > 1:
        said = " and ".join(str(level) for level in levels)
        yield asked("two_dose_levels", "dose level", said, "one level", *(source for _, source in enrolled))


def _about_doses(frame: Frame, standing: Mapping[str, HeaderFact]) -> Iterator[Flood]:
    zone = frame.zone
    given = [(one.event, _cited(one)) for one in standing.values() if isinstance(one.event, DoseGiven)]
    if frame.enrolled is not None:
        enrolled = frame.enrolled.enrolled
        early = [source for event, source in given if event.given.latest(zone) < enrolled.earliest(zone)]
        if early:
            yield asked("dose_before_enrolment", "dose", f"before {enrolled}", "enrolment before any dose", *early)
    for one, other in pairwise(sorted(frame.infusions, key=lambda infusion: (infusion.number, infusion.earliest))):
        if one.number == other.number:
            found = f"{one.given} and {other.given}"
            about = f"infusion {one.number}"
            yield asked("infusion_repeated", about, found, "one infusion of each number", one.source, other.source)
    for infusion in frame.infusions:
        if _within_tolerance(frame, infusion) is False and frame.version.infusions is not None:
            level = frame.version.levels[frame.dose_level or 0]
            expected = f"{level.amount} {level.unit} within {frame.version.infusions.tolerance_percent} %"
            found = f"{infusion.amount} {infusion.unit}"
            yield asked("dose_off_plan", f"infusion {infusion.number}", found, expected, infusion.source)
