"""One subject's record in pages: the facts told, and beside them what was last concluded from them and sent.

    header            who, when, which dose: registration, doses, recorded facts, adjudications; one line a page
    NEUT              one analyte: its last results, the state of its fold, its findings
    NEUT~1, NEUT~2    sealed chunks of a long series: older results, and the findings concluded from them alone
    NEUT~index        which records the chunks hold, so that a result told twice is known without loading them
    retold~index      which records were ever told otherwise than as a final first version (see ``renamed``)
    ae:K3QF2T7M       one adverse event: its report, its checks

A page is one value in the engine's table. Each page keeps the findings it is the home of exactly as they were last
sent, with their revision: so a page that holds an event proves that what followed from it on this page was sent, and
a step that is repeated after a crash sends the same again, with the same revisions. Pages of one step may be written
in any order and some not at all before a crash: see ``shelf`` for why nothing is lost when results change pages. Only
the first step under another edition of book or protocol leans on the header not being written before the others, as
the engine's table sees to (all or none; the header last where one batch does not hold them): its header says of every
page that it is of that edition.
"""

from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from safety_stream.clinical.changes import Kept
from safety_stream.clinical.course import Course
from safety_stream.clinical.facts import HeaderFact, ReportFact
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.fold import Digest, Fold
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.parts import Said
from safety_stream.clinical.result import Result
from safety_stream.clinical.series import Carried
from safety_stream.clinical.stored import read_page, write_page

HEADER = "header"
REPORT = "ae:"
CHUNK = "~"
INDEX = "~index"
RETOLD = "retold"


@dataclass(frozen=True, slots=True)
class Header:
    """The page that is always there; ``retold``: whether the index of records told otherwise holds any."""

    study: str
    subject: str
    facts: Mapping[str, HeaderFact] = field(default_factory=dict)
    digests: Mapping[str, Digest] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    status: SubjectStatus | None = None
    deadline: datetime | None = None
    concluded_to: datetime | None = None
    reported_to: datetime | None = None
    book: str = ""
    retold: bool = False


class Closed(NamedTuple):
    """An episode that has ended: its rule and number, and the record of the result that ended it."""

    rule: str
    episode: int
    by: str


