r"""The policy: what changed findings mean for the people who must know. Pure, without memory.

The changes of one event are compared with what the findings said before. Whatever makes a difference becomes the next
revision of an alert, to be sent or held, with its reason. So the same events give the same alerts, byte for byte,
whoever derives them: the worker, a replay or the second look.

    before \ now        nothing to tell         held                       to be sent
    nothing             -                       held (its reason)          sent: new, historical
    a hold that ended   -                       sent: corrected            sent: corrected
    held                held: never_sent        held when the reason is    sent: new
                                                another
    sent, or contained  sent: withdrawn         sent: withdrawn            sent: worse, corrected, adjudicated;
                        ended: see ``endings``  held: contained            nothing when nothing matters
                                                sent: lapsed, given all the same

Withdrawn is only what corrected or erased data took back. What events overtook, or a person refuted, has ended.

An alert follows its result (register T61): counting episodes anew moves it from one finding to another in silence. One
whose result still stands, inside the time that another alert tells now, is contained in that one, never withdrawn.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from safety_stream.alerting.alert import Alert, Decision, Reason, alert_id
from safety_stream.alerting.catalogue import REASONS, entry
from safety_stream.alerting.corrections import corrected_result
from safety_stream.alerting.drafts import Draft, alerts_of
from safety_stream.alerting.endings import Ending, before_headline, counted_less, ending, is_of_itself, stands
from safety_stream.alerting.facts_study import counts_changed
from safety_stream.alerting.following import (
    Case,
    Cases,
    Key,
    began_graver,
    dlt_goes_on,
    says_now,
    told_before,
    told_now,
    told_with,
    went_before,
)
from safety_stream.alerting.headlines import headline
from safety_stream.alerting.phrases import GONE, event_words
from safety_stream.alerting.wording import facts
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_measured import Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import CLOSED, DoseLimitingToxicity, ReportedEvent, ReportingDue
from safety_stream.clinical.findings_study import CohortDecision, StaggerBreach
from safety_stream.clinical.moment import Moment

__all__ = ["alerts_of", "mail_broken", "revise", "unreadable"]

HISTORICAL_AFTER: Final = timedelta(hours=72)
FIRST: Final = 1
_OPEN_STILL: Final = {"lapsed", "given_unchecked"}  # of a check: what happened while it was open


def revise(*changes: FindingChange) -> tuple[Alert, ...]:
    """The alert revisions that the changes of one event bring about; none when nobody needs to hear of it.

    A finding that changed must come with the one before; ValueError without it.
    """
    for change in changes:
        if change.change == "changed" and change.previous is None:
            raise ValueError(f"{change.finding.id}: changed, but the finding before is not given")
    before, now = told_before(changes), told_now(changes)
    beside = {one.id for change in changes for one in change.beside}
    new = (key for key, one in now.items() if one.finding.id not in beside)
    return tuple(alert for key in dict.fromkeys((*before, *new)) for alert in _next(key, before, now, changes))


def unreadable(topic: str, code: str, detail: str, day: date, as_of: datetime) -> Alert:
    """The alert for messages of one topic that cannot be read for one reason on one day: one alert, however many."""
    told = entry("unreadable_message")
    return Alert(
        id=alert_id("-", topic, "unreadable_message", code, day.isoformat()),
        revision=1,
        type="unreadable_message",
        urgency=told.urgency,
        state="raised",
        study="-",
        headline=f"Messages on {topic} cannot be read: {code}",
        facts=(("Topic", topic), ("Reason", code), ("First seen", detail), ("Day", day.isoformat())),
        decision=Decision(action="send", reason="new"),
        as_of=as_of,
    )


def mail_broken(channel: str, since: datetime, as_of: datetime, said: str, *, refused: bool = False) -> Alert:
    """The alert that mails do not go out, or that one was refused: one an hour, however many tries fail in it."""
    told = entry("mail_broken")
    what = "An alert mail was refused for good" if refused else "Alert mails do not go out"
    return Alert(
        id=alert_id("-", channel, "mail_broken", refused, f"{since:%Y-%m-%dT%H}"),
        revision=1,
        type="mail_broken",
        urgency=told.urgency,
        state="raised",
        study="-",
        headline=f"{what}: {said}",
        facts=(("Waiting since", f"{since:%Y-%m-%d %H:%M} UTC"), ("Server said", said)),
        decision=Decision(action="send", reason="new"),
        as_of=as_of,
    )


def _next(key: Key, were: Cases, are: Cases, changes: tuple[FindingChange, ...]) -> Iterator[Alert]:
    before, now = were.get(key), are.get(key)
    if now is not None and now.draft.shared is not None:
        if before is None:
            yield _of_the_study(now, now.draft.shared)
    elif now is None:
        if before is not None and before.draft.shared is None:  # others may still have the same question
            yield from _gone(before, are, changes)
    elif before is None or not _told(before):
        if before is None or before.draft.decision != now.draft.decision:
            one = went_before(now, were, are) if now.draft.decision.action == "send" else None
            yield _raised(now, _first(now, before)) if one is None else _in_its_place(one, now)
    elif now.draft.decision.action == "hold":
        if before.draft.decision != now.draft.decision and not stands(now.change, now.draft):
            yield _now_held(before, now, changes)
    elif before.draft.decision != now.draft.decision:
        yield _raised(now, Decision(action="send", reason="corrected"))
    elif reason := _difference(before, now):
        yield _raised(now, Decision(action="send", reason=reason))


def _told(case: Case) -> bool:
    """Whether people may have heard of it: a check that is held for what happened since was told where it was asked."""
    decision = case.draft.decision
    asked = case.draft.case == "check_open" and case.change.asked
    return decision.action == "send" or decision.reason == "contained" or asked


def _first_word(change: FindingChange) -> bool:
    """Whether what was said before was the very first word on the finding: what that held was never sent by itself."""
    return change.revision == FIRST + 1


def _now_held(before: Case, now: Case, changes: tuple[FindingChange, ...]) -> Alert:
    """Told before, and by itself not to be sent any more: contained, or what became of it, or taken back."""
    if now.draft.decision.reason == "contained":
        return _raised(now, now.draft.decision)
    if now.draft.decision.reason in _OPEN_STILL:
        return _raised(now, Decision(action="send", reason=now.draft.decision.reason))
    return _withdrawn(before, now, changes)


def _gone(before: Case, are: Cases, changes: tuple[FindingChange, ...]) -> Iterator[Alert]:
    """An alert that nothing supports any more: withdrawn, or contained in the one that tells its result now."""
    told = told_with(before, are)
    if told is not None and not _told(told) and _told(before):
        yield _withdrawn(before, told, changes)
    elif told is None and not dlt_goes_on(before, changes):
        yield _withdrawn(before, None, changes)
    elif before.draft.decision.action == "send":
        yield _raised(before, Decision(action="hold", reason="contained"))


def _in_its_place(before: Case, now: Case) -> Alert:
    alert = _raised(now, Decision(action="send", reason=_difference(before, now) or "corrected"))
    return alert.model_copy(update={"facts": (("Told before", headline(before.finding)), *alert.facts)})


def _first(now: Case, before: Case | None) -> Decision:
    """What is told first; and a hold that was told and had ended, told again where its check is open again."""
    if before is None and now.draft.case == "check_open" and now.change.asked:
        reason = now.draft.decision.reason
        return Decision(action="send", reason=reason if reason in _OPEN_STILL else "corrected")
    if now.draft.decision.action == "send" and _is_historical(now):
        return Decision(action="send", reason="historical")
    return now.draft.decision


def _is_historical(now: Case) -> bool:
    """Whether what makes the alert due is old: a result, the end of a band, the report that stands."""
    finding, as_of = now.finding, now.change.as_of
    if isinstance(finding, Toxicity):
        return as_of - _due(now.draft, finding).latest(UTC) > HISTORICAL_AFTER
    if isinstance(finding, WatchLimitCrossed):
        return as_of - finding.worst_observed.latest(UTC) > HISTORICAL_AFTER
    return isinstance(finding, ReportedEvent) and as_of - (finding.told_at or finding.reported_at) > HISTORICAL_AFTER


def _due(draft: Draft, finding: Toxicity) -> Moment:
    if draft.tells is not None:
        return draft.tells.first
    return finding.jump.after_observed if finding.jump is not None else finding.peak_observed


def _difference(before: Case, now: Case) -> Reason | None:
    finding, matters = now.finding, now.draft.matters != before.draft.matters
    if isinstance(finding, DoseLimitingToxicity) and finding.state == "confirmed" and matters:
        return "adjudicated"
    if matters:
        return "worse" if now.draft.gravity > before.draft.gravity else "corrected"
    return "corrected" if corrected_result(before.finding, finding, now.change.because) else None


_OVER: Final = {"advice_changed", "ruled_out"}  # what stands now is another thing than what was told
_NO_WINDOW: Final = "a dose was told or corrected: the onset lies in no DLT window now (T1)"


def _withdrawn(before: Case, now: Case | None, changes: tuple[FindingChange, ...]) -> Alert:
    """People who were told are told that it no longer holds, and what holds instead; or what overtook it."""
    if (end := ending(before.change, before.draft, changes)) is not None:
        return _ended(before, end)
    change = (now or before).change
    instead = GONE if change.change == "withdrawn" else headline(change.finding)
    if now is None and before.draft.record:
        instead = says_now(before, changes) or GONE
    because = _because(change)
    left_its_window = change.change == "withdrawn" and change.because.startswith("dose_given ")
    if left_its_window and isinstance(change.finding, DoseLimitingToxicity):
        because = f"{_NO_WINDOW}; {because}"
    why = because if now is None else f"{REASONS[now.draft.decision.reason]}; {because}"
    shown = before if instead == GONE else before._replace(finding=change.finding)
    alert = _raised((now or shown)._replace(draft=before.draft), _taking_back(before, now))
    return alert.model_copy(
        update={
            "state": "withdrawn",
            "headline": f"WITHDRAWN: {headline(before.finding)}",
            "facts": (("Told before", headline(before.finding)), ("Now", instead), ("Why", why), *alert.facts),
        }
    )


def _ended(before: Case, end: Ending) -> Alert:
    """It was right, and is over: told to those who must know, under the word for how it ended."""
    change = before.change
    gone, told = change.change == "withdrawn", headline(before.finding)
    instead = headline(change.finding)
    if gone:
        instead = REASONS[end.reason] + (f": {change.ruled_out}" if change.ruled_out else "")
    tell = end.tell and _told(before)
    alert = _raised(
        before._replace(finding=change.finding), Decision(action="send" if tell else "hold", reason=end.reason)
    )
    if end.reason == "contained":  # held like what a graver draft contains
        return alert
    why = _because(change) if gone else f"{_overtaken(end, change)}; {_because(change)}"
    return alert.model_copy(
        update={
            "state": "ended",
            "headline": f"{before_headline(end.reason)}{told if gone or end.reason in _OVER else instead}",
            "facts": (("Told before", told), ("Now", instead), ("Why", why), *alert.facts),
        }
    )


def _overtaken(end: Ending, change: FindingChange) -> str:
    """What overtook it; of a refutation with who decided, and why; of a clock what is told now."""
    finding = change.finding
    if end.reason == "refuted" and isinstance(finding, DoseLimitingToxicity):
        return f"{REASONS['refuted']}; {finding.adjudicated_by}: {finding.adjudication or 'no reason given'}"
    if end.reason == "clock_closed" and isinstance(finding, ReportingDue):
        return "; ".join(
            (REASONS["clock_closed"], *(one for one in finding.evidence.reasons if one.startswith(CLOSED)))
        )
    return REASONS[end.reason]


def _because(change: FindingChange) -> str:
    """What brought it about; a dose level's alert is pooled, and the status that changed would name its subject."""
    was, now = change.previous, change.finding
    if isinstance(was, CohortDecision) and isinstance(now, CohortDecision):
        return "; ".join(counts_changed(was, now)) or "another dose level of the study"
    if isinstance(was, StaggerBreach):
        return _other_dates(was, change)
    if now.subject is None:
        return "the status of a subject changed"
    return event_words(change.because) + (f", {change.corrected}" if change.corrected else "")


