"""A Faust application that is never started, and the strict consumer in it."""

from pathlib import Path
from typing import Any, cast

import faust
import pytest
from strict_made import SOURCE, RecordingThread

from safety_stream.worker.strict import transport
from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.recovery import SafeTableManager
from safety_stream.worker.strict.tables import DurableTable


@pytest.fixture
def app(tmp_path: Path) -> faust.App:
    """An application with one durable table, never started."""
    transport.register()
    made = faust.App(
        "t",
        broker="safekafka://127.0.0.1:1",
        Table=DurableTable,
        TableManager=SafeTableManager,
        store="memory://",
        datadir=tmp_path,
        topic_allow_declare=False,
        autodiscover=False,
    )
    made.Table("pages", key_type=bytes, value_type=bytes, partitions=2)
    return made


@pytest.fixture
def delivered() -> list[Any]:
    """The messages that reached the agents."""
    return []


@pytest.fixture
async def consumer(app: faust.App, delivered: list[Any]) -> StrictConsumer:
    """The strict consumer, its thread replaced."""

    async def deliver(message: Any) -> None:
        delivered.append(message)

    async def nothing(*_: Any) -> None:
        return None

    made = cast(
        StrictConsumer,
        app.transport.create_consumer(
            callback=deliver, on_partitions_revoked=nothing, on_partitions_assigned=nothing, beacon=app.beacon
        ),
    )
    made._thread.thread_loop.close()  # of the real thread, which never runs
    made._thread = cast(Any, RecordingThread())
    app.consumer = made
    app.topics._acking_topics.update({SOURCE.topic})  # type: ignore[attr-defined]
    return made
