"""What a study protocol and the tables of the book may say, for editors that check YAML while it is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from safety_stream.contracts.messages import DIALECT
from safety_stream.rulebook.forms import (
    AmbiguityForm,
    AnalyteForm,
    JoinForm,
    RuleForm,
    ScaleForm,
    SynonymsForm,
    UnitsForm,
)
from safety_stream.rulebook.protocol import ProtocolVersion


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of YAML file that a clinician writes: which files of ``rulebook/``, and the form they follow."""

    name: str
    files: str
    form: Callable[[], dict[str, Any]]

    @property
    def file(self) -> str:
        """Its schema's path in ``schemas/``."""
        return f"sheets/{self.name}.schema.json"

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema, whole in itself."""
        head = {"$schema": DIALECT, "$id": f"urn:safety-stream:sheet:{self.name}", "title": f"rulebook/{self.files}"}
        schema = _lenient(self.form())
        conversion = schema.get("$defs", {}).get("ConversionForm")
        if conversion:  # a bare number is a factor
            schema["$defs"]["ConversionForm"] = {"anyOf": [{"type": "number"}, conversion]}
        return {**head, **schema}


def _lenient(node: Any) -> Any:
    """Where text belongs, YAML writes 3 as readily as "3": the forms take a number for text."""
    if isinstance(node, list):
        return [_lenient(each) for each in node]
    if not isinstance(node, dict):
        return node
    lenient = {name: _lenient(value) for name, value in node.items()}
    if node.get("type") == "string" and "enum" not in node and "const" not in node:
        lenient["type"] = ["string", "number"]
    return lenient


def _protocol() -> dict[str, Any]:
    """A protocol's first version is whole; each later one says only what changes."""
    first = ProtocolVersion.model_json_schema()
    definitions = first.pop("$defs")
    del first["properties"]["study"]
    first["required"].remove("study")
    changes = {name: _changed(definition) for name, definition in {**definitions, "Version": first}.items()}
    own = {name: first["properties"].pop(name) for name in ("version", "effective")}
    definitions["Version"] = {**first, "properties": {**own, **first["properties"]}}
    for name in own:
        del changes["Version"]["properties"][name]
    later = {
        "type": "object",
        "additionalProperties": False,
        "required": ["version"],
        "properties": {**own, "changes": {"$ref": "#/$defs/VersionChanged"}},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["study", "versions"],
        "properties": {
            "study": {"type": "string", "minLength": 1, "maxLength": 120},
            "versions": {
                "type": "array",
                "minItems": 1,
                "prefixItems": [{"$ref": "#/$defs/Version"}],
                "items": later,
            },
        },
        "$defs": {**definitions, **{f"{name}Changed": each for name, each in changes.items()}},
    }


def _changed(node: Any) -> Any:
    """The same form with nothing required: what lies over an earlier version."""
    if isinstance(node, list):
        return [_changed(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _changed(value) for name, value in node.items() if name not in {"required", "default"}}
    if isinstance(node.get("$ref"), str):
        kept["$ref"] = f"{node['$ref']}Changed"
    return kept


SHEETS: tuple[Sheet, ...] = (
    Sheet("units", "units.yaml", UnitsForm.model_json_schema),
    Sheet("analytes", "analytes.yaml", TypeAdapter(list[AnalyteForm]).json_schema),
    Sheet("ctcae_v5", "ctcae_v5.yaml", TypeAdapter(list[RuleForm | JoinForm]).json_schema),
    Sheet("scales", "scales.yaml", TypeAdapter(list[ScaleForm]).json_schema),
    Sheet("synonyms", "synonyms.yaml", SynonymsForm.model_json_schema),
    Sheet("ambiguities", "ambiguities.yaml", TypeAdapter(list[AmbiguityForm]).json_schema),
    Sheet("protocol", "protocols/*.yaml", _protocol),
)
