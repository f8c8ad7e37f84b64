"""What could not be used, kept whole: the original bytes and headers, where it was read, and why."""

from faust.types import Message

from safety_stream.alerting.policy import unreadable
from safety_stream.intake import Rejected
from safety_stream.settings import Settings
from safety_stream.worker.messages import headers_of, place, received_at
from safety_stream.worker.outputs import Headers, Output
from safety_stream.worker.quarantine import Attempt

MOST_DETAIL = 4000
QUARANTINED = "quarantined"


class DeadLetters:
    """Dead letters and the alerts about them: one alert a topic, reason and day, however many messages."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic("dead-letters")
        self._alerts = settings.topic("alerts")
        self._alerted: set[str] = set()

    def rejected(self, message: Message, why: Rejected) -> tuple[Output, ...]:
        """A message that could not be read."""
        return self._outputs(message, why.code, why.detail)

    def quarantined(self, message: Message, attempt: Attempt) -> tuple[Output, ...]:
        """An event that cannot be judged: it ended the process too often, or what follows from it is too large."""
        return self._outputs(message, QUARANTINED, attempt.traceback)

    def _outputs(self, message: Message, code: str, detail: str) -> tuple[Output, ...]:
        letter = Output(self._topic, message.key, _value(message), _headers(message, code, detail), is_letter=True)
        at = received_at(message)
        alert = unreadable(message.topic, code, place(message), at.date(), at)
        if alert.id in self._alerted:
            return (letter,)
        self._alerted.add(alert.id)
        return letter, Output(self._alerts, alert.study.encode(), alert.model_dump_json().encode())


def _value(message: Message) -> bytes | None:
    """The original value; empty for a message without key and value, which aiokafka refuses to send (Java sends it)."""
    return b"" if message.key is None and message.value is None else message.value


def _headers(message: Message, code: str, detail: str) -> Headers:
    ours = {
        "safety-stream-topic": message.topic,
        "safety-stream-partition": str(message.partition),
        "safety-stream-offset": str(message.offset),
        "safety-stream-received-at": received_at(message).isoformat(),
        "safety-stream-reason": code,
        "safety-stream-detail": detail[-MOST_DETAIL:],
    }
    return (*headers_of(message), *((name, text.encode()) for name, text in ours.items()))
