"""One measurement in the form its series keeps: as told, and no more of it than a judgement needs."""

from datetime import datetime, tzinfo
from typing import Literal, NamedTuple

from safety_stream.clinical.events import LabResult, Measurement, Status, VitalSign
from safety_stream.clinical.measure import Measured, Unmeasurable, measured
from safety_stream.clinical.moment import Moment
from safety_stream.rulebook.tables import Analyte

Place = tuple[datetime, datetime, str, str]


class Result(NamedTuple):
    """A laboratory result or vital sign. ``flag``: fasting, or for a vital sign on oxygen; ``rivals``: see versions."""

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

    @property
    def source(self) -> str:
        """The record with its version, as findings cite it."""
        return f"{self.record} v{self.version}"

    @property
    def stands(self) -> bool:
        """Whether it was not taken back."""
        return self.status != "entered-in-error"

    def place(self, zone: tzinfo) -> Place:
        """Where it stands in order of observation: of one day or instant, the results of a specimen together."""
        return (*self.observed_at.bounds(zone), self.specimen or "", self.record)


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
