"""The dashboards are what the code makes, complete in every panel, and of the shape that Grafana's own types accept."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

GRAFANA = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
PANELS = [(file.stem, panel) for file in FILES for panel in json.loads(file.read_text())["panels"]]


def test_the_committed_files_are_what_the_code_makes() -> None:
    """Nobody has edited one by hand."""
    made = runpy.run_path(str(GRAFANA / "make_dashboards.py"))["DASHBOARDS"]
    assert {file.stem: json.loads(file.read_text()) for file in FILES} == made


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_grafanas_own_types_read_and_write_it(file: Path) -> None:
    """What the SDK for Grafana 11.6 reads and writes again has the same panels, variables and expressions."""
    told = json.loads(file.read_text())
    again = json.loads(json.dumps(Dashboard.from_json(told), cls=JSONEncoder))
    for name in ("uid", "title", "editable", "refresh", "schemaVersion"):
        assert again[name] == told[name]
    for ours, theirs in zip(told["panels"], again["panels"], strict=True):
        assert {key: theirs[key] for key in ("id", "type", "title", "description", "gridPos")} == {
            key: ours[key] for key in ("id", "type", "title", "description", "gridPos")
        }
        assert theirs["fieldConfig"]["defaults"]["noValue"] == ours["fieldConfig"]["defaults"]["noValue"]
        assert [target["expr"] for target in theirs["targets"]] == [target["expr"] for target in ours["targets"]]


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
