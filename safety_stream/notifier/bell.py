"""A bell that wakes everybody who waits for work; nobody has to look at the clock in a loop."""

import asyncio
from contextlib import suppress


class Bell:
    """Take the bell in hand (``listen``) before looking for work, wait only after having found none."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake all who wait."""
        self._next.set()
        self._next = asyncio.Event()

    def listen(self) -> asyncio.Event:
        """What the next ring will set."""
        return self._next


async def heard(bell: asyncio.Event, at_most_seconds: float) -> None:
    """Return when it rings, or when the time is up."""
    with suppress(TimeoutError):
        await asyncio.wait_for(bell.wait(), at_most_seconds)
