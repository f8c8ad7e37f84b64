"""The messenger refuses to start with everything that is wrong, in one list."""

from pathlib import Path

import pytest

from safety_stream.errors import BrokerUnavailable, ConfigurationError
from safety_stream.notifier.app import run
from safety_stream.notifier.readiness import prepare
from safety_stream.settings import Settings

ROUTING = Path(__file__).resolve().parents[2] / "deploy" / "alerting.yaml"


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Routing, templates, database, sender, half a password, mail in the open, missing files: one list."""
    settings = Settings(
        alert_routing_file=tmp_path / "nowhere.yaml",
        alert_templates_folder=tmp_path / "no-templates",
        outbox_url=f"sqlite:///{tmp_path}/no/such/folder/outbox.db",
        smtp_sender="nobody",
        smtp_username="me",
        smtp_host="mail.example.org",
        smtp_tls="none",
        smtp_ca_file=tmp_path / "ca.pem",
        tls_key_file=tmp_path / "key.pem",
    )
    with pytest.raises(ConfigurationError) as refused:
        prepare(settings)
    told = "\n".join(refused.value.problems)
    for part in (
        "nowhere.yaml",
        "there is no folder",
        "outbox_url cannot be used",
        "smtp_sender 'nobody' is no mail address",
        "smtp_username and smtp_password belong together",
        "clinical detail would travel in the open",
        "smtp_ca_file: there is no file",
        "tls_key_file is set without tls_certificate_file",
    ):
        assert part in told, part


def test_without_a_routing_file_nobody_would_be_told_so_it_refuses() -> None:
    """No default addresses: a mail to an example address helps nobody."""
    with pytest.raises(ConfigurationError, match="alert_routing_file is not set"):
        prepare(Settings())


def test_a_notice_may_travel_in_the_open(tmp_path: Path) -> None:
    """Without clinical detail an unencrypted path is accepted."""
    ready = prepare(
        Settings(
            alert_routing_file=ROUTING,
            outbox_url=f"sqlite:///{tmp_path}/outbox.db",
            smtp_host="mail.example.org",
            smtp_tls="none",
            mail_body_detail="notice",
        )
    )
    ready.engine.dispose()
    assert ready.sender.addr_spec == "safety-stream@localhost"


def test_without_a_broker_it_says_so(tmp_path: Path) -> None:
    """A sentence that names the address, and the end; whoever started it tries again."""
    settings = Settings(
        bootstrap_servers="127.0.0.1:1", alert_routing_file=ROUTING, outbox_url=f"sqlite:///{tmp_path}/outbox.db"
    )
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        run(settings)
