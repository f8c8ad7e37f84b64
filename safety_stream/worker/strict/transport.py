"""The strict transport under its own URL scheme; the stock one stays what it is."""

from typing import ClassVar

from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers.aiokafka import Transport
from faust.types.transports import ConsumerT

from safety_stream.worker.strict.consumer import StrictConsumer

SCHEME = "safekafka"


class StrictTransport(Transport):
    """Faust's aiokafka transport with the strict consumer.

    Answers: what ``StrictConsumer``, ``FetchLoop`` and ``StrictConsumerThread`` answer; it only puts them together.
    Test: tests/worker/strict/test_transport.py.
    """

    Consumer: ClassVar[type[ConsumerT]] = StrictConsumer


def register() -> None:
    """Make ``safekafka://`` known to Faust, in this process only."""
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:{StrictTransport.__name__}"
