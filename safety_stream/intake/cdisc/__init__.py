"""CDISC SDTM: a folder of submission datasets (dm, ex, ds, lb, vs, eg, ae as CSV, CSV.gz or XPT) to events.

What is taken over, and how:

- Results as the laboratory reported them (``--ORRES``, ``--ORRESU``, ``--ORNRLO``, ``--ORNRHI``), never the
  standardized columns, which carry floating-point noise.
- A test in another material than blood is named with it (``URINE GLUC``): the test code alone does not tell.
- Times without a zone are the study's local time; a date stays a date, a month stays a month.
- Sources are the dataset, the subject and the sequence number. Reports of one adverse event share its sponsor id
  (``AESPID``) and become versions 1, 2, ... of one source, in the order of ``AEDTC``, then ``AESEQ``.
- ``AESEV`` is a word, not a CTCAE grade; only ``AETOXGR`` is one.
- SDTM does not say when a record was released. ``reported_at`` is the last instant of the date it carries (the
  collection time of a result, the end of the day when only the day is known, ``AEDTC`` of a report): nothing is
  said to have been known before it was. Only consent and enrolment take the first instant of their day.
- An exposure record is one dose, given on its first day; a daily patch over weeks is not spelled out day by day.

Whatever cannot be taken over is a ``Discrepancy``, never silence.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from safety_stream.clinical.events import DoseGiven, Event, Measurement
from safety_stream.intake.cdisc.adverse_events import reports
from safety_stream.intake.cdisc.datasets import DATASETS, rows_of
from safety_stream.intake.cdisc.draft import Discrepancy, Draft
from safety_stream.intake.cdisc.measurements import measurement
from safety_stream.intake.cdisc.subjects import doses, ends, subjects

__all__ = ["DATASETS", "Converted", "Discrepancy", "convert_folder"]


@dataclass(frozen=True, slots=True)
class Converted:
    """The events of a folder in the order in which they could have arrived, and what could not be taken over."""

    events: tuple[Event, ...]
    discrepancies: tuple[Discrepancy, ...]


def convert_folder(
    folder: Path,
    zone: ZoneInfo,
    *,
    study: str | None = None,
    dose_levels: Mapping[str, int] = MappingProxyType({}),
    lymphodepletion: Mapping[str, Collection[str]] = MappingProxyType({}),
    only: Collection[str] = DATASETS,
) -> Converted:
    """The events of the SDTM datasets in ``folder``, by time of report, then source; and every discrepancy.

    ``zone`` is the study's local time. ``study`` replaces ``STUDYID`` where our protocol names the study otherwise.
    ``dose_levels`` maps an arm code (``ACTARMCD``, else ``ARMCD``) to its dose level; other arms are not enrolled.
    ``lymphodepletion`` gives by study the names of its drugs, as its protocol says; every other dose is an infusion.
    """
    events: list[Event] = []
    discrepancies: list[Discrepancy] = []

    def drafts(dataset: str) -> list[Draft]:
        rows = list(rows_of(folder, dataset)) if dataset in only else []
        discrepancies.extend(row for row in rows if isinstance(row, Discrepancy))
        return [Draft(row, zone, study) for row in rows if not isinstance(row, Discrepancy)]

    def take(converted: Iterable[Event | Discrepancy]) -> None:
        for each in converted:
            (discrepancies if isinstance(each, Discrepancy) else events).append(each)  # type: ignore[arg-type]

    for dataset in ("lb", "vs", "eg"):
        take(each for draft in drafts(dataset) for each in measurement(draft))
    take(doses(drafts("ex"), lymphodepletion))
    take(subjects(drafts("dm"), dose_levels, _first_seen(events, zone)))
    take(ends(drafts("ds")))
    take(reports(drafts("ae"), _last_seen(events)))
    events.sort(key=lambda event: (event.reported_at, event.source.system, event.source.id, event.source.version))
    return Converted(tuple(events), tuple(discrepancies))


def _first_seen(events: Iterable[Event], zone: ZoneInfo) -> dict[str, date]:
    """The first day on which something was measured in, or given to, each subject."""
    seen: dict[str, date] = {}
    for event in events:
        if isinstance(event, Measurement | DoseGiven):
            moment = event.given if isinstance(event, DoseGiven) else event.observed_at
            day = moment.dates(zone)[0]
            seen[event.subject] = min(day, seen.get(event.subject, day))
    return seen


def _last_seen(events: Iterable[Event]) -> dict[str, datetime]:
    """The time of the last record of each subject."""
    seen: dict[str, datetime] = {}
    for event in events:
        seen[event.subject] = max(event.reported_at, seen.get(event.subject, event.reported_at))
    return seen
