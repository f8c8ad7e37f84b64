"""A YAML table as a clinician wrote it: its data, with the line every value stands on. Pure: text in, data out.

Numbers with a point are Decimal, never float; dates stay text; a key that is written twice is a problem.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

Path = tuple[str | int, ...]
_DEEPEST = 50
_MOST = 200_000
_INT = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})")


@dataclass
class Sheet:
    """One table: ``data``, ``line(*path)`` for every path of keys and indexes, and what is wrong with its form."""

    name: str
    data: Any = None
    problems: list[str] = field(default_factory=list)
    _lines: dict[Path, int] = field(default_factory=dict, repr=False)
    _values: int = field(default=0, repr=False)

    def line(self, *path: str | int) -> int:
        """The line (from 1) of the value at this path, or of the nearest thing that holds it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def problem(self, path: Path, wrong: str, expected: str) -> str:
        """A problem in our one form: file, line, where, what is wrong, what was expected."""
        where = " > ".join(str(part) for part in path)
        at = f"{self.name}:{self.line(*path)}"
        return f"{at}: {where + ': ' if where else ''}{wrong}; expected {expected}"


class _TooMuch(Exception):
    """A text that says more than a table does."""


def read_sheet(name: str, text: str) -> Sheet:
    """Read a YAML text; problems of form are listed in the sheet, not raised."""
    sheet = Sheet(name)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        sheet.data = None if node is None else _build(sheet, node, ())
    except _TooMuch as error:
        sheet.problems.append(str(error))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        sheet.problems.append(f"{name}:{line}: {error.problem}; expected valid YAML")
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        sheet.problems.append(f"{name}:{line}: character {error.character:#x} is no text; expected valid YAML")
    except RecursionError:  # which does not say where
        sheet.problems.append(f"{name}:1: nested too deep to be read; expected valid YAML of a few levels")
    except YAMLError as error:
        sheet.problems.append(f"{name}:1: {error}; expected valid YAML")
    return sheet


def _build(sheet: Sheet, node: Node, path: Path, around: tuple[Node, ...] = ()) -> Any:
    _bounded(sheet, node, len(path))
    sheet._lines.setdefault(path, node.start_mark.line + 1)
    if any(node is one for one in around):  # an alias of what holds it
        sheet.problems.append(sheet.problem(path, "it holds itself", "an alias of something else"))
        return None
    if isinstance(node, MappingNode):
        return dict(_items(sheet, node, path, (*around, node)))
    if isinstance(node, SequenceNode):
        inside = (*around, node)
        return [_build(sheet, item, (*path, index), inside) for index, item in enumerate(node.value)]
    return _scalar(sheet, node, path)


def _bounded(sheet: Sheet, node: Node, depth: int) -> None:
    """Each alias is taken for the whole of what it names: a few lines of aliases of aliases can stand for millions."""
    sheet._values += 1
    at = f"{sheet.name}:{node.start_mark.line + 1}"
    if sheet._values > _MOST:
        found = f"more than {_MOST:,} values, each alias (*) taken for the whole of what it names"
        raise _TooMuch(f"{at}: {found}; expected a table of fewer")
    if depth > _DEEPEST:
        raise _TooMuch(f"{at}: nested more than {_DEEPEST} deep; expected valid YAML of a few levels")


def _items(sheet: Sheet, node: MappingNode, path: Path, around: tuple[Node, ...]) -> Iterator[tuple[Any, Any]]:
    seen: dict[Any, int] = {}
    for key_node, value_node in node.value:
        key = _scalar(sheet, key_node, path)
        line = key_node.start_mark.line + 1
        if key in seen:
            sheet.problems.append(
                f"{sheet.name}:{line}: {key!r} again; expected each key once (first: line {seen[key]})"
            )
        seen[key] = line
        sheet._lines[(*path, key)] = line
        yield key, _build(sheet, value_node, (*path, key), around)


def _scalar(sheet: Sheet, node: Node, path: Path) -> Any:
    if not isinstance(node, ScalarNode):
        sheet.problems.append(f"{sheet.name}:{node.start_mark.line + 1}: a key that is no single word; expected a word")
        return str(node.start_mark.line)
    kind = str(node.tag).rpartition(":")[2]
    text = str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.casefold() == "true"
    if kind == "int" and _INT.fullmatch(text):
        return int(text)
    if kind == "float" and _FLOAT.fullmatch(text):
        return Decimal(text)
    if kind in {"int", "float"}:
        sheet.problems.append(f"{sheet.problem(path, f'{text!r} is no plain number', 'digits with a point')}")
    return text
