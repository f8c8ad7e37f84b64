"""A small Faust application whose every loss shows: run as a process of its own, on the stock or the strict engine.

It reads ``KEY -> number`` from <prefix>.in, keeps the numbers of each key in the order they came, and writes to
<prefix>.out, for each number, a digest of all numbers of that key up to it. The handler is correct and idempotent:
a replayed number is derived and sent again, never skipped; outputs are acknowledged, then state, then the offset.
So an output that is missing is an event lost; an output with another digest is state lost or order changed.
"""

import asyncio
import json
import os
import random
import sys
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

import faust
from mode import CrashingSupervisor

PREFIX = os.environ["TALLY_PREFIX"]
STRICT = os.environ["TALLY_ENGINE"] == "strict"
STORE = os.environ["TALLY_STORE"]
PARTITIONS = int(os.environ["TALLY_PARTITIONS"])
PAUSE_SECONDS = float(os.environ["TALLY_PAUSE_SECONDS"])
FAULT_RATE = float(os.environ["TALLY_FAULT_RATE"])
FOLDER = Path(os.environ["TALLY_FOLDER"])


def digest(numbers: list[int]) -> str:
    """The fingerprint of a key's numbers, order included."""
    return blake2b(json.dumps(numbers).encode(), digest_size=8).hexdigest()


def engine() -> dict[str, Any]:
    """What makes the difference between the two: transport and table manager."""
    servers = os.environ["TALLY_BROKER"]
    if not STRICT:
        return {"broker": f"aiokafka://{servers}"}
    strict = "safety_stream.worker.strict"
    import_module(f"{strict}.transport").register()
    return {
        "broker": f"safekafka://{servers}",
        "Table": import_module(f"{strict}.tables").DurableTable,
        "TableManager": import_module(f"{strict}.recovery").SafeTableManager,
    }


def application() -> faust.App:
    """The application, with the settings the worker has."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return faust.App(
        f"{PREFIX}-worker",
        **engine(),
        store=STORE,
        datadir=str(FOLDER),
        key_serializer="raw",
        value_serializer="raw",
        agent_supervisor=CrashingSupervisor,
        broker_session_timeout=4.0,
        broker_heartbeat_interval=1.0,
        broker_request_timeout=15.0,
        broker_rebalance_timeout=20.0,
        broker_commit_interval=0.5,
        broker_max_poll_records=500,
        stream_buffer_maxsize=512,
        producer_request_timeout=30.0,
        topic_allow_declare=False,
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        table_standby_replicas=0,
        cython_optimizations=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )


app = application()
numbers_in = app.topic(f"{PREFIX}.in", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
digests_out = app.topic(f"{PREFIX}.out", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
table: Any = app.Table("tally", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
next_offset: dict[int, int] = {}
chance = random.Random()


async def save(partition: int, key: bytes, value: bytes) -> None:
    """State: awaited where the engine can, handed over where it cannot."""
    if STRICT:
        await table.save(partition, {key: value})
    else:
        table[key] = value


def known(partition: int, key: bytes) -> list[int]:
    """The numbers of a key so far."""
    held = table.load(partition, key) if STRICT else table.get(key)
    return list(json.loads(held)) if held else []


def following(message: Any) -> int:
    """The offset that must come now; stock Faust does not tell the first one after an assignment."""
    if message.partition in next_offset:
        return next_offset[message.partition]
    consumer: Any = app.consumer
    return int(consumer.first_offset(message.tp) if STRICT else message.offset)


@app.agent(numbers_in)
async def tally(stream: Any) -> None:
    """One number at a time: output, state, acknowledgement."""
    async for event in stream.noack().events():
        message = event.message
        expected = following(message)
        if message.offset > expected or (STRICT and message.offset != expected):
            sys.stderr.write(f"OFFSET GAP partition {message.partition}: {expected} -> {message.offset}\n")
            if STRICT:
                raise RuntimeError("offset gap")
        next_offset[message.partition] = message.offset + 1
        numbers = known(message.partition, event.key)
        number = int(event.value)
        if number not in numbers:
            numbers.append(number)
        upto = numbers[: numbers.index(number) + 1]
        answer = f"{number}:{digest(upto)}".encode()
        await asyncio.sleep(PAUSE_SECONDS)
        if chance.random() < FAULT_RATE:
            raise RuntimeError("a transient fault, on purpose")
        await (await digests_out.send(key=event.key, value=answer, partition=message.partition))
        await save(message.partition, event.key, json.dumps(numbers).encode())
        event.ack()


@app.on_partitions_assigned.connect  # type: ignore[arg-type]  # called with the app, then what was assigned
async def forget(_app: Any, *_assigned: Any, **_more: Any) -> None:
    """After an assignment any offset may come first."""
    next_offset.clear()


if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker", "-l", "info", "--without-web"]
    app.main()
