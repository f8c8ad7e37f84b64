"""The pages of one analyte: an open page of at most 64 results, and sealed chunks of the older ones.

    NEUT     [r65 .. r96 | r97 .. r128]      full: the first half is COPIED to chunk 3, marked "sealing"
    NEUT~3   [r65 .. r96]                    with the next event, which proves that the copy is durable,
    NEUT               [r97 .. r129]         the open page lets its first half go

Why nothing is lost in a crash, whichever pages of a step were written: results are let go only one event after they
were copied, and by an event told again only if they were; a result never moves between sealed chunks (a late one joins
the chunk of its time, and the event that brought it is told again after a crash); and of two copies of a finding the
one with the higher revision counts.
"""

from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import tzinfo
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, pairwise
from typing import NamedTuple

from safety_stream.clinical.changes import Kept, standing_of
from safety_stream.clinical.conclusion import worst_of
from safety_stream.clinical.course import Course
from safety_stream.clinical.fold import Digest, Fold
from safety_stream.clinical.points import goes_on, one_point
from safety_stream.clinical.reconciliation import newest
from safety_stream.clinical.record import CHUNK, INDEX, Chunk, Closed, Index, Page, Series, SubjectRecord
from safety_stream.clinical.result import Order, Result
from safety_stream.clinical.series import digest_of
from safety_stream.clinical.toxicities import dlt_ids, toxicity_id
from safety_stream.clinical.versions import same_content, settle_result
from safety_stream.clinical.watch import watch_id, watch_key
from safety_stream.rulebook.tables import Analyte

OPEN = 64
HALF = OPEN // 2
WIDTH = 8


class Shelf(NamedTuple):
    """The loaded pages of one analyte; ``chunks`` in order, none where only the open page is needed."""

    series: Series
    chunks: tuple[Chunk, ...] = ()
    listed: Index | None = None

    @property
    def pages(self) -> Iterator[tuple[str, Page]]:
        """Every page with its name."""
        key = self.series.analyte
        yield key, self.series
        yield from ((f"{key}{CHUNK}{chunk.number}", chunk) for chunk in self.chunks)
        if self.listed is not None:
            yield key + INDEX, self.listed

    @property
    def results(self) -> Iterator[Result]:
        """Every result of the loaded pages; one that is being sealed comes twice."""
        for chunk in self.chunks:
            yield from chunk.results
        yield from self.series.results

    @property
    def parts(self) -> list[tuple[Result, ...]]:
        """The results of every chunk and of the open page."""
        return [*(chunk.results for chunk in self.chunks), self.series.results]

    @property
    def kept(self) -> dict[str, Kept]:
        """Every finding as it was last sent, wherever it is kept."""
        merged: dict[str, Kept] = {}
        for page in (self.series.copies, *(chunk.kept for chunk in self.chunks), self.series.kept):
            for id_, kept in page.items():
                if id_ not in merged or kept.revision >= merged[id_].revision:
                    merged[id_] = kept
        return merged


def is_short(series: Series) -> bool:
    """Whether the open page is all there is of a series, and stays so with one more result."""
    return len(series.results) < OPEN - 1 and not (series.sealed or series.sealing)


def names_needed(record: SubjectRecord, key: str, told: Result | None, order: Order) -> tuple[str, ...]:
    """The pages of one analyte that a result needs, as far as the pages loaded so far tell; None: every page."""
    series = record.series.get(key)
    if series is None or is_short(series):
        return (key,)
    if not (series.sealed or series.sealing):
        return (key, key + INDEX)
    after, index = let_go(series), record.indexes.get(key + INDEX)
    if told is None or (index is not None and reaches_sealed(after, index, told, order)):
        return (key, key + INDEX, *(f"{key}{CHUNK}{number}" for number in range(1, after.sealed + 1)))
    return key, key + INDEX


def shelf_of(record: SubjectRecord, key: str, needed: Collection[str] | None = None) -> Shelf:
    """The loaded pages of one analyte; with ``needed``, no chunks unless it names them."""
    chunks: tuple[Chunk, ...] = ()
    if needed is None or f"{key}{CHUNK}1" in needed:  # all chunks are needed, or none
        names = (f"{key}{CHUNK}{number}" for number in range(1, let_go(record.series[key]).sealed + 1))
        chunks = tuple(record.chunks[name] for name in names if name in record.chunks)
    return Shelf(record.series[key], chunks, record.indexes.get(key + INDEX))


