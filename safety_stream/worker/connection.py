"""How Faust reaches the broker: the facts of ``broker.connection`` in Faust's own classes."""

from typing import Any

from safety_stream.broker.connection import bootstrap_list, tls_context
from safety_stream.settings import Settings


def broker_urls(settings: Settings, scheme: str = "safekafka") -> list[str]:
    """The brokers under the scheme of the strict transport (the stock one is ``aiokafka``)."""
    return [f"{scheme}://{server}" for server in bootstrap_list(settings)]


def credentials(settings: Settings) -> Any | None:
    """Faust's credentials for the security protocol; None for PLAINTEXT."""
    from faust.auth import SASLCredentials, SSLCredentials

    context = tls_context(settings)
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        return SASLCredentials(
            username=settings.sasl_username,
            password=password.get_secret_value() if password else None,
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None
