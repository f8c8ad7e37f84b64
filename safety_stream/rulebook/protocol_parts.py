"""What can be said of a protocol that is not whole yet: its blanks, and the parts of a version that are sound. Pure.

Its law: one mistake does not hide another. A version of which one part is wrong is still compared with the tables.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from safety_stream.rulebook.protocol import ProtocolVersion
from safety_stream.rulebook.sheet import Path, Sheet

_BLANK = re.compile(r"<[A-Za-z][^<>]*>")


def unfilled(sheet: Sheet) -> Iterator[str]:
    """A problem for every blank of the template that is still there."""
    for path, text in _texts(sheet.data, ()):
        if is_blank(text):
            yield sheet.problem(path, f"{text} is a blank of the template", "what this study says here")


def is_blank(told: object) -> bool:
    """Whether something is a blank of the template."""
    return isinstance(told, str) and _BLANK.fullmatch(told) is not None


def _texts(told: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(told, str):
        yield path, told
    parts = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for key, part in parts:
        yield from _texts(part, (*path, key))


def sound_parts(laid: Mapping[str, Any]) -> ProtocolVersion:
    """The parts of a version that are right by themselves; the others as if they were left out.

    DLT rules lean on the composites: where these are wrong, what the rules say of them is not judged.
    """
    parts = {name: part for name, told in laid.items() if (part := _sound(name, told)) is not None}
    dlt = parts.get("dlt")
    if dlt is not None and "composites" in laid.keys() - parts.keys():
        rules = tuple(rule for rule in dlt.rules if rule.about.composite is None)
        parts["dlt"] = dlt.model_copy(update={"rules": rules})
    return ProtocolVersion.model_construct(**parts)


def _sound(name: str, told: Any) -> Any:
    """One part; where something inside it is wrong, the part without that."""
    field = ProtocolVersion.model_fields.get(name)
    if field is None:
        return None
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
    left = deepcopy(told)
    try:
        return adapter.validate_python(left)
    except ValidationError as error:
        for one in error.errors():
            _drop(left, one["loc"])
    try:
        return adapter.validate_python(left)
    except ValidationError:
        return None


def _drop(told: Any, loc: Path) -> None:
    """Leave out the innermost key on the way to a mistake; places in lists stay, for the sake of their lines."""
    holder, key = None, None
    for step in loc:
        if isinstance(told, dict) and step in told:
            holder, key = told, step
        elif not (isinstance(told, list) and isinstance(step, int) and step < len(told)):
            break
        told = told[step]
    if holder is not None:
        holder.pop(key, None)
