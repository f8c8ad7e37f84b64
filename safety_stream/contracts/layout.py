"""How the files are written: stable to the byte, readable by people."""

import io
import json
from typing import Any

from ruamel.yaml import YAML

NOTICE = "Generated from the models of safety_stream by 'safety-stream schemas'; changes made here are lost."


def as_json(schema: dict[str, Any]) -> str:
    """A schema as indented JSON."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def as_yaml(document: dict[str, Any]) -> str:
    """A document as YAML 1.2 in its own order."""
    yaml = YAML()
    yaml.width = 118
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump(document, text)
    return f"# {NOTICE}\n{text.getvalue()}"
