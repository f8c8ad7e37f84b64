"""The courier against a real SMTP server: everything arrives, once if that can be known, labelled if it cannot."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from pathlib import Path

import alerts_made as made
import findings_made
import panels_made
import pytest
from prometheus_client import generate_latest
from sqlalchemy import Engine, select

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Channel, Message, Outcome
from safety_stream.alerting.channels.email import EmailChannel, MailServer
from safety_stream.alerting.letter import Letter
from safety_stream.alerting.policy import revise
from safety_stream.alerting.render import Rendered, Templates
from safety_stream.alerting.render_notes import NoteTemplates
from safety_stream.bundled import bundled_folder
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.delivery import Courier, Health
from safety_stream.notifier.metrics import Metrics
from safety_stream.notifier.note_desk import NoteDesk
from safety_stream.notifier.outbox import Arrival, Outbox
from safety_stream.notifier.pending import Pending
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import ATTEMPTS, MESSAGES
from safety_stream.sandbox.inbox import Inbox, Mail

SENDER = Address("", "safety-stream", "example.org")
DLT = made.sent(findings_made.dose_limiting_toxicity())
GRADE_4 = made.sent(findings_made.toxicity(4))
Mails = tuple[Mail, ...]


def now() -> datetime:
    """Wall time."""
    return datetime.now(UTC)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """A real SMTP server."""
    with Inbox(tmp_path / "mails") as server:
        yield server


class Desk:
    """An outbox with a courier beside it."""

    def __init__(self, engine: Engine, routing: Routing) -> None:
        self.engine, self.routing, self.work, self.settled = engine, routing, Bell(), Bell()
        self.pending = Pending(engine)
        self.metrics = Metrics(self.pending.waiting)
        self.templates = Templates(bundled_folder("alert_templates"))

    async def queue(self, *alerts: Alert, gather_ms: int = 0) -> None:
        """Put the alerts on record and ring."""
        stamp = int(now().timestamp() * 1000)
        arrivals = [Arrival(alert, "-") for alert in alerts]
        await asyncio.to_thread(Outbox(self.engine, gather_ms=gather_ms).record, arrivals, self.routing, stamp)
        self.work.ring()

    @asynccontextmanager
    async def courier(self, channel: Channel) -> AsyncIterator[asyncio.Task[None]]:
        """A courier at work; stopped at the end."""
        stop = asyncio.Event()
        one = Courier(
            channel=channel,
            pending=self.pending,
            outbox=Outbox(self.engine),
            routing=self.routing,
            templates=self.templates,
            metrics=self.metrics,
            health=Health(),
            work=self.work,
            settled=self.settled,
            clock=now,
            lease=timedelta(minutes=5),
            notes=NoteDesk(NoteTemplates(bundled_folder("alert_templates")), self.routing),
        )
        task = asyncio.create_task(one.run(stop))
        yield task
        stop.set()
        self.work.ring()
        await asyncio.wait([task])

    def states(self) -> list[str]:
        """The state of every message."""
        with self.engine.begin() as db:
            return sorted(db.scalars(select(MESSAGES.c.state)))

    def tries(self) -> int:
        """How many tries are on record."""
        with self.engine.begin() as db:
            return len(db.scalars(select(ATTEMPTS.c.id)).all())

    def count(self, alert: Alert, outcome: str) -> float:
        """The metric of an outcome."""
        labels = {"template": alert.type, "outcome": outcome}
        return self.metrics.registry.get_sample_value("safety_stream_emails_total", labels) or 0


@pytest.fixture
def desk(engine: Engine, routing: Routing) -> Desk:
    """An outbox for two people."""
    return Desk(engine, routing)


def mail_to(inbox: Inbox) -> EmailChannel:
    """The channel to that server."""
    return EmailChannel(MailServer("127.0.0.1", inbox.port, "none", timeout_seconds=5), SENDER, now)


async def arrived(inbox: Inbox, enough: Callable[[Mails], bool]) -> Mails:
    """Wait for mails without holding up the loop."""
    return await asyncio.to_thread(inbox.wait_for, enough, 30.0)


async def until(desk: Desk, holds: Callable[[], bool]) -> None:
    """Wait for a try to be settled after which it holds; the test's own time limit ends a wait in vain."""
    while True:
        bell = desk.settled.listen()
        if await asyncio.to_thread(holds):
            return
        await bell.wait()


