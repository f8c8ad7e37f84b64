"""One subject: read this first. Facts are remembered, findings are derived, and the difference is what is sent.

    step(record, event, book, as_of)
        remember     the event stands in its page, if it is not old news
        conclude     every page it touches: an in-order result carries its fold on, anything else folds anew
        difference   to what was last sent from that page: raised, changed, withdrawn
        overview     what only the whole subject tells: status, composites, contradictions, the next deadline

Late, duplicate, corrected and withdrawn records all take this one path, so any order of the same facts ends in the
same findings; ``conclude`` says from the facts alone what these are, and the tests compare the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from safety_stream.clinical.changes import difference
from safety_stream.clinical.events import Acknowledged, AdverseEvent, Measurement, SubjectEvent
from safety_stream.clinical.findings import AnyFinding, FindingChange, SubjectStatus
from safety_stream.clinical.fold import Digest
from safety_stream.clinical.frame import Frame, frame_of
from safety_stream.clinical.memory import (
    Outcome,
    Remembered,
    remember_fact,
    remember_report,
    remember_result,
    series_key,
)
from safety_stream.clinical.overview import overview
from safety_stream.clinical.record import (
    HEADER,
    Report,
    Series,
    SubjectRecord,
    empty,
    page_json,
    report_page,
    with_page,
)
from safety_stream.clinical.reported import conclude_report
from safety_stream.clinical.series import Course, all_findings, carried, digest_of, folded, new_findings
from safety_stream.rulebook.protocol import Protocol
from safety_stream.rulebook.tables import Book

__all__ = [
    "Conclusions",
    "Step",
    "conclude",
    "empty",
    "page_json",
    "pages_needed",
    "reached",
    "remember",
    "standing",
    "step",
    "with_page",
]


class Conclusions(NamedTuple):
    """All that follows from a subject's facts: findings by id, the status, and the next deadline."""

    findings: Mapping[str, AnyFinding]
    status: SubjectStatus
    deadline: datetime | None


class Step(NamedTuple):
    """What one event, or the passing of time, brings about; ``deadline``: when time alone next changes something."""

    record: SubjectRecord
    changes: tuple[FindingChange, ...]
    status: SubjectStatus | None
    pages: frozenset[str]
    deadline: datetime | None
    graded: tuple[tuple[str, str], ...] = ()
    outcome: Outcome = "processed"


@dataclass(frozen=True, slots=True)
class Bench:
    """What a step works with; ``edition`` names the book and the protocol that pages were folded by."""

    book: Book
    protocol: Protocol
    edition: str
    as_of: datetime
    because: str
    frame: Frame

    def course(self, key: str) -> Course:
        """What a series is judged with."""
        return Course(key, self.book.analytes.get(key), self.frame, self.book)


class Paged(NamedTuple):
    """One page after a step: the page, what changed, what the header is to know of it, the grades given."""

    page: Series | Report
    changes: tuple[FindingChange, ...]
    digest: Digest
    graded: tuple[tuple[str, str], ...] = ()


def pages_needed(record: SubjectRecord, event: SubjectEvent | None, book: Book) -> frozenset[str]:
    """The pages a step with this event works on, the header (to be loaded first) among them.

    An event about the subject as a whole (a dose, an enrolment, a fact, a decision) touches every page; so does a
    new edition of the book or the protocol.
    """
    header = record.header
    if isinstance(event, Measurement):
        own = frozenset({HEADER, series_key(event, book)})
    elif isinstance(event, AdverseEvent):
        own = frozenset({HEADER, report_page(event.source.record)})
    else:
        own = frozenset({HEADER})
    stale = header.book != "" and header.book != edition_of(book, record.study)
    touches_all = stale or not (event is None or isinstance(event, Measurement | AdverseEvent | Acknowledged))
    return own.union(header.digests) if touches_all else own


def edition_of(book: Book, study: str) -> str:
    """What the conclusions on a page rest on beside its facts: the book and the study's protocol."""
    protocol = book.protocol(study)
    return f"{book.version}+{protocol.digest}" if protocol else book.version


