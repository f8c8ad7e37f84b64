"""Concluding one page and filing the outcome: what changed, what the pages hold now, what the header is to know.

Three ways lead through a series, from cheap to dear, and all end in the same findings:
    in order    one result carries the fold on; only what it can have changed is looked at
    late        the open page is folded anew from its base
    whole       all chunks and the open page are folded anew: a result older than the open page, another frame
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple

from safety_stream.clinical import shelf as shelves
from safety_stream.clinical.changes import Kept, difference, standing_of
from safety_stream.clinical.course import Course
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.fold import Digest, Fold
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.memory import Outcome, comes_last, placed
from safety_stream.clinical.points import goes_on
from safety_stream.clinical.recent import Again, found_again, gone_on, refolded
from safety_stream.clinical.record import Closed, Index, Page, Recent, Report, Series
from safety_stream.clinical.reported import conclude_report
from safety_stream.clinical.result import Result
from safety_stream.clinical.series import (
    Carried,
    all_findings,
    carried,
    digest_anew,
    digest_of,
    digest_stays,
    folded,
    new_findings,
)
from safety_stream.clinical.shelf import (
    Shelf,
    cut_of,
    ids_of,
    is_copied,
    joined,
    let_go,
    listing,
    parted,
    reaches_sealed,
    sealed_copy,
    settled,
    summed,
    without_sealed,
)
from safety_stream.clinical.untouched import untouched
from safety_stream.clinical.versions import settle_result
from safety_stream.clinical.watch import watch_key
from safety_stream.rulebook.tables import Book


class Bench(NamedTuple):
    """What a step works with; ``edition`` names the book and the protocol that pages were folded by.

    ``recent``: the last steps, as far as they are at hand, of each series whose results are judged together.
    """

    book: Book
    edition: str
    as_of: datetime
    because: str
    frame: Frame
    courses: dict[str, Course]
    recent: dict[str, Recent]

    def course(self, key: str) -> Course:
        """What a series is judged with: made once for a frame."""
        held = self.courses.get(key)
        if held is None:
            held = self.courses[key] = Course(key, self.book.analytes.get(key), self.frame, self.book)
        return held


_RECORD: Final = attrgetter("record")


class Filed(NamedTuple):
    """The pages of one thing after a step, what changed, what the header is to know, and the grades given.

    ``digest``: None where the header knows it already.
    """

    pages: Mapping[str, Page]
    changes: tuple[FindingChange, ...]
    digest: Digest | None
    outcome: Outcome = "processed"
    graded: tuple[tuple[str, str], ...] = ()


def file_result(shelf: Shelf, told: Result, bench: Bench, known: Digest | None = None) -> Filed:
    """One more result of an analyte; ``known``: what the header knows of it."""
    held = held_in(shelf, told.record)
    standing = settle_result(held, told)
    if standing is held and shelf.series.book == bench.edition:
        on_open_page = any(one == standing for one in shelf.series.results) and not _left_behind(shelf, standing)
        return _again(shelf, bench) if on_open_page else file_shelf(shelf, bench)._replace(outcome="duplicate")
    course, series = bench.course(shelf.series.analyte), shelf.series
    now = let_go(series)
    if now is not series:
        now = without_sealed(now, course, series)
    stale = series.book not in {"", bench.edition}
    if stale or _reaches(now, shelf, held, bench):
        after = _whole(Shelf(now, shelf.chunks, shelf.listed), standing, bench)
        return after._replace(outcome="late" if held is None else "corrected")
    appended = held is None and comes_last(now, standing, course.order) and _begins(now, standing, course)
    filed = _in_order(now, standing, bench, known) if appended else _late(now, standing, held, bench)
    outcome: Outcome = "processed" if appended else "late" if held is None else "corrected"
    if len(now.results) >= shelves.OPEN - 1:
        filed = _sealed(filed, course, shelf.listed)
    return filed if filed.outcome == outcome else filed._replace(outcome=outcome)


def _begins(series: Series, told: Result, course: Course) -> bool:
    """Whether a result that comes last begins a time point; one that joins the last point changes what that said."""
    return not goes_on(told, series.fold.last, series.fold.point, course.zone)


def file_shelf(shelf: Shelf, bench: Bench, was: Frame | None = None) -> Filed:
    """Everything known of an analyte concluded anew, because the frame or the edition may be another.

    ``was``: the frame its pages were surely concluded with; they stay as they are where the new one says the same.
    """
    course, series = bench.course(shelf.series.analyte), shelf.series
    if was is not None and untouched(shelf, course, bench.edition, was):
        return Filed({}, (), None)
    if series.sealing and not is_copied(shelf):
        return _copied_anew(shelf, bench)
    now = let_go(series)
    if now is not series:
        now = without_sealed(now, course, series)
    return _whole(Shelf(now, shelf.chunks, shelf.listed), None, bench)


def _copied_anew(shelf: Shelf, bench: Bench) -> Filed:
    """The same where a crash cut off the copy of the half that is being sealed: nothing is let go before it stands."""
    series = replace(shelf.series, sealing=False)
    chunks = tuple(chunk for chunk in shelf.chunks if chunk.number <= series.sealed)
    filed = _whole(Shelf(series, chunks, shelf.listed), None, bench)
    if series.analyte in filed.pages:
        return filed
    again = filed._replace(pages={**filed.pages, series.analyte: series})
    return _sealed(again, bench.course(series.analyte), shelf.listed)


def held_in(shelf: Shelf, record: str) -> Result | None:
    """What is held under a record, in the open page or in a loaded chunk."""
    copies = [part for part in shelf.parts if record in map(_RECORD, part)]
    return settled([one for part in copies for one in part if one.record == record]).get(record) if copies else None


def _left_behind(shelf: Shelf, standing: Result) -> bool:
    """Whether a chunk has an old copy of a record: what the record said before was concluded there."""
    return any(one.record == standing.record and one != standing for chunk in shelf.chunks for one in chunk.results)


def _reaches(series: Series, shelf: Shelf, held: Result | None, bench: Bench) -> bool:
    """Whether a result, or what its record held before, belongs to the chunks: a result that does comes with them."""
    if shelf.chunks or not series.sealed or shelf.listed is None or held is None:
        return bool(shelf.chunks)
    return reaches_sealed(series, shelf.listed, held, bench.course(series.analyte).order)


def _again(shelf: Shelf, bench: Bench) -> Filed:
    """A result of the open page told again: nothing changes, but a copy that a crash may have cut off is repeated.

    One that lies in a chunk, or has left an old copy there, is not so simple: the crash may have come between that
    chunk and the open page, so everything is concluded anew.
    """
    series, course = shelf.series, bench.course(shelf.series.analyte)
    pages: dict[str, Page] = {}
    if series.sealing and shelf.listed is not None:
        pages = dict(sealed_copy(replace(series, sealing=False), course, shelf.listed).pages)
        pages[series.analyte] = series
    return Filed(pages, (), _digest(series), "duplicate")


def _in_order(series: Series, told: Result, bench: Bench, known: Digest | None) -> Filed:
    course = bench.course(series.analyte)
    fold, touched = carried(series.fold, (told,), course)
    found, among = new_findings(fold, touched, course)
    kept, changes = difference(series.kept, found, bench.as_of, bench.because, among)
    results = (*series.results, told)
    step = Carried(told, fold, touched)
    ended = tuple(_closed(step)) if touched.closed or touched.inside else ()
    cut, middle = series.cut, series.middle
    if not cut and len(series.results) >= shelves.HALF:
        cut, middle = len(series.results), series.fold
    after = Series(
        analyte=series.analyte,
        results=results,
        base=series.base,
        middle=middle,
        cut=cut,
        fold=fold,
        kept=kept,
        copies=series.copies,
        moved=series.moved,
        closed=(*series.closed, *ended) if ended else series.closed,
        past=series.past,
        sealed=series.sealed,
        reported_to=_later(series.reported_to, told.reported_at),
        book=bench.edition,
    )
    if course.joint:
        bench.recent[course.key] = gone_on(bench.recent.get(course.key), series, after, step)
    graded = tuple([(course.key, str(one)) for one in touched.grades])
    if known is None or not known.holds or any(one.finding.kind != "data_query" for one in changes):
        return Filed({series.analyte: after}, changes, _digest(after), graded=graded)
    stays = digest_stays(series.fold, fold, touched)
    return Filed({series.analyte: after}, changes, None if stays else digest_anew(known, fold, touched), graded=graded)


def _late(series: Series, told: Result, held: Result | None, bench: Bench) -> Filed:
    """A result of the open page that is not the last; ``held``: what its record held before."""
    course, recent = bench.course(series.analyte), bench.recent.get(series.analyte)
    if recent is not None and recent.page is series:
        again = refolded(recent, told, held, course)
        if again is not None:
            return _a_little_late(again, told, bench)
    results = placed(series.results, told, course.order)
    steps = folded((one for one in results if one.record not in series.moved), course, series.base)
    after = _refolded(series, results, steps, bench)
    found = all_findings(after.fold, (one.touched for one in steps), course)
    kept, changes = difference(series.kept, found, bench.as_of, bench.because)
    after = replace(after, kept=kept)
    return Filed({series.analyte: after}, changes, _digest(after))


def _a_little_late(again: Again, told: Result, bench: Bench) -> Filed:
    """The same where the result lies among the last steps of the page: what came before them stays as it is."""
    was, now, recent, results = again
    course, series = bench.course(was.page.analyte), was.page
    found, among = found_again(again, course)
    kept, changes = difference(series.kept, found, bench.as_of, bench.because, among)
    records = {one.result.record for one in was.steps}
    before = (one for one in series.closed if one.by not in records)
    after = replace(
        series,
        results=results,
        middle=series.middle if series.cut else series.base,
        fold=now.fold,
        kept=kept,
        closed=(*before, *(closed for one in now.steps for closed in _closed(one))),
        reported_to=_later(series.reported_to, told.reported_at),
        book=bench.edition,
    )
    bench.recent[course.key] = recent._replace(page=after)
    return Filed({series.analyte: after}, changes, _digest(after))


def _whole(shelf: Shelf, told: Result | None, bench: Bench) -> Filed:
    """Every page of an analyte anew; a late result joins the chunk of its time."""
    course = bench.course(shelf.series.analyte)
    held = shelf.parts if told is None else joined(shelf.parts, told, course.order)
    # Another edition may have kept another order, in a part and across the borders of parts.
    parts = [tuple(sorted(part, key=course.order)) for part in held]
    if shelf.series.book != bench.edition:
        parts = parted(parts, course.order)
    stands = settled(one for part in parts for one in part)
    valid = [[one for one in part if stands[one.record] is one] for part in parts]
    steps = folded((one for part in valid for one in part), course)
    records = [{one.record for one in part} for part in valid]
    inside = [[one for one in steps if one.result.record in here] for here in records]
    found = all_findings(steps[-1].fold if steps else Fold(), (one.touched for one in steps), course)
    kept, changes = difference(shelf.kept, found, bench.as_of, bench.because, many_pages=bool(shelf.chunks))
    base = next((part[-1].fold for part in reversed(inside[:-1]) if part), Fold())
    series = _refolded(replace(shelf.series, base=base), parts[-1], inside[-1], bench)
    moved = tuple(sorted({one.record for one in parts[-1] if stands[one.record] is not one}))
    series = replace(series, moved=moved)
    chunks = tuple(replace(chunk, results=part) for chunk, part in zip(shelf.chunks, parts, strict=False))
    after = _distributed(Shelf(series, chunks, shelf.listed), inside, kept, course)
    pages = {name: page for name, page in after.pages if page != dict(shelf.pages)[name]}
    filed = Filed(pages, changes, _digest(after.series))
    return _sealed(filed, course, after.listed) if after.series.analyte in pages else filed


def _refolded(series: Series, results: tuple[Result, ...], steps: list[Carried], bench: Bench) -> Series:
    """The open page with its results folded anew; ``steps`` leaves out what stands elsewhere."""
    cut = cut_of(results, bench.course(series.analyte).analyte, bench.frame.zone)
    half = {one.record for one in results[:cut]}
    inside = [one.fold for one in steps if one.result.record in half]
    return replace(
        series,
        results=results,
        fold=steps[-1].fold if steps else series.base,
        middle=inside[-1] if inside else series.base,
        cut=cut,
        closed=tuple(closed for one in steps for closed in _closed(one)),
        reported_to=_later(series.reported_to, *(one.reported_at for one in results)),
        book=bench.edition,
    )


def _distributed(shelf: Shelf, parts: list[list[Carried]], kept: Mapping[str, Kept], course: Course) -> Shelf:
    """Each finding on the page where its last sample is; a page that held it before keeps a copy."""
    homes = [frozenset(ids_of((closed for one in part for closed in _closed(one)), course)) for part in parts[:-1]]
    chunks, past = [], Digest()
    for chunk, home in zip(shelf.chunks, homes, strict=True):
        own = {id_: one for id_, one in kept.items() if id_ in home or id_ in chunk.kept}
        chunks.append(replace(chunk, kept=own))
        past = summed(past, digest_of(standing_of({id_: kept[id_] for id_ in home if id_ in kept}), Fold()))
    elsewhere = frozenset().union(*homes)
    own = {id_: one for id_, one in kept.items() if id_ not in elsewhere}
    before = elsewhere & {*shelf.series.kept, *shelf.series.copies}
    copies = {id_: kept[id_] for id_ in sorted(before) if id_ in kept}
    series = replace(shelf.series, kept=own, copies=copies, past=past)
    return Shelf(series, tuple(chunks), listing(shelf.listed, chunks))


def _sealed(filed: Filed, course: Course, index: Index | None) -> Filed:
    """With a full open page its first half is copied to the next chunk."""
    series = filed.pages[course.key]
    if not isinstance(series, Series) or index is None:
        return filed
    shelf = sealed_copy(series, course, index)
    return filed if shelf.listed is None else filed._replace(pages={**filed.pages, **dict(shelf.pages)})


def _closed(step: Carried) -> Iterator[Closed]:
    for rule, _, episode in step.touched.closed:
        yield Closed(rule.id, episode.number, step.result.record)
    for limit, outside in step.touched.inside:
        yield Closed(watch_key(limit.outside), outside.number, step.result.record)


def _digest(series: Series) -> Digest:
    own = digest_of(standing_of(series.kept), series.fold)
    return summed(series.past, own) if series.sealed or series.sealing else own


def _later(one: datetime | None, *others: datetime) -> datetime | None:
    """The latest of several instants, the first of which may not be known."""
    return max(others if one is None else (one, *others), default=None)


def file_report(name: str, before: Report, page: Report, outcome: Outcome, bench: Bench) -> Filed:
    """One adverse event concluded anew."""
    found, digest = conclude_report(page.fact, bench.frame, bench.book)
    kept, changes = difference(before.kept, found, bench.as_of, bench.because)
    after = replace(page, kept=kept, book=bench.edition)
    return Filed({} if after == before else {name: after}, changes, digest, outcome)