async def settled(desk: Desk, states: list[str]) -> None:
    """Wait until the database says so."""
    await until(desk, lambda: desk.states() == states)


async def test_every_person_gets_one_mail_and_the_database_knows(desk: Desk, inbox: Inbox) -> None:
    """A DLT to two people and a grade 4 to one: three mails, three accepted, each to the right person."""
    async with desk.courier(mail_to(inbox)):
        await desk.queue(DLT, GRADE_4)
        mails = await arrived(inbox, lambda mails: len(mails) >= 3)
        await settled(desk, ["accepted"] * 3)
    assert sorted((mail.message["X-Safety-Stream-Alert"], *mail.recipients) for mail in mails) == sorted(
        [
            (DLT.id, "monitor@example.org"),
            (DLT.id, "physician@example.org"),
            (GRADE_4.id, "physician@example.org"),
        ]
    )
    assert desk.count(DLT, "accepted") == 2
    assert desk.tries() == 3


async def test_a_server_that_is_away_delays_mail_and_nothing_else(desk: Desk, inbox: Inbox) -> None:
    """While it is away alerts go on being recorded, a few tries are made for all together; back, all arrive once."""
    inbox.stop()
    async with desk.courier(mail_to(inbox)):
        await desk.queue(GRADE_4)
        await until(desk, lambda: desk.count(GRADE_4, "deferred") > 0)
        await desk.queue(DLT)
        assert desk.states() == ["pending"] * 3
        inbox.start()
        mails = await arrived(inbox, lambda mails: len(mails) >= 3)
        await settled(desk, ["accepted"] * 3)
    assert len({mail.message_id for mail in mails}) == len(mails) == 3
    assert desk.count(DLT, "deferred") == 0


async def test_a_server_that_asks_to_come_back_is_asked_again(desk: Desk, inbox: Inbox) -> None:
    """4xx once, then accepted: one mail, without a label, since the first try cannot have arrived."""
    inbox.fault = "defer"
    async with desk.courier(mail_to(inbox)):
        await desk.queue(GRADE_4)
        await until(desk, lambda: desk.count(GRADE_4, "deferred") > 0)
        inbox.fault = "none"
        (mail,) = await arrived(inbox, lambda mails: len(mails) >= 1)
        await settled(desk, ["accepted"])
    assert "POSSIBLE REPEAT" not in mail.text()


async def test_a_refused_person_does_not_hold_up_another(desk: Desk, inbox: Inbox) -> None:
    """5xx ends the message, and that to the next in line too; the next alert to the same person is tried on its own."""
    inbox.fault = "refuse"
    async with desk.courier(mail_to(inbox)):
        await desk.queue(GRADE_4)
        await settled(desk, ["rejected", "rejected"])
        inbox.fault = "none"
        await desk.queue(DLT)
        await arrived(inbox, lambda mails: len(mails) >= 2)
        await settled(desk, ["accepted", "accepted", "rejected", "rejected"])
    assert desk.count(GRADE_4, "rejected") == 2


async def test_when_a_person_is_refused_the_next_in_line_is_told_at_once(desk: Desk, inbox: Inbox) -> None:
    """5xx for the safety physician: the back-up and the medical monitor are told now, and told why."""
    backup = Recipient("email", "backup@example.org")
    desk.routing = Routing({"*": {**desk.routing.people["*"], "safety_physician_backup": (backup,)}})
    inbox.refused = frozenset({"physician@example.org"})
    async with desk.courier(mail_to(inbox)):
        await desk.queue(GRADE_4)
        mails = await arrived(inbox, lambda mails: len(mails) >= 2)
        await settled(desk, ["accepted", "accepted", "rejected"])
    assert {address for mail in mails for address in mail.recipients} == {"backup@example.org", "monitor@example.org"}
    assert all("STEPPED UP TO YOU" in mail.text() for mail in mails)
    on_record = Outbox(desk.engine).on_record([(GRADE_4.id, 1)])[GRADE_4.id, 1]
    assert len(on_record.recipients) == len(on_record.queued) == 3


