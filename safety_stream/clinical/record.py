"""One subject's record in pages: the facts told, and beside them what was last concluded from them and sent.

    header            who, when, which dose: registration, doses, recorded facts, adjudications; one line a page
    ANC               one analyte: its last results, the state of its fold, its findings
    ANC~1, ANC~2      sealed chunks of a long series: older results and the findings concluded from them
    ae:K3QF2T7M       one adverse event: its report, its checks

A page is one value in the engine's table. Each page keeps the findings it is the home of exactly as they were last
sent, with their revision: so a page that holds an event proves that what followed from it on this page was sent, and
a step that is repeated after a crash sends the same again, with the same revisions.
"""

from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import TypeVar

from pydantic import TypeAdapter

from safety_stream.clinical.changes import Kept
from safety_stream.clinical.facts import HeaderFact, ReportFact
from safety_stream.clinical.findings import SubjectStatus
from safety_stream.clinical.fold import Digest, Fold
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.result import Result

HEADER = "header"
REPORT = "ae:"
CHUNK = "~"


@dataclass(frozen=True, slots=True)
class Header:
    """The page that is always there."""

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


@dataclass(frozen=True, slots=True)
class Series:
    """One analyte of one subject: results in order of observation, the fold after the last of them, its findings."""

    analyte: str
    results: tuple[Result, ...] = ()
    fold: Fold = field(default_factory=Fold)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    sealed: int = 0
    reported_to: datetime | None = None
    book: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One adverse event of one subject and what was concluded from it."""

    record: str
    fact: ReportFact | None = None
    kept: Mapping[str, Kept] = field(default_factory=dict)
    reported_to: datetime | None = None
    book: str = ""


_Page = TypeVar("_Page", Header, Series, Report)


@dataclass(frozen=True, slots=True)
class SubjectRecord:
    """The pages of one subject that have been loaded; a page that the engine holds nothing for is loaded empty."""

    study: str
    subject: str
    header: Header
    series: Mapping[str, Series] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)
    frame: tuple[str, Frame] | None = None

    def with_header(self, header: Header) -> "SubjectRecord":
        """The record with another header; what was derived from the old one is forgotten."""
        return self if header is self.header else replace(self, header=header, frame=None)

    def with_series(self, series: Series) -> "SubjectRecord":
        """The record with one series in place of the one of the same analyte."""
        return replace(self, series={**self.series, series.analyte: series})

    def with_report(self, name: str, report: Report) -> "SubjectRecord":
        """The record with the page of one adverse event."""
        return replace(self, reports={**self.reports, name: report})

    def with_pages(
        self, header: Header, pages: Mapping[str, Series | Report], frame: tuple[str, Frame]
    ) -> "SubjectRecord":
        """The record after a step: its header, the pages that the step worked on, the frame of that header."""
        series = {name: page for name, page in pages.items() if isinstance(page, Series)}
        reports = {name: page for name, page in pages.items() if isinstance(page, Report)}
        return SubjectRecord(
            self.study, self.subject, header, {**self.series, **series}, {**self.reports, **reports}, frame
        )

    @property
    def pages(self) -> frozenset[str]:
        """The names of the pages loaded."""
        return frozenset((HEADER, *self.series, *self.reports))


def empty(study: str, subject: str) -> SubjectRecord:
    """A subject of whom nothing is known yet."""
    return SubjectRecord(study, subject, Header(study, subject))


def report_page(record: str) -> str:
    """The name of the page of one adverse event: ``record`` is the source's system|id."""
    return REPORT + b32encode(blake2b(record.encode(), digest_size=10).digest()).decode()


def with_page(record: SubjectRecord, name: str, stored: bytes | None) -> SubjectRecord:
    """The record with one more page loaded; None: the engine holds nothing under this name."""
    if name == HEADER:
        header = _codec(Header).validate_json(stored) if stored else Header(record.study, record.subject)
        return record.with_header(header)
    if name.startswith(REPORT):
        return record.with_report(name, _codec(Report).validate_json(stored) if stored else Report(""))
    return record.with_series(_codec(Series).validate_json(stored) if stored else Series(name))


def page_json(record: SubjectRecord, name: str) -> bytes:
    """One page as the engine stores it; KeyError when it is not loaded."""
    if name == HEADER:
        return _codec(Header).dump_json(record.header)
    if name.startswith(REPORT):
        return _codec(Report).dump_json(record.reports[name])
    return _codec(Series).dump_json(record.series[name])


@cache
def _codec(page: type[_Page]) -> TypeAdapter[_Page]:
    return TypeAdapter(page)
