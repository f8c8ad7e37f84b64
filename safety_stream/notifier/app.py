"""The messenger, put together: settings in, exit code out."""

import asyncio
import fcntl
import signal
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from prometheus_client import start_http_server

from safety_stream.alerting.channels.channel import Channel
from safety_stream.alerting.channels.email import EmailChannel, MailServer
from safety_stream.alerting.channels.file import FileChannel
from safety_stream.alerting.channels.webhook import WebhookChannel
from safety_stream.broker.connection import aiokafka_arguments, unreachable
from safety_stream.errors import BrokerUnavailable, ConfigurationError, TopicsNotReady
from safety_stream.logs import configure_logs
from safety_stream.notifier.alert_state import Standing
from safety_stream.notifier.answer_page import AnswerPage, serve
from safety_stream.notifier.answers import Answers
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.canary import Canary
from safety_stream.notifier.consuming import Reader
from safety_stream.notifier.courses import ms
from safety_stream.notifier.decisions import AnswerReader, publish
from safety_stream.notifier.delivery import Courier, Health
from safety_stream.notifier.digest import Digests
from safety_stream.notifier.mail_watch import MailWatch, WatchedChannel, alarmed
from safety_stream.notifier.metrics import Metrics
from safety_stream.notifier.note_desk import NoteDesk
from safety_stream.notifier.outbox import Outbox
from safety_stream.notifier.pending import Pending
from safety_stream.notifier.readiness import Ready, prepare
from safety_stream.notifier.reporting import Tries, report
from safety_stream.notifier.response import Answered
from safety_stream.notifier.snapshot import Snapshot, renewed
from safety_stream.notifier.tables import sqlite_file
from safety_stream.notifier.timekeeping import Timekeeper, Timetable
from safety_stream.settings import Settings

COURIERS: Final = 2
_GROUP_TIMEOUT_MS: Final = 10_000
_LOG = structlog.get_logger("safety_stream.notifier")


def run(settings: Settings) -> int:
    """Deliver until SIGTERM or SIGINT, then 0. Raises ConfigurationError with every reason not to start."""
    configure_logs()
    return asyncio.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await deliver(settings, stop)
    return 0


async def deliver(settings: Settings, stop: asyncio.Event, started: asyncio.Event | None = None) -> None:
    """The messenger's life: ready, at work, and after ``stop`` nothing left half done."""
    ready = prepare(settings)
    try:
        with _alone(settings.outbox_url):
            await _deliver(settings, ready, stop, started or asyncio.Event())
    finally:
        ready.engine.dispose()


async def _deliver(settings: Settings, ready: Ready, stop: asyncio.Event, started: asyncio.Event) -> None:
    if reason := await asyncio.to_thread(unreachable, settings):
        raise BrokerUnavailable(f"No Kafka broker answers at {settings.bootstrap_servers}: {reason}")
    storm_over = settings.storm_over_alerts if settings.clock == "wall" else 0
    gather_ms = int(settings.mail_gather_seconds * 1000) if settings.clock == "wall" else 0
    digests = (
        Digests(ready.routing, settings.digest_at, settings.alert_budget)
        if settings.clock == "wall" and settings.digest_at
        else None
    )
    pending, work, settled = Pending(ready.engine), Bell(), Bell()
    if sqlite_file(settings.outbox_url):
        pending.release_all()
    responses = Snapshot(Answered(ready.engine, _now_ms, settings.alert_budget))
    standing = Snapshot(Standing(ready.engine, _now_ms))
    metrics = Metrics(pending.waiting, standing, responses, settings.alert_budget)
    consumer, decisions = _consumer(settings, "alerts"), _consumer(settings, "decisions")
    producer = _producer(settings)
    server, thread = start_http_server(settings.notifier_metrics_port, settings.metrics_host, metrics.registry)
    try:
        await consumer.start()
        await decisions.start()
        await producer.start()
        await _check_topics(consumer, settings)
        outbox = Outbox(ready.engine, storm_over, gather_ms, waits=settings.clock == "wall")
        answers = Answers(ready.engine)
        canary = _canary(settings, ready, producer)
        metrics.canary.canary = canary
        reader = Reader(consumer, outbox, ready.routing, metrics, work, _now, canary.take if canary else None)
        _LOG.info("at work", outbox=ready.engine.dialect.name, metrics_port=server.server_port)
        started.set()
        carried = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reader.run(stop))
            tasks.create_task(AnswerReader(decisions, answers, work, _now).run(stop))
            tasks.create_task(publish(answers, producer, settings.topic("decisions"), work, stop))
            tasks.create_task(Timekeeper(Timetable(ready.engine, storm_over, digests), work, _now).run(stop))
            tasks.create_task(renewed(stop, standing, responses))
            if canary is not None:
                tasks.create_task(canary.sing(stop))
                tasks.create_task(canary.carry(stop))
            if ready.links.keys:
                tasks.create_task(serve(AnswerPage(answers, ready.links, work, _now, ready.page), settings, stop))
            tasks.create_task(report(Tries(ready.engine), producer, settings.topic("deliveries"), settled, carried))
            couriers = [
                tasks.create_task(courier.run(stop))
                for courier in _couriers(settings, ready, pending, metrics, work, settled)
            ]
            tasks.create_task(_end_in_order(stop, work, couriers, carried, settled))
    finally:
        await consumer.stop()
        await decisions.stop()
        await producer.stop()
        server.shutdown()
        server.server_close()
        thread.join()
        _LOG.info("stopped")


