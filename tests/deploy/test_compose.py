"""docker-compose.yml holds together: no engine is needed to see that."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from safety_stream.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_and_ports_stay_on_loopback(name: str) -> None:
    """No image floats, and nothing is reachable from another machine unless an operator says so."""
    service = SERVICES[name]
    tag = service["image"].partition(":")[2]
    assert tag
    assert tag != "latest"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_dependencies_volumes_and_conditions_exist(name: str) -> None:
    """A service waits only for services that exist, for health only where a healthcheck is defined."""
    service = SERVICES[name]
    for other, how in service.get("depends_on", {}).items():
        assert other in SERVICES
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
    for volume in service.get("volumes", []):
        assert volume.partition(":")[0] in COMPOSE["volumes"]


@pytest.mark.parametrize("name", [n for n, s in SERVICES.items() if "build" in s])
def test_our_services_run_read_only_without_privileges_and_with_settings_that_exist(name: str) -> None:
    """Every variable of ours is a field of Settings: a misspelt one would be silently ignored."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    known = {f"SAFETY_STREAM_{field.upper()}" for field in Settings.model_fields}
    assert set(service["environment"]) <= known


def test_every_stage_of_the_dockerfile_copies_what_exists() -> None:
    """The Dockerfile names no file that the repository does not have."""
    for line in (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert all((ROOT / source).exists() for source in sources), line
