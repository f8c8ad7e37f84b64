"""Why a finding changed though its own result did not: what it is compared with came late, or was corrected (G9, T12).

    before treatment          after it                                   said of the change
    ALT 30, later ALT 90      ALT 300: 7.5 x ULN, then 3.3 x baseline    the baseline is now 90 U/L of ...
    NEUT -, later NEUT 0.9    NEUT 0.8: emergent, then not worse         the worst grade before treatment is now 3

Told from the two findings and the event alone, so that the same revision says the same whenever it is derived again.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from safety_stream.clinical.conclusion import GradeRange, Input
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity

_VERSION = re.compile(r" v\d+$")


class _Judged(NamedTuple):
    """The record of the result at the peak, and the baseline it was compared with."""

    record: str | None
    baseline: Input | None


def regraded(before: AnyFinding | None, found: AnyFinding | None, because: str) -> str | None:
    """What the result is compared with now, where it is not what it was compared with before; None: nothing new."""
    if isinstance(found, Toxicity) and (before is None or isinstance(before, Toxicity)):
        return "; ".join(_told(before, found, because)) or None
    if isinstance(before, Toxicity) and found is None:
        return _without_its_baseline(_judged(before), because)
    return None


def with_what_rests_on_it(changes: tuple[FindingChange, ...]) -> tuple[FindingChange, ...]:
    """The same changes; those of dose-limiting toxicities say why the toxicity they rest on was regraded."""
    why = {one.finding.id: one.regraded for one in changes if one.regraded}
    return tuple(_resting(one, why) for one in changes) if why else changes


def _resting(change: FindingChange, why: dict[str, str]) -> FindingChange:
    if not isinstance(change.finding, DoseLimitingToxicity):
        return change
    told = next((why[id_] for id_ in _about((change.finding, change.previous)) if id_ in why), None)
    return change.model_copy(update={"regraded": told}) if told else change


def _about(findings: Iterable[AnyFinding | None]) -> list[str]:
    return [id_ for one in findings if isinstance(one, DoseLimitingToxicity) for id_ in one.about]


def _told(before: Toxicity | None, found: Toxicity, because: str) -> list[str]:
    was, now = _judged(before), _judged(found)
    same = before is not None and was.record == now.record
    told = []
    if not _same_baseline(was.baseline, now.baseline) and (same or _came_late(now, because)):
        told.append(_baseline(now.baseline))
    if before is None or _same_grade(before.baseline_grade, found.baseline_grade):
        return told
    if same or _turned(before, found):
        told.append(_worst_before(found.baseline_grade))
    return told


def _turned(before: Toxicity, found: Toxicity) -> bool:
    """Whether it became, or ceased to be, worse than before treatment."""
    return before.emergent != found.emergent


def _came_late(now: _Judged, because: str) -> bool:
    """Whether the event that brought it about is the baseline, not the result judged."""
    came = _record(because)
    return now.baseline is not None and now.baseline.source == came and now.record != came


def _without_its_baseline(was: _Judged, because: str) -> str | None:
    """A toxicity that no longer stands, because the baseline it was compared with was corrected or taken back."""
    baseline = was.baseline.source if was.baseline else None
    if baseline is None or _of_any_version(baseline) != _of_any_version(_record(because)) or was.record == baseline:
        return None
    return f"its baseline {baseline} was corrected or taken back (G9)"


def _baseline(now: Input | None) -> str:
    if now is None:
        return "no baseline (G9)"
    value = f"{now.value} {now.unit}" if now.unit else now.value
    return f"the baseline is now {value} of {now.source} (G9)"


def _worst_before(grade: GradeRange | None) -> str:
    return f"the worst grade before treatment is now {grade} (T12)" if grade else "no grade before treatment (T12)"


def _judged(finding: Toxicity | None) -> _Judged:
    inputs = finding.evidence.inputs if finding is not None else ()
    for one in inputs:
        if one.name == "baseline":
            return _Judged(inputs[0].source, one)
    return _Judged(inputs[0].source if inputs else None, None)


# Field by field: this is asked of every change, and comparing two models as wholes takes longer than all the rest.


def _same_baseline(one: Input | None, other: Input | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.source == other.source and one.value == other.value and one.unit == other.unit


def _same_grade(one: GradeRange | None, other: GradeRange | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.lowest == other.lowest and one.highest == other.highest


def _record(because: str) -> str:
    """The record and its version, without the kind of the event."""
    return because.partition(" ")[2]


def _of_any_version(source: str) -> str:
    return _VERSION.sub("", source)
