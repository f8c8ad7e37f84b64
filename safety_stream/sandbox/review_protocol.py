"""A protocol on the review page: every rule of a version in words, of a later version only what it changes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from safety_stream.rulebook.protocol import Protocol, ProtocolVersion

Row = tuple[str, str]
Part = tuple[str, list[Row]]
_CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+")  # a choice of the form, such as before_each_infusion
_TOLD_ALREADY = {"id", "text", "number"}
_OWN_PLACE = {"study", "version", "effective", "registry", "ctcae", "zone"}


def changed_parts(protocol: Protocol, place: int) -> list[Part]:
    """The parts of one version; of a later one the rows that differ from the version before."""
    now = dict(_parts(protocol.versions[place]))
    if place == 0:
        return list(now.items())
    before = dict(_parts(protocol.versions[place - 1]))
    changed = {title: [row for row in rows if row not in before.get(title, [])] for title, rows in now.items()}
    return [(title, rows) for title, rows in changed.items() if rows]


def _parts(version: ProtocolVersion) -> Iterator[Part]:
    """Whatever the protocol says, under its own names: a field that is new is shown without a change here."""
    single: list[Row] = []
    for name in type(version).model_fields:
        value = getattr(version, name)
        if name in _OWN_PLACE or value in (None, (), {}):
            continue
        rows = list(_rows(value))
        if len(rows) == 1 and not rows[0][0]:
            single.append((_label(name), rows[0][1]))
        else:
            yield _label(name).capitalize(), rows
    if single:
        yield "Other values", single


def _rows(value: object, under: str = "") -> Iterator[Row]:
    """One row for each named thing; a model with things inside is told one by one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name), said(inner)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        yield from ((_name(one, number), said(one)) for number, one in enumerate(value, start=1))
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            inner = getattr(value, name)
            if isinstance(inner, Mapping) or (isinstance(inner, tuple) and inner and isinstance(inner[0], BaseModel)):
                yield from _rows(inner, name)
            elif inner not in (None, (), {}):
                yield _label(name), said(inner)
    else:
        yield under, said(value)


def _name(one: BaseModel, number: int) -> str:
    told: Any = next((getattr(one, name) for name in ("id", "term", "analyte", "number") if hasattr(one, name)), number)
    return str(told)


def said(value: object) -> str:
    """A value in words: the text of a rule first, then its figures, by their names."""
    if isinstance(value, BaseModel):
        told = [str(text)] if (text := getattr(value, "text", None)) else []
        names = [
            name
            for name in type(value).model_fields
            if name not in {"id", "text", "number"} and not _default(value, name)
        ]
        return "; ".join([*told, *(f"{_label(name)} {said(getattr(value, name))}" for name in names)])
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {said(one)}" for name, one in value.items())
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(said(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _label(str(value)) if _CODE.fullmatch(str(value)) else str(value)


def _default(value: BaseModel, name: str) -> bool:
    field, told = type(value).model_fields[name], getattr(value, name)
    return told in (None, (), {}) or (not field.is_required() and told == field.get_default(call_default_factory=True))


def _label(name: str) -> str:
    return name.replace("_", " ").replace("dlt", "DLT")
