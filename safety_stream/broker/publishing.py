"""Send bytes to a topic and wait until the broker has them: for the command line, the demo and the tests."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from safety_stream.broker.connection import connection_problems, kafka_arguments, unreachable
from safety_stream.errors import BrokerUnavailable, ConfigurationError, MessageRefused
from safety_stream.settings import Settings

Header = tuple[str, bytes]
_ACKNOWLEDGED_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to send, in bytes. ``partition`` None: the key decides (murmur2), or chance without a key."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: Sequence[Header] = ()
    partition: int | None = None


class Publisher:
    """An acknowledged way into the broker: acks from all in-sync replicas, order kept in a partition."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def publish(self, letters: Iterable[Letter]) -> list[tuple[int, int]]:
        """Send and wait for every acknowledgement; partition and offset of each, in order.

        Raises MessageRefused for the first letter that was refused; those before it are in the broker.
        """
        from kafka.errors import KafkaTimeoutError

        sent = [(letter, self._send(letter)) for letter in letters]
        with suppress(KafkaTimeoutError):  # each letter that was not taken says so below
            self._producer.flush(timeout=_ACKNOWLEDGED_WITHIN_SECONDS)
        return [_acknowledged(letter, future) for letter, future in sent]

    def _send(self, letter: Letter) -> Any:
        from kafka.errors import KafkaError

        try:
            return self._producer.send(
                letter.topic,
                value=letter.value,
                key=letter.key,
                headers=list(letter.headers),
                partition=letter.partition,
            )
        except KafkaError as error:
            raise _refused(letter, error) from error


def _acknowledged(letter: Letter, future: Any) -> tuple[int, int]:
    from kafka.errors import KafkaError

    try:
        taken = future.get(timeout=_ACKNOWLEDGED_WITHIN_SECONDS)
    except KafkaError as error:
        raise _refused(letter, error) from error
    return taken.partition, taken.offset


def _refused(letter: Letter, error: Exception) -> MessageRefused:
    size = len(letter.value or b"")
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return MessageRefused(f"{letter.topic}: a message of {size} bytes was refused: {reason}")


@contextmanager
def publisher(settings: Settings, max_bytes: int = 1_048_576) -> Iterator[Publisher]:
    """A publisher; a letter above ``max_bytes`` is refused before it is sent.

    Raises ConfigurationError for settings that cannot work together, BrokerUnavailable when no broker answers.
    """
    producer = _producer(settings, max_bytes)
    try:
        yield Publisher(producer)
    finally:
        producer.close(timeout=10)


def _producer(settings: Settings, max_bytes: int) -> Any:
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    if problems := connection_problems(settings):
        raise ConfigurationError(problems)
    reason = unreachable(settings)
    if reason:
        raise BrokerUnavailable(f"No Kafka broker answers at {settings.bootstrap_servers}: {reason}")
    try:
        return KafkaProducer(
            acks="all", linger_ms=5, max_request_size=max_bytes, metrics_enabled=False, **kafka_arguments(settings)
        )
    except (KafkaError, OSError) as error:
        said = str(error) or type(error).__name__
        raise BrokerUnavailable(f"No Kafka broker answers at {settings.bootstrap_servers}: {said}") from error
