"""The stagger of a dose level: nobody is first infused too soon after its first subject (decision T8).

    day 0         first subject of the level
    day 1 to 13   no other first infusion, planned or given
    day 14        the next ones

A planned infusion is checked before it is given, so that it can still be held. While none was given, the earliest
plan of the level stands for its first subject; a subject who is infused on the same day as the first is too soon.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import Evidence, finding_id
from safety_stream.clinical.findings_study import StaggerBreach
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.rulebook.protocol import ProtocolVersion


class _Start(NamedTuple):
    """A subject's first infusion; those given come before all that are only planned."""

    on: date
    infusion: Literal["given", "planned"]
    status: SubjectStatus

    @property
    def order(self) -> tuple[str, date, str]:
        """Given ones first, for a plan stands only while none was given; then the earliest."""
        return self.infusion, self.on, self.status.subject


def stagger_breaches(
    version: ProtocolVersion, level: int, subjects: Iterable[SubjectStatus]
) -> Iterator[StaggerBreach]:
    """Every first infusion of a level, planned or given, that lies too near to the first one of the level."""
    days = version.escalation.stagger_days if version.escalation else None
    starts = sorted(_starts(subjects), key=lambda one: one.order)
    for one in starts[1:]:
        if days is not None and timedelta(0) <= one.on - starts[0].on < timedelta(days=days):
            yield _breach(version, level, days, starts[0], one)


def _starts(subjects: Iterable[SubjectStatus]) -> Iterator[_Start]:
    for one in subjects:
        if one.first_infusion is not None:
            yield _Start(one.first_infusion, "given", one)
        elif one.planned_infusion is not None and one.phase not in {"withdrawn", "died"}:
            yield _Start(one.planned_infusion, "planned", one)


def _breach(version: ProtocolVersion, level: int, days: int, first: _Start, other: _Start) -> StaggerBreach:
    apart, earliest = (other.on - first.on).days, first.on + timedelta(days=days)
    verb = "is planned for" if other.infusion == "planned" else "was given on"
    begun = "was given on" if first.infusion == "given" else "is planned for"
    return StaggerBreach(
        id=finding_id(version.study, "stagger", level, other.status.subject),
        study=version.study,
        subject=other.status.subject,
        site=other.status.site,
        dose_level=level,
        protocol_version=version.version,
        evidence=Evidence(
            rule=f"{version.study}/{version.version}/escalation/stagger",
            book=version.version,
            comparison=f"{other.on} - {first.on} = {apart} d < {days} d",
            counterfactual=f"allowed from {earliest} on",
            reasons=("T8: the days between the first subject of a dose level and the next one",),
            sentence=(
                f"Level {level}: the first infusion of this subject {verb} {other.on}, {apart} days after the first "
                f"of the level, which {begun} {first.on}; {days} days are required, so not before {earliest}."
            ),
        ),
        infusion=other.infusion,
        infusion_on=other.on,
        first_subject=first.status.subject,
        first_infusion_on=first.on,
        days_apart=apart,
        days_required=days,
        earliest=earliest,
    )
