"""One subject's story for tests: events told by study day, played in any order, and what stands at the end."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from safety_stream.clinical import subject
from safety_stream.clinical.events import (
    Adjudicated,
    AdverseEvent,
    Completed,
    DoseGiven,
    DosePlanned,
    Enrolled,
    Event,
    FactRecorded,
    LabResult,
    Screened,
    SubjectEvent,
    VitalSign,
    Withdrawn,
)
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.clinical.record import Header, Page, SubjectRecord
from safety_stream.clinical.stored import with_its_pages
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.protocol import ProtocolVersion
from safety_stream.rulebook.tables import Book

STUDY, SUBJECT = "CAR-NK-SLE-01", "001"
ZONE = ZoneInfo("Asia/Shanghai")
DAY_ZERO = date(2024, 6, 24)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
# Unit and limits of normal that the stories' laboratory sends.
TESTS = {
    "NEUT": ("10*9/L", "1.8", "6.3"),
    "WBC": ("10*9/L", "3.5", "9.5"),
    "LYM": ("10*9/L", "1.1", "3.2"),
    "HGB": ("g/L", "115", "150"),
    "PLAT": ("10*9/L", "125", "350"),
    "ALT": ("U/L", "7", "40"),
    "AST": ("U/L", "13", "35"),
    "ALP": ("U/L", "35", "100"),
    "BILI": ("umol/L", "3", "20"),
    "CREAT": ("umol/L", "41", "81"),
    "TEMP": ("Cel", None, None),
    "SYSBP": ("mm[Hg]", None, None),
    "GLUC": ("mmol/L", "3.9", "6.1"),
    "K": ("mmol/L", "3.5", "5.3"),
    "SODIUM": ("mmol/L", "137", "147"),
    "INR": ("{INR}", "0.8", "1.2"),
    "PT": ("s", "9.5", "12"),
    "LVEF": ("%", None, None),
    "EGFR": ("mL/min/{1.73_m2}", "90", None),
    "CA": ("mmol/L", "2.15", "2.55"),
    "CAION": ("mmol/L", "1.15", "1.30"),
    "ALB": ("g/L", "40", "55"),
    "NEUTLE": ("%", None, None),
    "NEUTBLE": ("%", None, None),
    "QT": ("ms", None, None),
    "RR": ("ms", None, None),
    "QTCF": ("ms", None, None),
    "EOSLE": ("%", "0.5", "5"),
}


@cache
def bundled() -> Book:
    """The bundled book, read once."""
    return load_book(allow_unsigned=True)


def bundled_with(**says: Any) -> Book:
    """The bundled book with a protocol whose versions say something else."""
    protocol = bundled().protocols[STUDY]
    told = [{name: getattr(one, name) for name in ProtocolVersion.model_fields} for one in protocol.versions]
    versions = tuple(ProtocolVersion.model_validate(one | says) for one in told)
    changed = protocol.model_copy(update={"versions": versions, "digest": repr(sorted(says))})
    return replace(bundled(), protocols={**bundled().protocols, STUDY: changed})


@cache
def without_schedule() -> Book:
    """The bundled book without its schedule: of time alone, only windows close."""
    return bundled_with(schedule=None)


def at(day: float, hour: float = 8.0) -> datetime:
    """An instant of a study day in the study's zone; the fraction of the day is added to the hour."""
    return datetime.combine(DAY_ZERO, time(), tzinfo=ZONE) + timedelta(minutes=round(day * 1440 + hour * 60))


def told(day: float, hour: float = 8.0) -> str:
    """The same, as a sender writes it."""
    return at(day, hour).isoformat()


def head(record: str, version: int, reported: datetime, **more: Any) -> dict[str, Any]:
    """What every event carries."""
    source = {"system": "test", "id": record, "version": version}
    return {"study": STUDY, "subject": SUBJECT, "source": source, "reported_at": reported, **more}


def lab(test: str, day: float, value: str | None, *, version: int = 1, **more: Any) -> LabResult:
    """A laboratory result of one test, with the range of the stories' laboratory."""
    unit, low, high = TESTS[test]
    record = more.pop("record", f"{test}@{day}")
    reported = more.pop("reported", at(day, 12))
    facts = {"test": test, "value": value, "unit": unit, "range_low": low, "range_high": high, "observed_at": told(day)}
    return LabResult.model_validate(head(record, version, reported) | facts | more)


def vital(test: str, day: float, value: str, unit: str, **more: Any) -> VitalSign:
    """A vital sign."""
    record, version = more.pop("record", f"{test}@{day}"), more.pop("version", 1)
    facts = {"test": test, "value": value, "unit": unit, "observed_at": told(day)}
    return VitalSign.model_validate(head(record, version, at(day, 9)) | facts | more)


def adverse(term: str, day: float, *, grade: int | None = None, version: int = 1, **more: Any) -> AdverseEvent:
    """An adverse-event report with its onset on a day."""
    record = more.pop("record", f"ae-{term}@{day}")
    reported = more.pop("reported", at(day, 20))
    facts = {"term": term, "grade": grade, "onset": told(day)}
    return AdverseEvent.model_validate(head(record, version, reported) | facts | more)


def screened(day: float = -20, **more: Any) -> Screened:
    """Consent and screening."""
    facts = {"consented": told(day, 9), "site": "hangzhou", "sex": "female", "age_years": 34}
    return Screened.model_validate(head("consent", 1, at(day, 10)) | facts | more)


def enrolled(level: int = 1, day: float = -7, **more: Any) -> Enrolled:
    """Assignment to a dose level."""
    return Enrolled.model_validate(
        head("enrolment", 1, at(day, 10)) | {"dose_level": level, "enrolled": told(day)} | more
    )


