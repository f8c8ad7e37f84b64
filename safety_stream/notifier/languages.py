"""Which language a person reads: their own line in alerting.yaml, else their role's, their study's, everybody's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from safety_stream.alerting.catalogue import ROLES
from safety_stream.alerting.entries import Language
from safety_stream.rulebook.written import Role

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Languages:
    """``people`` by channel:address, ``named`` by role or study; ``everybody`` else."""

    everybody: Language = "en"
    named: dict[str, Language] = field(default_factory=dict)
    people: dict[str, Language] = field(default_factory=dict)

    def of(self, person: str, roles: Sequence[Role], study: str) -> Language:
        """The nearest word on it."""
        told = (self.people.get(person), *(self.named.get(role) for role in roles), self.named.get(study))
        return next((one for one in told if one is not None), self.everybody)


def read_languages(
    told: dict[str, Any], studies: Iterable[object], own: Iterable[tuple[str, str, object]], problems: list[str]
) -> Languages:
    """``language`` and ``languages`` of the file; ``own``: place, channel:address and language of single persons."""
    everybody = _language("language", told.get("language", "en"), problems)
    named = told.get("languages") or {}
    if not isinstance(named, dict):
        problems.append(f"languages: expected a role or study and its language, found {named!r}")
        named = {}
    known = {*ROLES, *map(str, studies)}
    problems += [f"languages.{name}: no such role or study" for name in named if str(name) not in known]
    return Languages(
        everybody,
        {str(name): _language(f"languages.{name}", one, problems) for name, one in named.items()},
        {key: _language(place, one, problems) for place, key, one in own},
    )


def _language(place: str, told: object, problems: list[str]) -> Language:
    found = next((one for one in LANGUAGES if one == told), None)
    if found is None:
        problems.append(f"{place}: {told!r} is no language that mails are written in: {', '.join(LANGUAGES)}")
    return found or "en"
