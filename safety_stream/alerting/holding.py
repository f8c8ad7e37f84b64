"""What is not mailed one by one, and why: silences, and the storm of alerts that becomes one list. Pure.

A silence is named, reasoned and ends within 8 hours; deaths, serious events and advice to stop are never silenced.
In a storm nothing is dropped: every alert keeps its id, its deadline and its answer, only the mails become lists.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from safety_stream.alerting.alert import AlertType

EVERY: Final = "*"
LONGEST_SILENCE: Final = timedelta(hours=8)
STORM_WITHIN: Final = timedelta(minutes=10)
STORM_EVERY: Final = timedelta(minutes=5)
NEVER_SILENT: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("serious_adverse_event", ""),  # a death is one of these
        ("cohort_decision", "stop"),
        ("cohort_decision", "no_longer_supported"),
    }
)
_NEVER_SILENT_TYPES: Final = frozenset({"serious_adverse_event"})
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
        if (type_, case) in NEVER_SILENT:
            return False
        return self.since <= at < self.until and self.study in {EVERY, study} and self.type in {EVERY, type_}


def silence_problems(silence: Silence) -> tuple[str, ...]:
    """Why a silence cannot be: it must be short, reasoned, signed, and name what may be silenced."""
    told = []
    if silence.study == silence.type == EVERY:
        told.append("a silence names a study or a type of alert")
    if silence.type in _NEVER_SILENT_TYPES:
        told.append(f"{silence.type} is never silenced: it may be a death")
    if silence.type not in {EVERY, *get_args(AlertType)}:
        told.append(f"no type of alert is called {silence.type}; types are {', '.join(get_args(AlertType))}")
    if not timedelta(0) < silence.until - silence.since <= LONGEST_SILENCE:
        told.append("a silence lasts at most 8 hours")
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

    def fate(self, alert: str, study: str, type_: str, case: str, withdrawn: bool) -> Fate:
        """What becomes of a message of this alert: sent, silenced, or gathered into a list."""
        if not withdrawn and any(one.covers(study, type_, case, self.at) for one in self.silences):
            return "silenced"
        seen = self.recent.setdefault(study, set())
        seen.add(alert)
        return "gathered" if self.storm_over and len(seen) > self.storm_over else "pending"


def budget(mailed: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Alerts mailed of each study, from (alert, study) pairs: each alert once, however many mails it took."""
    return dict(Counter(study for _, study in set(mailed)))
