"""One subject: read this first. Facts are remembered, findings are derived, and the difference is what is sent.

    step(record, event, book, as_of)
        look         at the pages that the event is about; PagesLacking names those that are not loaded
        remember     the event stands in its page, if it is not old news
        conclude     every page it touches: an in-order result carries its fold on, anything else folds anew
        difference   to what was last sent from that page: raised, changed, withdrawn
        overview     what only the whole subject tells: status, composites, contradictions, the next deadline

Late, duplicate, corrected and withdrawn records all take this one path, so any order of the same facts ends in the
same findings; ``conclude`` says from the facts alone what these are, and the tests compare the two.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from safety_stream.clinical.changes import standing_of
from safety_stream.clinical.contradictions import died
from safety_stream.clinical.events import Acknowledged, AdverseEvent, Measurement, SubjectEvent
from safety_stream.clinical.filing import Bench, Filed, file_report, file_result, file_shelf, held_in
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.fold import Digest, Fold
from safety_stream.clinical.frame import Frame, frame_of
from safety_stream.clinical.header import knowing, looked, says_the_same
from safety_stream.clinical.memory import Outcome, placed, remember_fact, remember_report, series_keys
from safety_stream.clinical.overview import overview
from safety_stream.clinical.record import (
    HEADER,
    REPORT,
    Held,
    Index,
    Page,
    Report,
    Series,
    SubjectRecord,
    empty,
    page_json,
    report_page,
    with_empty_page,
    with_page,
)
from safety_stream.clinical.renamed import PAGE, is_first, is_retold, listing_retold, on_each_page, other_pages
from safety_stream.clinical.reported import conclude_report
from safety_stream.clinical.result import Order, Result, order_of, result_of
from safety_stream.clinical.ruled_out import with_the_result_that_decides
from safety_stream.clinical.series import all_findings, digest_of, folded
from safety_stream.clinical.seriousness import is_grave
from safety_stream.clinical.shelf import Shelf, is_short, names_needed, settled, shelf_of
from safety_stream.clinical.stored import FORMAT, PagesLacking
from safety_stream.clinical.versions import settle_result
from safety_stream.rulebook.protocol import Protocol
from safety_stream.rulebook.tables import Book

__all__ = [
    "Conclusions",
    "Step",
    "conclude",
    "empty",
    "page_json",
    "reached",
    "remember",
    "standing",
    "step",
    "with_empty_page",
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


def _touches_every_page(record: SubjectRecord, event: SubjectEvent | None) -> bool:
    """Whether an event is about the subject as a whole; a death is, told now or by any version under the record."""
    if isinstance(event, AdverseEvent):
        held = record.reports.get(report_page(event.source.record))
        return is_grave(event) or (held is not None and held.fact is not None and held.fact.grave_at is not None)
    return not (event is None or isinstance(event, (Measurement, Acknowledged)))


def _unless_left_behind(record: SubjectRecord, key: str, told: Result) -> Result | None:
    """None for a series of another edition than the header's, as a crash can leave it: all its pages are needed."""
    series = record.series.get(key)
    return told if series is None or series.book in {"", record.header.book} else None


def _page_edition(book: Book, study: str) -> str:
    """The edition and the format of the pages: another format, and everything is concluded anew."""
    return _formatted(edition_of(book, study))


@lru_cache(maxsize=64)
def _formatted(edition: str) -> str:
    return f"{edition}+pages {FORMAT}"


def edition_of(book: Book, study: str) -> str:
    """What the conclusions on a page rest on beside its facts: the book and the study's protocol."""
    return book.editions.get(study, book.version)


def reached(record: SubjectRecord) -> datetime | None:
    """The latest ``reported_at`` of the events on the loaded pages: how far an event-time clock has come."""
    told = [record.header.reported_to]
    told += [page.reported_to for page in record.series.values()]
    told += [page.reported_to for page in record.reports.values()]
    return max((one for one in told if one is not None), default=None)


