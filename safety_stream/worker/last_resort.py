"""The last resort: a worker that should have ended and has not is ended, whatever it hangs on."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import structlog

EXIT_HUNG = 70
_LOOK_SECONDS = 0.5
log = structlog.get_logger("safety_stream.worker")


@contextmanager
def end_within(seconds: float, app: Any) -> Iterator[None]:
    """Watch over the work inside: once the application has crashed or was told to stop, it has so many seconds.

    Ending hard is safe at any moment: what was not acknowledged comes again.
    """
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(seconds, app, ended), name="last-resort", daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()


def _watch(seconds: float, app: Any, ended: threading.Event) -> None:
    since: float | None = None
    while not ended.wait(_LOOK_SECONDS):
        if since is None and app.should_stop:
            since = monotonic()
        if since is not None and monotonic() - since > seconds:
            log.critical("The worker does not end by itself and is ended", after_seconds=seconds)
            os._exit(EXIT_HUNG)
