"""The canary: one result of nobody becomes an alert by the ordinary rules, one mail, two series, and nothing else."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import generate_latest
from stories import bundled

from safety_stream import intake
from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Message, Outcome
from safety_stream.alerting.render import Templates
from safety_stream.bundled import bundled_folder
from safety_stream.clinical.events import Accepted, LabResult
from safety_stream.clinical.stored import with_its_pages
from safety_stream.errors import ConfigurationError
from safety_stream.notifier.canary import Canary, results
from safety_stream.notifier.consuming import Reader
from safety_stream.notifier.metrics import Metrics as NotifierMetrics
from safety_stream.notifier.pending import Waiting
from safety_stream.notifier.readiness import canary_mailbox
from safety_stream.notifier.routing import Recipient
from safety_stream.reconcile.derived import PartitionOfEvents
from safety_stream.rulebook.canary import CANARY, with_canary
from safety_stream.settings import Settings
from safety_stream.worker.clinic import Clinic
from safety_stream.worker.metrics import Metrics

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOBODY = Recipient("email", "canary@example.org")


def judged(*events: LabResult) -> list[Any]:
    """What follows from each event in turn, by the worker's own judgement."""
    clinic, found = Clinic(with_canary(bundled())), list[Any]()
    record: Any = clinic.empty(CANARY, events[0].subject)
    for event in events:
        after = with_its_pages(
            record,
            lambda record, page: clinic.with_page(record, page, None),
            partial(clinic.of_subject, event=event, as_of=event.reported_at),
        )
        record = after.record
        found.append(after)
    return found


def sent(*events: LabResult) -> list[Alert]:
    """The alerts of grade 4 that go out."""
    alerts = [alert for after in judged(*events) for alert in after.alerts]
    # Beside them a question: nobody has screened this subject. The canary does not mail it.
    return [one for one in alerts if one.decision.action == "send" and one.type != "ungradable"]


class Mailbox:
    """A channel that keeps its messages."""

    name = "email"

    def __init__(self, says: str = "accepted") -> None:
        self.messages: list[Message] = []
        self.says = says

    async def send(self, message: Message) -> Outcome:
        """Keep it."""
        self.messages.append(message)
        return Outcome(self.says, "250 queued")  # type: ignore[arg-type]

    async def close(self) -> None:
        """Nothing to let go of."""


class Log:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.values: list[tuple[str, bytes, bytes]] = []
        self.twice = asyncio.Event()

    async def send_and_wait(self, topic: str, value: bytes, key: bytes) -> None:
        """Keep it."""
        self.values.append((topic, value, key))
        if len(self.values) == 2:
            self.twice.set()


def a_canary(mailbox: Mailbox, now: Sequence[datetime]) -> Canary:
    """One whose clock reads these times in turn."""
    times = iter(now)
    templates = Templates(bundled_folder("alert_templates"))
    return Canary(Log(), "safety.labs", timedelta(minutes=5), mailbox, NOBODY, templates, lambda: next(times))


def test_every_song_is_an_alert_of_its_own_by_the_ordinary_rules() -> None:
    """Three songs five minutes apart: three alerts of grade 4 with three ids, and no other alert that goes out."""
    songs = [one for song in range(3) for one in results(AT + song * timedelta(minutes=5))]
    alerts = sent(*songs)
    assert [one.type for one in alerts] == ["lab_grade_4"] * 3
    assert len({one.id for one in alerts}) == 3
    assert sent(*songs, *songs) == alerts  # a repeated message is no second song


def test_what_it_sends_is_read_and_admitted_like_any_message() -> None:
    """Two messages of native JSON on the labs topic under one key; a worker without a canary refuses them."""
    canary, stop = a_canary(Mailbox(), [AT, AT]), asyncio.Event()

    async def one_song() -> None:
        task = asyncio.create_task(canary.sing(stop))
        await canary.sender.twice.wait()  # type: ignore[attr-defined]
        stop.set()
        await task

    asyncio.run(one_song())
    (first, second) = canary.sender.values  # type: ignore[attr-defined]
    assert (first[0], first[2]) == (second[0], second[2]) == ("safety.labs", b"CANARY-000|Wed-12")
    (event,) = intake.read(None, second[1])
    assert isinstance(event, LabResult)
    assert intake.admit(event, [CANARY]) is None
    assert intake.admit(event, ["CAR-NK-SLE-01"]) is not None


