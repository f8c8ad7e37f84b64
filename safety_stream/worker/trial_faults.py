"""Faults on purpose, for the tests of the engine: nothing happens unless the environment asks for it.

SAFETY_STREAM_TEST_FAULT_RATE=0.01    one round in a hundred fails, at a random one of its steps
SAFETY_STREAM_CANARY_STOCK=1          Faust's own transport and recovery instead of the strict ones
"""

import os
from collections.abc import Callable
from random import Random

import structlog

Fault = Callable[[str], None]
log = structlog.get_logger("safety_stream.worker")


class FaultOnPurpose(Exception):
    """A fault that a test asked for."""


def fault_of_environment() -> Fault:
    """What to call at each step of a round; does nothing unless a rate is set."""
    rate = float(os.environ.get("SAFETY_STREAM_TEST_FAULT_RATE", "0"))
    if not rate:
        return lambda step: None
    log.warning("FAULTS ON PURPOSE: this worker is under test", rate=rate)
    chance = Random()  # noqa: S311  # no secret depends on it

    def maybe(step: str) -> None:
        if chance.random() < rate:
            raise FaultOnPurpose(f"while it was about to {step}")

    return maybe


def stock_is_wanted() -> bool:
    """Whether this worker is the canary."""
    wanted = os.environ.get("SAFETY_STREAM_CANARY_STOCK") == "1"
    if wanted:
        log.critical("CANARY: stock transport and recovery, no guards. This worker LOSES EVENTS. Never for patients.")
    return wanted
