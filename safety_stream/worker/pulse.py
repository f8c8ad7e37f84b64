"""Whether this process is awake: a worker that slept longer than its session no longer owns what it has in hand."""

from collections.abc import Callable
from time import CLOCK_BOOTTIME, clock_gettime

from safety_stream.errors import EngineBroken

Seconds = Callable[[], float]


def awake_seconds() -> float:
    """A clock that never goes back, and goes on while the machine sleeps."""
    return clock_gettime(CLOCK_BOOTTIME)


class Pulse:
    """Beats with every turn of the loop and before everything that is sent.

    A process that was stopped, swapped out or suspended for longer than its session wakes up in the middle of a
    round: its partitions have a new owner, who is ahead of it. It must not write another byte.
    """

    def __init__(self, session_seconds: float, now: Seconds = awake_seconds) -> None:
        self._most = session_seconds * 0.8
        self._now = now
        self._last: float | None = None

    def beat(self) -> None:
        """Still awake. Raises EngineBroken after a sleep that may have cost us our partitions."""
        now = self._now()
        slept, self._last = now - (self._last if self._last is not None else now), now
        if slept > self._most:
            raise EngineBroken(f"the process slept for {slept:.1f} s: others may own its partitions now")

    @property
    def age(self) -> float:
        """Seconds since the last beat; 0 before the first."""
        return self._now() - self._last if self._last is not None else 0.0
