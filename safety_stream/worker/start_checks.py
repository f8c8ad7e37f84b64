"""What must hold before a worker starts: everything that is wrong is told at once."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from safety_stream.broker import topics
from safety_stream.errors import ConfigurationError, SafetyStreamError, UnknownEngine
from safety_stream.settings import Settings
from safety_stream.worker.judgement import Judgement
from safety_stream.worker.strict.engine_check import check_engine


def refuse_unless_ready(settings: Settings, judgement: Callable[[], Judgement]) -> Judgement:
    """The judgement, when engine, settings, topics and book are as they must be. Raises ConfigurationError with all."""
    problems: list[str] = []
    made: list[Judgement] = []
    checks: tuple[Callable[[], list[str]], ...] = (
        _engine_problems,
        lambda: topics.check(settings),
        lambda: _judgement_problems(judgement, made),
    )
    for check in checks:
        try:
            problems += check()
        except SafetyStreamError as error:
            problems.append(str(error))
    if problems:
        raise ConfigurationError(problems)
    return made[0]


@contextmanager
def own_data_folder(settings: Settings) -> Iterator[None]:
    """Hold the worker's data folder; ConfigurationError when another worker has it."""
    folder = settings.data_folder / settings.worker_id
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                [f"{folder} is in use: every worker needs a worker_id (or data_folder) of its own"]
            ) from error
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _engine_problems() -> list[str]:
    try:
        check_engine()
    except UnknownEngine as error:
        return [str(error)]
    return []


def _judgement_problems(judgement: Callable[[], Judgement], made: list[Judgement]) -> list[str]:
    try:
        made.append(judgement())
    except ConfigurationError as error:
        return list(error.problems)
    return []
