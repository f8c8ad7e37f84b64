"""Lengths of time and grade bounds as a protocol writes them: ``72 h``, ``> 28 d``, ``>= 4``."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "wk": timedelta(days=7)}
_LENGTH = r"[0-9]{1,5} ?(min|h|d|wk)"
_SPAN = re.compile(_LENGTH)
_LASTING = re.compile(rf"(>=|>) *{_LENGTH}")
_BOUND = re.compile(r"(>=|>) ?([1-5])")


class AsWritten:
    """Something a protocol writes as text and a rule reads as a value."""

    text: str

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda told: told if isinstance(told, cls) else cls(str(told)),  # type: ignore[call-arg]
            core_schema.is_instance_schema(cls),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda one: one.text, return_schema=core_schema.str_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": (cls.__doc__ or "").splitlines()[0]}

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=1024)
def _length(text: str) -> timedelta:
    unit = text.lstrip("0123456789 ")
    return int(text.removesuffix(unit)) * _UNITS[unit]


@dataclass(frozen=True)
class Span(AsWritten):
    """A length of time: ``90 min``, ``72 h``, ``14 d``, ``4 wk``."""

    text: str

    def __post_init__(self) -> None:
        if _SPAN.fullmatch(self.text) is None:
            raise ValueError(f"{self.text!r} is no length of time; expected for example '72 h' or '14 d'")

    @property
    def length(self) -> timedelta:
        """As a duration."""
        return _length(self.text)


@dataclass(frozen=True)
class Lasting(AsWritten):
    """How long something must last: ``> 72 h`` or ``>= 7 d``."""

    text: str

    def __post_init__(self) -> None:
        if _LASTING.fullmatch(self.text) is None:
            raise ValueError(f"{self.text!r} is no duration; expected a comparison and a length such as '> 72 h'")

    @property
    def length(self) -> timedelta:
        """The limit itself."""
        return _length(self.text.lstrip(">= "))

    def holds(self, duration: timedelta) -> bool:
        """Whether something that lasted so long lasted long enough."""
        return duration >= self.length if self.text.startswith(">=") else duration > self.length


@dataclass(frozen=True)
class GradeBound(AsWritten):
    """From which grade: ``>= 3`` or ``> 2``."""

    text: str

    def __post_init__(self) -> None:
        if _BOUND.fullmatch(self.text) is None:
            raise ValueError(f"{self.text!r} is no grade bound; expected '>= 1' to '>= 5'")

    @property
    def lowest(self) -> int:
        """The lowest grade that meets it."""
        return int(self.text[-1]) + (not self.text.startswith(">="))