@dataclass(frozen=True, slots=True)
class Series:
    """One analyte of one subject: its last results in order of observation, and its fold at three places.

    ``base`` is the fold before the first of the results, ``middle`` after the first ``cut`` of them (about half of a
    full page; 0: not known yet), ``fold`` after the last; ``past`` sums up the findings of the sealed chunks.
    ``sealing``: the first half has been copied to the next chunk, and is let go with the next event. ``copies``:
    findings that have moved to a chunk; ``moved``: records of which an old copy lies here, and the one that stands
    in a chunk.
    """

    analyte: str
    results: tuple[Result, ...] = ()
    base: Fold = field(default_factory=Fold)
    middle: Fold = field(default_factory=Fold)
    cut: int = 0
    fold: Fold = field(default_factory=Fold)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    copies: Mapping[str, Kept] = field(default_factory=dict)
    closed: tuple[Closed, ...] = ()
    past: Digest = Digest()  # noqa: RUF009  # a tuple
    moved: tuple[str, ...] = ()
    sealed: int = 0
    sealing: bool = False
    reported_to: datetime | None = None
    book: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Older results of one analyte, and the findings whose last sample is among them."""

    analyte: str
    number: int
    results: tuple[Result, ...] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Index:
    """The marks of all sealed records of one analyte, each ``WIDTH`` letters, by their first letter."""

    analyte: str
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """One adverse event of one subject and what was concluded from it."""

    record: str
    fact: ReportFact | None = None
    kept: Mapping[str, Kept] = field(default_factory=dict)
    reported_to: datetime | None = None
    book: str = ""


Page = Header | Series | Chunk | Index | Report
_Page = TypeVar("_Page", Header, Series, Chunk, Index, Report)


class Recent(NamedTuple):
    """The last steps of a page, and the fold before them; ``page``: the very object that they led to."""

    page: Series
    before: Fold
    steps: tuple[Carried, ...]

    @property
    def fold(self) -> Fold:
        """The fold after the last of them."""
        return self.steps[-1].fold if self.steps else self.before


class Held(NamedTuple):
    """The frame that the header's facts make, for one edition of book and protocol, and what was made with it.

    By series its course and its last steps.
    """

    edition: str
    frame: Frame
    courses: dict[str, Course]
    recent: dict[str, Recent]


class SubjectRecord(NamedTuple):
    """The pages of one subject that have been loaded; a page that the engine holds nothing for is loaded empty."""

    study: str
    subject: str
    header: Header
    series: Mapping[str, Series] = {}  # never changed: a record is a value
    chunks: Mapping[str, Chunk] = {}  # never changed: a record is a value
    indexes: Mapping[str, Index] = {}  # never changed: a record is a value
    reports: Mapping[str, Report] = {}  # never changed: a record is a value
    frame: Held | None = None
    said: Said | None = None

    def with_header(self, header: Header) -> "SubjectRecord":
        """The record with another header; what was derived from the old one is forgotten."""
        return self if header is self.header else self._replace(header=header, frame=None)

    def with_pages(self, pages: Mapping[str, Page]) -> "SubjectRecord":
        """The record with some pages, other than the header, in place of those of the same name."""
        if not pages:
            return self
        return self._replace(
            series=_laid(self.series, pages, Series),
            chunks=_laid(self.chunks, pages, Chunk),
            indexes=_laid(self.indexes, pages, Index),
            reports=_laid(self.reports, pages, Report),
        )

    def after(self, header: Header, pages: Mapping[str, Page], frame: Held, said: Said | None) -> "SubjectRecord":
        """The record after a step: its header and pages, and what was derived from them."""
        series, chunks, indexes, reports = self.series, self.chunks, self.indexes, self.reports
        for name, page in pages.items():
            if isinstance(page, Series):
                series = {**series, name: page}
            elif isinstance(page, Report):
                reports = {**reports, name: page}
            elif isinstance(page, Chunk):
                chunks = {**chunks, name: page}
            elif isinstance(page, Index):
                indexes = {**indexes, name: page}
        return SubjectRecord(self.study, self.subject, header, series, chunks, indexes, reports, frame, said)

    def page(self, name: str) -> Page | None:
        """One loaded page by its name."""
        if name == HEADER:
            return self.header
        return self.series.get(name) or self.reports.get(name) or self.chunks.get(name) or self.indexes.get(name)


def _laid(held: Mapping[str, _Page], pages: Mapping[str, Page], kind: type[_Page]) -> Mapping[str, _Page]:
    news = {name: page for name, page in pages.items() if isinstance(page, kind)}
    return {**held, **news} if news else held


def empty(study: str, subject: str) -> SubjectRecord:
    """A subject of whom nothing is known yet."""
    return SubjectRecord(study, subject, Header(study, subject))


def report_page(record: str) -> str:
    """The name of the page of one adverse event: ``record`` is the source's system|id."""
    return REPORT + b32encode(blake2b(record.encode(), digest_size=10).digest()).decode()


def with_page(record: SubjectRecord, name: str, stored: bytes | None) -> SubjectRecord:
    """The record with one more page loaded; None: the engine holds nothing under this name."""
    if name == HEADER:
        header = read_page(Header, name, stored) if stored else Header(record.study, record.subject)
        return record.with_header(header)
    key, _, number = name.rpartition(CHUNK)
    page: Page
    if name.startswith(REPORT):
        page = read_page(Report, name, stored) if stored else Report("")
    elif name.endswith(INDEX):
        page = read_page(Index, name, stored) if stored else Index(key)
    elif key:
        page = read_page(Chunk, name, stored) if stored else Chunk(key, int(number))
    else:
        page = read_page(Series, name, stored) if stored else Series(name)
    return record.with_pages({name: page})


def with_empty_page(record: SubjectRecord, name: str) -> SubjectRecord:
    """The record with one more page of which nothing was ever kept: for those who hold all that there is in memory."""
    return with_page(record, name, None)


def page_json(record: SubjectRecord, name: str) -> bytes:
    """One page as the engine stores it; KeyError when it is not loaded."""
    page = record.page(name)
    if page is None:
        raise KeyError(name)
    return write_page(page)
