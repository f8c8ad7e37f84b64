"""A stand-in for the clinic: it counts. Each subject has a header and a page for each of two tests.

It has what the engine must not break: state in several pages, revisions that count up, conclusions that depend on
the order of events, and one finding for every event that a missing or doubled event would change.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.cohort import StudyNumbers
from safety_stream.clinical.conclusion import Evidence, finding_id
from safety_stream.clinical.events import LabResult, SubjectEvent
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_subject import DataQuery, SubjectStatus
from safety_stream.clinical.stored import PagesLacking
from safety_stream.worker.judgement import HEADER

STUDY = "COUNT-01"


@dataclass(frozen=True)
class Tallied:
    """One subject or study: page name to its content."""

    study: str
    subject: str
    loaded: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Counted:
    """What follows."""

    record: Tallied
    changes: tuple[FindingChange, ...] = ()
    alerts: tuple[Alert, ...] = ()
    status: SubjectStatus | None = None
    pages: tuple[str, ...] = ()
    deadline: datetime | None = None
    graded: tuple[tuple[str, str], ...] = ()
    outcome: str = "processed"


class Counting:
    """Counts the events of each subject and test, and folds their ids into a chain that only one order gives."""

    studies: Collection[str] = (STUDY,)

    def empty(self, study: str, subject: str) -> Tallied:
        """Nothing yet."""
        return Tallied(study, subject)

    def with_page(self, record: Tallied, name: str, stored: bytes | None) -> Tallied:
        """One more page."""
        content = json.loads(stored) if stored else {"count": 0, "chain": "", "seen": []}
        return replace(record, loaded={**record.loaded, name: content})

    def page(self, record: Tallied, name: str) -> bytes:
        """A page to keep."""
        return json.dumps(record.loaded[name], sort_keys=True).encode()

    def of_subject(self, record: Tallied, event: SubjectEvent | None, as_of: datetime) -> Counted:
        """One more event on its page and on the header; the same event again changes nothing."""
        if not isinstance(event, LabResult):
            return Counted(record)
        name = event.test or "other"
        if name not in record.loaded:
            raise PagesLacking({name})
        if event.value == "boom":
            raise RuntimeError("a judgement that always fails")
        if event.source.id in record.loaded[name]["seen"]:
            return Counted(record)
        flood = _flood() if event.value == "flood" else {}
        loaded = {
            **record.loaded,
            **flood,
            name: _counted(record.loaded[name], event.source.id),
            HEADER: _counted(record.loaded[HEADER], event.source.id),
        }
        after = replace(record, loaded=loaded)
        return Counted(after, (_change(after, name, as_of),), (), _status(after, as_of), (HEADER, name, *flood))

    def of_study(self, record: Tallied, status: SubjectStatus, as_of: datetime) -> Counted:
        """One more status."""
        page = record.loaded[HEADER]
        known = {**page.get("subjects", {}), status.subject: status.revision}
        return Counted(replace(record, loaded={HEADER: {**page, "subjects": known}}), pages=(HEADER,))

    def numbers(self, record: Tallied) -> StudyNumbers:
        """The number of subjects."""
        return StudyNumbers({"screened": len(record.loaded[HEADER].get("subjects", {}))}, {}, {}, {}, {}, 0)


def _flood() -> dict[str, dict[str, Any]]:
    """Pages of 7 MB altogether: more than the table keeps in one batch, each of them small enough."""
    return {f"flood-{number:02}": {"count": 0, "chain": "x" * 350_000, "seen": []} for number in range(20)}


def _counted(page: dict[str, Any], source: str) -> dict[str, Any]:
    return {
        "count": page["count"] + 1,
        "chain": finding_id(page["chain"], source),
        "seen": [*page["seen"], source],
    }


def _change(record: Tallied, name: str, as_of: datetime) -> FindingChange:
    page = record.loaded[name]
    found = DataQuery(
        id=finding_id(record.study, record.subject, name, page["count"]),
        study=record.study,
        subject=record.subject,
        evidence=Evidence(rule="count", book="0", sentence=page["chain"]),
        code="count",
        about=name,
        found=str(page["count"]),
        expected=page["chain"],
        sources=(),
        count=page["count"],
    )
    return FindingChange(change="raised", revision=page["count"], finding=found, as_of=as_of, because="an event")


def _status(record: Tallied, as_of: datetime) -> SubjectStatus:
    return SubjectStatus(
        study=record.study,
        subject=record.subject,
        dose_level=None,
        phase="screened",
        dosed=False,
        first_infusion=None,
        window_to=None,
        evaluable=None,
        dlt="none",
        worst_grade=None,
        revision=record.loaded[HEADER]["count"],
        as_of=as_of,
    )