def lymphodepletion(day: float, **more: Any) -> DoseGiven:
    """One day of fludarabine."""
    facts = {
        "role": "lymphodepletion",
        "treatment": "fludarabine",
        "amount": "25",
        "unit": "mg/m2",
        "given": told(day, 10),
    }
    return DoseGiven.model_validate(head(f"flu@{day}", 1, at(day, 11)) | facts | more)


def infusion(number: int, day: float, *, amount: str = "2000000", version: int = 1, **more: Any) -> DoseGiven:
    """One infusion of the study product."""
    facts = {"role": "infusion", "treatment": "anti-CD19 CAR-NK", "number": number, "given": told(day, 10)}
    facts |= {"amount": amount, "unit": "cells/kg"}
    return DoseGiven.model_validate(head(f"infusion-{number}", version, at(day, 11)) | facts | more)


def planned(number: int, day: float, **more: Any) -> DosePlanned:
    """One infusion as it is planned."""
    facts = {
        "role": "infusion",
        "treatment": "anti-CD19 CAR-NK",
        "number": number,
        "planned": at(day).date().isoformat(),
    }
    return DosePlanned.model_validate(head(f"plan-{number}", 1, at(-7, 12)) | facts | more)


def fact(name: str, day: float, value: bool | str) -> FactRecorded:
    """A recorded fact."""
    return FactRecorded.model_validate(
        head(f"fact-{name}@{day}", 1, at(day, 12)) | {"name": name, "value": value, "observed_at": told(day)}
    )


def withdrawn(day: float, from_what: str = "study") -> Withdrawn:
    """A subject leaves."""
    facts = {"from_what": from_what, "reason": "wish of the subject", "withdrawn": told(day)}
    return Withdrawn.model_validate(head("departure", 1, at(day, 12)) | facts)


def completed(day: float, when: str | None = None, **more: Any) -> Completed:
    """A subject completes the study."""
    facts = {"completed": when or at(day).date().isoformat()}
    return Completed.model_validate(head("completion", 1, at(day, 18)) | facts | more)


def adjudicated(finding: str, day: float, verdict: str, by: str = "Dr A", **more: Any) -> Adjudicated:
    """A person's decision on a finding."""
    facts = {
        "finding": finding,
        "verdict": verdict,
        "by": by,
        "why": "reviewed with the site",
        "decided_at": at(day, 15),
    }
    return Adjudicated.model_validate(head(f"decision-{day}", 1, at(day, 16)) | facts | more)


TREATED: tuple[SubjectEvent, ...] = (
    screened(),
    enrolled(),
    lymphodepletion(-5),
    lymphodepletion(-4),
    lymphodepletion(-3),
    infusion(1, 0),
    infusion(2, 7),
    infusion(3, 14),
)


def taken_back(event: Event, version: int = 2) -> Any:
    """The same record, entered in error."""
    source = event.source.model_copy(update={"version": version})
    return event.model_copy(update={"source": source, "status": "entered-in-error"})


class Played:
    """A subject after some events: the record, every change, the clock."""

    def __init__(self, events: Iterable[SubjectEvent] = (), *, book: Book | None = None, stored: bool = False) -> None:
        self.book = book or bundled()
        self.record: SubjectRecord = subject.empty(STUDY, SUBJECT)
        self.changes: list[FindingChange] = []
        self.stored = stored
        self.store: dict[str, bytes | Page] = {}
        for event in events:
            self.take(event)

    def take(self, event: SubjectEvent | None, as_of: datetime | None = None) -> subject.Step:
        """One event; time stands at a far day unless told, so that order alone differs."""
        done = self.tried(event, as_of)
        self.record = done.record
        self.changes += done.changes
        for name in done.pages:
            page = done.record.page(name)
            assert page is not None
            self.store[name] = subject.page_json(done.record, name) if self.stored else page
        return done

    def tried(self, event: SubjectEvent | None, as_of: datetime | None = None) -> subject.Step:
        """What one event would bring about; ``stored``: nothing is held but what was written as JSON."""
        record = self.page_of(subject.empty(STUDY, SUBJECT), "header") if self.stored else self.record
        return with_its_pages(record, self.page_of, lambda loaded: subject.step(loaded, event, self.book, as_of or FAR))

    def whole(self) -> SubjectRecord:
        """The record with every page there is."""
        record = subject.empty(STUDY, SUBJECT)
        for name in self.store:
            record = self.page_of(record, name)
        return record

    def page_of(self, record: SubjectRecord, name: str) -> SubjectRecord:
        """The record with one more page as it is kept."""
        page = self.store.get(name)
        if page is None or isinstance(page, bytes):
            return subject.with_page(record, name, page)
        return record.with_header(page) if isinstance(page, Header) else record.with_pages({name: page})

    @property
    def findings(self) -> dict[str, AnyFinding]:
        """What stands."""
        return subject.standing(self.whole())

    def of(self, kind: str, **says: Any) -> list[Any]:
        """The standing findings of a kind of which some fields say something, by id."""
        found = [one for _, one in sorted(self.findings.items()) if one.kind == kind]
        return [one for one in found if all(said(one, name) == value for name, value in says.items())]

    def one(self, kind: str, **says: Any) -> Any:
        """The only such finding."""
        found = self.of(kind, **says)
        assert len(found) == 1, [one.evidence.sentence for one in found]
        return found[0]


def timeless(status: SubjectStatus | None) -> SubjectStatus | None:
    """A status without when it was concluded and how often it was sent."""
    return status and status.model_copy(update={"as_of": FAR, "revision": 1})


def said(finding: Any, path: str) -> object:
    """The value of a field, ``peak__lowest`` for ``peak.lowest``."""
    value: object = finding
    for name in path.split("__"):
        value = getattr(value, name)
    return value
