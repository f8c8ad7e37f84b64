"""How an alert ends that was right when it was told: what happened since, under its own word. Pure.

    contained        a graver alert of the event contains it                        nobody is told
    superseded       a graver alert of the subject tells what became of it          nobody is told
    no_longer_due    the infusion is moved to another day, or the subject left or died    nobody is told
    answered         the check before the infusion has come to go                   told
    given_unchecked  given all the same, the check not complete                     told
    met_now          another result or record meets the criterion                   told
    reported         the report was sent in time                                    told where it was called overdue
    reported_late    the report was sent late                                       told

Whatever is none of these was taken back by corrected or erased data, or by a person: WITHDRAWN.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from safety_stream.alerting.alert import Reason
from safety_stream.alerting.drafts import Draft, is_fatal
from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_reported import ReportedEvent, ReportingDue
from safety_stream.clinical.findings_subject import EligibilityBreach, EligibilityStatus

WORDS: Final[dict[Reason, str]] = {
    "answered": "ANSWERED",
    "met_now": "MET SINCE",
    "no_longer_due": "NO LONGER DUE",
}
"""The word before a headline that does not say by itself how it ended."""
_NEWER: Final = ("lab_result ", "vital_sign ", "fact_recorded ")

_NO_INFUSION: Final = ("adverse_event ", "withdrawn ", "dose_planned ")  # died, left, moved to another day


class Ending(NamedTuple):
    """How it ended, and whether those who were told must know."""

    reason: Reason
    tell: bool


def ending(change: FindingChange, before: Draft) -> Ending | None:
    """What overtook the alert; None: nothing did, it was taken back."""
    was = change.previous if change.previous is not None else change.finding
    now = None if change.change == "withdrawn" else change.finding
    ends = _ENDINGS.get(type(was))
    return ends(was, now, before, change.because) if ends is not None else None


def stands(change: FindingChange, now: Draft) -> bool:
    """Whether a hold that was told stands as it is, though by itself it would not be told now.

    A check that is wanted and answered in part; a broken criterion whose newest result cannot be judged.
    """
    was, finding = change.previous, change.finding
    if now.decision.reason != "undetermined":
        return False
    if isinstance(finding, EligibilityStatus):
        return finding.needed_by is not None
    return isinstance(was, EligibilityBreach) and _is_newer(was, change.because)


def _event(_was: ReportedEvent, now: ReportedEvent | None, _before: Draft, _because: str) -> Ending | None:
    return Ending("contained", tell=False) if now is not None and is_fatal(now) else None


def _status(was: EligibilityStatus, now: EligibilityStatus | None, before: Draft, because: str) -> Ending | None:
    if before.case == "check_open":
        return _check(now)
    screened_again = because.startswith("screened ") or (now is not None and now.given and not was.given)
    if now is not None and before.case == "enrolled" and now.state == "not_eligible" and screened_again:
        return Ending("superseded", tell=False)
    return None


def _check(now: EligibilityStatus | None) -> Ending:
    """An open check is never taken back: what is erased leaves it more open."""
    if now is not None and now.state == "go":
        return Ending("answered", tell=True)
    if now is not None and now.state == "hold":
        return Ending("superseded", tell=False)
    given = now is not None and now.given
    return Ending("given_unchecked", tell=True) if given else Ending("no_longer_due", tell=False)


def _breach(was: EligibilityBreach, now: EligibilityBreach | None, _before: Draft, because: str) -> Ending | None:
    """Another record than the one that broke it: measured again, or told again, and met; or no infusion is ahead."""
    if because.startswith(_NO_INFUSION):
        return Ending("no_longer_due", tell=False)
    return Ending("met_now", tell=True) if now is None and _is_newer(was, because) else None


def _is_newer(was: EligibilityBreach, because: str) -> bool:
    """Whether another record than those it rested on brought the change about."""
    told = {record_of(one.source) for one in was.evidence.inputs if one.source}
    return because.startswith(_NEWER) and record_of(because.partition(" ")[2]) not in told


def _clock(was: ReportingDue, now: ReportingDue | None, _before: Draft, _because: str) -> Ending | None:
    if now is None or now.done is None:
        return None
    return Ending("reported_late", tell=True) if now.state == "met_late" else Ending("reported", was.state == "overdue")


_ENDINGS: Final[dict[type[AnyFinding], Callable[..., Ending | None]]] = {
    ReportedEvent: _event,
    EligibilityStatus: _status,
    EligibilityBreach: _breach,
    ReportingDue: _clock,
}
