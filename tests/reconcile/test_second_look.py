"""The second look on a real Kafka: it finds exactly what is missing, puts exactly that there, and says so."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, and_, delete, select, update

from safety_stream.alerting.alert import Alert
from safety_stream.broker import topics
from safety_stream.broker.publishing import Letter, publisher
from safety_stream.clinical.events import ANY_EVENT, Accepted, ClockTicked
from safety_stream.clinical.findings_subject import SubjectStatus
from safety_stream.notifier.outbox import Arrival, Outbox
from safety_stream.notifier.routing import load_routing
from safety_stream.notifier.tables import ALERTS, EDITIONS, MESSAGES, open_database
from safety_stream.reconcile.app import run
from safety_stream.reconcile.derived import PartitionOfEvents
from safety_stream.reconcile.logs import alerts_of_logs
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.simulator import simulated_trial
from safety_stream.settings import Settings

pytestmark = pytest.mark.kafka
ROUTING = Path(__file__).resolve().parents[2] / "deploy" / "alerting.yaml"
CAST = ("001", "009")  # a grade 4 that was corrected; an SAE that becomes a DLT
AT_ONCE = timedelta(seconds=-3600)  # every cause counts as settled


@dataclass
class Bench:
    """Logs as the engine leaves them, and an outbox as the messenger does."""

    settings: Settings
    engine: Engine
    said: list[dict[str, object]] = field(default_factory=list)

    def look(self, settled_after: timedelta = AT_ONCE, another_edition: bool = False) -> int:
        """One look; what it said is kept, the summary last."""
        self.said.clear()
        return run(
            self.settings,
            lambda line: self.said.append(json.loads(line)),
            settled_after=settled_after,
            another_edition=another_edition,
        )

    @property
    def differences(self) -> list[tuple[object, ...]]:
        """What was found: kind, alert, revision, recipient, and whether it was put right."""
        names = ("difference", "alert", "revision", "recipient", "repaired")
        return sorted((tuple(line.get(name) for name in names) for line in self.said[:-1]), key=str)

    def rows(self) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """Every alert with its content, and every message."""
        with self.engine.begin() as db:
            alerts = select(ALERTS.c.id, ALERTS.c.revision, ALERTS.c.content, ALERTS.c.recipients)
            messages = select(MESSAGES.c.alert_id, MESSAGES.c.revision, MESSAGES.c.recipient)
            return sorted(map(tuple, db.execute(alerts))), sorted(map(tuple, db.execute(messages)))

    def mailed(self) -> list[Alert]:
        """The alerts that have messages, one revision each, of any type."""
        with self.engine.begin() as db:
            content = select(ALERTS.c.content).where(ALERTS.c.recipients != "[]", ALERTS.c.action == "send")
            return [
                Alert.model_validate_json(one) for one in db.scalars(content.order_by(ALERTS.c.id, ALERTS.c.revision))
            ]

    def drop(self, alert: Alert) -> None:
        """Lose an alert and its messages, as if it had never come."""
        with self.engine.begin() as db:
            db.execute(delete(MESSAGES).where(MESSAGES.c.alert_id == alert.id, MESSAGES.c.revision == alert.revision))
            db.execute(delete(ALERTS).where(ALERTS.c.id == alert.id, ALERTS.c.revision == alert.revision))


@pytest.fixture(scope="module")
def book() -> Book:
    """The bundled book."""
    return load_book(allow_unsigned=True)


@pytest.fixture(scope="module")
def logs(bootstrap_servers: str, book: Book, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Two subjects of the simulated trial on the log, their statuses, one dead letter, and every alert delivered."""
    folder = tmp_path_factory.mktemp("logs")
    settings = Settings(
        bootstrap_servers=bootstrap_servers,
        topic_prefix=f"t{uuid4().hex[:10]}",
        partitions=2,
        replication=1,
        min_insync_replicas=1,
        outbox_url=f"sqlite:///{folder}/outbox.db",
        alert_routing_file=ROUTING,
        clock="event",
        allow_unsigned_rulebook=True,
    )
    topics.create(settings)
    entries = list(_entries(settings))
    with publisher(settings) as way_in:
        way_in.publish(_letter(settings, entry, partition) for entry, partition in entries)
        way_in.publish(
            Letter(settings.topic("statuses"), status.model_dump_json().encode(), status.study.encode())
            for status in _statuses(entries, book)
        )
        way_in.publish([_dead_letter(settings)])
    engine = open_database(settings.outbox_url)
    arrivals = [Arrival(alert, "safety.alerts/0@0") for alert, _ in alerts_of_logs(settings, book)]
    Outbox(engine).record(arrivals, load_routing(ROUTING), 1)
    engine.dispose()
    yield settings
    with topics.administrator(settings) as admin:
        admin.delete_topics([name for name in admin.list_topics() if name.startswith(settings.topic_prefix)])


@pytest.fixture
def bench(logs: Settings, tmp_path: Path) -> Iterator[Bench]:
    """The logs, and an outbox of one's own."""
    file = tmp_path / "outbox.db"
    shutil.copy(logs.outbox_url.removeprefix("sqlite:///"), file)
    settings = logs.model_copy(update={"outbox_url": f"sqlite:///{file}"})
    engine = open_database(settings.outbox_url)
    yield Bench(settings, engine)
    engine.dispose()


def _entries(settings: Settings) -> Iterator[tuple[Accepted, int]]:
    """The entries of the log with their partition: one a subject, and a tick on each every twenty days."""
    ticks = 0
    for message in simulated_trial().messages:
        try:
            event = ANY_EVENT.validate_json(message.line)
        except ValueError:
            continue
        entry = Accepted(event=event, received_at=message.at, origin="labs/0@0")
        if isinstance(event, ClockTicked):
            ticks += 1
            if ticks % 20 == 0:
                yield from ((entry, partition) for partition in range(settings.partitions))
        elif event.subject in CAST:
            yield entry, CAST.index(event.subject) % settings.partitions


