"""The careful look at a native message that could not be read as it is: every trouble, by field."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from safety_stream.clinical.events import ANY_EVENT, AnyEvent
from safety_stream.intake.expectation import Path, expectation
from safety_stream.intake.rejected import MOST_LISTED, Code, Lexeme, Rejected, Trouble, printable, rejected, shown

MOST_EVENTS = 1000
# Nobody reads more, and a hostile message could hold hundreds of thousands. No field has more than two errors.
_MOST_LOOKED_AT = 2 * MOST_LISTED
_MANY: TypeAdapter[list[AnyEvent]] = TypeAdapter(list[AnyEvent])
_ROOT = "(message)"
_SHAPE = "one event, or a list of events"
_TYPES = {"string_type", "int_type", "bool_type", "datetime_type", "model_type", "dict_type", "frozen_set_type"}


def diagnose(payload: bytes) -> tuple[AnyEvent | Rejected, ...]:
    """Each event of the message, or why it is none; one ``Rejected`` when the JSON as a whole cannot be trusted."""
    try:
        tree = _CAREFUL.decode(payload.decode("utf-8"))
    except UnicodeDecodeError as error:
        found = f"byte 0x{payload[error.start]:02x} at position {error.start}"
        return (rejected("not_utf8", _ROOT, found, "JSON in UTF-8"),)
    except json.JSONDecodeError as error:
        found = f"{shown(error.doc[error.pos : error.pos + 20])} at line {error.lineno}, column {error.colno}"
        return (rejected("not_json", _ROOT, found, f"JSON: {_SHAPE}"),)
    except _Untrusted as error:
        return (error.rejected,)
    except RecursionError:
        return (_too_deep(),)
    return _of_list(payload, tree) if isinstance(tree, list) else (_of_object(payload, tree),)


def _of_object(payload: bytes, tree: object) -> AnyEvent | Rejected:
    if not isinstance(tree, dict):
        return rejected("not_an_object", _ROOT, shown(tree), _SHAPE)
    try:
        return ANY_EVENT.validate_json(payload, strict=True)
    except ValidationError as error:
        errors = _errors(error)
        return _whole(errors[0]) or _verdict(tree, [(each["loc"], each["type"]) for each in errors])


def _of_list(payload: bytes, tree: list[object]) -> tuple[AnyEvent | Rejected, ...]:
    if not tree:
        return (rejected("empty_message", _ROOT, "a list of 0", _SHAPE),)
    if len(tree) > MOST_EVENTS:
        return (rejected("too_large", _ROOT, shown(tree), f"at most {MOST_EVENTS} events in one message"),)
    try:
        return tuple(_MANY.validate_json(payload, strict=True))
    except ValidationError as error:
        errors = _errors(error)
        whole = _whole(errors[0])
        if whole is not None:
            return (whole,)
        troubles: dict[int, list[tuple[Path, str]]] = {}
        for each in errors:
            troubles.setdefault(int(each["loc"][0]), []).append((each["loc"][1:], each["type"]))
    return tuple(
        _verdict(item, troubles[index], index)
        if index in troubles
        else ANY_EVENT.validate_json(json.dumps(item), strict=True)
        for index, item in enumerate(tree)
    )


def _errors(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_input=False, include_context=False)


def _whole(first: Any) -> Rejected | None:
    """The strict reader refuses the JSON itself although the lenient one took it: too deep, or half a character."""
    if first["type"] != "json_invalid":
        return None
    if "recursion" in first["msg"]:
        return _too_deep()
    return rejected("not_json", _ROOT, printable(first["msg"].partition(": ")[2]), f"JSON: {_SHAPE}")


def _too_deep() -> Rejected:
    return rejected("too_deep", _ROOT, "objects or lists nested beyond any event's shape", _SHAPE)


def _verdict(item: object, errors: list[tuple[Path, str]], index: int | None = None) -> Rejected:
    """The troubles of one event, one for each field, with its study and record where they can be read."""
    looked_at = errors[:_MOST_LOOKED_AT]
    troubles = list({trouble.where: trouble for trouble in _troubles(item, looked_at, index)}.values())
    told: dict[str, Any] = item if isinstance(item, dict) else {}
    source = told.get("source")
    record = [source.get(name) for name in ("system", "id")] if isinstance(source, dict) else [None]
    study = told.get("study")
    return Rejected(
        troubles=tuple(troubles[:MOST_LISTED]),
        unlisted=max(0, len(troubles) - MOST_LISTED) + len(errors) - len(looked_at),
        index=index,
        study=printable(study) if isinstance(study, str) else None,
        record=printable("|".join(map(str, record))) if all(isinstance(part, str) for part in record) else None,
    )


def _troubles(item: object, errors: Iterable[tuple[Path, str]], index: int | None) -> Iterator[Trouble]:
    place = "" if index is None else f"[{index}]"
    kind = item.get("kind") if isinstance(item, dict) else None
    for loc, kind_of_error in errors:
        if not isinstance(item, dict):
            yield Trouble(code="not_an_object", where=place or _ROOT, found=shown(item), expected="an event: an object")
        elif kind_of_error.startswith("union_tag"):
            code: Code = "unknown_kind" if "kind" in item else "missing_field"
            yield _trouble(code, item, ("kind",), place, expectation(None, ("kind",)).words)
        else:
            yield _field(item, str(kind), loc[1:], kind_of_error, place)


def _field(item: dict[str, Any], kind: str, path: Path, error: str, place: str) -> Trouble:
    if error == "extra_forbidden":
        names = expectation(kind, path[:-1]).names
        return _trouble("unknown_field", item, path, place, f"only the fields {', '.join(names)}")
    if error == "value_error" and not path:
        return _trouble("missing_field", item, ("test",), place, "test or loinc: one of them names what was measured")
    expected = expectation(kind, path)
    path = expected.path
    code = _code(error, _at(item, path), expected.is_time)
    because = "; a JSON number does not keep its digits" if code == "number_not_text" else ""
    return _trouble(code, item, path, place, expected.words + because)


def _code(error: str, found: object, is_time: bool) -> Code:
    if error == "missing":
        return "missing_field"
    if error == "string_type" and isinstance(found, int | Lexeme) and not isinstance(found, bool):
        return "number_not_text"
    if is_time:
        return "bad_time"
    if error in _TYPES:
        return "wrong_type"
    if error == "string_pattern_mismatch" and isinstance(found, str) and printable(found, len(found)) != found:
        return "control_character"
    return "bad_value"


def _trouble(code: Code, item: dict[str, Any], path: Path, place: str, expected: str) -> Trouble:
    where = place + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    found = "nothing" if code == "missing_field" else shown(_at(item, path))
    return Trouble(code=code, where=printable(where.removeprefix(".")), found=found, expected=expected)


def _at(item: object, path: Path) -> object:
    for part in path:
        if isinstance(item, dict):
            item = item.get(str(part))
        elif isinstance(item, list) and isinstance(part, int) and part < len(item):
            item = item[part]
        else:
            return None
    return item


class _Untrusted(Exception):
    """Breaks off the parsing: JSON of which readers would disagree what it says."""

    def __init__(self, why: Rejected) -> None:
        self.rejected = why
        super().__init__(why.detail)


def _named_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for name, value in pairs:
        if name in seen:
            raise _Untrusted(rejected("duplicate_name", printable(name), "the name twice in one object", "it once"))
        seen[name] = value
    return seen


def _no_such_number(name: str) -> object:
    raise _Untrusted(rejected("not_json", _ROOT, name, "JSON, which has no such number"))


def _whole_number(written: str) -> int | Lexeme:
    return int(written) if len(written) < 16 else Lexeme(written)


_CAREFUL = json.JSONDecoder(
    object_pairs_hook=_named_once, parse_float=Lexeme, parse_int=_whole_number, parse_constant=_no_such_number
)
