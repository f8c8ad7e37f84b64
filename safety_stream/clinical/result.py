"""One measurement in the form its series keeps: as told, and no more of it than a judgement needs."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

from safety_stream.clinical.events import LabResult, Measurement, Status, VitalSign
from safety_stream.clinical.measure import Measured, Unmeasurable, measured
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.tables import Analyte

Place = tuple[datetime, datetime]
Turn = tuple[datetime, datetime, str]


class Result(NamedTuple):
    """A laboratory result or vital sign. ``flag``: fasting, or for a vital sign on oxygen; ``rivals``: see versions.

    ``elsewhere``: its last version names another analyte than its page is of; ``named``: all that its versions name,
    where that is more than one (see ``renamed``).
    """

    kind: Literal["lab_result", "vital_sign"]
    record: str
    version: int
    status: Status
    reported_at: datetime
    observed_at: Moment
    test: str | None
    loinc: str | None
    value: str | None
    unit: str | None
    low: str | None
    high: str | None
    specimen: str | None = None
    flag: bool | None = None
    rivals: tuple[str, ...] = ()
    elsewhere: bool = False
    named: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The record with its version, as findings cite it."""
        return f"{self.record} v{self.version}"

    @property
    def stands(self) -> bool:
        """Whether it was not taken back, and is of the analyte of its page."""
        return self.status != "entered-in-error" and not self.elsewhere

    def place(self, zone: tzinfo) -> Place:
        """The first and the last instant at which it can have been observed."""
        return self.observed_at.bounds(zone)


@dataclass(frozen=True, slots=True)
class Order:
    """How the results of one page follow each other: as they were observed, and at one time by their records.

    ``joint``: they are judged together, so of one time the results of a specimen stand together; a date whose hours
    nobody told is one time.
    """

    zone: tzinfo
    joint: bool

    def __call__(self, result: Result) -> Turn:
        """The turn of one result."""
        first, last = result.observed_at.bounds(self.zone)
        return first, last, f"{result.specimen or ''}|{result.record}" if self.joint else result.record


@lru_cache(maxsize=1024)
def order_of(analyte: Analyte | None, zone: tzinfo) -> Order:
    """The order of the results on the page of an analyte; None: of a test that the rulebook does not know."""
    return Order(zone, analyte is not None and analyte.joint)


def result_of(event: Measurement) -> Result:
    """A measurement in the form its series keeps."""
    source, flag = event.source, None
    if isinstance(event, VitalSign):
        flag = event.on_oxygen
    elif isinstance(event, LabResult):
        flag = event.fasting
    return Result(
        kind="vital_sign" if isinstance(event, VitalSign) else "lab_result",
        record=source.record,
        version=source.version,
        status=event.status,
        reported_at=event.reported_at,
        observed_at=event.observed_at,
        test=event.test,
        loinc=event.loinc,
        value=event.value,
        unit=event.unit,
        low=event.range_low,
        high=event.range_high,
        specimen=event.specimen,
        flag=flag,
    )


def measured_result(result: Result, analyte: Analyte) -> Measured | Unmeasurable:
    """What the result says, or why it says nothing that can be judged."""
    return measured(analyte, result.value, result.unit, (result.low, result.high), source=result.source)
