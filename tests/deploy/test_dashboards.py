"""The dashboards are what the code makes, complete in every panel, and of the shape that Grafana's own types accept."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from grafana_types import complaints
from ruamel.yaml import YAML

GRAFANA = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
PANELS = [(file.stem, panel) for file in FILES for panel in json.loads(file.read_text())["panels"]]


def test_the_committed_files_are_what_the_code_makes() -> None:
    """Nobody has edited one by hand."""
    made = runpy.run_path(str(GRAFANA / "make_dashboards.py"))["DASHBOARDS"]
    assert {file.stem: json.loads(file.read_text()) for file in FILES} == made


# The schema leaves annotations open to their data source; this field is of Prometheus' own.
OPEN = {"dashboard.annotations.list[0].titleFormat is not known"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_grafanas_own_types_know_everything_in_it(file: Path) -> None:
    """Nothing is unknown, of another type or lost, by the types that Grafana 11.6 publishes for its JSON."""
    assert set(complaints(json.loads(file.read_text()))) == OPEN


WRONG: list[tuple[tuple[str | int, ...], Any]] = [
    (("panels", 0, "fieldConfig", "defaults", "noValu"), "none"),
    (("panels", 0, "fieldConfig", "defaults", "unit"), 7),
    (("panels", 0, "fieldConfig", "defaults", "thresholds", "mode"), "relative"),
    (("panels", 0, "gridPos", "h"), "high"),
    (("panels", 0, "options", "reduceOption"), {}),
    (("panels", 0, "options", "reduceOptions", "values"), "no"),
    (("panels", 0, "targets", 0, "expression"), "up"),
    (("panels", 0, "targets", 0, "legendFormat"), 3),
    (("refresh",), 10),
    (("editable",), "no"),
    (("templating", "list", 0, "type"), "anything"),
]


@pytest.mark.parametrize(("path", "wrong"), WRONG, ids=[".".join(map(str, path)) for path, _ in WRONG])
def test_those_types_see_what_is_wrong(path: tuple[str | int, ...], wrong: object) -> None:
    """A misspelt key, text for a number, a word that is none of the list: each is a complaint."""
    told: Any = json.loads((GRAFANA / "dashboards" / "dsmb.json").read_text())
    place = told
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = wrong
    try:
        found = set(complaints(told))
    except (ValueError, TypeError) as refused:  # the kit itself refuses some
        found = {str(refused)}
    assert found - OPEN


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=[f"{board}: {panel['title']}" for board, panel in PANELS])
def test_every_panel_explains_itself(board: str, panel: dict[str, Any]) -> None:
    """Title, description, unit, a sentence for no data, the source as a variable; counters are read as rates."""
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert defaults["unit"]
    assert defaults["noValue"]
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        assert target["legendFormat"]
        assert "_total" not in target["expr"] or "rate(" in target["expr"] or "increase(" in target["expr"]
        assert "rate(" not in target["expr"] or "$__rate_interval" in target["expr"]


def test_the_source_that_is_provisioned_is_of_the_type_that_panels_ask_for() -> None:
    """The one data source is Prometheus, with a uid that never changes; dashboards cannot be edited in place."""
    (source,) = YAML(typ="safe").load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["uid"], source["editable"]) == ("prometheus", "safety-stream-prometheus", False)
    (provider,) = YAML(typ="safe").load((GRAFANA / "provisioning/dashboards/safety-stream.yml").read_text())[
        "providers"
    ]
    assert provider["allowUiUpdates"] is False