def _other_dates(was: StaggerBreach, change: FindingChange) -> str:
    """Whose date is another one now: the subject's own, planned or given, or that of the first one of the level."""
    if not is_of_itself(was, change):
        return "the first infusion of the level is dated otherwise now, or is of another subject"
    if was.infusion == "given":
        return "the first infusion of this subject is dated otherwise now, or of another dose level"
    return "the plan of this subject was moved to another day or dose level, or the subject left"


def _taking_back(before: Case, now: Case | None) -> Decision:
    draft = before.draft
    never = draft.decision.reason == "contained" and _first_word((now or before).change)
    if never or not _told(before):  # nothing is to be taken back
        return Decision(action="hold", reason="never_sent")
    if now is None and draft.decision.reason == "contained" and began_graver(before):
        return Decision(action="hold", reason="contained")
    return Decision(action="send", reason="withdrawn")


def _raised(case: Case, decision: Decision) -> Alert:
    change, finding, draft = case
    level = "every dose level" if finding.dose_level is None else f"dose level {finding.dose_level}"
    whom = finding.subject if finding.subject is not None else level
    historical = REASONS["historical"] if decision.reason == "historical" else None
    marks = (("Historical", historical), ("Regraded", change.regraded), ("Counted less", _counted_less(change)))
    marked = tuple((name, said) for name, said in marks if said)
    return Alert(
        id=alert_id(finding.study, whom, draft.type, draft.of or finding.id, draft.case),
        revision=change.revision,
        type=draft.type,
        case=draft.case,
        urgency=entry(draft.type, draft.case).urgency,
        state="raised",
        study=finding.study,
        site=finding.site,
        subject=finding.subject,
        dose_level=finding.dose_level,
        headline=headline(finding),
        finding=finding,
        facts=marked + tuple(_with_worst(facts(finding), draft.worst)),
        tell=finding.tell if isinstance(finding, WatchLimitCrossed) else (),
        decision=decision,
        as_of=change.as_of,
    )


