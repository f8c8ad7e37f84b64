"""What a run left behind against what must be there: every difference is one sentence."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from proving.told import File, of_logs, values
from safety_stream.alerting.alert import Alert
from safety_stream.broker.reading import read_topic
from safety_stream.clinical.events import Accepted, ClockTicked
from safety_stream.clinical.findings import FindingChange
from safety_stream.notifier.routing import load_routing
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.inbox import Mail
from safety_stream.settings import Settings

SHOWN = 3


def differences(settings: Settings, book: Book, file: File, mails: Iterable[Mail]) -> list[str]:
    """Everything that is missing, extra or told twice with two contents."""
    return list(_differences(settings, book, file, list(mails)))


def _differences(settings: Settings, book: Book, file: File, mails: list[Mail]) -> Iterator[str]:
    logs = of_logs(settings, book)
    events = [Accepted.model_validate_json(value).event for value in values(settings, "events")]
    told = [event.model_dump_json() for event in events if not isinstance(event, ClockTicked)]
    yield from _compared("events", file.events, told)
    yield from _ticks(settings, file)
    letters = [message.value or b"" for message in read_topic(settings, settings.topic("dead-letters"))]
    yield from _compared("dead letters", {str(line) for line in file.unreadable}, [str(letter) for letter in letters])
    findings, cohorts = values(settings, "findings"), values(settings, "cohorts")
    yield from _compared("findings that follow from the log", logs.findings, findings)
    yield from _compared("statuses", logs.statuses, values(settings, "statuses"))
    yield from _compared("cohort decisions", logs.cohorts, cohorts)
    yield from _standing(file, [*findings, *cohorts])
    alerts = [Alert.model_validate_json(value) for value in values(settings, "alerts")]
    about = [alert for alert in alerts if alert.finding is not None]
    derived = {alert.model_dump_json() for alert in logs.alerts.values()}
    yield from _compared("alerts", derived, [alert.model_dump_json() for alert in about])
    yield from _mails(settings, {(alert.id, alert.revision): alert for alert in alerts}, mails)


def keep_logs(settings: Settings, folder: Path) -> None:
    """For whoever looks into a failed run: every message of our own topics, with its place."""
    for topic in ("events", "statuses", "findings", "cohorts", "alerts", "dead-letters"):
        with (folder / f"{topic}.tsv").open("wb") as kept:
            for message in read_topic(settings, settings.topic(topic)):
                kept.write(f"{message.partition}\t{message.offset}\t".encode() + (message.value or b"") + b"\n")


def _compared(what: str, expected: set[str], found: list[str]) -> Iterator[str]:
    missing, extra = expected - set(found), set(found) - expected
    for word, those in (("missing", missing), ("extra", extra)):
        if those:
            yield f"{len(those)} {what} {word}: {[one[:300] for one in sorted(those)[:SHOWN]]}"


def _ticks(settings: Settings, file: File) -> Iterator[str]:
    seen: Counter[tuple[int, str]] = Counter()
    for message in read_topic(settings, settings.topic("events")):
        event = Accepted.model_validate_json(message.value or b"").event
        if isinstance(event, ClockTicked):
            seen[message.partition, event.model_dump_json()] += 1
    expected = {(partition, tick) for partition in range(settings.partitions) for tick in file.ticks}
    if expected != set(seen):
        yield f"ticks: {len(expected - set(seen))} missing, {len(set(seen) - expected)} extra"


def _standing(file: File, changes: list[str]) -> Iterator[str]:
    """The findings that stand at the end are those that replay concludes from the file."""
    newest: dict[str, FindingChange] = {}
    for value in changes:
        change = FindingChange.model_validate_json(value)
        if change.finding.id not in newest or newest[change.finding.id].revision <= change.revision:
            newest[change.finding.id] = change
    standing = {id_: change.finding for id_, change in newest.items() if change.change != "withdrawn"}
    for id_ in file.standing.keys() - standing.keys():
        yield f"a standing finding is missing: {file.standing[id_].model_dump_json()[:300]}"
    for id_ in standing.keys() - file.standing.keys():
        yield f"a finding stands that replay does not conclude: {standing[id_].model_dump_json()[:300]}"
    for id_ in standing.keys() & file.standing.keys():
        here, there = standing[id_].model_dump(mode="json"), file.standing[id_].model_dump(mode="json")
        if here != there:
            what = {name: (here[name], there.get(name)) for name in here if here[name] != there.get(name)}
            yield f"a standing finding differs from replay's: {id_} {standing[id_].subject} {str(what)[:1500]}"


def _mails(settings: Settings, alerts: dict[tuple[str, int], Alert], mails: list[Mail]) -> Iterator[str]:
    """Each alert to be sent has reached each recipient, itself or a later revision of it; nothing else came."""
    routing = load_routing(settings.alert_routing_file or Path())
    expected: set[tuple[str, int, str]] = set()
    told: dict[str, set[str]] = {}
    for (id_, revision), alert in sorted(alerts.items()):
        if alert.decision.action == "send":
            people = told.setdefault(id_, set())  # an end goes to those who were told before, and to nobody else
            people |= set() if alert.is_over else {one.address for one in routing.recipients(alert)}
            expected |= {(id_, revision, whom) for whom in people}
    came = Counter(one for mail in mails for one in (_about(mail), *_beside(mail)))
    for extra in came.keys() - expected:
        yield f"a mail that nobody asked for: {extra}"
    for id_, revision, whom in sorted(expected - came.keys()):
        if not any((id_, later, whom) in came for later in range(revision + 1, revision + 500)):
            yield f"no mail about {id_} revision {revision} to {whom}"
    first: dict[tuple[str, int, str], Mail] = {}
    for mail in mails:
        before = first.setdefault(_about(mail), mail)
        if before is not mail and before.message_id != mail.message_id:
            yield f"a repeat under a Message-ID of its own: {_about(mail)}"
        if before is not mail and "POSSIBLE REPEAT" not in mail.text():
            yield f"a repeat that does not say so: {_about(mail)}"


def _about(mail: Mail) -> tuple[str, int, str]:
    message = mail.message
    (whom,) = mail.recipients
    return str(message["X-Safety-Stream-Alert"]), int(message["X-Safety-Stream-Revision"] or 0), whom


def _beside(mail: Mail) -> Iterator[tuple[str, int, str]]:
    """What the same mail tells below its first alert."""
    for alert, revision in re.findall(r"(AL-\w+) r(\d+)", str(mail.message["X-Safety-Stream-Beside"] or "")):
        yield alert, int(revision), mail.recipients[0]