def _letter(settings: Settings, entry: Accepted, partition: int) -> Letter:
    key = b"clock" if isinstance(entry.event, ClockTicked) else f"{entry.event.study}|{entry.event.subject}".encode()
    return Letter(settings.topic("events"), entry.model_dump_json().encode(), key, partition=partition)


def _statuses(entries: list[tuple[Accepted, int]], book: Book) -> list[SubjectStatus]:
    """The statuses that the engine sends for these entries."""
    partitions: dict[int, PartitionOfEvents] = {}
    return [
        after.status
        for entry, partition in entries
        for after in partitions.setdefault(partition, PartitionOfEvents(book, "event")).take(entry, entry.received_at)
        if after.status is not None
    ]


def _dead_letter(settings: Settings) -> Letter:
    told = {"topic": "safety.labs", "partition": "3", "offset": "17", "reason": "not_json"}
    told["received-at"] = "2024-08-01T04:00:00+00:00"
    headers = [(f"safety-stream-{name}", value.encode()) for name, value in told.items()]
    return Letter(settings.topic("dead-letters"), b"Hello", None, headers)


def test_nothing_is_missing_where_nothing_was_lost(bench: Bench) -> None:
    """Logs and outbox agree: no difference, exit code 0, and the alerts are those the trial must raise."""
    assert bench.look() == 0
    assert bench.differences == []
    kinds = {(alert.type, alert.state) for alert in bench.mailed()}
    assert {("lab_grade_4", "raised"), ("lab_grade_4", "withdrawn"), ("unreadable_message", "raised")} <= kinds
    assert {("dose_limiting_toxicity", "raised"), ("serious_adverse_event", "raised")} <= kinds


def test_dropped_alerts_are_found_and_repaired_and_nothing_else(bench: Bench) -> None:
    """Three alerts dropped, one message deleted: exactly these are reported, and the outbox is as it was before."""
    before = bench.rows()
    lost = [a for a in bench.mailed() if a.type in {"lab_grade_4", "dose_limiting_toxicity", "unreadable_message"}]
    for alert in lost:
        bench.drop(alert)
    (sae,) = (alert for alert in bench.mailed() if alert.type == "serious_adverse_event")
    with bench.engine.begin() as db:
        one = MESSAGES.c.recipient == "email:safety.desk@example.org"
        db.execute(delete(MESSAGES).where(MESSAGES.c.alert_id == sae.id, one))
    assert bench.look() == 1
    assert bench.differences == sorted(
        [
            *(("alert_missing", alert.id, alert.revision, None, True) for alert in lost),
            ("message_missing", sae.id, sae.revision, "email:safety.desk@example.org", True),
        ],
        key=str,
    )
    assert bench.rows() == before
    with bench.engine.begin() as db:
        labelled = db.execute(select(MESSAGES.c.alert_id, MESSAGES.c.revision).where(MESSAGES.c.possible_repeat)).all()
    assert {tuple(row) for row in labelled} == {(a.id, a.revision) for a in (*lost, sae)}
    assert bench.look() == 0


def test_a_cause_that_has_just_come_is_no_difference(bench: Bench) -> None:
    """Its alert may still be on its way: nothing is reported until it had time to settle."""
    bench.drop(bench.mailed()[0])
    assert bench.look(settled_after=timedelta(hours=1)) == 0
    assert bench.said[-1]["too_young"] == bench.said[-1]["derived"]
    assert bench.look() == 1


def test_what_cannot_be_put_right_is_said(bench: Bench) -> None:
    """Another content under the same id, and an alert that no event explains: reported, and left alone."""
    first, second = [one for one in bench.mailed() if one.finding is not None][:2]
    with bench.engine.begin() as db:
        forged = first.model_copy(update={"headline": "all is well"}).model_dump_json()
        this = and_(ALERTS.c.id == first.id, ALERTS.c.revision == first.revision)
        db.execute(update(ALERTS).where(this).values(content=forged))
    stray = second.model_copy(update={"id": "AL-STRAY222"})
    Outbox(bench.engine).record([Arrival(stray, "-")], load_routing(ROUTING), 1)
    assert bench.look() == 1
    assert sorted(bench.differences, key=str) == [
        ("content_differs", first.id, first.revision, None, False),
        ("not_derived", "AL-STRAY222", second.revision, None, False),
    ]


def test_a_changed_book_mails_no_history_again(bench: Bench) -> None:
    """The book changed since the last look: what was lost is reported and not sent, until an operator says so."""
    assert bench.look() == 0
    with bench.engine.begin() as db:
        db.execute(update(EDITIONS).values(edition="another"))
    alert = next(a for a in bench.mailed() if a.study != "-")
    bench.drop(alert)
    assert bench.look() == 1
    assert bench.differences == [("alert_missing", alert.id, alert.revision, None, False)]
    assert bench.said[-1]["studies_of_another_edition"] == [alert.study]
    assert bench.look(another_edition=True) == 1
    assert bench.look() == 0


def test_what_is_said_names_no_subject(bench: Bench) -> None:
    """An operator reads the lines: ids, types and counts, no subject, no value."""
    for alert in bench.mailed():
        bench.drop(alert)
    assert bench.look() == 1
    assert not any(f'"{subject}"' in json.dumps(bench.said) for subject in CAST)
    assert set(bench.said[-1]) == {"derived", "too_young", "differences", "repaired", "studies_of_another_edition"}
