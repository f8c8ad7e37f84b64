"""The intake agent's work: bytes of any sender to entries of the log of record, or to a dead letter with a reason."""

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from faust.types import Message

from safety_stream import intake
from safety_stream.clinical.events import Accepted, AnyEvent, ClockTicked
from safety_stream.errors import TooManyRejected
from safety_stream.intake import Rejected
from safety_stream.rulebook.canary import CANARY
from safety_stream.settings import Settings
from safety_stream.worker.clock import tick_output
from safety_stream.worker.dead_letters import DeadLetters
from safety_stream.worker.messages import headers_of, place, received_at
from safety_stream.worker.metrics import Metrics
from safety_stream.worker.outputs import Effects, Output, checked
from safety_stream.worker.quarantine import Attempt


class IntakeWork:
    """Reads each message, re-keys each event study|subject, and keeps what cannot be read."""

    name = "intake"
    table = None

    def __init__(self, settings: Settings, studies: Collection[str], metrics: Metrics) -> None:
        self._settings = settings
        self._studies = studies
        self._metrics = metrics
        self._events = settings.topic("events")
        self._letters = DeadLetters(settings)
        self._runs = RejectedRuns(settings.data_folder / settings.worker_id, settings.rejected_run_limit)

    def judge(self, message: Message) -> Effects:
        """One entry an event, one dead letter a message with anything unreadable in it."""
        taken, refused = self._read(message)
        outputs = checked(output for event in taken for output in self._entries(message, event))
        if not refused:
            self._runs.readable(message.topic)
            return Effects(outputs)
        self._runs.rejected(message.topic)
        why = intake.together(refused)
        self._metrics.rejected(message.topic, why.code)
        return Effects((*outputs, *self._letters.rejected(message, why)))

    def set_aside(self, message: Message, attempt: Attempt) -> Effects:
        """A message that ended the process again and again."""
        self._metrics.quarantined(self.name)
        return Effects(self._letters.quarantined(message, attempt))

    def done(self, messages: Sequence[Message]) -> None:
        """Count what was taken in."""
        for message in messages:
            is_canary = bytes(message.key or b"").startswith(f"{CANARY}|".encode())
            # A feed is not heard because our own canary sings in it.
            self._metrics.received(message.topic, None if is_canary else message.timestamp)

    def _read(self, message: Message) -> tuple[list[AnyEvent], list[Rejected]]:
        taken: list[AnyEvent] = []
        refused: list[Rejected] = []
        for each in intake.read(intake.content_type_of(headers_of(message)), message.value):
            verdict = each if isinstance(each, Rejected) else self._refusal(each)
            if verdict is not None:
                refused.append(verdict)
            elif not isinstance(each, Rejected):
                taken.append(each)
        return taken, refused

    def _refusal(self, event: AnyEvent) -> Rejected | None:
        return intake.admit(event, self._studies, event_clock=self._settings.clock == "event")

    def _entries(self, message: Message, event: AnyEvent) -> Iterable[Output]:
        received, origin = received_at(message), place(message)
        if isinstance(event, ClockTicked):
            return [
                tick_output(self._events, partition, event.as_of, origin, received)
                for partition in range(self._settings.partitions)
            ]
        entry = Accepted(event=event, received_at=received, origin=origin)
        return [Output(self._events, f"{event.study}|{event.subject}".encode(), entry.model_dump_json().encode())]


class RejectedRuns:
    """How many messages of a topic in a row could not be read; too many stop the worker, and keep it stopped.

    A sender that changed its format must not have its messages drained into the dead letters: the run that reached
    the limit is written down, so that a restarted worker stops at the next unreadable message again. One readable
    message ends the run; so does a higher limit.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._file = folder / "rejected-runs.json"
        self._limit = limit
        self._runs: dict[str, int] = json.loads(self._file.read_text()) if self._file.exists() else {}

    def rejected(self, topic: str) -> None:
        """One more that could not be read. Raises TooManyRejected at the limit."""
        self._runs[topic] = self._runs.get(topic, 0) + 1
        if self._runs[topic] >= self._limit:
            self._runs[topic] = self._limit
            self._file.write_text(json.dumps(self._runs))
            raise TooManyRejected(
                f"{self._limit} messages in a row on {topic} could not be read (see the dead letters). The next ones "
                "wait. When they may follow the others, raise SAFETY_STREAM_REJECTED_RUN_LIMIT."
            )

    def readable(self, topic: str) -> None:
        """One that could be read ends the run."""
        if self._runs.pop(topic, 0) >= self._limit:
            self._file.write_text(json.dumps(self._runs))
