"""Whether a result that people acted on has been corrected or taken back: they must hear of it (ISO 15189, 7.4.1.8)."""

import re
from datetime import UTC
from typing import Final

from safety_stream.clinical.conclusion import Reading
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_measured import Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_subject import EligibilityBreach

_RECORD: Final = re.compile(r"^(?P<record>.*?)\s*v\s*\d+$")


def record_of(source: str) -> str:
    """The record whatever its version: the source without "v 2" at its end."""
    match = _RECORD.match(source)
    return match["record"] if match else source


def corrected_result(before: AnyFinding, now: AnyFinding) -> bool:
    """Whether a result that was alerted now has another value or unit, or was taken back; a newer result is none."""
    if isinstance(before, Toxicity) and isinstance(now, Toxicity):
        return _corrected_readings(before, now)
    if isinstance(before, EligibilityBreach) and isinstance(now, EligibilityBreach):
        return (before.value, before.unit) != (now.value, now.unit) and _records(before) == _records(now)
    if isinstance(before, WatchLimitCrossed) and isinstance(now, WatchLimitCrossed):
        return (before.value, before.unit) != (now.value, now.unit) and _records(before) == _records(now)
    return False


def _records(finding: EligibilityBreach | WatchLimitCrossed) -> list[str]:
    return [record_of(one.source) for one in finding.evidence.inputs if one.source]


def _corrected_readings(before: Toxicity, now: Toxicity) -> bool:
    shown = {record_of(one.source): one for one in before.readings if _alerting(one)}
    standing = {record_of(one.source): one for one in now.readings}
    return any(_differs(one, standing.get(record), before, now) for record, one in shown.items())


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
