"""The worker, put together: settings, judgement, Faust with the strict layer, the three agents. Nowhere else."""

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import faust
import structlog
from faust.types import TP

from safety_stream.broker.topic_table import INBOUND, worker_group
from safety_stream.errors import ConfigurationError
from safety_stream.logs import configure_logs
from safety_stream.settings import Settings
from safety_stream.worker import housekeeping
from safety_stream.worker.agents import Rounds, Work
from safety_stream.worker.cohorts_work import CohortsWork
from safety_stream.worker.engine_settings import durable_table, engine_settings
from safety_stream.worker.guard import OffsetGuard
from safety_stream.worker.health import HealthServer
from safety_stream.worker.intake_work import IntakeWork
from safety_stream.worker.judgement import Judgement
from safety_stream.worker.last_resort import end_within
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.pulse import Pulse
from safety_stream.worker.quarantine import Quarantine
from safety_stream.worker.shown import shown
from safety_stream.worker.start_checks import own_data_folder, refuse_unless_ready
from safety_stream.worker.strict import store, transport
from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.subjects_work import SubjectsWork
from safety_stream.worker.time_limit import install_alarm
from safety_stream.worker.trial_faults import fault_of_environment, stock_is_wanted

EXIT_BROKEN = 1
EXIT_REFUSED = 2
SWEEP_AFTER = (20_000, 20, 50)
"""How seldom rings are looked for: all held records are looked through each time, and they have none."""
log = structlog.get_logger("safety_stream.worker")


def run(settings: Settings) -> int:
    """Run one worker until it is told to stop; 0 stopped, 1 broken (start it again), 2 refused (a person must look)."""
    from safety_stream.worker.clinic import judgement_of

    return serve(settings, lambda: judgement_of(settings))


def serve(settings: Settings, judgement: Callable[[], Judgement]) -> int:
    """The same with any judgement: ``judgement()`` makes it, and raises ConfigurationError with all that is wrong."""
    configure_logs()
    try:
        made = refuse_unless_ready(settings, judgement)
        with own_data_folder(settings):
            return _run(assemble(settings, made))
    except ConfigurationError as error:
        log.error("The worker does not start", problems=list(error.problems))
        return EXIT_REFUSED


@dataclass(frozen=True)
class Assembled:
    """A worker that is put together and has not started."""

    app: faust.App
    health: HealthServer
    seconds_to_end: float


def assemble(settings: Settings, judgement: Judgement) -> Assembled:
    """Put a worker together. Raises ConfigurationError when its port is taken."""
    transport.register()
    store.register()
    install_alarm()
    stock = stock_is_wanted()
    app = faust.App(worker_group(settings), **engine_settings(settings, stock=stock))
    metrics = Metrics(judgement.studies, shown=shown(settings, judgement))
    pulse = Pulse(settings.session_timeout_seconds)
    guard = OffsetGuard(lambda tp: _first_offset(app, tp), lenient=stock)
    subjects = SubjectsWork(settings, judgement, durable_table(app, settings, "pages"), guard, metrics)
    cohorts = CohortsWork(settings, judgement, durable_table(app, settings, "cohorts"), guard, metrics)
    intake = IntakeWork(settings, judgement.studies, metrics)
    rounds = Rounds(
        most=settings.events_at_once,
        limit_seconds=settings.event_time_limit_seconds,
        quarantine=Quarantine(
            settings.data_folder / settings.worker_id, settings.quarantine_after, settings.topic("events")
        ),
        pulse=pulse,
        metrics=metrics,
        fault=fault_of_environment(),
    )
    _agent(app, rounds, intake, *(spec.full_name(settings) for spec in INBOUND))
    _agent(app, rounds, subjects, settings.topic("events"))
    _agent(app, rounds, cohorts, settings.topic("statuses"))
    _follow_assignment(app, settings, subjects, cohorts, guard)
    _housekeep(app, settings, subjects, pulse, metrics)
    return Assembled(app, _health(settings, app, pulse, metrics), settings.event_time_limit_seconds * 2)


def _agent(app: faust.App, rounds: Rounds, work: Work, *topics: str) -> None:
    topic = app.topic(
        *topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
    )

    async def agent(stream: Any) -> None:
        await rounds.run(stream, work)

    app.agent(topic, name=work.name)(agent)


def _follow_assignment(
    app: faust.App, settings: Settings, subjects: SubjectsWork, cohorts: CohortsWork, guard: OffsetGuard
) -> None:
    logs: dict[str, SubjectsWork | CohortsWork] = {
        settings.topic("events"): subjects,
        settings.topic("statuses"): cohorts,
    }

    async def recovered() -> None:
        guard.forget()
        owned = app.consumer.assignment()
        for topic, work in logs.items():
            work.assigned(sorted(tp.partition for tp in owned if tp.topic == topic))
        log.info("Recovered", partitions=sorted(tp.partition for tp in owned if tp.topic == settings.topic("events")))

    async def revoked(_sender: Any, revoked: set[TP], **_: Any) -> None:
        for topic, work in logs.items():
            work.revoked(sorted(tp.partition for tp in revoked if tp.topic == topic))

    # After the last table has been recovered: both are complete then.
    list(app.tables.values())[-1].on_recover(recovered)
    app.on_partitions_revoked.connect(cast(Any, revoked), weak=False)


def _housekeep(app: faust.App, settings: Settings, subjects: SubjectsWork, pulse: Pulse, metrics: Metrics) -> None:
    async def beat() -> None:
        await housekeeping.beat(app, pulse, metrics)

    async def let_time_pass() -> None:
        await housekeeping.let_time_pass(app, settings, subjects.deadlines)

    app.task(beat)
    if settings.clock == "wall":
        app.task(let_time_pass)


def _health(settings: Settings, app: faust.App, pulse: Pulse, metrics: Metrics) -> HealthServer:
    most = settings.event_time_limit_seconds * 2

    def alive() -> str:
        return f"the loop has not turned for {pulse.age:.0f} s" if pulse.age > most else ""

    def ready() -> str:
        return "" if housekeeping.is_ready(app) else "not recovered yet"

    try:
        return HealthServer(settings.metrics_host, settings.metrics_port, metrics.registry, alive, ready)
    except OSError as error:
        where = f"{settings.metrics_host}:{settings.metrics_port}"
        raise ConfigurationError([f"metrics cannot be served on {where}: {error.strerror}"]) from error


def _first_offset(app: faust.App, tp: TP) -> int | None:
    consumer = app.consumer
    return consumer.first_offset(tp) if isinstance(consumer, StrictConsumer) else None


def _run(worker: Assembled) -> int:
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    service = faust.Worker(worker.app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False)
    service.spinner = None
    gc.collect()
    gc.freeze()  # the book and the code stay: no collection needs to look at them again
    gc.set_threshold(*SWEEP_AFTER)
    worker.health.start()
    log.info("Started", metrics_port=worker.health.port)
    try:
        with end_within(worker.seconds_to_end, worker.app):
            service.execute_from_commandline()
    except SystemExit as end:
        return int(end.code or 0)
    except Exception:
        log.exception("The worker broke and stops; nothing unfinished was acknowledged")
        return EXIT_BROKEN
    finally:
        worker.health.stop()
