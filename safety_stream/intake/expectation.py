"""What a field of an event may hold, in words: read from the contract itself, so that it is said in one place."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from safety_stream.clinical.events import ANY_EVENT
from safety_stream.clinical.moment import FIRST_YEAR, LAST_YEAR, PATTERN

Path = tuple[str | int, ...]
_TIME = f"an instant with its zone (2026-03-04T07:30:00+08:00), {FIRST_YEAR} to {LAST_YEAR}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a field may hold: in words, whether that is a time, its own fields, its path as far as the contract goes."""

    words: str
    is_time: bool
    names: tuple[str, ...]
    path: Path


@lru_cache(maxsize=1024)
def expectation(kind: str | None, path: Path) -> Expectation:
    """What the field at ``path`` of an event of this kind may hold; ``kind`` null asks for the kinds themselves."""
    contract = _contract()
    kinds = contract["discriminator"]["mapping"]
    if kind is None:
        return Expectation(f"one of {', '.join(kinds)}", False, (), path)
    node, known = _resolved({"$ref": kinds[kind]}), 0
    for part in path:
        inner = _inside(node, part)
        if inner is None:
            break
        node, known = inner, known + 1
    names = tuple(
        name for each in (node, *map(_resolved, node.get("anyOf", ()))) for name in each.get("properties", ())
    )
    return Expectation(_words(node), _is_time(node), names, path[:known])


@cache
def _contract() -> dict[str, Any]:
    return ANY_EVENT.json_schema()


def _inside(node: dict[str, Any], part: str | int) -> dict[str, Any] | None:
    for each in _alternatives(node):
        inner = each.get("items") if isinstance(part, int) else each.get("properties", {}).get(part)
        if inner is not None:
            return _resolved(inner)
    return None


def _alternatives(node: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The node and what it may be instead: an object that may be left out is one of two."""
    return (node, *map(_resolved, node.get("anyOf", ())))


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    rest = {name: value for name, value in node.items() if name != "$ref"}
    return {**_contract()["$defs"][node["$ref"].rpartition("/")[2]], **rest}


def _is_time(node: dict[str, Any]) -> bool:
    return any(each.get("format") == "date-time" or _is_moment(each) for each in (node, *node.get("anyOf", ())))


def _is_moment(node: dict[str, Any]) -> bool:
    return node.get("pattern") == PATTERN


def _words(node: dict[str, Any]) -> str:
    words = " or ".join(_of_one(_resolved(each)) for each in node.get("anyOf", (node,)))
    examples = node.get("examples")
    return f"{words}, such as {' or '.join(map(str, examples))}" if examples and not _is_time(node) else words


def _of_one(node: dict[str, Any]) -> str:
    if "enum" in node or "const" in node:
        return "one of " + ", ".join(map(str, node.get("enum", [node.get("const")])))
    match node.get("type"):
        case "string":
            return _of_text(node)
        case "integer":
            bounds = node.get("minimum"), node.get("maximum")
            return f"a whole number from {bounds[0]}" + (f" to {bounds[1]}" if bounds[1] else "")
        case "array":
            return f"a list, each {_of_one(_resolved(node['items']))}"
        case "boolean" | "null" as plain:
            return {"boolean": "true or false", "null": "null"}[plain]
        case _:
            return f"an object of {', '.join(node.get('properties', ()))}"


def _of_text(node: dict[str, Any]) -> str:
    if _is_time(node):
        return f"{_TIME}, or a date, month or year (2026-03-04, 2026-03, 2026)" if _is_moment(node) else _TIME
    most = node.get("maxLength")
    return "text" if most is None else f"one line of text, {node.get('minLength', 0)} to {most} characters"
