"""The strict transport has a scheme of its own; the stock one is untouched."""

import faust
from faust.transport import by_url
from faust.transport.drivers.aiokafka import Transport

from safety_stream.worker.strict import transport
from safety_stream.worker.strict.consumer import StrictConsumer

pytest_plugins = ["strict_fixtures"]


def test_the_scheme_leads_to_the_strict_transport() -> None:
    """And ``kafka://`` still leads to Faust's own."""
    transport.register()
    assert by_url("safekafka://127.0.0.1:9092") is transport.StrictTransport
    assert by_url("kafka://127.0.0.1:9092") is Transport


async def test_an_application_with_the_scheme_has_the_strict_consumer(app: faust.App) -> None:
    """Which is all it takes."""
    assert app.transport.Consumer is StrictConsumer
