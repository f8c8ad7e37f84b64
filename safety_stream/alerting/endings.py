"""How an alert ends that was right when it was told: what happened since, under its own word. Pure.

    contained        a graver alert of the event contains it                        nobody is told
    superseded       a graver alert of the subject tells what became of it          nobody is told
    no_longer_due    the infusion is moved to another day, or the subject left or died    told where it was too near
    answered         the check before the infusion has come to go                   told
    given_unchecked  given all the same, the check not complete                     told
    met_now          another result or record meets the criterion                   told
    reported         the report was sent in time                                    told where it was called overdue
    reported_late    the report was sent late                                       told
    clock_closed     the event is told as not serious, expected or unrelated now    told
    advice_changed   more subjects, or more DLTs, and other 3+3 advice              told
    settled          the data no longer raise the question                          told
    ruled_out        what it rested on stands, and another result rules it out      told
    observed         results of the time that was called unobserved came late       told
    refuted          a person has decided that it is not a DLT                      told

Whatever is none of these was taken back by corrected or erased data: WITHDRAWN. So is 3+3 advice that counted a DLT,
or an evaluable subject, that is counted no more.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from safety_stream.alerting.alert import Alert, Reason
from safety_stream.alerting.at_time import SEVERE
from safety_stream.alerting.counted import counted
from safety_stream.alerting.drafts import Draft, is_fatal
from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach
from safety_stream.clinical.findings_subject import DataQuery, EligibilityBreach, EligibilityStatus, Unobserved

WITHDRAWN: Final = "WITHDRAWN"
WORDS: Final[dict[Reason, str]] = {
    "answered": "ANSWERED",
    "met_now": "MET SINCE",
    "no_longer_due": "NO LONGER DUE",
    "given_unchecked": "GIVEN UNCHECKED",
    "reported": "SENT IN TIME",
    "reported_late": "SENT LATE",
    "clock_closed": "CLOSED",
    "advice_changed": "CHANGED",
    "settled": "SETTLED",
    "ruled_out": "RULED OUT",
    "observed": "OBSERVED",
    "refuted": "REFUTED",
}
"""The one word for each ending; it stands in the subject line and over the mail."""
_SAYS_ITSELF: Final = {"given_unchecked", "reported", "reported_late", "clock_closed", "refuted"}
_NEWER: Final = ("lab_result ", "vital_sign ", "fact_recorded ")

_NO_INFUSION: Final = ("adverse_event ", "withdrawn ", "dose_planned ")  # died, left, moved to another day


class Ending(NamedTuple):
    """How it ended, and whether those who were told must know."""

    reason: Reason
    tell: bool


def word_of(alert: Alert) -> str | None:
    """The word for how an alert ended; None: it stands."""
    if alert.state == "raised":
        return None
    return WITHDRAWN if alert.state == "withdrawn" else WORDS.get(alert.decision.reason, "ENDED")


def before_headline(reason: Reason) -> str:
    """The word before a headline that does not say by itself how it ended."""
    return f"{WORDS[reason]}: " if reason in WORDS and reason not in _SAYS_ITSELF else ""


def ending(change: FindingChange, before: Draft, changes: Iterable[FindingChange]) -> Ending | None:
    """What overtook the alert; None: nothing did, it was taken back. ``changes``: all that one event brought about."""
    was = change.previous if change.previous is not None else change.finding
    now = None if change.change == "withdrawn" else change.finding
    if isinstance(was, ReportingDue) and now is None and _is_due_in_seven_days(was, changes):
        return Ending("superseded", tell=False)
    ends = _ENDINGS.get(type(was))
    return ends(was, now, before, change) if ends is not None else None


def counted_less(was: CohortDecision, now: CohortDecision) -> bool:
    """Whether the advice told rested on a DLT, or an evaluable subject, that is counted no more."""
    fewer = now.tally.evaluable < was.tally.evaluable and now.tally.dlt_possible <= was.tally.dlt_possible
    return now.tally.dlt < was.tally.dlt or fewer


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


def _event(_was: ReportedEvent, now: ReportedEvent | None, before: Draft, _change: FindingChange) -> Ending | None:
    """The death contains every alert of the event; what another one contained is contained while that one stands."""
    if now is None:
        return None
    inside = before.decision.reason == "contained" and (now.serious or counted(now).grade > SEVERE)
    return Ending("contained", tell=False) if is_fatal(now) or inside else None


def _status(
    was: EligibilityStatus, now: EligibilityStatus | None, before: Draft, change: FindingChange
) -> Ending | None:
    if before.case == "check_open":
        return _check(now)
    screened_again = change.because.startswith("screened ") or (now is not None and now.given and not was.given)
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


def _breach(
    was: EligibilityBreach, now: EligibilityBreach | None, _before: Draft, change: FindingChange
) -> Ending | None:
    """Another record than the one that broke it: measured again, or told again, and met; or no infusion is ahead."""
    if change.because.startswith(_NO_INFUSION):
        return Ending("no_longer_due", tell=False)
    return Ending("met_now", tell=True) if now is None and _is_newer(was, change.because) else None


def _is_newer(was: EligibilityBreach, because: str) -> bool:
    """Whether another record than those it rested on brought the change about."""
    told = {record_of(one.source) for one in was.evidence.inputs if one.source}
    return because.startswith(_NEWER) and record_of(because.partition(" ")[2]) not in told


def _too_near(was: StaggerBreach, now: StaggerBreach | None, _before: Draft, change: FindingChange) -> Ending | None:
    """A plan that was moved is not taken back: nothing that was told of it was wrong."""
    moved = now is None and was.infusion == "planned" and is_of_itself(was, change)
    return Ending("no_longer_due", tell=True) if moved else None


def is_of_itself(was: StaggerBreach, change: FindingChange) -> bool:
    """Whether the status of the subject itself brought the change about, not that of the first one of the level."""
    return change.because.startswith(f"status {was.subject} revision ")


def _is_due_in_seven_days(was: ReportingDue, changes: Iterable[FindingChange]) -> bool:
    """Whether the shorter clock of the same event runs in its place: it became grave, again or as was known before."""
    told = (one.finding for one in changes if one.change != "withdrawn")
    graver = (one for one in told if isinstance(one, ReportingDue) and one.clock == "susar_7_days")
    return was.clock == "susar_15_days" and any(one.record == was.record for one in graver)


def _clock(was: ReportingDue, now: ReportingDue | None, _before: Draft, _change: FindingChange) -> Ending | None:
    if now is None or now.state == "closed":
        return Ending("clock_closed", tell=True) if now is not None else None
    if now.done is None:
        return None
    return Ending("reported_late", tell=True) if now.state == "met_late" else Ending("reported", was.state == "overdue")


def _advice(was: CohortDecision, now: CohortDecision | None, _before: Draft, _change: FindingChange) -> Ending | None:
    return None if now is None or counted_less(was, now) else Ending("advice_changed", tell=True)


def _question(_was: DataQuery, now: DataQuery | None, _before: Draft, _change: FindingChange) -> Ending | None:
    """A question is nothing that was said of the subject: whatever ends it, also a record erased, settles it."""
    return Ending("settled", tell=True) if now is None else None


def _missed(_was: Unobserved, now: Unobserved | None, _before: Draft, change: FindingChange) -> Ending | None:
    return Ending("observed", tell=True) if now is None and change.because.startswith(_NEWER) else None


def _composite(_was: CompositeMet, _now: CompositeMet | None, _before: Draft, change: FindingChange) -> Ending | None:
    return Ending("ruled_out", tell=True) if change.ruled_out is not None else None


def _graded(was: Toxicity, _now: Toxicity | None, before: Draft, change: FindingChange) -> Ending | None:
    """A severe grade that was only possible, and a new result decides otherwise."""
    time = before.tells
    if time is None or time.peak.lowest >= SEVERE or not change.because.startswith(_NEWER):
        return None
    rested_on = {record_of(one.source) for one in (time.evidence or was.evidence).inputs if one.source} | {time.record}
    new = record_of(change.because.partition(" ")[2]) not in rested_on
    decided = change.ruled_out is not None or change.change == "changed"
    return Ending("ruled_out", tell=True) if new and decided else None


def _limiting(
    _was: DoseLimitingToxicity, now: DoseLimitingToxicity | None, _before: Draft, change: FindingChange
) -> Ending | None:
    if now is not None and now.state == "refuted":
        return Ending("refuted", tell=True)
    return Ending("ruled_out", tell=True) if change.ruled_out is not None else None


_ENDINGS: Final[dict[type[AnyFinding], Callable[..., Ending | None]]] = {
    ReportedEvent: _event,
    EligibilityStatus: _status,
    EligibilityBreach: _breach,
    ReportingDue: _clock,
    CohortDecision: _advice,
    StaggerBreach: _too_near,
    DataQuery: _question,
    Unobserved: _missed,
    CompositeMet: _composite,
    Toxicity: _graded,
    DoseLimitingToxicity: _limiting,
}
