"""Adverse events as reported: the investigator's grade stays the grade of record, and is checked against the facts.

A contradiction becomes a data query that says what contradicts what (decisions G24, G25); nothing here changes what
was reported, and a serious event is told whether or not its term is known.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import NamedTuple

from safety_stream.clinical.conclusion import Evidence, GradeRange, Input, finding_id
from safety_stream.clinical.dlt import dose_limiting, observe
from safety_stream.clinical.dlt_candidate import Candidate, ToldAs, lasted
from safety_stream.clinical.dlt_match import every_match, rules_for
from safety_stream.clinical.emergence import emergence
from safety_stream.clinical.events import AdverseEvent
from safety_stream.clinical.facts import ReportFact
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ScaleGrade
from safety_stream.clinical.fold import Digest, Flood
from safety_stream.clinical.follow_up import in_follow_up
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grade_course import course_contradictions, times_at
from safety_stream.clinical.long_before import REPORT as LONG_BEFORE
from safety_stream.clinical.long_before import SEVERE, question
from safety_stream.clinical.queries import asked, query, together
from safety_stream.clinical.reconciliation import told_event
from safety_stream.clinical.reporting import case_of
from safety_stream.clinical.scales import Question, scale_grades
from safety_stream.rulebook.dlt_rules import DltRule
from safety_stream.rulebook.tables import Book, Term

_EVERY_GRADE = (1, 2, 3, 4, 5)
_EVER, _FAR = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Reading(NamedTuple):
    """A report with what the book knows of its term."""

    event: AdverseEvent
    term: Term | None
    fatal: bool
    supported: GradeRange
    scales: tuple[ScaleGrade, ...] = ()
    about_scales: tuple[Question, ...] = ()

    @property
    def source(self) -> str:
        """The record with its version."""
        return f"{self.event.source.record} v{self.event.source.version}"


def conclude_report(fact: ReportFact | None, frame: Frame, book: Book) -> tuple[dict[str, AnyFinding], Digest]:
    """Everything that follows from one adverse event: its finding, its questions, the DLT rules it matches."""
    if fact is None or fact.event.status == "entered-in-error":
        return {}, Digest()
    reading = _read(fact.event, book)
    finding = _finding(fact, reading, frame, book)
    floods = [*_questions(reading, frame, book), *_rivals(fact), *_dated_long_before(finding, reading, frame)]
    told_as = _told_as(fact, book) if frame.adjudicated else ()
    candidate = _candidate(reading, finding, frame)._replace(rose=_rose(fact), told_as=told_as)
    rules = rules_for(frame.version.dlt, candidate.term, candidate.soc, "reported")
    dlt = dose_limiting(frame, every_match(frame, rules, candidate), book.version)
    dlts = [] if dlt is None else [dlt]
    floods += _course_untold(reading, rules, candidate, dlt)
    grade, came = candidate.grade, emergence(fact, frame)
    digest = Digest(
        worst=grade if finding.emergent is not False else None,
        dlts=tuple((id_, one.state) for one in dlts for id_ in (one.id, *one.decided_as)),
        grade=grade,
        serious=finding.serious,
        case=case_of(fact, frame),
        told=told_event(finding, reading.source),
        observe=observe(dlts),
        began=fact.event.onset.earliest(frame.zone) if fact.event.onset else None,
        died=_died(reading, frame.zone),
        followed=in_follow_up(came.since, came.emergent, frame),
        holds=True,
        unclear=finding.emergent is None,
    )
    found: list[AnyFinding] = [finding, *(query(frame, flood) for flood in together(floods)), *dlts]
    return {one.id: one for one in found}, digest


def _read(event: AdverseEvent, book: Book) -> Reading:
    term = _known(event.term, event.meddra_code, book)
    fatal = event.outcome == "fatal" or "death" in event.seriousness
    supported = _supported(event, term, fatal)
    if event.scale_facts is None:
        return Reading(event, term, fatal, supported)
    return Reading(event, term, fatal, supported, *scale_grades(event, term, book, fatal=fatal))


def _supported(event: AdverseEvent, term: Term | None, fatal: bool) -> GradeRange:
    """The grades the structured facts leave open: death is 5 and only 5, life-threatening is 4."""
    grades = term.grades if term else _EVERY_GRADE
    if fatal:
        possible = [grade for grade in grades if grade == 5]
    elif "life-threatening" in event.seriousness:
        possible = [grade for grade in grades if grade == 4]
    else:
        possible = [grade for grade in grades if grade < 5]
    possible = possible or list(grades)
    return GradeRange(lowest=possible[0], highest=possible[-1])


def _finding(fact: ReportFact, reading: Reading, frame: Frame, book: Book) -> ReportedEvent:
    event, term = reading.event, reading.term
    return ReportedEvent(
        id=finding_id(frame.study, frame.subject, "reported", event.source.record),
        **frame.head,
        evidence=Evidence(
            rule="reported adverse event",
            book=book.version,
            inputs=tuple(_inputs(reading)),
            reasons=() if term else ("G25: the term is not a CTCAE term; nothing was guessed",),
            sentence=_sentence(reading),
        ),
        term=term.name if term else event.term,
        meddra_code=term.code if term else event.meddra_code,
        grade=event.grade,
        supported=reading.supported,
        serious=bool(event.serious or event.seriousness or reading.fatal or event.grade == 5),
        seriousness=tuple(sorted(event.seriousness)),
        onset=event.onset,
        resolved=event.resolved,
        outcome=event.outcome,
        attribution=event.attribution,
        sponsor_attribution=event.sponsor_attribution,
        severity_word=event.severity_word,
        emergent=emergence(fact, frame).emergent,
        reported_at=fact.heard_at or event.reported_at,
        told_at=event.reported_at,
        study_day=frame.study_day(event.onset) if event.onset else None,
        scales=reading.scales,
    )


def _inputs(reading: Reading) -> Iterator[Input]:
    event, source = reading.event, reading.source
    yield Input(name="term as reported", value=event.term, source=source)
    if event.grade is not None:
        yield Input(name="grade as reported", value=str(event.grade), source=source)
    if event.severity_word:
        yield Input(name="severity as reported", value=event.severity_word, source=source)
    for criterion in sorted(event.seriousness):
        yield Input(name="seriousness", value=criterion, source=source)


def _sentence(reading: Reading) -> str:
    event = reading.event
    grade = f"grade {event.grade}" if event.grade else f"no grade given, facts support {reading.supported}"
    serious = f", serious ({', '.join(sorted(event.seriousness))})" if event.seriousness else ""
    return f"{event.term}: {grade}{serious}, {event.attribution} attribution, outcome {event.outcome}."


def _candidate(reading: Reading, finding: ReportedEvent, frame: Frame) -> Candidate:
    event = reading.event
    grade = _at_stake(reading)
    by_line = frame.version.dlt.line_grade if frame.version.dlt else "throughout"
    by_grade = tuple(times_at(event, one, by_line, frame.zone) for one in _EVERY_GRADE)
    whole = by_grade[0][0]
    return Candidate(
        about=finding.id,
        key=f"reported|{event.source.record}",
        term=finding.term,
        soc=reading.term.soc if reading.term else None,
        seen_as="reported",
        grade=grade,
        onset=event.onset,
        shortest=whole.shortest,
        longest=whole.longest,
        attribution=event.attribution,
        by_sponsor=event.sponsor_attribution,
        known_by=event.reported_at,
        over=whole.over,
        lasted=by_grade,
    )


def _rose(fact: ReportFact) -> tuple[tuple[datetime, int], ...]:
    """Since when each grade above the first one has been told; whoever decided earlier decided on a lower one."""
    if not fact.rose:
        return ()
    first = fact.rose[0][1]
    return ((_EVER, first), *fact.rose[1:])


def _told_as(fact: ReportFact, book: Book) -> tuple[ToldAs, ...]:
    """What the event was told as, from each report on: that of the highest version known by then."""
    since = sorted({one.at for one in fact.tellings})
    if len(fact.tellings) < 2:
        return ()
    periods = []
    for at, until in pairwise([*since, _FAR]):
        known = [one for one in fact.tellings if one.at <= at]
        last = max(one[:2] for one in known)
        standing = [one for one in known if one[:2] == last]
        terms = frozenset(_term(one.term, one.code, book) for one in standing)
        first = _EVER if at == since[0] else at
        blamed = frozenset((one.attribution, one.sponsor) for one in standing)
        periods.append(ToldAs(first, until, terms, blamed, frozenset(one.onset for one in standing)))
    return tuple(periods)


def _term(told: str, code: str | None, book: Book) -> str:
    term = _known(told, code, book)
    return term.name if term else told


def _known(told: str, code: str | None, book: Book) -> Term | None:
    """The CTCAE term that a report names: by its code, else by its words."""
    return (book.term(code) if code else None) or book.term(told)


def _died(reading: Reading, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """Between which instants the subject died: the end of a fatal event, else between its onset and its report.

    Where the onset comes after the report one of the two is a slip: the death is by the later of them.
    """
    event = reading.event
    if not reading.fatal:
        return None
    if event.resolved is not None:
        return event.resolved.bounds(zone)
    began, told = event.onset.bounds(zone) if event.onset else None, event.reported_at
    if began is None or began[0] <= told:
        return (began[0] if began else told), told
    return told, began[1]


def _course_untold(
    reading: Reading, rules: Iterable[DltRule], candidate: Candidate, dlt: DoseLimitingToxicity | None
) -> Iterator[Flood]:
    """An event that is over may have limited the dose, for all that its one line tells: only the site can know."""
    open_ = {one.rule: one.open for one in dlt.rules} if dlt and dlt.state == "possible" else {}
    about = f"{reading.event.term} ({reading.event.source.record})"
    for rule, at in ((one, at) for one in rules for at in candidate.times_at_grade_of(one)):
        lacking = open_.get(rule.id, ())
        over = "duration" in lacking and at.over and at.longest is not None
        if at.at_most and (over or ("window" in lacking and at.later)):
            length = f"at most {lasted(at.longest)}" if at.longest is not None else f"onset {at.onset}"
            found = f"grade {candidate.grade} told for the whole event, {length}"
            expected = f"since when it was which grade: {rule.text}"
            yield asked("grade_course_untold", about, found, expected, reading.source)
            return


def _at_stake(reading: Reading) -> GradeRange:
    """The grades that DLT rules count with: the one reported, else those the facts support; a graver fact adds its own.

    A death may be a 5 though a 3 was reported, and under a term that has no 5: until somebody answers, no rule about a
    death is ruled out (G24: the grade of record stays the investigator's).
    """
    grade = reading.event.grade
    told = 5 if reading.fatal else 4 if "life-threatening" in reading.event.seriousness else 0
    lowest, highest = (grade, grade) if grade else (reading.supported.lowest, reading.supported.highest)
    return GradeRange(lowest=lowest, highest=max(highest, told))


def _dated_long_before(finding: ReportedEvent, reading: Reading, frame: Frame) -> Iterator[Flood]:
    """Whether the onset is meant, of an event that was told during the study: no DLT window can hold it."""
    if finding.onset is None:
        return
    about = f"{reading.event.term} ({reading.event.source.record})"
    grade = 5 if reading.fatal else finding.grade or 0
    severe = f"grade {grade}" if grade >= SEVERE else "serious" if finding.serious else ""
    told_at, source = finding.reported_at, reading.source
    yield from question(frame, about, finding.onset, told_at, source, code=LONG_BEFORE, severe=severe)


def _rivals(fact: ReportFact) -> Iterator[Flood]:
    if fact.rivals:
        version, record = fact.event.source.version, fact.event.source.record
        found, about = f"{len(fact.rivals)} different contents under version {version}", f"{fact.event.term} ({record})"
        yield asked("contradictory_versions", about, found, "a new version for a new content", f"{record} v{version}")


def _questions(reading: Reading, frame: Frame, book: Book) -> Iterator[Flood]:
    event, about = reading.event, f"{reading.event.term} ({reading.event.source.record})"
    for code, found, expected in (
        *_term_questions(reading, book),
        *_grade_questions(reading),
        *_time_questions(reading, frame),
        *course_contradictions(event, frame.zone),
        *reading.about_scales,
    ):
        yield asked(code, about, found, expected, reading.source)
    if event.serious is False and event.seriousness:
        found = f"not serious, and {', '.join(sorted(event.seriousness))}"
        yield asked("seriousness_contradictory", about, found, "one or the other", reading.source)


def _term_questions(reading: Reading, book: Book) -> Iterator[tuple[str, str, str]]:
    event = reading.event
    if reading.term is None:
        near = ", ".join(term.name for term in book.suggest(event.term, 3))
        yield "unknown_term", repr(event.term), "a CTCAE v5.0 term" + (f", perhaps {near}" if near else "")
    elif event.meddra_code and (named := book.term(event.term)) is not None and named is not reading.term:
        yield (
            "term_and_code_differ",
            f"{event.term} with code {event.meddra_code}",
            f"code {named.code} or {reading.term.name}",
        )


def _grade_questions(reading: Reading) -> Iterator[tuple[str, str, str]]:
    event, term, grade = reading.event, reading.term, reading.event.grade
    if grade is None:
        yield from (beyond := tuple(_facts_beyond_term(reading)))
        if not beyond and not reading.supported.decided:
            yield "missing_grade", "no grade", "the CTCAE grade at its worst"
        return
    if term and grade not in term.grades:
        yield "grade_not_in_term", f"grade {grade}", f"one of {', '.join(str(one) for one in term.grades)}"
    if reading.fatal and grade != 5:
        yield "grade_against_facts", f"grade {grade} and death", "grade 5 with a fatal event"
    elif not reading.fatal and grade == 5:
        yield "grade_against_facts", f"grade 5 and outcome {event.outcome}", "a fatal outcome with grade 5"
    elif "life-threatening" in event.seriousness and grade < 4:
        yield "grade_against_facts", f"grade {grade} and life-threatening", "grade 4 or more when life-threatening"


def _facts_beyond_term(reading: Reading) -> Iterator[tuple[str, str, str]]:
    term, threatening = reading.term, "life-threatening" in reading.event.seriousness
    told, grade = ("death", 5) if reading.fatal else ("life-threatening", 4)
    if term and (reading.fatal or threatening) and grade not in term.grades:
        has = ", ".join(str(one) for one in term.grades)
        yield "grade_not_in_term", told, f"a term with grade {grade}; {term.name} has {has}"


def _time_questions(reading: Reading, frame: Frame) -> Iterator[tuple[str, str, str]]:
    event, zone = reading.event, frame.zone
    over = event.outcome in {"recovered", "recovered-with-sequelae"}
    if event.onset is None:
        yield "missing_onset", "no onset", "the day it began, as exact as it is known"
    if event.onset and event.resolved and event.resolved.latest(zone) < event.onset.earliest(zone):
        yield (
            "resolved_before_onset",
            f"onset {event.onset}, resolved {event.resolved}",
            "an end no earlier than the onset",
        )
    if event.onset and event.onset.earliest(zone) > event.reported_at:
        yield (
            "onset_after_report",
            f"onset {event.onset}, reported {event.reported_at.isoformat()}",
            "an onset before its report",
        )
    if event.resolved and event.resolved.earliest(zone) > event.reported_at:
        ended = "died" if reading.fatal else "ended"
        yield (
            "end_after_report",
            f"{ended} {event.resolved}, reported {event.reported_at.isoformat()}",
            "an end no later than its report",
        )
    for whom, sent in (("sponsor", event.reported_to_sponsor_at), ("authority", event.reported_to_authority_at)):
        if sent is not None and sent > event.reported_at:
            found = f"sent to the {whom} {sent.isoformat()}, reported {event.reported_at.isoformat()}"
            yield "sent_after_report", found, "sent no later than what tells of it"
    if over and event.resolved is None:
        yield "missing_end", f"outcome {event.outcome}, no end", "the day it ended, as exact as it is known"
    against = [*_against_outcome(event, over=over)]
    if against:
        yield "outcome_contradictory", f"{' and '.join(against)} and outcome {event.outcome}", "one or the other"


def _against_outcome(event: AdverseEvent, *, over: bool) -> Iterator[str]:
    """What a report says beside its outcome that cannot be so with that outcome."""
    goes_on = event.outcome in {"recovering", "not-recovered"}
    if "death" in event.seriousness and (over or goes_on):
        yield "death"
    if event.resolved and goes_on:
        yield f"resolved {event.resolved}"