def test_one_mail_and_the_time_it_took() -> None:
    """Two seconds from the event to the server's 250; the same alert read again proves nothing, and is no mail."""
    (alert,) = sent(*results(AT))
    mailbox = Mailbox()
    canary = a_canary(mailbox, [AT - timedelta(minutes=1), AT + timedelta(seconds=2)])
    asyncio.run(canary.mail(alert))
    asyncio.run(canary.mail(alert))
    (mail,) = mailbox.messages
    assert mail.subject.startswith("[CRITICAL] CANARY-000: grade 4 laboratory result")
    assert (canary.since, canary.seconds) == (AT + timedelta(seconds=2), 2.0)


def test_a_mail_that_is_not_accepted_is_no_success() -> None:
    """The time of the last success stays where it was."""
    (alert,) = sent(*results(AT))
    canary = a_canary(Mailbox("deferred"), [AT, AT])
    asyncio.run(canary.mail(alert))
    assert (canary.since, canary.seconds) == (AT, None)


def test_the_series_are_there_only_where_a_canary_is_sent() -> None:
    """Without one nothing is exported, so that nothing is late."""
    metrics = NotifierMetrics(lambda: Waiting(0, 0, None))
    arrived, took = "safety_stream_canary_last_success_timestamp_seconds", "safety_stream_canary_seconds"
    assert metrics.registry.get_sample_value(arrived) is None
    metrics.canary.canary = a_canary(Mailbox(), [AT])
    assert metrics.registry.get_sample_value(arrived) == AT.timestamp()
    assert metrics.registry.get_sample_value(took) is None


def test_it_is_no_study_of_any_count() -> None:
    """No status for the cohort, no series of the worker's, nothing for the second look to miss."""
    consequences = judged(*results(AT))
    assert [after.status for after in consequences] == [None, None]
    assert [after.deadline for after in consequences] == [None, None]  # switched off, no tick asks for it again
    metrics = Metrics([CANARY, "A-1"])
    for after in consequences:
        metrics.concluded(after)
    page = generate_latest(metrics.registry).decode()
    assert CANARY not in page
    partition = PartitionOfEvents(bundled(), "wall")
    for event in results(AT):
        assert list(partition.take(Accepted(event=event, received_at=AT, origin="x"), AT)) == []


@pytest.mark.parametrize("there_is_one", [True, False])
def test_its_alerts_leave_the_reader_before_the_outbox(there_is_one: bool) -> None:
    """Nobody is ever told of it, whether or not this notifier has a canary; other alerts are recorded as always."""
    (alert,) = sent(*results(AT))
    other = alert.model_copy(update={"study": "A-1"})
    taken: list[Alert] = []
    recorded: list[Alert] = []

    class Outbox:
        def record(self, arrivals: Any, *_: Any) -> Any:
            recorded.extend(one.alert for one in arrivals)
            return SimpleNamespace(contradicted=(), messages=0)

    unused: Any = None
    reader = Reader(unused, Outbox(), unused, unused, unused, lambda: AT, taken.append if there_is_one else None)  # type: ignore[arg-type]
    records = [
        SimpleNamespace(
            value=one.model_dump_json().encode(), topic="safety.alerts", partition=0, offset=at, timestamp=0
        )
        for at, one in enumerate((alert, other))
    ]
    asyncio.run(reader._take(records))
    assert recorded == [other]
    assert taken == ([alert] if there_is_one else [])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"canary_minutes": 5}, "canary_mailbox None is no mail address"),
        ({"canary_minutes": 5, "canary_mailbox": "canary@example.org", "clock": "event"}, "wall time only"),
    ],
)
def test_it_is_not_sent_half_configured(settings: dict[str, Any], says: str) -> None:
    """No mailbox, or a clock that is not the wall's: the notifier says so and does not start."""
    problems: list[str] = []
    canary_mailbox(Settings(**settings), problems)
    with pytest.raises(ConfigurationError, match=says):
        raise ConfigurationError(problems)


def test_it_is_on_with_both_and_off_by_default() -> None:
    """A mailbox where it is on, none where it is off."""
    problems: list[str] = []
    assert canary_mailbox(Settings(), problems) is None
    assert canary_mailbox(Settings(canary_minutes=5, canary_mailbox="canary@example.org"), problems) == NOBODY
    assert problems == []