def _with_worst(told: tuple[tuple[str, str], ...], worst: str) -> Iterator[tuple[str, str]]:
    """The facts, and before the onset of the episode what it came to at its worst."""
    for label, value in told:
        if worst and label == "Onset of this episode":
            yield "Worst of this episode", worst
        yield label, value


def _counted_less(change: FindingChange) -> str | None:
    """Of 3+3 advice: that a DLT, or an evaluable subject, which it counted is counted no more."""
    was, now = change.previous, change.finding
    if isinstance(was, CohortDecision) and isinstance(now, CohortDecision) and counted_less(was, now):
        what = "a DLT" if now.tally.dlt < was.tally.dlt else "an evaluable subject"
        return f"{what} that was counted is corrected, taken back or refuted"
    return None


def _of_the_study(case: Case, shared: str) -> Alert:
    """One alert a study and question: it names no subject, and the first to raise it speaks for all."""
    alert = _raised(case, case.draft.decision)
    told = tuple(fact for fact in alert.facts if fact[0] not in {"Subject", "Site", "Dose level"})
    return alert.model_copy(
        update={
            "id": alert_id(alert.study, "every subject", case.draft.type, shared),
            "revision": 1,
            "subject": None,
            "site": None,
            "dose_level": None,
            "finding": None,
            "facts": (*told, ("Concerns", "every subject of the study with such a result")),
        }
    )