async def _end_in_order(
    stop: asyncio.Event, work: Bell, couriers: Sequence[asyncio.Task[None]], carried: asyncio.Event, settled: Bell
) -> None:
    """Wake who waits for work; the last report is made only when the last message in hand has come to its end."""
    await stop.wait()
    _LOG.info("told to stop, messages in hand are brought to their end")
    work.ring()
    if couriers:
        await asyncio.wait(couriers)
    carried.set()
    settled.ring()


def _couriers(settings: Settings, ready: Ready, pending: Pending, metrics: Metrics, *bells: Bell) -> Iterator[Courier]:
    work, settled = bells
    used = {person.channel for roles in ready.routing.people.values() for people in roles.values() for person in people}
    for name in sorted(used):
        health, watch = Health(), _watch(settings, ready) if name == "email" else None
        for _ in range(COURIERS if name == "email" else 1):
            yield Courier(
                channel=_channel(name, settings, ready, watch),
                pending=pending,
                outbox=Outbox(ready.engine),
                routing=ready.routing,
                templates=ready.templates,
                metrics=metrics,
                health=health,
                work=work,
                settled=settled,
                clock=_now,
                lease=timedelta(seconds=10 * settings.smtp_timeout_seconds),
                notes=NoteDesk(ready.notes, ready.routing, ready.links, settings.mail_body_detail),
                links=ready.links,
                detail=settings.mail_body_detail,
                subject_style=settings.mail_subject_style,
                wall_clock=settings.clock == "wall",
            )


def _canary(settings: Settings, ready: Ready, producer: AIOKafkaProducer) -> Canary | None:
    if ready.canary is None:
        return None
    period, topic = timedelta(minutes=settings.canary_minutes), settings.topic("labs")
    return Canary(
        producer, topic, period, _channel("email", settings, ready, None), ready.canary, ready.templates, _now
    )


def _watch(settings: Settings, ready: Ready) -> MailWatch | None:
    """Who tells by webhook that mail is broken; nobody where no webhook is named."""
    people = alarmed(ready.routing)
    if not people:
        return None
    down_after = timedelta(minutes=settings.mail_down_minutes)
    return MailWatch(
        _webhook(settings),
        people=people,
        routing=ready.routing,
        templates=ready.templates,
        clock=_now,
        down_after=down_after,
    )


def _webhook(settings: Settings) -> WebhookChannel:
    key = settings.webhook_key.get_secret_value().encode() if settings.webhook_key else b""
    tls = ssl.create_default_context(cafile=settings.webhook_ca_file)
    return WebhookChannel(key, _now, settings.smtp_timeout_seconds, tls)


def _channel(name: str, settings: Settings, ready: Ready, watch: MailWatch | None) -> Channel:
    if name == "file":
        return FileChannel(settings.mail_folder, ready.sender, _now)
    if name == "webhook":
        return _webhook(settings)
    password = settings.smtp_password
    context = ssl.create_default_context(cafile=settings.smtp_ca_file) if settings.smtp_tls != "none" else None
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        timeout_seconds=settings.smtp_timeout_seconds,
        tls_context=context,
    )
    channel = EmailChannel(server, ready.sender, _now)
    return WatchedChannel(channel, watch) if watch is not None else channel


def _consumer(settings: Settings, topic: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        settings.topic(topic),
        group_id=f"{settings.topic_prefix}-notifier" + ("" if topic == "alerts" else f"-{topic}"),
        # The only messenger of an SQLite outbox takes its killed predecessor's place at once.
        group_instance_id=f"{settings.topic_prefix}-notifier-{topic}" if sqlite_file(settings.outbox_url) else None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=_GROUP_TIMEOUT_MS,
        **aiokafka_arguments(settings),
    )


def _producer(settings: Settings) -> AIOKafkaProducer:
    return AIOKafkaProducer(acks="all", enable_idempotence=True, **aiokafka_arguments(settings))


async def _check_topics(consumer: AIOKafkaConsumer, settings: Settings) -> None:
    there = await consumer.topics()
    wanted = [settings.topic(name) for name in ("alerts", "decisions", "deliveries")]
    if missing := [name for name in wanted if name not in there]:
        raise TopicsNotReady(
            [f"topic {name} is missing: create it with `safety-stream topics create`" for name in missing]
        )


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """An SQLite outbox has one messenger: two would take each other's claims for those of a dead process."""
    file = sqlite_file(url)
    if file is None:
        yield
        return
    with Path(f"{file}.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError([f"another messenger uses the outbox {file}"]) from None
        yield


def _now() -> datetime:
    return datetime.now(UTC)


def _now_ms() -> int:
    return ms(_now())
