"""Who is behind a role: deploy/alerting.yaml, role to channel and address. Every problem of the file at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from email.headerregistry import Address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import CATALOGUE, ROLES, entry, lines_of
from safety_stream.alerting.channels.channel import WebAddress
from safety_stream.alerting.entries import Language
from safety_stream.errors import ConfigurationError
from safety_stream.notifier.languages import Languages, read_languages
from safety_stream.rulebook.sheet import read_sheet
from safety_stream.rulebook.written import Role

EVERY_STUDY: Final = "*"
CHANNELS: Final = ("email", "file", "webhook")
_ADDRESS: Final = r"[\x21-\x3b\x3d\x3f-\x7e]+@[A-Za-z0-9.-]+"  # printable ASCII without < and >
_MAILBOX: Final = re.compile(rf"(?P<name>[^<>]*)<(?P<bracketed>{_ADDRESS})>|(?P<bare>{_ADDRESS})")
_NEEDED: Final = tuple(sorted({role for told in CATALOGUE.values() for role in told.levels[0]}))


@dataclass(frozen=True, slots=True, order=True)
class Recipient:
    """One person on one channel. ``key`` is what makes a message unique."""

    channel: str
    address: str
    display_name: str = ""

    @property
    def key(self) -> str:
        """channel:address, whatever the name is written as."""
        return f"{self.channel}:{self.address}"

    @classmethod
    def of(cls, told: list[str]) -> "Recipient":
        """As the outbox keeps it: channel, address, display name."""
        channel, address, display_name = told
        return cls(channel, address, display_name)

    @property
    def mailbox(self) -> Address | WebAddress:
        """The address as its channel needs it."""
        if self.channel == "webhook":
            return WebAddress(self.address)
        return Address(self.display_name, addr_spec=self.address)


@dataclass(frozen=True, slots=True)
class Routing:
    """Role to people, by study; a study's own line replaces the general one. ``zone``: the clock they read."""

    people: dict[str, dict[Role, tuple[Recipient, ...]]]
    zone: tzinfo = UTC
    languages: Languages = field(default_factory=Languages)

    def language_of(self, person: Recipient, study: str) -> Language:
        """The language that one person reads about one study."""
        roles = [role for name in (study, EVERY_STUDY) for role in self._roles_of(person, name)]
        return self.languages.of(person.key, roles, study)

    def is_pooled(self, person: Recipient, study: str) -> bool:
        """Whether a person sits on the safety board alone: who sees pooled data only, never a subject."""
        roles = {role for role in ROLES if person.key in {one.key for one in self.behind(study, role)}}
        return roles == {"dsmb_chair"}

    def _roles_of(self, person: Recipient, study: str) -> list[Role]:
        held = self.people.get(study, {})
        return [role for role, people in held.items() if person.key in {one.key for one in people}]

    def recipients(self, alert: Alert, level: int = 1) -> tuple[Recipient, ...]:
        """Those told at once (level 1), or next in line, each once, in a fixed order; nobody beyond the last level."""
        lines = lines_of(alert)
        found = self._of(alert, lines[level - 1] if level <= len(lines) else ())
        if level == 1 and not found:  # nobody is behind the roles of the protocol: the catalogue's always have somebody
            found = self._of(alert, entry(alert.type, alert.case).levels[0])
        return tuple(found[key] for key in sorted(found))

    def behind(self, study: str, role: Role) -> tuple[Recipient, ...]:
        """Those behind one role of a study."""
        own = self.people.get(study, {}).get(role)
        return own if own is not None else self.people.get(EVERY_STUDY, {}).get(role, ())

    def _of(self, alert: Alert, roles: tuple[Role, ...]) -> dict[str, Recipient]:
        return {person.key: person for role in roles for person in self.behind(alert.study, role)}