def reached(record: SubjectRecord) -> datetime | None:
    """The latest ``reported_at`` of the events on the loaded pages: how far an event-time clock has come."""
    told = [record.header.reported_to]
    told += [page.reported_to for page in record.series.values()]
    told += [page.reported_to for page in record.reports.values()]
    return max((one for one in told if one is not None), default=None)


def standing(record: SubjectRecord) -> dict[str, AnyFinding]:
    """Every finding of the loaded pages as it was last sent, if it was not withdrawn."""
    kept = [record.header.kept]
    kept += [page.kept for page in record.series.values()]
    kept += [page.kept for page in record.reports.values()]
    return {id_: one.finding for page in kept for id_, one in page.items() if one.finding is not None}


def remember(record: SubjectRecord, event: SubjectEvent, book: Book) -> SubjectRecord:
    """The record with one more fact and nothing concluded from it; its pages must be loaded."""
    if isinstance(event, Measurement):
        key = series_key(event, book)
        held = record.series.get(key, Series(key))
        told = remember_result(held, event, _protocol(book, record.study).versions[0].tz)
        return record.with_series(told.page) if told.page is not held else record
    if isinstance(event, AdverseEvent):
        name = report_page(event.source.record)
        return record.with_report(name, remember_report(record.reports.get(name, Report("")), event).page)
    if isinstance(event, Acknowledged):
        return record
    return record.with_header(remember_fact(record.header, event).page)


def conclude(record: SubjectRecord, book: Book, as_of: datetime) -> Conclusions:
    """All that follows from the facts of a record whose every page is loaded, whatever was concluded before."""
    bench = _bench(record, book, as_of, "")
    found: dict[str, AnyFinding] = {}
    digests: dict[str, Digest] = {}
    for key, series in record.series.items():
        fold, touched = folded(series.results, bench.course(key))
        here = all_findings(fold, touched, bench.course(key))
        found.update(here)
        digests[key] = digest_of(here, fold)
    for name, report in record.reports.items():
        here, digests[name] = conclude_report(report.fact, bench.frame, book)
        found.update(here)
    whole = overview(bench.frame, record.header.facts, digests, book, as_of)
    return Conclusions(found | whole.findings, whole.status, whole.deadline)


def step(record: SubjectRecord, event: SubjectEvent | None, book: Book, as_of: datetime) -> Step:
    """Take in one event, or only the time, and say everything that it changed. The same again changes nothing."""
    lacking = pages_needed(record, event, book) - record.pages
    if lacking:
        raise ValueError(f"pages not loaded: {', '.join(sorted(lacking))}")
    because = f"{event.kind} {event.source.record} v{event.source.version}" if event else "the clock"
    # A late event does not turn the clock back: a window that has closed stays closed.
    as_of = max(as_of, record.header.concluded_to or as_of)
    before, bench = record, _bench(record, book, as_of, because)
    outcome: Outcome = "processed"
    paged: dict[str, Paged] = {}
    if isinstance(event, Measurement):
        key = series_key(event, book)
        told = remember_result(record.series[key], event, bench.frame.zone)
        outcome, paged[key] = told.outcome, _series(record.series[key], told, bench)
    elif isinstance(event, AdverseEvent):
        name = report_page(event.source.record)
        about = remember_report(record.reports[name], event)
        outcome, paged[name] = about.outcome, _report(record.reports[name], about.page, bench)
    elif event is not None and not isinstance(event, Acknowledged):
        fact = remember_fact(record.header, event)
        record, outcome = record.with_header(fact.page), fact.outcome
        bench = _bench(record, book, as_of, because)
        paged = _every_page(record, bench)
    if len(paged) <= 1 and record.header.book not in {"", bench.edition}:
        paged = _every_page(record, bench) | paged
    return _closed(record, paged, bench, outcome, before)


def _protocol(book: Book, study: str) -> Protocol:
    protocol = book.protocol(study)
    if protocol is None:
        raise ValueError(f"no protocol is loaded for study {study}")
    return protocol


def _bench(record: SubjectRecord, book: Book, as_of: datetime, because: str) -> Bench:
    protocol, edition = _protocol(book, record.study), edition_of(book, record.study)
    held = record.frame
    if held is not None and held[0] == edition:
        return Bench(book, protocol, edition, as_of, because, held[1])
    frame = frame_of(record.study, record.subject, record.header.facts, protocol)
    return Bench(book, protocol, edition, as_of, because, frame)


