"""Answers that an outbox lost, from the log of record: what a person has answered is not asked of anybody again."""

from collections.abc import Iterable
from datetime import datetime

import structlog

from safety_stream.notifier.answers import Answer, Answers
from safety_stream.reconcile.comparing import ORIGIN

_LOG = structlog.get_logger("safety_stream.reconcile")


def restore(answers: Answers, told: Iterable[Answer], at: datetime) -> int:
    """Take every answer of the log that is not on record; how many changed something."""
    taken = sum(answers.take(event, at, ORIGIN, publish=False) == "taken" for event in told)
    if taken:
        _LOG.warning("answers restored from the log", answers=taken)
    return taken
