"""What a study protocol and the tables of the book may say, for editors that check YAML while it is written."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from safety_stream.contracts.messages import DIALECT


@dataclass(frozen=True, slots=True)
class Sheet:
    """One YAML file that a clinician writes: its name and the form it follows."""

    name: str
    title: str
    form: TypeAdapter[Any]

    @property
    def file(self) -> str:
        """Its schema's path in ``schemas/``."""
        return f"sheets/{self.name}.schema.json"

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema, whole in itself."""
        head = {"$schema": DIALECT, "$id": f"urn:safety-stream:sheet:{self.name}", "title": self.title}
        return {**head, **self.form.json_schema()}


SHEETS: tuple[Sheet, ...] = ()
