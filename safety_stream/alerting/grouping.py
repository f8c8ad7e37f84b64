"""Which alerts share one mail: those of one subject that one specimen, or one event, brought about. Pure.

    ALT 900 U/L, bilirubin 60 umol/L of one tube
        -> lab grade 4, lab grade 3, Hy's law, its DLT candidate, a liver stopping criterion
        -> ONE mail, the worst first; every alert keeps its id, revision, deadline, facts and answer

Two alerts belong together when something ties them: the same instant of sampling, or the same finding. The groups are
the connected parts, so they do not depend on the order in which the alerts came.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Final

from safety_stream.alerting.alert import TYPES, Alert, Urgency, alert_id
from safety_stream.alerting.catalogue import entry
from safety_stream.alerting.inhibition import reach
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import EligibilityBreach
from safety_stream.clinical.moment import Moment

MOST_IN_A_MAIL: Final = 5
"""More would not fit the 60 kB of a mail, nor a reader's ten seconds."""
_RANKS: Final[dict[Urgency, int]] = {"critical": 0, "warning": 1, "info": 2}


def ties(alert: Alert) -> frozenset[str]:
    """What it can share with another alert of the same subject; nothing: it is always a mail of its own.

    What is withdrawn or has ended is one too: it goes in the thread of what was told.
    """
    finding = alert.finding
    if alert.subject is None or alert.is_over or finding is None:
        return frozenset()
    told = {f"finding {finding.id}"}
    if isinstance(finding, DoseLimitingToxicity):
        told |= {f"finding {one}" for one in finding.about}
    taken = _taken(alert)
    if taken is not None and taken.is_instant:
        told.add(f"taken {taken.earliest(UTC).astimezone(UTC).isoformat()}")
    return frozenset(told)


def shelf(alert: Alert) -> str | None:
    """A short name of whatever may share a mail with it: the same study, subject and say; null: nothing may."""
    return alert_id("shelf", alert.study, alert.subject or "") if ties(alert) else None


def worst_first(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The order of a mail: the most urgent, then the sooner to be answered, then what contains the others."""
    return tuple(sorted(alerts, key=_gravity))


def groups(alerts: Sequence[Alert]) -> tuple[tuple[Alert, ...], ...]:
    """The mails that these alerts make, each worst first, the worst mail first."""
    left, made = list(worst_first(alerts)), []
    while left:
        made.append(together(left[0], left[1:]))
        left = [one for one in left if one not in made[-1]]
    return tuple(made)


def together(one: Alert, others: Iterable[Alert]) -> tuple[Alert, ...]:
    """The mail that an alert and whatever is tied to it make, worst first; of very many the worst of them."""
    left, found = [other for other in others if other is not one], [one]
    bound = ties(one)
    while more := [other for other in left if _same_subject(one, other) and ties(other) & bound]:
        found += more
        left = [other for other in left if other not in more]
        bound = bound.union(*map(ties, more))
    return worst_first(found)[:MOST_IN_A_MAIL]


def _same_subject(one: Alert, other: Alert) -> bool:
    return (one.study, one.subject) == (other.study, other.subject)


def _taken(alert: Alert) -> Moment | None:
    """When the specimen was taken that the alert is about."""
    finding = alert.finding
    if isinstance(finding, Toxicity):
        return finding.peak_observed
    if isinstance(finding, WatchLimitCrossed):
        return finding.worst_observed
    if isinstance(finding, CompositeMet):
        return finding.completed
    return finding.observed_at if isinstance(finding, EligibilityBreach) else None


def _gravity(alert: Alert) -> tuple[int, float, int, int, str, int]:
    within = entry(alert.type, alert.case).answer_within.total_seconds()
    order = TYPES.index(alert.type)
    return _RANKS[alert.urgency], within, -reach(alert.type), order, alert.id, alert.revision