def standing(record: SubjectRecord) -> dict[str, AnyFinding]:
    """Every finding of the loaded pages as it was last sent, if it was not withdrawn."""
    kept = dict(record.header.kept)
    for key in record.series:
        kept.update(shelf_of(record, key).kept)
    for report in record.reports.values():
        kept.update(report.kept)
    return standing_of(kept)


def remember(record: SubjectRecord, event: SubjectEvent, book: Book) -> SubjectRecord:
    """The record with one more fact and nothing concluded from it; its pages must be loaded."""
    if isinstance(event, Measurement):
        return _remember_result(record, result_of(event), book)
    if isinstance(event, AdverseEvent):
        name = report_page(event.source.record)
        return record.with_pages({name: remember_report(record.reports.get(name) or Report(""), event).page})
    if isinstance(event, Acknowledged):
        return record
    return record.with_header(remember_fact(record.header, event).page)


def _remember_result(record: SubjectRecord, told: Result, book: Book) -> SubjectRecord:
    if PAGE not in record.indexes:
        record = with_empty_page(record, PAGE)
    listed = listing_retold(record, told)
    if listed is not None:
        record = record.with_header(replace(record.header, retold=True)).with_pages({PAGE: listed})
    keys, pages = series_keys(told, book), dict[str, Page]()
    others = other_pages(record, told, keys) if is_retold(record, told) else ()
    series = {key: record.series.get(key) or Series(key) for key in (*keys, *others)}
    held = {key: held_in(Shelf(page), told.record) for key, page in series.items()}
    versions = on_each_page(told, held, book) if is_retold(record, told) else dict.fromkeys(keys, told)
    for key, one in versions.items():
        now = settle_result(held[key], one)
        pages[key] = replace(series[key], results=placed(series[key].results, now, _order(record, key, book)))
    return record.with_pages(pages)


def conclude(record: SubjectRecord, book: Book, as_of: datetime) -> Conclusions:
    """All that follows from the facts of a record whose every page is loaded, whatever was concluded before."""
    bench = _bench(record, book, as_of, "", _page_edition(book, record.study))
    found: dict[str, AnyFinding] = {}
    digests: dict[str, Digest] = {}
    for name, report in record.reports.items():
        here, digests[name] = conclude_report(report.fact, bench.frame, book)
        found.update(here)
    bench = _knowing_death(bench, digests)
    for key in record.series:
        course = bench.course(key)
        results = sorted(settled(shelf_of(record, key).results).values(), key=course.order)
        steps = folded(results, course)
        fold = steps[-1].fold if steps else Fold()
        here = all_findings(fold, (one.touched for one in steps), course)
        found.update(here)
        digests[key] = digest_of(here, fold)
    whole = overview(bench.frame, record.header.facts, digests, book, as_of)
    return Conclusions(found | whole.findings, whole.status, whole.deadline)