def settled(copies: Iterable[Result]) -> dict[str, Result]:
    """Of every record the copy that stands: a result whose time was corrected leaves a copy where it was."""
    found: dict[str, Result] = {}
    for one in copies:
        held = found.get(one.record)
        if held is None or not same_content(held, settle_result(held, one)):
            found[one.record] = one
    return found


def joined(parts: list[tuple[Result, ...]], told: Result, order: Order) -> list[tuple[Result, ...]]:
    """The parts with one more result in the part of its time; it replaces a copy only where it stays in its part.

    A copy that stays behind is what a crash between two pages would otherwise lose.
    """
    place, stands = order(told), settled(one for part in parts for one in part)
    places = [
        [order(one) for one in part if one.stands and one is stands[one.record] and one.record != told.record]
        for part in parts
    ]
    at = next((i for i, part in enumerate(places[:-1]) if part and place <= max(part)), len(parts) - 1)
    for i, part in enumerate(parts):
        earlier = [one for before in places[:i] for one in before]
        later = [one for after in places[i + 1 :] for one in after]
        if any(one.record == told.record for one in part) and (
            (not earlier or place > max(earlier)) and (not later or place < min(later))
        ):
            at = i
    others = tuple(one for one in parts[at] if one.record != told.record)
    changed = tuple(sorted((*others, told), key=order))
    return [changed if i == at else part for i, part in enumerate(parts)]


def parted(parts: list[tuple[Result, ...]], order: Order) -> list[tuple[Result, ...]]:
    """The parts with every result that comes before the end of an earlier part in the part of its time."""
    stands = settled(one for part in parts for one in part)
    for later in range(1, len(parts)):
        valid = [one for part in parts[:later] for one in part if one.stands and one is stands[one.record]]
        end = max((order(one) for one in valid), default=None)
        for one in parts[later]:
            if end is not None and one.stands and one is stands[one.record] and order(one) < end:
                parts = joined(parts, one._replace(), order)  # another object: what it was stays as an old copy
    return parts


def reaches_sealed(series: Series, index: Index, result: Result, order: Order) -> bool:
    """Whether a result belongs before the open page, or may be told under a record that a chunk holds.

    So does every result while the open page goes on with a time point that began in a chunk.
    """
    if series.base.last is not None and order(result) <= series.base.last:
        return True
    return _goes_on(series, result, order.zone) or is_listed(index, result.record)


def _goes_on(series: Series, result: Result, zone: tzinfo) -> bool:
    """Whether a result, or the open page, goes on with the time point that ended the last chunk."""
    begun, last = series.base.point, series.base.last
    if last is None:
        return False
    if begun.startswith("#") and any(one.specimen == begun[1:] for one in (result, *series.results)):
        return True
    for one in chain((result,), series.results):
        if one.place(zone) <= last[:2]:
            if goes_on(one, last, begun, zone):
                return True
        elif one is not result:
            break
    return False


def is_listed(index: Index, record: str) -> bool:
    """Whether an index names a record."""
    mark, at = mark_of(record), -1
    marks = index.marks.get(mark[0], "")
    while (at := marks.find(mark, at + 1)) >= 0:
        if at % WIDTH == 0:
            return True
    return False


def cut_of(results: tuple[Result, ...], analyte: Analyte | None, zone: tzinfo) -> int:
    """Where a full page is to be cut: at its half, or after it so that no time point is cut in two; 0: nowhere yet."""
    joint = analyte is not None and analyte.joint
    stands = [place for place, one in enumerate(results) if one.stands]
    for last, first in pairwise(stands):
        if first >= HALF and not one_point(results[last], results[first], zone, joint=joint):
            return max(HALF, last + 1)
    return 0


