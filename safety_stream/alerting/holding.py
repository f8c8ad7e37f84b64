"""What is not mailed one by one, and why: silences, and the storm of alerts that becomes one list. Pure.

A silence is named, reasoned and ends within 8 hours; what the catalogue marks as never silenced (deaths, serious
events, advice to stop) goes out all the same. In a storm nothing is dropped: every alert keeps its id, its deadline
and its answer, only the mails become lists. A critical alert is always a mail of its own, unless it is history that was
loaded late: then it may be listed, where the catalogue lets it be silenced.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from safety_stream.alerting.alert import TYPES, Alert
from safety_stream.alerting.catalogue import CATALOGUE, entry

EVERY: Final = "*"
LONGEST_SILENCE: Final = timedelta(hours=8)
STORM_WITHIN: Final = timedelta(minutes=10)
STORM_EVERY: Final = timedelta(minutes=5)
Fate = Literal["pending", "silenced", "gathered"]


@dataclass(frozen=True, slots=True)
class Silence:
    """No mails of a study or a type for a while: who asked for it, why, and until when."""

    study: str
    type: str
    reason: str
    by: str
    since: datetime
    until: datetime

    def covers(self, study: str, type_: str, case: str, at: datetime) -> bool:
        """Whether an alert falls under it now."""
        if entry(type_, case).never_silenced:
            return False
        return self.since <= at < self.until and self.study in {EVERY, study} and self.type in {EVERY, type_}


def silence_problems(silence: Silence) -> tuple[str, ...]:
    """Why a silence cannot be: it must be short, reasoned, signed, and name what may be silenced."""
    told = []
    if silence.study == silence.type == EVERY:
        told.append("a silence names a study or a type of alert")
    cases = [one for (type_, _), one in CATALOGUE.items() if type_ == silence.type]
    if cases and all(one.never_silenced for one in cases):
        told.append(f"{silence.type} is never silenced")
    if silence.type != EVERY and not cases:
        told.append(f"no type of alert is called {silence.type}; types are {', '.join(TYPES)}")
    if not timedelta(0) < silence.until - silence.since <= LONGEST_SILENCE:
        told.append("a silence lasts more than 0 and at most 8 hours")
    if not silence.reason.strip() or not silence.by.strip():
        told.append("a silence has a reason and a name")
    return tuple(told)


@dataclass(slots=True)
class Gate:
    """Decides for each message whether it goes out by itself. ``recent``: alerts told a study in the last 10 min."""

    at: datetime
    storm_over: int = 0
    recent: dict[str, set[str]] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()

    def fate(self, alert: Alert) -> Fate:
        """What becomes of a message of this alert: sent, silenced, or gathered into a list."""
        if not alert.is_over and any(one.covers(alert.study, alert.type, alert.case, self.at) for one in self.silences):
            return "silenced"
        seen = self.recent.setdefault(alert.study, set())
        seen.add(alert.id)
        crowded = self.storm_over and len(seen) > self.storm_over
        return "gathered" if crowded and (alert.urgency != "critical" or _is_old(alert)) else "pending"


def _is_old(alert: Alert) -> bool:
    return alert.decision.reason == "historical" and not entry(alert.type, alert.case).never_silenced
