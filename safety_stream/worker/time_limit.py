"""A limit on work that never waits: an endless loop in a judgement becomes an exception with its traceback."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TookTooLong(Exception):
    """A judgement did not end within its limit."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in the work inside when it takes longer. Only the main thread has an alarm to set."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def install_alarm() -> None:
    """Make the alarm raise, once for the process."""
    signal.signal(signal.SIGALRM, _ring)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TookTooLong("a judgement did not end within its limit")
