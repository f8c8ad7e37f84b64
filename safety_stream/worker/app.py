"""The worker, put together: settings, judgement, Faust with the strict layer, the three agents. Nowhere else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import faust
import structlog
from faust.types import TP

from safety_stream.broker.topic_table import INBOUND, worker_group
from safety_stream.errors import ConfigurationError, SafetyStreamError
from safety_stream.settings import Settings
from safety_stream.worker.agents import Rounds, Work
from safety_stream.worker.cohorts_work import CohortsWork
from safety_stream.worker.engine_settings import TABLE_OPTIONS, engine_settings
from safety_stream.worker.guard import OffsetGuard
from safety_stream.worker.intake_work import IntakeWork
from safety_stream.worker.judgement import Judgement
from safety_stream.worker.logs import configure_logs
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.pages import supersedes
from safety_stream.worker.quarantine import Quarantine
from safety_stream.worker.start_checks import own_data_folder, refuse_unless_ready
from safety_stream.worker.strict import transport
from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.tables import DurableTable
from safety_stream.worker.subjects_work import SubjectsWork
from safety_stream.worker.time_limit import install_alarm

EXIT_BROKEN = 1
EXIT_REFUSED = 2
log = structlog.get_logger("safety_stream.worker")


def run(settings: Settings) -> int:
    """Run one worker until it is told to stop; 0 stopped, 1 broken (start it again), 2 refused (a person must look)."""
    from safety_stream.worker.clinic import judgement_of

    return serve(settings, lambda: judgement_of(settings))


def serve(settings: Settings, judgement: Any) -> int:
    """The same with any judgement: ``judgement()`` makes it, and raises ConfigurationError with all that is wrong."""
    configure_logs()
    try:
        made: Judgement = refuse_unless_ready(settings, judgement)
        with own_data_folder(settings):
            return _run(assemble(settings, made))
    except ConfigurationError as error:
        log.error("The worker does not start", problems=list(error.problems))
        return EXIT_REFUSED
    except SafetyStreamError as error:
        log.error("The worker does not start", reason=str(error))
        return EXIT_REFUSED


@dataclass(frozen=True)
class Assembled:
    """A worker that is put together and has not started."""

    app: faust.App
    works: Sequence[Work]
    metrics: Metrics


def assemble(settings: Settings, judgement: Judgement) -> Assembled:
    """Put a worker together."""
    transport.register()
    install_alarm()
    app = faust.App(worker_group(settings), **engine_settings(settings))
    metrics = Metrics(judgement.studies)
    guard = OffsetGuard(lambda tp: _first_offset(app, tp))
    subjects = SubjectsWork(settings, judgement, _table(app, settings, "pages"), guard, metrics)
    cohorts = CohortsWork(settings, judgement, _table(app, settings, "cohorts"), guard, metrics)
    intake = IntakeWork(settings, judgement.studies, metrics)
    folder = settings.data_folder / settings.worker_id
    rounds = Rounds(
        settings.events_at_once, settings.event_time_limit_seconds, Quarantine(folder, settings.quarantine_after)
    )
    _agent(app, rounds, intake, *(spec.full_name(settings) for spec in INBOUND))
    _agent(app, rounds, subjects, settings.topic("events"))
    _agent(app, rounds, cohorts, settings.topic("statuses"))
    _follow_assignment(app, settings, subjects, cohorts, guard)
    return Assembled(app, (intake, subjects, cohorts), metrics)


def _table(app: faust.App, settings: Settings, name: str) -> DurableTable:
    options = dict(TABLE_OPTIONS) if settings.store == "rocksdb" else None
    table = app.Table(
        name,
        key_type=bytes,
        value_type=bytes,
        partitions=settings.partitions,
        supersedes=supersedes,
        options=options,
    )
    return cast(DurableTable, table)


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
        for topic, work in logs.items():
            work.assigned(sorted(tp.partition for tp in app.consumer.assignment() if tp.topic == topic))

    async def revoked(_sender: Any, revoked: set[TP], **_: Any) -> None:
        for topic, work in logs.items():
            work.revoked(sorted(tp.partition for tp in revoked if tp.topic == topic))

    tables = list(app.tables.values())
    tables[-1].on_recover(recovered)
    app.on_partitions_revoked.connect(cast(Any, revoked), weak=False)


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
    try:
        service.execute_from_commandline()
    except SystemExit as end:
        return int(end.code or 0)
    except Exception:
        log.exception("The worker broke and stops; nothing unfinished was acknowledged")
        return EXIT_BROKEN
