"""How a client reaches the broker: security and addresses from the settings, in this one place.

Faust needs its own classes for the same facts: they are made from ``tls_context`` and the settings in the worker.
"""

import socket
import ssl
from typing import Any

from safety_stream.settings import Settings


def connection_problems(settings: Settings) -> list[str]:
    """Everything in the settings that cannot work together, each in one sentence."""
    problems = []
    if settings.security_protocol.startswith("SASL") and not (settings.sasl_username and settings.sasl_password):
        problems.append(f"security_protocol {settings.security_protocol} needs sasl_username and sasl_password")
    if settings.tls_key_file and not settings.tls_certificate_file:
        problems.append("tls_key_file is set without tls_certificate_file")
    for name in ("tls_ca_file", "tls_certificate_file", "tls_key_file"):
        file = getattr(settings, name)
        if file is not None and not file.is_file():
            problems.append(f"{name}: there is no file {file}")
        if file is not None and not _uses_tls(settings):
            problems.append(f"{name} is set, but security_protocol {settings.security_protocol} does not use TLS")
    return problems


def bootstrap_list(settings: Settings) -> list[str]:
    """The brokers to ask first, each ``host:port``."""
    return [server.strip() for server in settings.bootstrap_servers.split(",") if server.strip()]


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Trust and identity for TLS, host names checked; None when the protocol uses no TLS."""
    if not _uses_tls(settings):
        return None
    context = ssl.create_default_context(cafile=settings.tls_ca_file)
    if settings.tls_certificate_file:
        context.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file)
    return context


def unreachable(settings: Settings, limit_seconds: float = 5.0) -> str:
    """Why none of the brokers accepts a connection; empty when one does."""
    reasons = []
    for server in bootstrap_list(settings):
        host, _, port = server.rpartition(":")
        if not (host and port.isdecimal()):
            reasons.append(f"{server}: expected HOST:PORT")
            continue
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=limit_seconds).close()
        except (OSError, OverflowError, ValueError) as error:
            reasons.append(f"{server}: {error}")
        else:
            return ""
    return "; ".join(reasons) or "bootstrap_servers names none"


def kafka_arguments(settings: Settings) -> dict[str, Any]:
    """Arguments of every kafka-python client."""
    return _arguments(settings)


def aiokafka_arguments(settings: Settings) -> dict[str, Any]:
    """Arguments of every aiokafka client."""
    return _arguments(settings)


def _arguments(settings: Settings) -> dict[str, Any]:
    """The two libraries agree on the names of what we set."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": bootstrap_list(settings),
        "security_protocol": settings.security_protocol,
    }
    if _uses_tls(settings):
        arguments["ssl_context"] = tls_context(settings)
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return arguments


def _uses_tls(settings: Settings) -> bool:
    return settings.security_protocol.endswith("SSL")