def _every_page(record: SubjectRecord, bench: Bench) -> dict[str, Paged]:
    paged: dict[str, Paged] = {}
    for key, series in record.series.items():
        paged[key] = _series(series, Remembered(series, "processed"), bench)
    for name, report in record.reports.items():
        paged[name] = _report(report, report, bench)
    return paged


def _series(before: Series, told: Remembered, bench: Bench) -> Paged:
    """The series concluded anew; when one result was appended in order, only what that result can have changed."""
    course, page = bench.course(before.analyte), told.page
    if told.outcome == "duplicate" and before.book == bench.edition:
        return Paged(before, (), _digest(before))
    if told.appended is not None and before.book in {"", bench.edition}:
        place = told.appended.place(bench.frame.zone)
        fold, touched = carried(before.fold, told.appended, place, course)
        found, among = new_findings(fold, touched, course)
        kept, changes = difference(before.kept, found, bench.as_of, bench.because, among)
        graded = tuple((course.key, str(one)) for one in touched.grades)
    else:
        fold, every = folded(page.results, course)
        kept, changes = difference(before.kept, all_findings(fold, every, course), bench.as_of, bench.because)
        graded = ()
    if not changes and fold == before.fold and page.results is before.results and before.book == bench.edition:
        return Paged(before, (), _digest(before))
    after = replace(page, fold=fold, kept=kept, book=bench.edition)
    return Paged(after, changes, _digest(after), graded)


def _digest(series: Series) -> Digest:
    standing = {id_: held.finding for id_, held in series.kept.items() if held.finding is not None}
    return digest_of(standing, series.fold)


def _report(before: Report, page: Report, bench: Bench) -> Paged:
    found, digest = conclude_report(page.fact, bench.frame, bench.book)
    kept, changes = difference(before.kept, found, bench.as_of, bench.because)
    if not changes and page is before and before.book == bench.edition:
        return Paged(before, (), digest)
    return Paged(replace(page, kept=kept, book=bench.edition), changes, digest)


def _closed(
    record: SubjectRecord, paged: Mapping[str, Paged], bench: Bench, outcome: Outcome, before: SubjectRecord
) -> Step:
    """The header after the pages: what it knows of them, its own findings, the status, the deadline."""
    held, header = before.header, record.header
    news = {name: one.digest for name, one in paged.items() if header.digests.get(name) != one.digest}
    if news:
        header = replace(header, digests={**header.digests, **news})
    changes = [change for name in sorted(paged) for change in paged[name].changes]
    pages = {name for name, one in paged.items() if one.page is not _page(before, name)}
    passed = held.deadline is not None and bench.as_of >= held.deadline
    status = None
    if header is not held or passed or held.book != bench.edition:
        whole = overview(bench.frame, header.facts, header.digests, bench.book, bench.as_of)
        kept, own = difference(held.kept, whole.findings, bench.as_of, bench.because)
        now = _revised(held.status, whole.status)
        status = now if now is not held.status else None
        changes += own
        header = replace(header, kept=kept, status=now, deadline=whole.deadline, book=bench.edition)
        header = replace(header, concluded_to=bench.as_of)
        pages.add(HEADER)
    return Step(
        record=record.with_pages(header, {name: one.page for name, one in paged.items()}, (bench.edition, bench.frame)),
        changes=tuple(changes),
        status=status,
        pages=frozenset(pages),
        deadline=header.deadline,
        graded=tuple(one for name in sorted(paged) for one in paged[name].graded),
        outcome=outcome,
    )


def _revised(held: SubjectStatus | None, now: SubjectStatus) -> SubjectStatus:
    """The status with its revision: the one held when nothing but the time differs."""
    if held is None:
        return now
    same = now.model_copy(update={"revision": held.revision, "as_of": held.as_of})
    return held if same == held else now.model_copy(update={"revision": held.revision + 1})


def _page(record: SubjectRecord, name: str) -> Series | Report | None:
    return record.series.get(name) or record.reports.get(name)
