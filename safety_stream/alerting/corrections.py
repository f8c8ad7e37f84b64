"""Whether a result that people acted on has been corrected or taken back: they must hear of it (ISO 15189, 7.4.1.8)."""

import re
from datetime import UTC
from typing import Final

from safety_stream.alerting.at_time import within
from safety_stream.clinical.conclusion import PRELIMINARY, Reading, record_of
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import CompositeMet, TimeAtGrade, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_subject import EligibilityBreach

_EVENT: Final = re.compile(r"^\S+ (?P<record>.+) v\d+$")


def is_about(because: str, record: str) -> bool:
    """Whether the event that brought a change about told of this record anew; of a derived one, of a part of it."""
    event = _EVENT.match(because)
    return event is not None and event["record"] in record.split(", ")


def _about_another(because: str, record: str) -> bool:
    """Whether the event told of another record: then what is shown no more stands elsewhere, and was not taken back."""
    return _EVENT.match(because) is not None and not is_about(because, record)


def corrected_result(before: AnyFinding, now: AnyFinding, because: str) -> bool:
    """Whether a result that was alerted now has another value or unit, or was taken back; a newer result is none."""
    if isinstance(before, Toxicity) and isinstance(now, Toxicity):
        return _corrected_readings(before, now, because)
    if isinstance(before, EligibilityBreach) and isinstance(now, EligibilityBreach):
        return (before.value, before.unit) != (now.value, now.unit) and _records(before) == _records(now)
    if isinstance(before, WatchLimitCrossed) and isinstance(now, WatchLimitCrossed):
        return (before.value, before.unit) != (now.value, now.unit) and _records(before) == _records(now)
    if isinstance(before, CompositeMet) and isinstance(now, CompositeMet):
        return _another_case(before, now, because)
    return False


def _another_case(before: CompositeMet, now: CompositeMet, because: str) -> bool:
    """Whether a result that made the case was taken back or says something else: the case is another one now.

    Not of a composite with grades: what it tells is a count of days.
    """
    if before.grade is not None:
        return False
    told, stands = _said(before), _said(now)
    return told != stands and any(is_about(because, record) for record in told)


def _said(finding: CompositeMet) -> dict[str, str]:
    """What each record that made the case says; that its laboratory calls it final now is no correction."""
    given = ((one.source, one.value or "") for one in finding.evidence.inputs)
    return {record_of(source): value.replace(PRELIMINARY, "") for source, value in given if source}


def _records(finding: EligibilityBreach | WatchLimitCrossed) -> list[str]:
    return [record_of(one.source) for one in finding.evidence.inputs if one.source]


def _corrected_readings(before: Toxicity, now: Toxicity, because: str) -> bool:
    shown = {record_of(one.source): one for one in before.readings if _alerting(one) and _told(one, before.times[:1])}
    standing = {record_of(one.source): one for one in now.readings}
    changed = (record for record, one in shown.items() if _differs(one, standing.get(record), before, now))
    return any(record in standing or not _about_another(because, record) for record in changed)


def _told(reading: Reading, times: tuple[TimeAtGrade, ...]) -> bool:
    """Whether a result belongs to the time that was told; where none is known, they all do."""
    return all(within(reading.observed_at, one.began, one.last) for one in times)


def _alerting(reading: Reading) -> bool:
    return reading.grade is not None and reading.grade.highest >= 3


def _differs(shown: Reading, standing: Reading | None, before: Toxicity, now: Toxicity) -> bool:
    if standing is not None:
        return (shown.value, shown.unit) != (standing.value, standing.unit)
    return not _pushed_out(shown, before, now)


def _pushed_out(shown: Reading, before: Toxicity, now: Toxicity) -> bool:
    """Only the last results are shown: one that made room for a newer one was not taken back."""
    known = {one.source for one in before.readings}
    return any(one.source not in known and _later(one, shown) for one in now.readings)


def _later(one: Reading, other: Reading) -> bool:
    return one.observed_at.earliest(UTC) > other.observed_at.earliest(UTC)
