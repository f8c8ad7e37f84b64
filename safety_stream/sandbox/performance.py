"""One performance of the simulated trial: played, watched and shown until everything has settled.

Settled means: every message is in the log of record or among the dead letters, the workers have committed all of it,
every alert that is to be sent has its mail, and no further mail has come for a moment.
"""

import re
from collections import Counter
from datetime import datetime
from threading import Lock
from time import monotonic, sleep

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.headlines import headline
from safety_stream.broker.reading import committed_offsets, end_offsets
from safety_stream.broker.topic_table import worker_group
from safety_stream.clinical.findings import AnyFinding, FindingChange
from safety_stream.clinical.findings_measured import Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.findings_subject import EligibilityBreach
from safety_stream.sandbox.household import Household
from safety_stream.sandbox.inbox import Inbox, Mail
from safety_stream.sandbox.player import Player
from safety_stream.sandbox.simulator import SimulatedTrial
from safety_stream.sandbox.verdict import Verdict, compare
from safety_stream.sandbox.view import Now, Tone, View
from safety_stream.sandbox.watcher import Watcher
from safety_stream.settings import Settings

_FRAME_SECONDS = 0.25
_SETTLE_SECONDS = 60.0
_QUIET_SECONDS = 1.5
_KINDS = {"lab_result": "laboratory result", "vital_sign": "vital sign", "adverse_event": "adverse-event report"}
_OTHER = "subject event"


class Performance:
    """Player, watcher and inbox of one trial. ``first_mail_at`` is on the monotonic clock."""

    def __init__(self, settings: Settings, trial: SimulatedTrial, seconds: float, view: View) -> None:
        self.trial = trial
        self.first_mail_at: float | None = None
        self.mail_counts: Counter[tuple[str, int]] = Counter()
        self._settings = settings
        self._view = view
        self._lock = Lock()
        self._last_mail_at = monotonic()
        self._urgency: dict[str, Tone] = {}
        self._headlines: dict[str, str] = {}
        self.watcher = Watcher(settings, self._told)
        self.player = Player(settings, trial, seconds, self.watcher.taken_in)

    def mail_came(self, mail: Mail) -> None:
        """To be called by the inbox."""
        message = mail.message
        alert, revision = str(message["X-Safety-Stream-Alert"]), str(message["X-Safety-Stream-Revision"] or 0)
        beside = re.findall(r"(AL-\w+) r(\d+)", str(message["X-Safety-Stream-Beside"] or ""))
        with self._lock:
            for told_here, number in ((alert, revision), *beside):
                self.mail_counts[told_here, int(number)] += 1
            self._last_mail_at = monotonic()
            self.first_mail_at = self.first_mail_at or self._last_mail_at
        people = ", ".join(person.partition("@")[0] for person in mail.recipients)
        told = self.watcher.seen.alerts.get((alert, int(revision)))
        words = f"{self._about(told, told.as_of)}  {told.headline}" if told else mail.subject
        self._view.mailed(f"{people:<18}{words}", self._urgency.get(alert, "info"))

    def run(self, inbox: Inbox, household: Household) -> None:
        """Play to the end and wait until it has settled, or until it is clear that it will not."""
        self.watcher.start()
        self.player.start()
        deadline: float | None = None
        while deadline is None or (monotonic() < deadline and not self._settled()):
            household.check()
            self._raise_failures()
            self._view.show(self._now(inbox, household, self._note(deadline)))
            sleep(_FRAME_SECONDS)
            if deadline is None and self.player.done:
                deadline = monotonic() + _SETTLE_SECONDS
        self._view.show(self._now(inbox, household, "all is in"))

    def stop(self) -> None:
        """Play and watch no more."""
        self.player.stop()
        self.watcher.stop()

    def verdicts(self) -> list[Verdict]:
        """Expected against found."""
        seen = self.watcher.seen
        findings, alerts = list(seen.findings.values()), list(seen.alerts.values())
        return compare(self.trial.truth, findings, alerts, seen.dead_letters, self.mail_counts)

    def arrived(self) -> dict[str, int]:
        """Readable messages by what they are."""
        counts = {name: self.watcher.seen.events[kind] for kind, name in _KINDS.items()}
        ticks = self.watcher.seen.events["clock_ticked"]
        return {**counts, _OTHER: self.watcher.seen.events.total() - sum(counts.values()) - ticks}

    def _told(self, news: FindingChange | Alert) -> None:
        if isinstance(news, FindingChange):
            line = ("WITHDRAWN: " if news.change == "withdrawn" else "") + headline(news.finding)
            if self._headlines.get(news.finding.id) != line:
                self._headlines[news.finding.id] = line
                self._view.concluded(f"{self._about(news.finding, news.as_of)}  {line}", _tone(news))
        elif news.decision.action == "send" and (news.state == "raised" or news.id in self._urgency):
            self._urgency[news.id] = "withdrawn" if news.is_over else news.urgency
            self._view.alerted(f"{self._about(news, news.as_of)}  {news.headline}", self._urgency[news.id])

    def _about(self, news: AnyFinding | Alert, as_of: datetime) -> str:
        """The day of the trial and the subject, if it is about one; unreadable messages carry the broker's time."""
        at = min(as_of.astimezone(self.player.now.tzinfo), self.player.now)
        return f"{at:%d %b}  {news.subject or '  -'}"

    def _settled(self) -> bool:
        seen = self.watcher.seen
        return (
            len(seen.taken_in) >= len(self.trial.messages)
            and monotonic() - self._last_mail_at > _QUIET_SECONDS
            and self.watcher.is_idle()
            and self.verdicts()[-1].holds
            and all(self._is_committed(topic) for topic in ("events", "statuses"))
        )

    def _note(self, deadline: float | None) -> str:
        if not self.watcher.seen.taken_in:
            return "the workers are starting"
        return "" if deadline is None else "waiting for the last ones"

    def _is_committed(self, name: str) -> bool:
        topic = self._settings.topic(name)
        ends = {part: end for part, end in end_offsets(self._settings, topic).items() if end}
        committed = committed_offsets(self._settings, worker_group(self._settings), topic)
        return all(committed.get(part, 0) >= end for part, end in ends.items())

    def _raise_failures(self) -> None:
        for failure in (self.player.failure, self.watcher.failure):
            if failure is not None:
                raise failure

    def _now(self, inbox: Inbox, household: Household, note: str) -> Now:
        seen = self.watcher.seen
        alive = [(process.name, process.running) for process in household.processes]
        return Now(
            at=self.player.now,
            share=self.player.share,
            arrived=self.arrived(),
            unreadable=len(seen.dead_letters),
            concluded=seen.changes,
            mails=len(inbox.mails),
            processes=[("broker", True), *alive, ("inbox", True)],
            note=note,
        )


def _tone(change: FindingChange) -> Tone:
    finding = change.finding
    if change.change == "withdrawn":
        return "withdrawn"
    if isinstance(finding, DoseLimitingToxicity):
        return "critical" if finding.state in {"candidate", "confirmed"} else "warning"
    if isinstance(finding, EligibilityBreach):
        return "warning" if finding.verdict == "breached" else "quiet"
    if isinstance(finding, Toxicity) and finding.peak.lowest >= 3 and not finding.expected:
        return "critical" if finding.peak.lowest >= 4 else "warning"
    return "quiet"
