"""Ports of our own on this machine, and the wait until a broker behind one of them answers."""

import socket
import time
from collections.abc import Callable
from random import SystemRandom

from safety_stream.errors import BrokerUnavailable

START_LIMIT_SECONDS = 90.0
# Below every system's range of outgoing ports: a client that retries a stopped broker must not be given its port.
_PORTS = range(20_000, 32_000)


def await_broker(bootstrap_servers: str, alive: Callable[[], bool], last_words: Callable[[], str]) -> None:
    """Wait until a broker answers an administrator; it ends or stays silent: BrokerUnavailable with its last words."""
    limit = time.monotonic() + START_LIMIT_SECONDS
    problem = "its port stayed closed"
    while time.monotonic() < limit:
        if not alive():
            raise BrokerUnavailable(f"Kafka ended while starting. Its last words:\n{last_words()}")
        if _open(bootstrap_servers):
            problem = _answer(bootstrap_servers)
            if not problem:
                return
        time.sleep(0.05)
    raise BrokerUnavailable(
        f"Kafka did not answer within {START_LIMIT_SECONDS:.0f} s: {problem}. Its last words:\n{last_words()}"
    )


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on, outside the range that outgoing connections are given."""
    found: list[int] = []
    for port in SystemRandom().sample(_PORTS, k=500):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise BrokerUnavailable(f"No free loopback port was found between {_PORTS.start} and {_PORTS.stop}.")


def _open(bootstrap_servers: str) -> bool:
    host, port = bootstrap_servers.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _answer(bootstrap_servers: str) -> str:
    """Ask the broker as an administrator would; what went wrong, or nothing."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers, bootstrap_timeout_ms=5000)
    except KafkaError as error:
        return str(error) or type(error).__name__
    try:
        nodes = admin.describe_cluster()["brokers"]
    except KafkaError as error:
        return str(error) or type(error).__name__
    finally:
        admin.close()
    return "" if nodes else "it knows of no broker yet"