def load_routing(file: Path) -> Routing:
    """The file, checked; ConfigurationError lists every problem."""
    told = _written(file)
    studies = told.get("people") if isinstance(told, dict) else None
    if not isinstance(studies, dict):
        raise ConfigurationError([f"alert routing {file}: expected a mapping under 'people'"])
    problems: list[str] = []
    people = {str(study): _roles(str(study), roles, problems) for study, roles in studies.items()}
    problems += _missing(people.get(EVERY_STUDY, {}))
    zone = _zone(told.get("time_zone", "UTC"), problems)
    languages = read_languages(told, studies, _own_languages(studies), problems)
    if problems:
        raise ConfigurationError([f"alert routing {file}: {problem}" for problem in problems])
    return Routing(people, zone, languages)


def _written(file: Path) -> Any:
    try:
        sheet = read_sheet(str(file), file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise ConfigurationError([f"alert routing {file}: {error}"]) from None
    if sheet.problems:
        raise ConfigurationError([f"alert routing {problem}" for problem in sheet.problems])
    return sheet.data


def _zone(name: object, problems: list[str]) -> tzinfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(f"time_zone: {name!r} is no time zone of the IANA database, such as Asia/Shanghai")
        return UTC


def _own_languages(studies: dict[Any, Any]) -> Iterator[tuple[str, str, object]]:
    """Place, channel:address and language of everybody with a line of their own."""
    for study, roles in studies.items():
        for role, people in roles.items() if isinstance(roles, dict) else ():
            for number, one in enumerate(people if isinstance(people, list) else ()):
                place = f"people.{study}.{role}[{number}]"
                person = _person(place, one, [])
                if person is not None and "language" in one:
                    yield f"{place}.language", person.key, one["language"]


def _missing(everywhere: dict[Role, tuple[Recipient, ...]]) -> Iterator[str]:
    for role in _NEEDED:
        if not everywhere.get(role):
            yield f"people.'{EVERY_STUDY}'.{role}: nobody is named, and this role is told at once"


def _roles(study: str, told: Any, problems: list[str]) -> dict[Role, tuple[Recipient, ...]]:
    if not isinstance(told, dict):
        problems.append(f"people.{study}: expected roles, found {told!r}")
        return {}
    problems += [
        f"people.{study}.{role}: no such role; roles are {', '.join(ROLES)}" for role in told if role not in ROLES
    ]
    return {role: _people(f"people.{study}.{role}", told[role], problems) for role in ROLES if role in told}


def _people(place: str, told: Any, problems: list[str]) -> tuple[Recipient, ...]:
    if not isinstance(told, list):
        problems.append(f"{place}: expected a list of 'channel: address', found {told!r}")
        return ()
    found = (_person(f"{place}[{number}]", one, problems) for number, one in enumerate(told))
    return tuple(person for person in found if person is not None)


def _person(place: str, told: Any, problems: list[str]) -> Recipient | None:
    named = {key: value for key, value in told.items() if key != "language"} if isinstance(told, dict) else {}
    if len(named) != 1:
        problems.append(f"{place}: expected one 'channel: address', found {told!r}")
        return None
    ((channel, written),) = named.items()
    if channel not in CHANNELS:
        problems.append(f"{place}: no channel {channel!r}; channels are {', '.join(CHANNELS)}")
        return None
    if channel == "webhook":
        return _webhook(place, str(written), problems)
    mailbox = read_mailbox(str(written))
    if mailbox is None:
        problems.append(f"{place}: {written!r} is no mail address")
        return None
    return Recipient(str(channel), mailbox.addr_spec, mailbox.display_name)


def _webhook(place: str, written: str, problems: list[str]) -> Recipient | None:
    """An https address; http only to this machine, where nobody listens in between."""
    try:
        parts = urlsplit(written)
        here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    except ValueError:
        parts, here = urlsplit(""), False
    plain = written.isascii() and written.isprintable() and " " not in written
    if not plain or not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
        problems.append(f"{place}: {written!r} is no https address")
        return None
    return Recipient("webhook", written)


def read_mailbox(written: str) -> Address | None:
    """ "Name <local@domain>" or "local@domain" in ASCII; None for anything else."""
    match = _MAILBOX.fullmatch(written.strip())
    if match is None or not written.isprintable():
        return None
    try:
        return Address((match["name"] or "").strip(' "'), addr_spec=match["bracketed"] or match["bare"])
    except (ValueError, IndexError):
        return None