async def test_a_lost_reply_is_repeated_under_the_same_message_id_and_says_so(desk: Desk, inbox: Inbox) -> None:
    """The server took the mail and hung up: a second copy, same Message-ID, labelled in text and HTML."""
    inbox.fault = "drop-reply"
    async with desk.courier(mail_to(inbox)):
        await desk.queue(GRADE_4)
        await arrived(inbox, lambda mails: len(mails) >= 1)
        inbox.fault = "none"
        first, second = await arrived(inbox, lambda mails: len(mails) >= 2)
        await settled(desk, ["accepted"])
    assert first.message_id == second.message_id
    assert "POSSIBLE REPEAT" not in first.text()
    assert "POSSIBLE REPEAT" in second.text()
    html = second.message.get_body(("html",))
    assert html is not None
    assert "POSSIBLE REPEAT" in html.get_content()


class Taken(Channel):
    """A channel that takes the message and never comes back, as when the process is killed right then."""

    def __init__(self) -> None:
        self.took = asyncio.Event()

    @property
    def name(self) -> str:
        """Stands in for mail."""
        return "email"

    async def send(self, message: Message) -> Outcome:
        """Take it and hang."""
        self.took.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Nothing to let go."""


async def test_a_messenger_killed_between_sending_and_writing_it_down_labels_the_repeat(
    desk: Desk, inbox: Inbox
) -> None:
    """The next messenger cannot know whether the mail is out: it sends it, labelled as a possible repeat."""
    channel = Taken()
    async with desk.courier(channel) as task:
        await desk.queue(GRADE_4)
        await channel.took.wait()
        task.cancel()
    desk.pending.release_all()
    async with desk.courier(mail_to(inbox)):
        (mail,) = await arrived(inbox, lambda mails: len(mails) >= 1)
        await settled(desk, ["accepted"])
    assert "POSSIBLE REPEAT" in mail.text()


class Torn(Templates):
    """Templates that fail when they are needed."""

    def render(self, letter: Letter) -> Rendered:
        """Fail."""
        raise ValueError("a template is broken")


async def test_a_broken_template_keeps_no_alert_from_its_reader(desk: Desk, inbox: Inbox) -> None:
    """The mail goes out plain, with headline and facts, and the metric tells the operator."""
    desk.templates = Torn(bundled_folder("alert_templates"))
    async with desk.courier(mail_to(inbox)):
        await desk.queue(GRADE_4)
        (mail,) = await arrived(inbox, lambda mails: len(mails) >= 1)
        await settled(desk, ["accepted"])
    assert GRADE_4.headline in mail.text()
    assert desk.metrics.registry.get_sample_value("safety_stream_letters_unrendered_total") == 1


async def test_a_correction_says_what_changed_since_this_person_was_told(desk: Desk, inbox: Inbox) -> None:
    """0.42 was mailed, then corrected to 0.24: the second mail is in the first one's thread and shows both."""
    before = findings_made.toxicity(4)
    readings = (*before.readings[:-1], findings_made.reading(12, "0.24", 4, version=2))
    (now_told,) = revise(findings_made.changed(before, findings_made.toxicity(4, "0.24", readings=readings)))
    async with desk.courier(mail_to(inbox)):
        await desk.queue(GRADE_4, now_told)
        first, second = await arrived(inbox, lambda mails: len(mails) >= 2)
        await settled(desk, ["accepted", "accepted"])
    assert second.message["References"] == first.message["References"]
    assert second.subject == first.subject
    assert "NOT THE LATEST WORD: revision 2 of this alert follows." in first.text()
    assert "Result: was 0.42 10*9/L; now 0.24 10*9/L" in second.text()


