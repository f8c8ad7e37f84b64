"""docker-compose.yml holds together: no engine is needed to see that."""

import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from safety_stream.notifier.readiness import prepare
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
        source = volume.partition(":")[0]
        assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], volume


@pytest.mark.parametrize("name", [n for n, s in SERVICES.items() if "build" in s])
def test_our_services_run_read_only_without_privileges_and_with_settings_that_exist(name: str) -> None:
    """Every variable of ours is a field of Settings: a misspelt one would be silently ignored."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    known = {f"SAFETY_STREAM_{field.upper()}" for field in Settings.model_fields}
    assert set(service["environment"]) <= known


LASTING = [name for name, service in SERVICES.items() if service.get("restart") != "no"]


def test_the_parts_are_all_there() -> None:
    """Broker, topics, two workers, messenger, inbox, Prometheus, Alertmanager, Grafana, and the simulated trial."""
    ours = {"topics", "worker-1", "worker-2", "notifier", "trial"}
    assert set(SERVICES) == ours | {"kafka", "inbox", "prometheus", "alertmanager", "grafana"}


@pytest.mark.parametrize("name", LASTING)
def test_what_runs_on_is_watched_and_has_no_privileges(name: str) -> None:
    """A healthcheck for each; capabilities dropped; read-only but for the broker; not as root."""
    service = SERVICES[name]
    assert set(service["healthcheck"]) <= {"test", "interval", "timeout", "retries", "start_period"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name == "kafka" or service["read_only"] is True
    assert name == "kafka" or "build" in service or not service["user"].startswith("0")


# The schema is all we want of that package: it is never imported, as its command line asks for a newer click.
SCHEMA = json.loads(
    Path(
        str(distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json"))
    ).read_text(encoding="utf-8")
)


def refusals(compose: dict[str, Any]) -> list[str]:
    """What the schema that the compose specification publishes has against it."""
    return [one.json_path for one in Draft202012Validator(SCHEMA).iter_errors(compose)]


def test_the_schema_of_the_compose_specification_accepts_it() -> None:
    """Every key is known to the specification, every value of a type it allows."""
    assert refusals(COMPOSE) == []


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("read_onyl", True),
        ("environment", {"A": {"b": "c"}}),
        ("depends_on", {"kafka": {"condition": "service_happy"}}),
        ("healthcheck", {"tests": ["CMD", "true"]}),
        ("ports", [{"publish": 1}]),
        ("cap_drop", "ALL"),
    ],
)
def test_the_schema_refuses_what_is_wrong(key: str, wrong: object) -> None:
    """A misspelt key, a value of another type, a condition there is none of: each is seen."""
    changed = {**COMPOSE, "services": {**SERVICES, "worker-1": {**SERVICES["worker-1"], key: wrong}}}
    assert refusals(changed) != []


@pytest.mark.parametrize("name", SERVICES)
def test_values_are_what_they_look_like(name: str) -> None:
    """YAML turns a bare ``false`` into no text: every variable is written as text."""
    assert all(isinstance(value, str) for value in SERVICES[name].get("environment", {}).values())


def test_the_notifier_starts_with_these_settings(tmp_path: Path) -> None:
    """It would refuse without a routing file, or if clinical detail were to travel without TLS."""
    service = SERVICES["notifier"]
    told = {key.removeprefix("SAFETY_STREAM_").lower(): value for key, value in service["environment"].items()}
    (here,) = [volume.split(":")[0] for volume in service["volumes"] if told["alert_routing_file"] in volume]
    told |= {"alert_routing_file": str(ROOT / here), "outbox_url": f"sqlite:///{tmp_path}/outbox.db"}
    prepare(Settings.model_validate(told)).engine.dispose()


def test_targets_of_prometheus_are_our_services_at_their_ports() -> None:
    """What Prometheus scrapes, and whom it tells, exists in this file under that name, at the port it listens on."""
    told = YAML(typ="safe").load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = [t for job in told["scrape_configs"] for one in job["static_configs"] for t in one["targets"]]
    assert targets == ["worker-1:9108", "worker-2:9108", "notifier:9109"]
    (manager,) = told["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    for target in [*targets, manager]:
        service, port = target.split(":")
        assert any(published.endswith(f":{port}") for published in SERVICES[service]["ports"])
    assert {"9108", "9109"} == {str(Settings().metrics_port), str(Settings().notifier_metrics_port)}


def test_grafana_finds_prometheus_and_its_dashboards() -> None:
    """The provisioned source is a service of this file; the dashboards are mounted where they are sought."""
    folder = ROOT / "deploy/grafana/provisioning"
    (source,) = YAML(typ="safe").load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = YAML(typ="safe").load((folder / "dashboards/safety-stream.yml").read_text())["providers"]
    mounts = [volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"]]
    assert ["./deploy/grafana/dashboards", provider["options"]["path"]] in mounts


def test_every_stage_of_the_dockerfile_copies_what_exists() -> None:
    """The Dockerfile names no file that the repository does not have."""
    for line in (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert all((ROOT / source).exists() for source in sources), line
