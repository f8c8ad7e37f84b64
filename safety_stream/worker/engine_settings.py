"""Every setting of Faust that we choose, each with its reason. What is not here is Faust's default, knowingly."""

from typing import Any, cast

import faust
from faust.tables.manager import TableManager
from mode import CrashingSupervisor
from yarl import URL

from safety_stream.broker.topic_table import DEAD_LETTER_BYTES
from safety_stream.settings import Settings
from safety_stream.worker.connection import broker_urls, credentials
from safety_stream.worker.pages import supersedes
from safety_stream.worker.strict import store
from safety_stream.worker.strict.recovery import SafeTableManager
from safety_stream.worker.strict.tables import DurableTable
from safety_stream.worker.strict.transport import SCHEME

STORES = {"memory": "memory", "rocksdb": store.SCHEME}


def engine_settings(settings: Settings, *, stock: bool = False) -> dict[str, Any]:
    """Arguments of the Faust application; ``stock`` only for the canary of the tests."""
    session = settings.session_timeout_seconds
    return {
        "broker": [URL(url) for url in broker_urls(settings, "aiokafka" if stock else SCHEME)],  # the strict transport
        "broker_credentials": credentials(settings),
        "Table": DurableTable,  # state that is durable when save returns
        "TableManager": TableManager if stock else SafeTableManager,  # seek, then clear, then resume
        "agent_supervisor": CrashingSupervisor,  # fail-stop: a restarted agent would begin behind the failed event
        # Its transactions cover neither outputs to topics we do not read nor the offset of the source.
        "processing_guarantee": "at_least_once",
        # What is in hand is finished before a partition is handed over; each round has a time limit of its own.
        "stream_wait_empty": True,
        "broker_session_timeout": session,  # how long a killed worker's partitions are orphaned (Faust: 60 s)
        "broker_heartbeat_interval": session / 5,
        "broker_rebalance_timeout": settings.event_time_limit_seconds * 2 + 5,  # a round in hand must fit inside
        "broker_request_timeout": max(30.0, session),  # Faust refuses less than the session's
        "broker_commit_interval": 1.0,  # what is judged again after a kill
        "broker_max_poll_records": 500,  # bounds what is in memory
        "stream_buffer_maxsize": 1024,  # bounds what a rebalance throws away
        "producer_acks": -1,  # all in-sync replicas
        "producer_request_timeout": 60.0,  # fail-stop instead of 20 minutes in limbo (Faust: 1200 s)
        "producer_max_request_size": DEAD_LETTER_BYTES + 1024 * 1024,  # a dead letter is as large as what was sent
        "producer_max_batch_size": 256 * 1024,  # a round's outputs in few requests; far below the topics' limit
        "producer_linger": 0.0,  # a round is sent as a whole: there is nothing to wait for
        "topic_allow_declare": False,  # topics are made by `topics create`, with the configuration we rely on
        "topic_disable_leader": True,  # no on_leader timers: time passes through the log
        "topic_partitions": settings.partitions,
        "table_standby_replicas": 0,  # a standby is a whole second reader of every changelog (Faust: 1)
        "consumer_auto_offset_reset": "earliest",  # never skip; lost retention is caught by the explicit seek
        "recovery_consistency_check": True,
        "cython_optimizations": True,  # the compiled queue path; 1.4 times the throughput
        "web_enabled": False,  # Faust's pages show table contents to anyone
        "worker_redirect_stdouts": False,  # structured logs
        "store": f"{STORES[settings.store]}://",
        "datadir": settings.data_folder / settings.worker_id,  # one a worker: RocksDB locks it
        "autodiscover": False,
    }


TABLE_OPTIONS = {  # a database a partition and table: Faust's defaults would take 2 GB of cache for each
    "write_buffer_size": 4 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "block_cache_size": 8 * 1024 * 1024,
    "max_open_files": 64,
}


def durable_table(app: faust.App, settings: Settings, name: str) -> DurableTable:
    """One of the worker's tables: bytes to bytes, partitioned as its source."""
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