async def test_a_correction_reaches_everybody_in_the_thread_of_the_original(desk: Desk, inbox: Inbox) -> None:
    """Both who were told of a DLT hear that it was refuted, in the subject line's first word, in the same thread."""
    candidate = findings_made.dose_limiting_toxicity()
    refuted = findings_made.dose_limiting_toxicity(state="refuted", adjudicated_by="Dr Wang", adjudication="disease")
    (taken_back,) = revise(findings_made.changed(candidate, refuted))
    async with desk.courier(mail_to(inbox)):
        await desk.queue(DLT)
        await arrived(inbox, lambda mails: len(mails) >= 2)
        await desk.queue(taken_back)
        mails = [mail.message for mail in await arrived(inbox, lambda mails: len(mails) >= 4)]
        await settled(desk, ["accepted"] * 4)
    told = [{str(mail["To"]) for mail in mails if str(mail["X-Safety-Stream-Revision"]) == str(n)} for n in (1, 2)]
    assert told[0] == told[1]
    assert len(told[0]) == 2
    assert sorted({str(mail["Subject"]) for mail in mails}) == [
        f"[{word}] {str(mails[0]['Subject']).partition('] ')[2]}" for word in ("CRITICAL", "REFUTED")
    ]
    for header in ("References", "In-Reply-To", "Thread-Topic", "Thread-Index"):
        assert len({str(mail[header]) for mail in mails}) == 1, header


async def test_no_identifier_reaches_a_subject_line_a_metric_or_the_log(
    desk: Desk, inbox: Inbox, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every type goes out: subject number, site, value and term stay inside the mails."""
    alerts = made.one_of_each()
    async with desk.courier(mail_to(inbox)):
        await desk.queue(*alerts)
        ids = {alert.id for alert in alerts}
        mails = await arrived(
            inbox, lambda mails: {str(mail.message["X-Safety-Stream-Alert"]) for mail in mails} >= ids
        )
        await until(desk, lambda: "pending" not in desk.states())
    subjects = "\n".join(str(mail.message["Subject"]) for mail in mails)
    exposed = subjects + generate_latest(desk.metrics.registry).decode() + "".join(capfd.readouterr())
    planted = [findings_made.SUBJECT, findings_made.SITE, "SUBJ-7742", "Neutrophil", "Cytokine"]
    assert "0.42" not in subjects
    assert [one for one in planted if one in exposed] == []
    assert any(findings_made.SUBJECT in mail.text() for mail in mails)


async def test_one_tube_of_blood_is_one_mail_and_gives_nothing_away(
    desk: Desk, inbox: Inbox, capfd: pytest.CaptureFixture[str]
) -> None:
    """Three alerts, one mail to the physician in all three threads; outside the mail no identifier and no value."""
    neutrophils = panels_made.result("NEUT", 4)
    alerts = (panels_made.alt_4, neutrophils, panels_made.hys)
    async with desk.courier(mail_to(inbox)):
        await desk.queue(*alerts, gather_ms=200)
        mails = await arrived(inbox, lambda mails: len(mails) >= 2)
        await until(desk, lambda: "pending" not in desk.states())
    (mail,) = [one.message for one in mails if "physician" in str(one.message["To"])]
    assert str(mail["X-Safety-Stream-Alert"]) == panels_made.hys.id
    assert all(f"al.{one.id}@" in str(mail["References"]) for one in alerts)
    assert str(mail["In-Reply-To"]) == f"<al.{panels_made.hys.id}@example.org>"
    assert desk.states() == ["accepted", "accepted", "accepted", "contained"]
    exposed = str(mail["Subject"]) + generate_latest(desk.metrics.registry).decode() + "".join(capfd.readouterr())
    assert [one for one in (findings_made.SUBJECT, findings_made.SITE, "NEUT high", "900 U/L") if one in exposed] == []
