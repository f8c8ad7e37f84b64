"""Remembering: where a told fact goes, and whether it is new, old news, late, or corrects what was told before."""

from bisect import insort
from dataclasses import replace
from datetime import datetime
from typing import Literal, NamedTuple

from safety_stream.clinical.events import AdverseEvent, Measurement
from safety_stream.clinical.facts import HeaderEvent
from safety_stream.clinical.record import CHUNK, Header, Report, Series
from safety_stream.clinical.result import Order, Result
from safety_stream.clinical.versions import settle_header, settle_report
from safety_stream.rulebook.suggesting import folded
from safety_stream.rulebook.tables import Book

Outcome = Literal["processed", "duplicate", "corrected", "late"]
UNKNOWN = "?"


class RememberedReport(NamedTuple):
    """An adverse event's page after one more report."""

    page: Report
    outcome: Outcome


class RememberedFact(NamedTuple):
    """A header after one more fact."""

    page: Header
    outcome: Outcome


def series_key(event: Measurement | Result, book: Book) -> str:
    """The page of a measurement: its analyte's key, or for a test the book does not know ``?`` and its name."""
    analyte = book.analyte(loinc=event.loinc, test=event.test)
    if analyte is not None:
        return analyte.key
    return f"{UNKNOWN}{event.loinc or folded(event.test or '')}".replace(CHUNK, "-")


def series_keys(event: Measurement | Result, book: Book) -> tuple[str, ...]:
    """Every page a measurement stands on: its own first, then those of the analytes that are judged with it."""
    own = series_key(event, book)
    return (own, *book.joins(own))


def comes_last(series: Series, told: Result, order: Order) -> bool:
    """Whether a result that stands comes after every other one, those that were taken back among them."""
    if not told.stands or (series.fold.last is not None and order(told) <= series.fold.last):
        return False
    last = series.results[-1] if series.results else None
    return last is None or last.stands or order(told) > order(last)


def placed(results: tuple[Result, ...], told: Result, order: Order) -> tuple[Result, ...]:
    """The results, which are in order of observation, with one in place of the one under the same record."""
    others = [one for one in results if one.record != told.record]
    insort(others, told, key=order)
    return tuple(others)


def remember_report(page: Report, event: AdverseEvent) -> RememberedReport:
    """The adverse event's page with one more report."""
    fact = settle_report(page.fact, event)
    if fact is page.fact:
        return RememberedReport(page, "duplicate")
    outcome: Outcome = "processed" if page.fact is None else "corrected"
    reported_to = _later(page.reported_to, event.reported_at)
    return RememberedReport(replace(page, record=event.source.record, fact=fact, reported_to=reported_to), outcome)


def remember_fact(header: Header, event: HeaderEvent) -> RememberedFact:
    """The header with one more fact."""
    held = header.facts.get(event.source.record)
    fact = settle_header(held, event)
    if fact is held:
        return RememberedFact(header, "duplicate")
    facts = {**header.facts, event.source.record: fact}
    outcome: Outcome = "processed" if held is None else "corrected"
    return RememberedFact(
        replace(header, facts=facts, reported_to=_later(header.reported_to, event.reported_at)), outcome
    )


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None or other > one else one
