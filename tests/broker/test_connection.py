import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from safety_stream.broker.connection import aiokafka_arguments, bootstrap_list, connection_problems, kafka_arguments
from safety_stream.settings import Settings
from safety_stream.worker.connection import broker_urls, credentials


def test_plain_settings_name_servers_and_nothing_secret() -> None:
    """PLAINTEXT: addresses and protocol, no security argument at all."""
    settings = Settings(bootstrap_servers="one:9092, two:9093")
    expected = {"bootstrap_servers": ["one:9092", "two:9093"], "security_protocol": "PLAINTEXT"}
    assert kafka_arguments(settings) == expected
    assert aiokafka_arguments(settings) == expected
    assert broker_urls(settings) == ["safekafka://one:9092", "safekafka://two:9093"]
    assert credentials(settings) is None


def test_sasl_and_tls_reach_every_client(tmp_path: Path) -> None:
    """SASL_SSL: mechanism, name, password and a context that checks host names, for both libraries and for Faust."""
    settings = Settings(
        security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-256", sasl_username="u", sasl_password=SecretStr("p")
    )
    assert connection_problems(settings) == []
    for arguments in (kafka_arguments(settings), aiokafka_arguments(settings)):
        assert arguments["sasl_mechanism"] == "SCRAM-SHA-256"
        assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("u", "p")
        assert arguments["ssl_context"].check_hostname is True
        assert arguments["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    ours = credentials(settings)
    assert ours is not None
    assert (ours.protocol.value, ours.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (ours.username, ours.password) == ("u", "p")


@pytest.mark.parametrize("protocol", ["SSL", "SASL_PLAINTEXT"])
def test_faust_speaks_the_protocol_of_the_settings(protocol: str) -> None:
    """Faust's credentials carry the same protocol name as the settings."""
    settings = Settings.model_validate(
        {"security_protocol": protocol, "sasl_username": "u", "sasl_password": SecretStr("p")}
    )
    ours = credentials(settings)
    assert ours is not None
    assert ours.protocol.value == protocol


def test_settings_that_do_not_fit_together_are_all_named(tmp_path: Path) -> None:
    """A key without a certificate, files that are not there, TLS files without TLS: each one sentence."""
    settings = Settings(tls_key_file=tmp_path / "key.pem")
    assert connection_problems(settings) == [
        "tls_key_file is set without tls_certificate_file",
        f"tls_key_file: there is no file {tmp_path / 'key.pem'}",
        "tls_key_file is set, but security_protocol PLAINTEXT does not use TLS",
    ]


def test_no_address_is_empty() -> None:
    """A trailing comma is not an address."""
    assert bootstrap_list(Settings(bootstrap_servers="one:1,")) == ["one:1"]