def step(record: SubjectRecord, event: SubjectEvent | None, book: Book, as_of: datetime) -> Step:
    """Take in one event, or only the time, and say everything that it changed. The same again changes nothing.

    Of the pages only the header is surely loaded. Raises PagesLacking with the others that are worked on, as far as
    those that are loaded tell: only the open page of a long series tells whether its older chunks are needed. An event
    about the subject as a whole (a dose, an enrolment, a decision) works on every page; so does a new edition of the
    book or the protocol.
    """
    edition = _page_edition(book, record.study)
    stale = record.header.book not in {"", edition}
    if stale or not isinstance(event, Measurement):
        _check_loaded(record, _asked_for(record, event, book, stale=stale))
    because = f"{event.kind} {event.source.record} v{event.source.version}" if event else "the clock"
    # A late event does not turn the clock back: a window that has closed stays closed.
    as_of = max(as_of, record.header.concluded_to or as_of)
    before, bench = record, _bench(record, book, as_of, because, edition)
    if stale:
        bench = _knowing_death(bench, {name: _digest_of(one, bench) for name, one in record.reports.items()})
    outcome: Outcome = "processed"
    filed: dict[str, Filed] = {}
    listed: Index | None = None
    retold = renamed = False
    if isinstance(event, Measurement):
        keys, told = series_keys(event, book), result_of(event)
        on_pages = _on_its_pages(record, told, keys, book, stale=stale)
        known, listed, retold = record.header.digests, listing_retold(record, told), not is_first(told)
        filed = {key: file_result(shelf, one, bench, known.get(key)) for key, (shelf, one) in on_pages.items()}
        outcome, renamed = filed[keys[0]].outcome, on_pages[keys[0]][1].named != ()
    elif isinstance(event, AdverseEvent):
        name = report_page(event.source.record)
        about = remember_report(record.reports[name], event)
        filed[name] = file_report(name, record.reports[name], about.page, about.outcome, bench)
        outcome = about.outcome
        if _touches_every_page(before, event):
            held = record.header.digests
            if stale:  # what the header knows of the other reports is of another edition
                held = {one: _digest_of(page, bench) for one, page in record.reports.items()}
            bench = _knowing_death(bench, {**held, **_digests(filed)})
            filed |= _every_series(record, bench, {})
    elif event is not None and not isinstance(event, Acknowledged):
        fact = remember_fact(record.header, event)
        record, outcome = record.with_header(fact.page), fact.outcome
        # Told again, it may stand in the header and not yet in the pages: a crash came between them.
        was = None if outcome == "duplicate" else bench.frame
        filed, bench = _every_page(record, _bench(record, book, as_of, because, edition), {}, was)
    if stale:
        filed, bench = _every_page(record, bench, filed)
    if listed is not None:
        filed[PAGE] = Filed({PAGE: listed}, (), None)
    if retold and not record.header.retold:
        record = record._replace(header=replace(record.header, retold=True))
    done = _closed(before, record, filed, bench, outcome)
    if done.changes and isinstance(event, Measurement):
        return done._replace(changes=with_the_result_that_decides(done.changes, event, book, renamed=renamed))
    return done


def _asked_for(record: SubjectRecord, event: SubjectEvent | None, book: Book, *, stale: bool) -> Iterator[str]:
    """The pages that are worked on for something else than a measurement, or for another edition of the book."""
    if isinstance(event, AdverseEvent):
        yield report_page(event.source.record)
    if stale or _touches_every_page(record, event):
        for name in record.header.digests:
            is_report = name.startswith(REPORT)
            yield from (name,) if is_report else names_needed(record, name, None, _order(record, name, book))


def _check_loaded(record: SubjectRecord, names: Iterable[str]) -> None:
    if lacking := [name for name in names if record.page(name) is None]:
        raise PagesLacking(lacking)


def _on_its_pages(
    record: SubjectRecord, told: Result, keys: tuple[str, ...], book: Book, *, stale: bool
) -> dict[str, tuple[Shelf, Result]]:
    """The pages that a result is filed on, its own first, and what each is told."""
    retold = is_retold(record, told)
    names = (*keys, *other_pages(record, told, keys)) if retold else keys
    shelves = {key: _shelf(record, key, None if stale else told, book) for key in names}
    if not retold:
        return {key: (shelf, told) for key, shelf in shelves.items()}
    versions = on_each_page(told, {key: held_in(one, told.record) for key, one in shelves.items()}, book)
    return {key: (_shelf(record, key, None if stale else one, book), one) for key, one in versions.items()}


def _shelf(record: SubjectRecord, key: str, result: Result | None, book: Book) -> Shelf:
    """The pages of one analyte that a result needs; None: every page."""
    held = record.series.get(key)
    if held is not None and is_short(held):
        return Shelf(held)
    told = result and _unless_left_behind(record, key, result)
    names = names_needed(record, key, told, _order(record, key, book))
    _check_loaded(record, names)
    return shelf_of(record, key, names)


