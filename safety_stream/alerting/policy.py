"""The policy: what a changed finding means for the people who must know. Pure, without memory.

One change of one finding is compared with what the finding said before. Whatever makes a difference becomes the next
revision of an alert, to be sent or held, with its reason. So the same events give the same alerts, byte for byte,
whoever derives them: the worker, a replay or the second look.

    before \\ now        nothing to tell         held                       to be sent
    nothing             -                       held (its reason)          sent: new, historical
    held                held: never_sent        held when the reason is    sent: new
                                                another
    sent, or contained  sent: withdrawn         sent: withdrawn            sent: worse, corrected, adjudicated;
                        ended: see ``endings``  held: contained            nothing when nothing matters
                                                sent: lapsed, given all the same

Withdrawn is only what corrected or erased data took back, or a person's decision. What events overtook has ended.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from safety_stream.alerting.alert import Alert, Decision, Reason, alert_id
from safety_stream.alerting.catalogue import REASONS, entry
from safety_stream.alerting.corrections import corrected_result
from safety_stream.alerting.drafts import Draft, alerts_of
from safety_stream.alerting.endings import WORDS, Ending, ending, stands
from safety_stream.alerting.headlines import headline
from safety_stream.alerting.phrases import GONE
from safety_stream.alerting.wording import facts
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_measured import Toxicity, WatchLimitCrossed
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, ReportedEvent

__all__ = ["alerts_of", "mail_broken", "revise", "unreadable"]

HISTORICAL_AFTER: Final = timedelta(hours=72)
FIRST: Final = 1


def revise(change: FindingChange) -> tuple[Alert, ...]:
    """The alert revisions that one change of one finding brings about; none when nobody needs to hear of it.

    A finding that changed must come with the one before; ValueError without it.
    """
    if change.change == "changed" and change.previous is None:
        raise ValueError(f"{change.finding.id}: changed, but the finding before is not given")
    before = _by_case(change.previous if change.change != "withdrawn" else change.previous or change.finding)
    now = _by_case(None if change.change == "withdrawn" else change.finding)
    cases = [*before, *(case for case in now if case not in before)]
    return tuple(alert for case in cases for alert in _next(change, before.get(case), now.get(case)))


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


def _by_case(finding: AnyFinding | None) -> dict[tuple[str, str], Draft]:
    return {} if finding is None else {(draft.type, draft.case): draft for draft in alerts_of(finding)}


def _next(change: FindingChange, before: Draft | None, now: Draft | None) -> Iterator[Alert]:
    if now is not None and now.shared is not None:
        if before is None:
            yield _of_the_study(change, now, now.shared)
    elif now is None:
        if before is not None and before.shared is None:  # others may still have the same question
            yield _withdrawn(change, before, None)
    elif before is None or not _told(change, before):
        if before is None or before.decision != now.decision:
            yield _raised(change, now, _first(change, now))
    elif now.decision.action == "hold":
        if before.decision != now.decision and not stands(change, now):
            yield _now_held(change, before, now)
    elif before.decision != now.decision:
        yield _raised(change, now, Decision(action="send", reason="corrected"))
    elif reason := _difference(change, before, now):
        yield _raised(change, now, Decision(action="send", reason=reason))


def _told(change: FindingChange, draft: Draft) -> bool:
    """Whether people may have heard of it: what is held for what happened since may have been sent before that."""
    since = draft.decision.reason in {"lapsed", "given_unchecked"} and not _first_word(change)
    return draft.decision.action == "send" or draft.decision.reason == "contained" or since


def _first_word(change: FindingChange) -> bool:
    """Whether what was said before was the very first word on the finding: what that held was never sent by itself."""
    return change.revision == FIRST + 1


def _now_held(change: FindingChange, before: Draft, now: Draft) -> Alert:
    """Told before, and by itself not to be sent any more: contained, or what became of it, or taken back."""
    if now.decision.reason == "contained":
        return _raised(change, now, now.decision)
    if now.decision.reason in {"lapsed", "given_unchecked"}:
        return _raised(change, now, Decision(action="send", reason=now.decision.reason))
    return _withdrawn(change, before, now)


def _first(change: FindingChange, now: Draft) -> Decision:
    if now.decision.action == "send" and _is_historical(change):
        return Decision(action="send", reason="historical")
    return now.decision


def _is_historical(change: FindingChange) -> bool:
    finding = change.finding
    if isinstance(finding, Toxicity):
        return change.as_of - finding.peak_observed.latest(UTC) > HISTORICAL_AFTER
    if isinstance(finding, WatchLimitCrossed):
        return change.as_of - finding.worst_observed.latest(UTC) > HISTORICAL_AFTER
    return isinstance(finding, ReportedEvent) and change.as_of - finding.reported_at > HISTORICAL_AFTER


def _difference(change: FindingChange, before: Draft, now: Draft) -> Reason | None:
    finding, previous = change.finding, change.previous
    if isinstance(finding, DoseLimitingToxicity) and finding.state == "confirmed" and now.matters != before.matters:
        return "adjudicated"
    if before.matters != now.matters:
        return "worse" if now.gravity > before.gravity else "corrected"
    return "corrected" if previous is not None and corrected_result(previous, finding) else None


_NO_WINDOW: Final = "a dose was told or corrected: the onset lies in no DLT window now (T1)"


def _withdrawn(change: FindingChange, before: Draft, now: Draft | None) -> Alert:
    """People who were told are told that it no longer holds, and what holds instead; or what overtook it."""
    if (end := ending(change, before)) is not None:
        return _ended(change, before, end)
    gone = change.change == "withdrawn"
    told = headline(change.previous if change.previous is not None else change.finding)
    instead = GONE if gone else headline(change.finding)
    # A cohort's alert is pooled: the status that changed would name its subject.
    because = change.because if change.finding.subject is not None else "the status of a subject changed"
    if gone and isinstance(change.finding, DoseLimitingToxicity) and change.because.startswith("dose_given "):
        because = f"{_NO_WINDOW}; {because}"
    why = because if now is None else f"{REASONS[now.decision.reason]}; {because}"
    alert = _raised(change, now or before, _taking_back(change, before, now))
    return alert.model_copy(
        update={
            "state": "withdrawn",
            "headline": f"WITHDRAWN: {told}",
            "facts": (("Told before", told), ("Now", instead), ("Why", why), *alert.facts),
        }
    )


def _ended(change: FindingChange, before: Draft, end: Ending) -> Alert:
    """It was right, and is over: told to those who must know, under the word for how it ended."""
    gone = change.change == "withdrawn"
    told = headline(change.previous if change.previous is not None else change.finding)
    instead = REASONS[end.reason] if gone else headline(change.finding)
    tell = end.tell and _told(change, before)
    alert = _raised(change, before, Decision(action="send" if tell else "hold", reason=end.reason))
    if end.reason == "contained":  # held like what a graver draft contains
        return alert
    word = f"{WORDS[end.reason]}: " if end.reason in WORDS else ""
    why = f"{REASONS[end.reason]}; {change.because}"
    return alert.model_copy(
        update={
            "state": "ended",
            "headline": f"{word}{told if gone else instead}",
            "facts": (("Told before", told), ("Now", instead), ("Why", why), *alert.facts),
        }
    )


def _taking_back(change: FindingChange, before: Draft, now: Draft | None) -> Decision:
    never = before.decision.reason == "contained" and _first_word(change)
    if never or not _told(change, before):  # nothing is to be taken back
        return Decision(action="hold", reason="never_sent")
    adjudicated = now is not None and now.decision.reason == "refuted"
    return Decision(action="send", reason="adjudicated" if adjudicated else "withdrawn")


def _raised(change: FindingChange, draft: Draft, decision: Decision) -> Alert:
    finding = change.finding
    level = "every dose level" if finding.dose_level is None else f"dose level {finding.dose_level}"
    whom = finding.subject if finding.subject is not None else level
    historical = REASONS["historical"] if decision.reason == "historical" else None
    marked = tuple((name, said) for name, said in (("Historical", historical), ("Regraded", change.regraded)) if said)
    return Alert(
        id=alert_id(finding.study, whom, draft.type, finding.id, draft.case),
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
        facts=marked + facts(finding),
        tell=finding.tell if isinstance(finding, WatchLimitCrossed) else (),
        decision=decision,
        as_of=change.as_of,
    )


def _of_the_study(change: FindingChange, draft: Draft, shared: str) -> Alert:
    """One alert a study and question: it names no subject, and the first to raise it speaks for all."""
    alert = _raised(change, draft, draft.decision)
    told = tuple(fact for fact in alert.facts if fact[0] not in {"Subject", "Site", "Dose level"})
    return alert.model_copy(
        update={
            "id": alert_id(alert.study, "every subject", draft.type, shared),
            "revision": 1,
            "subject": None,
            "site": None,
            "dose_level": None,
            "finding": None,
            "facts": (*told, ("Concerns", "every subject of the study with such a result")),
        }
    )
