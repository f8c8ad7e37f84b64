"""``settings``: every knob as an operator sets it, with what it is now."""

from typing import Any

import typer
from pydantic import SecretStr

from safety_stream.commands.terminal import plain_errors
from safety_stream.settings import PREFIX, Settings, read_settings


def settings() -> None:
    """List every setting: the variable, its value now, and what it is for; * marks those that differ from the default.

    Passwords are not shown.

    Exit codes: 0 listed; 2 a value cannot be, and every such value is named.
    """
    with plain_errors():
        now = read_settings()
    for name, field in Settings.model_fields.items():
        value = getattr(now, name)
        mark = " " if value == field.default else "*"
        what = f"  # {field.description}" if field.description else ""
        typer.echo(f"{mark} {PREFIX}{name.upper()}={_shown(value)}{what}")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return "(hidden)" if isinstance(value, SecretStr) else str(value)
