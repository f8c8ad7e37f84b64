"""The facts that every kind of alert tells: about whom it is, and what it was judged by. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from safety_stream.alerting.phrases import quantity
from safety_stream.clinical.conclusion import Evidence, Finding, Input
from safety_stream.clinical.findings_measured import Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_subject import EligibilityBreach

Facts = Iterator[tuple[str, str]]
_SHOWN_ELSEWHERE: Final = {
    "value", "event", "uln", "lln", "multiple of uln", "multiple of lln", "grade as reported", "seriousness",
}  # fmt: skip
_ENTRY: Final = re.compile(r"[A-Z]+\d+")  # how an entry of the ambiguity register is called
_MEASURED: Final = (
    Toxicity,
    EligibilityBreach,
    WatchLimitCrossed,
)  # their first input is the result, and shown as such


def input_named(evidence: Evidence, name: str) -> Input | None:
    """An input of the judgement by its name."""
    return next((given for given in evidence.inputs if given.name.casefold() == name.casefold()), None)


def judged_value(evidence: Evidence) -> Input | None:
    """The judged value: the first input; the limits follow it."""
    return evidence.inputs[0] if evidence.inputs else None


def who(finding: Finding) -> Facts:
    """Study, subject, dose level and site."""
    yield "Study", finding.study
    if finding.subject is not None:
        yield "Subject", finding.subject
    if finding.dose_level is not None:
        yield "Dose level", str(finding.dose_level)
    if finding.site is not None:
        yield "Site", finding.site


def study_day(day: int | None) -> Facts:
    """The study day, when there has been an infusion to count from."""
    if day is not None:
        yield "Study day", f"{day} (first infusion: day 0)"


def judged(finding: Finding) -> Facts:
    """The other inputs of the judgement, the comparison that decided, what is missing, and the records behind it."""
    evidence = finding.evidence
    for given in evidence.inputs[isinstance(finding, _MEASURED) :]:
        if given.name.casefold() not in _SHOWN_ELSEWHERE:
            yield given.name[:1].upper() + given.name[1:], quantity(given.value, given.unit)
    if evidence.comparison:
        yield "Decided by", evidence.comparison
    if evidence.counterfactual:
        yield "Otherwise", evidence.counterfactual
    for reason in evidence.reasons:
        yield "Note", f"ambiguity register, entry {reason}" if _ENTRY.fullmatch(reason) else reason
    sources = dict.fromkeys(given.source for given in evidence.inputs if given.source)
    if sources:
        yield "Records", "; ".join(sources)
    yield "Rule", f"{evidence.rule} (rulebook {evidence.book})"


def is_derived(finding: Finding) -> bool:
    """Whether it rests on a quantity that we calculated; its note says by which formula and from what."""
    return any(reason.startswith("derived: ") for reason in finding.evidence.reasons)
