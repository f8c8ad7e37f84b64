"""Whether a dashboard is of the types that Grafana publishes for its JSON: nothing unknown, nothing of another type.

Grafana makes its development kit from the same schema as its own code. The kit reads what it knows and drops the rest
in silence, and checks no type; so what it read is compared with its declared types here, and what it writes again with
what it was given.
"""

import json
import sys
from collections.abc import Iterator
from enum import Enum
from inspect import getmro
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()


def complaints(told: dict[str, Any]) -> list[str]:
    """Every place that Grafana's types do not know, or where they want something else."""
    read = Dashboard.from_json(told)
    again = json.loads(json.dumps(read, cls=JSONEncoder))
    return [*_mistyped(read, Dashboard, "dashboard"), *_lost(told, again, "dashboard")]


def _lost(told: Any, again: Any, at: str) -> Iterator[str]:
    """What was given and is not there, or is another, after reading and writing."""
    if isinstance(told, dict) and isinstance(again, dict):
        for key, value in told.items():
            if key in again:
                yield from _lost(value, again[key], f"{at}.{key}")
            elif value is not None:
                yield f"{at}.{key} is not known"
    elif isinstance(told, list) and isinstance(again, list) and len(told) == len(again):
        for number, (one, other) in enumerate(zip(told, again, strict=True)):
            yield from _lost(one, other, f"{at}[{number}]")
    elif told != again:
        yield f"{at} is {told!r}, read as {again!r}"


def _mistyped(value: Any, wanted: Any, at: str) -> Iterator[str]:
    """What is not of its declared type, all the way down."""
    wanted = type(value) if _is_one_of_many(value, wanted) else wanted
    origin, inside = get_origin(wanted), get_args(wanted)
    if origin is Union or str(origin) == "<class 'types.UnionType'>":
        tried = [list(_mistyped(value, one, at)) for one in inside]
        if all(tried):
            yield min(tried, key=len)[0] if value is not None else f"{at} is missing"
    elif origin is list and isinstance(value, list):
        for number, one in enumerate(value):
            yield from _mistyped(one, inside[0], f"{at}[{number}]")
    elif origin is dict and isinstance(value, dict):
        for key, one in value.items():
            yield from _mistyped(one, inside[1], f"{at}.{key}")
    elif not _is_a(value, wanted, origin, inside):
        yield f"{at} is {value!r}, not {wanted}"
    elif isinstance(wanted, type) and hasattr(wanted, "from_json") and not isinstance(value, dict):
        for name, one in _hints(wanted).items():
            yield from _mistyped(getattr(value, name), one, f"{at}.{name}")


def _is_one_of_many(value: Any, wanted: Any) -> bool:
    """A query or the options of a panel: which class they are, their plugin says."""
    return isinstance(wanted, type) and wanted is not type(value) and isinstance(value, wanted) and _is_model(value)


def _is_model(value: Any) -> bool:
    return type(value).__module__.startswith("grafana_foundation_sdk.models")


def _is_a(value: Any, wanted: Any, origin: Any, inside: tuple[Any, ...]) -> bool:
    if wanted in {Any, object} or (origin is Literal and value in inside):
        return True
    if wanted in {int, float}:
        return isinstance(value, int | wanted) and not isinstance(value, bool)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return value in [*wanted, *(one.value for one in wanted)]
    return origin is not Literal and isinstance(value, origin or wanted or NoneType)


def _hints(model: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in reversed(getmro(model)):
        if one is not object:
            found |= get_type_hints(one, vars(sys.modules[one.__module__]))
    return found
