"""Settings are read once, from the environment, and every problem is told at once in the operator's own words."""

import pytest

from safety_stream.errors import ConfigurationError
from safety_stream.settings import read_settings


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong values and one misspelt name: three problems, each naming the variable that an operator typed."""
    monkeypatch.setenv("SAFETY_STREAM_PARTITIONS", "0")
    monkeypatch.setenv("SAFETY_STREAM_CLOCK", "sun")
    monkeypatch.setenv("SAFETY_STREAM_BOOTSTRAP_SERVER", "kafka:9092")
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
    assert [problem.split(":")[0].split("=")[0].split(" ")[0] for problem in caught.value.problems] == [
        "SAFETY_STREAM_BOOTSTRAP_SERVER",
        "SAFETY_STREAM_PARTITIONS",
        "SAFETY_STREAM_CLOCK",
    ]
    assert "SAFETY_STREAM_BOOTSTRAP_SERVERS" in caught.value.problems[0]


def test_what_an_orchestrator_adds_is_not_a_misspelling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes puts SAFETY_STREAM_SERVICE_HOST and the like into every pod beside a service of that name."""
    monkeypatch.setenv("SAFETY_STREAM_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("SAFETY_STREAM_PORT", "tcp://10.0.0.1:80")
    assert read_settings(topic_prefix="other").topic("labs") == "other.labs"


@pytest.mark.parametrize(
    "name",
    ["digest_at", "rulebook_folder", "protocols_folder", "alert_templates_folder", "smtp_ca_file", "smtp_password"],
)
def test_an_empty_variable_is_none_where_none_can_be(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """No digest, the bundled folders, no password: an empty folder's name is not the folder that we stand in."""
    monkeypatch.setenv(f"SAFETY_STREAM_{name.upper()}", "")
    assert getattr(read_settings(), name) is None


def test_an_empty_variable_is_no_value_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that is left empty is a problem, never the default in silence."""
    monkeypatch.setenv("SAFETY_STREAM_PARTITIONS", "")
    with pytest.raises(ConfigurationError, match="SAFETY_STREAM_PARTITIONS="):
        read_settings()