def listing(index: Index | None, chunks: Iterable[Chunk]) -> Index | None:
    """The index with every record of the loaded chunks in it; the same one when none was missing."""
    if index is None:
        return None
    known = {marks[at : at + WIDTH] for marks in index.marks.values() for at in range(0, len(marks), WIDTH)}
    marks = [mark_of(result.record) for chunk in chunks for result in chunk.results]
    missing = [mark for mark in marks if mark not in known]
    return listed_too(index, missing) if missing else index


def listed_too(index: Index, more: Iterable[str]) -> Index:
    """The index with more marks in it."""
    marks = dict(index.marks)
    for mark in more:
        marks[mark[0]] = marks.get(mark[0], "") + mark
    return replace(index, marks=marks)


@lru_cache(maxsize=4096)  # asked for by each of those who look whether a record is listed
def mark_of(record: str) -> str:
    """The mark of a record in the index."""
    return b64encode(blake2b(record.encode(), digest_size=6).digest()).decode()


def let_go(series: Series) -> Series:
    """The open page without the half that was copied to a chunk, if one was: the copy is durable by now."""
    if not series.sealing:
        return series
    gone = {result.record for result in series.results[: series.cut]}
    return replace(
        series,
        results=series.results[series.cut :],
        base=series.middle,
        middle=Fold(),
        cut=0,
        closed=tuple(one for one in series.closed if one.by not in gone),
        moved=tuple(one for one in series.moved if one not in gone),
        sealed=series.sealed + 1,
        sealing=False,
    )


def is_copied(shelf: Shelf) -> bool:
    """Whether the half that is being sealed stands in its chunk: of an event told again a crash may have cut it off."""
    series = shelf.series
    chunk = next((one for one in shelf.chunks if one.number == series.sealed + 1), None)
    half = {result.record for result in series.results[: series.cut]}
    return chunk is not None and half <= {result.record for result in chunk.results}


def without_sealed(series: Series, course: Course, before: Series) -> Series:
    """``series`` (from ``let_go``) without the findings that went with the half, and with them summed up."""
    gone = {result.record for result in before.results[: before.cut]}
    ids = frozenset(ids_of((one for one in before.closed if one.by in gone), course))
    moved = {id_: kept for id_, kept in series.kept.items() if id_ in ids}
    return replace(
        series,
        kept={id_: kept for id_, kept in series.kept.items() if id_ not in ids},
        past=summed(series.past, digest_of(standing_of(moved), Fold())),
    )


def sealed_copy(series: Series, course: Course, index: Index) -> Shelf:
    """The shelf with the first half of a full page copied to the next chunk; as it is when the page is not full."""
    if series.sealing or len(series.results) < OPEN or not series.cut:
        return Shelf(series)
    half = series.results[: series.cut]
    records = {result.record for result in half}
    ids = ids_of((one for one in series.closed if one.by in records), course)
    kept = {id_: series.kept[id_] for id_ in ids if id_ in series.kept}
    chunk = Chunk(series.analyte, series.sealed + 1, half, kept)
    listed = listed_too(index, (mark_of(result.record) for result in half))
    return Shelf(replace(series, sealing=True), (chunk,), listed)


def ids_of(closed: Iterable[Closed], course: Course) -> Iterator[str]:
    """The ids of all findings about some ended episodes."""
    rules = {rule.id: rule for rule in course.rules}
    limits = {watch_key(limit.outside): limit.outside for limit in course.frame.version.watched(course.key)}
    for one in closed:
        if one.rule in limits:
            yield watch_id(course.frame, course.key, limits[one.rule], one.episode)
        if one.rule in rules:
            rule = rules[one.rule]
            yield toxicity_id(course.frame, rule, one.episode)
            yield from dlt_ids(course.frame, rule, course.soc(rule), one.episode)


def summed(one: Digest, other: Digest) -> Digest:
    """Two digests of parts of one series as one."""
    worst = worst_of(part.worst for part in (one, other) if part.worst is not None)
    graded = newest((*one.graded, *other.graded))
    observe = max((part.observe for part in (one, other) if part.observe is not None), default=None)
    dlts = tuple(sorted({*one.dlts, *other.dlts}))
    unclear = one.unclear or other.unclear
    return other._replace(worst=worst, dlts=dlts, graded=graded, observe=observe, unclear=unclear)
