"""The versions and the sources the strict layer was written for; any other engine is refused at start.

After reviewing a new engine against every class of this room:
``python -m safety_stream.worker.strict.engine_check > safety_stream/worker/strict/engine_sources.json``.
"""

import hashlib
import inspect
import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from types import FunctionType
from typing import Any

import aiokafka
import faust
from aiokafka.consumer.fetcher import Fetcher as AiokafkaFetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.agents.agent import Agent
from faust.app.base import App
from faust.stores import memory, rocksdb
from faust.streams import Stream
from faust.tables.base import Collection
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport import consumer as faust_consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Producer
from mode.supervisors import CrashingSupervisor
from mode.utils.queues import FlowControlEvent, FlowControlQueue

from safety_stream.errors import UnknownEngine
from safety_stream.worker.strict.consumer import StrictConsumer
from safety_stream.worker.strict.fetching import FetchLoop
from safety_stream.worker.strict.recovery import SafeRecovery, SafeTableManager
from safety_stream.worker.strict.store import DisposableStore
from safety_stream.worker.strict.tables import DurableTable
from safety_stream.worker.strict.thread import StrictConsumerThread
from safety_stream.worker.strict.transport import StrictTransport

VERSIONS = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

OURS: tuple[type, ...] = (
    StrictConsumerThread,
    FetchLoop,
    StrictConsumer,
    StrictTransport,
    SafeRecovery,
    SafeTableManager,
    DurableTable,
    DisposableStore,
)

# What we do not override but lean on: a change here would change what ours do.
FOUNDATIONS: tuple[Any, ...] = (
    aiokafka.AIOKafkaConsumer.seek,
    aiokafka.AIOKafkaConsumer.committed,
    aiokafka.AIOKafkaConsumer.commit,
    aiokafka.AIOKafkaConsumer.beginning_offsets,
    AiokafkaFetcher.fetched_records,
    AiokafkaFetcher.seek_to,
    aiokafka.AIOKafkaProducer.send_batch,
    BatchBuilder,
    AIOKafkaConsumerThread._commit,
    AIOKafkaConsumerThread._fetch_records,
    faust_consumer.Consumer.wait_empty,
    faust_consumer.Consumer.force_commit,
    faust_consumer.Consumer.on_stop,
    faust_consumer.Consumer.pause_partitions,
    faust_consumer.Consumer.resume_partitions,
    faust_consumer.Consumer.on_buffer_full,
    faust_consumer.Consumer.on_buffer_drop,
    faust_consumer.Fetcher._fetcher.fun,
    App._on_partitions_revoked,
    App._on_partitions_assigned,
    App._stop_consumer,
    Recovery._restart_recovery.fun,
    Recovery._slurp_changelogs.fun,
    Recovery.on_rebalance,
    TableManager.on_rebalance,
    Collection.on_start,
    Producer.send,
    memory.Store.on_recovery_completed,
    rocksdb.Store._db_for_partition,
    rocksdb.Store.revoke_partitions,
    Stream._c_aiter,
    Agent._execute_actor,
    CrashingSupervisor,
    FlowControlEvent,
    FlowControlQueue,
)
COMPILED = ("_cython/streams.pyx", "transport/_cython/conductor.pyx")


def check_engine() -> None:
    """Raise UnknownEngine, with everything that differs, unless the engine is exactly the one we know."""
    differences = [*_other_versions(), *_other_sources()]
    if differences:
        raise UnknownEngine("The engine is not the one the strict layer was written for:\n" + "\n".join(differences))


def fingerprints() -> dict[str, str]:
    """The fingerprint of every piece of the engine that is overridden or leaned on, by its full name."""
    found = {f"{piece.__module__}.{piece.__qualname__}": _digest(inspect.getsource(piece)) for piece in _pieces()}
    folder = Path(faust.__file__).parent
    return dict(sorted((found | {f"faust/{name}": _digest((folder / name).read_text()) for name in COMPILED}).items()))


def _other_versions() -> Iterator[str]:
    for package, wanted in VERSIONS.items():
        found = _installed(package)
        if found != wanted:
            yield f"- {package} {wanted} is needed, {found or 'none'} is installed"


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _other_sources() -> Iterator[str]:
    known = json.loads(files(__package__).joinpath("engine_sources.json").read_text(encoding="utf-8"))
    found = fingerprints()
    for name in sorted(known.keys() | found.keys()):
        if known.get(name) != found.get(name):
            yield f"- the source of {name} is not the one that was reviewed"


def _pieces() -> Iterator[Any]:
    yield from FOUNDATIONS
    for cls in OURS:
        for name in vars(cls):
            yield from _overridden(cls, name)


def _overridden(cls: type, name: str) -> Iterator[Any]:
    if name.startswith("__") and name not in {"__init__", "__post_init__"}:
        return
    for base in cls.__mro__[1:]:
        piece = vars(base).get(name)
        piece = piece.fget if isinstance(piece, property) else piece
        if isinstance(piece, FunctionType) and base not in OURS:
            yield piece
            return


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]


if __name__ == "__main__":
    print(json.dumps(fingerprints(), indent=2))  # noqa: T201  # the file this module reads
