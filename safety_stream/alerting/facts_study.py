"""The facts of a dose level and of the study: pooled, but for a first infusion too soon. Pure."""

from collections.abc import Iterator
from typing import Final

from safety_stream.alerting.facts_shared import Facts, judged, who
from safety_stream.alerting.phrases import UNKNOWN
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach, StudyTally


def cohort_facts(finding: CohortDecision) -> Facts:
    """A dose level in numbers: pooled, no subject is named."""
    tally = finding.tally
    yield "Study", finding.study
    yield "Dose level", str(finding.dose_level)
    yield "Advice", finding.decision
    yield (
        "Subjects with a DLT",
        f"{tally.dlt} (of these {tally.dlt_confirmed} confirmed); possible: {tally.dlt_possible}",
    )
    yield "Evaluable", f"{tally.evaluable} of {tally.dosed} dosed, {tally.enrolled} enrolled"
    yield "Still in the DLT window", str(tally.in_window)
    yield "Not evaluable", str(tally.not_evaluable)
    if finding.to_enrol:
        replaced = f", of these {finding.to_replace} to replace who is not evaluable" if finding.to_replace else ""
        yield "To enrol now", f"{finding.to_enrol}{replaced}"
    yield "Still reachable", ", ".join(finding.reachable) or "nothing else"
    for way in finding.ways:
        yield "If", way.words
    yield from judged(finding)


_COUNTS: Final = (
    ("with a DLT", "dlt"),
    ("with a possible DLT", "dlt_possible"),
    ("evaluable", "evaluable"),
    ("not evaluable", "not_evaluable"),
    ("in the DLT window", "in_window"),
    ("enrolled", "enrolled"),
)


def counts_changed(was: CohortDecision, now: CohortDecision) -> Iterator[str]:
    """What a dose level counts otherwise than before: pooled, no subject is named."""
    for name, field in _COUNTS:
        before, after = getattr(was.tally, field), getattr(now.tally, field)
        if before != after:
            yield f"{name}: {before}, now {after}"


def stagger_facts(finding: StaggerBreach) -> Facts:
    """A first infusion too soon after the first of its level."""
    yield from who(finding)
    yield "First infusion", f"{finding.infusion} {finding.infusion_on}"
    yield "First of the level", str(finding.first_infusion_on)
    yield "Apart", f"{finding.days_apart} d, {finding.days_required} d required"
    yield "Allowed from", str(finding.earliest)
    yield from judged(finding)


def tally_facts(finding: StudyTally) -> Facts:
    """The study against its plan and the primary outcomes so far: pooled, no subject is named."""
    yield "Study", finding.study
    yield "Enrolled", f"{finding.enrolled} of {UNKNOWN if finding.planned is None else finding.planned} planned"
    if finding.mtd is not None:
        yield "Candidate for the MTD", f"dose level {finding.mtd}"
    yield "Primary outcomes", finding.evidence.sentence.rstrip(".")
    yield from judged(finding)
