"""Plays a simulated trial to the broker at an accelerated clock, in the order in which its messages arrive.

The engine's clock is the events' own, so the speed changes nothing that is concluded in the end. Two things wait:
a tick of the clock, until everything before it is in the log of record (at 300,000 times the speed of life it would
otherwise overtake the evening's results on another topic); and a correction, until a person could have read the alert
that it takes back.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event, Thread
from time import monotonic

from safety_stream.broker.publishing import publisher
from safety_stream.sandbox.publish import publish_lines
from safety_stream.sandbox.simulator import Message, SimulatedTrial
from safety_stream.settings import Settings

_BEAT_SECONDS = 0.1
_READING_SECONDS = 2.5
_MOST_AT_ONCE = 200


class Player:
    """A thread that sends what is due. ``taken_in`` tells how many messages the engine has read so far."""

    def __init__(self, settings: Settings, trial: SimulatedTrial, seconds: float, taken_in: Callable[[], int]) -> None:
        self._settings, self._trial, self._taken_in = settings, trial, taken_in
        self._first = trial.messages[0].at
        self.now: datetime = self._first
        """The simulated time reached."""
        self.pace = (trial.messages[-1].at - self._first) / timedelta(seconds=seconds)
        self.sent: Counter[str] = Counter()
        self.failure: Exception | None = None
        self._held_up = 0.0
        self._under_way = False
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="player", daemon=True)

    @property
    def share(self) -> float:
        """How much has been sent, 0 to 1."""
        return sum(self.sent.values()) / len(self._trial.messages)

    @property
    def done(self) -> bool:
        """Whether all has been sent."""
        return self.share == 1

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with publisher(self._settings) as broker:
                for batch in self._batches():
                    published = publish_lines((message.line for message in batch), broker, self._settings)
                    self.sent.update(published.sent)
        except Exception as error:
            self.failure = error

    def _batches(self) -> Iterator[list[Message]]:
        """What is due, beat by beat. Before a message that waits, everything earlier is sent."""
        started = monotonic()
        due: list[Message] = []
        for message in self._trial.messages:
            early = self._is_early(message, started)
            if due and (early or message.is_tick or message.answers or len(due) == _MOST_AT_ONCE):
                yield due
                due = []
            while self._is_early(message, started) and not self._stopped.wait(_BEAT_SECONDS):
                pass
            self._wait_for_others(message)
            if self._stopped.is_set():
                return
            self.now = message.at
            due.append(message)
        yield due

    def _is_early(self, message: Message, started: float) -> bool:
        playing = monotonic() - started - self._held_up
        return (message.at - self._first) / self.pace > timedelta(seconds=playing)

    def _wait_for_others(self, message: Message) -> None:
        """Wait for the engine before a tick, for a reader before an answer; at its start the story waits as well."""
        before, began = sum(self.sent.values()), monotonic()
        while message.is_tick and self._taken_in() < before and not self._stopped.wait(_BEAT_SECONDS / 5):
            pass
        if message.answers:
            self._stopped.wait(_READING_SECONDS)
        if message.answers or not self._under_way:
            self._held_up += monotonic() - began
        self._under_way = before > 1