def _order(record: SubjectRecord, key: str, book: Book) -> Order:
    """The order of the results on the page of one analyte."""
    return order_of(book.analytes.get(key), _protocol(book, record.study).versions[0].tz)


def _protocol(book: Book, study: str) -> Protocol:
    protocol = book.protocol(study)
    if protocol is None:
        raise ValueError(f"no protocol is loaded for study {study}")
    return protocol


def _bench(record: SubjectRecord, book: Book, as_of: datetime, because: str, edition: str) -> Bench:
    held = record.frame
    if held is not None and held.edition == edition:
        return Bench(book, edition, as_of, because, held.frame, held.courses, held.recent)
    frame = frame_of(record.study, record.subject, record.header.facts, _protocol(book, record.study))
    return _knowing_death(Bench(book, edition, as_of, because, frame, {}, {}), record.header.digests)


def _every_page(
    record: SubjectRecord, bench: Bench, filed: Mapping[str, Filed], was: Frame | None = None
) -> tuple[dict[str, Filed], Bench]:
    """Every page concluded anew that was not filed already; the reports first, they may tell of a death.

    ``was``: the frame that they were surely concluded with.
    """
    reports = {
        name: filed.get(name) or file_report(name, one, one, "processed", bench) for name, one in record.reports.items()
    }
    bench = _knowing_death(bench, _digests(reports))
    return reports | _every_series(record, bench, filed, was), bench


def _every_series(
    record: SubjectRecord, bench: Bench, filed: Mapping[str, Filed], was: Frame | None = None
) -> dict[str, Filed]:
    return {key: filed.get(key) or file_shelf(shelf_of(record, key), bench, was) for key in record.series}


def _digests(filed: Mapping[str, Filed]) -> dict[str, Digest]:
    """What the header is to know of some pages that it may not know yet."""
    return {name: one.digest for name, one in filed.items() if one.digest is not None}


def _digest_of(report: Report, bench: Bench) -> Digest:
    return conclude_report(report.fact, bench.frame, bench.book)[1]


def _knowing_death(bench: Bench, digests: Mapping[str, Digest]) -> Bench:
    """What a step works with, told when the subject died."""
    death = died(digests)
    return (
        bench
        if bench.frame.died == death
        else bench._replace(frame=replace(bench.frame, died=death), courses={}, recent={})
    )


def _closed(
    before: SubjectRecord, record: SubjectRecord, filed: Mapping[str, Filed], bench: Bench, outcome: Outcome
) -> Step:
    """What a step came to: the pages, and after them the header with what it knows of them."""
    held, header = before.header, record.header
    news, pages = dict[str, Digest](), dict[str, Page]()
    changes, graded = list[FindingChange](), list[tuple[str, str]]()
    for name in sorted(filed):
        one = filed[name]
        pages.update(one.pages)
        changes += one.changes
        graded += one.graded
        if one.digest is not None and header.digests.get(name) != one.digest:
            news[name] = one.digest
    said = record.said if record.said is not None and record.said.kept is held.kept else None
    passed = held.deadline is not None and bench.as_of >= held.deadline
    if news or header is not held or passed or held.book != bench.edition:
        digests = {**header.digests, **news} if news else header.digests
        if said is not None and header is held and not passed and says_the_same(held, news, bench):
            header = knowing(held, digests, bench)
        else:
            header, said, own = looked(header, digests, bench, said)
            changes += own
    return Step(
        record=record.after(header, pages, Held(bench.edition, bench.frame, bench.courses, bench.recent), said),
        changes=tuple(changes),
        status=None if header.status is held.status else header.status,
        pages=frozenset(pages) if header is held else frozenset((*pages, HEADER)),
        deadline=header.deadline,
        graded=tuple(graded),
        outcome=outcome,
    )
