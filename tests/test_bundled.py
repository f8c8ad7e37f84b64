"""The bundled folders are found in a checkout, and an installed package is told to carry them."""

import tomllib
from pathlib import Path

import pytest

from safety_stream.bundled import bundled_folder

ROOT = Path(__file__).resolve().parent.parent


def test_a_checkout_finds_its_own_folders() -> None:
    """The folder at the top level, with what belongs in it."""
    assert (bundled_folder("alert_templates") / "_layout" / "body.html.j2").is_file()
    assert (bundled_folder("schemas") / "asyncapi.yaml").is_file()


@pytest.mark.parametrize("name", ["alert_templates", "schemas"])
def test_the_wheel_carries_them_where_the_package_looks(name: str) -> None:
    """The build maps each top-level folder to the place that is searched first."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    mapped = build["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert mapped[name] == f"safety_stream/_share/{name}"
