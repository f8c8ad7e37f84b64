"""What a study protocol and the tables of the book may say, for editors that check YAML while it is written."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from safety_stream.contracts.messages import DIALECT
from safety_stream.rulebook.forms import AmbiguityForm, AnalyteForm, RuleForm, UnitsForm


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of YAML file that a clinician writes: which files of ``rulebook/``, and the form they follow."""

    name: str
    files: str
    form: TypeAdapter[Any]

    @property
    def file(self) -> str:
        """Its schema's path in ``schemas/``."""
        return f"sheets/{self.name}.schema.json"

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema, whole in itself."""
        head = {"$schema": DIALECT, "$id": f"urn:safety-stream:sheet:{self.name}", "title": f"rulebook/{self.files}"}
        schema = _lenient(self.form.json_schema())
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


SHEETS: tuple[Sheet, ...] = (
    Sheet("units", "units.yaml", TypeAdapter(UnitsForm)),
    Sheet("analytes", "analytes.yaml", TypeAdapter(list[AnalyteForm])),
    Sheet("ctcae_v5", "ctcae_v5.yaml", TypeAdapter(list[RuleForm])),
    Sheet("ambiguities", "ambiguities.yaml", TypeAdapter(list[AmbiguityForm])),
)
