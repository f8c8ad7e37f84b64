"""Who is behind a role: deploy/alerting.yaml, role to channel and address. Every problem of the file at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from email.headerregistry import Address
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import CATALOGUE, ROLES, entry, lines_of
from safety_stream.errors import ConfigurationError
from safety_stream.rulebook.written import Role

EVERY_STUDY: Final = "*"
CHANNELS: Final = ("email", "file")
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
    def mailbox(self) -> Address:
        """The address as a mail needs it."""
        return Address(self.display_name, addr_spec=self.address)


@dataclass(frozen=True, slots=True)
class Routing:
    """Role to people, by study; a study's own line replaces the general one. ``zone``: the clock they read."""

    people: dict[str, dict[Role, tuple[Recipient, ...]]]
    zone: tzinfo = UTC

    def recipients(self, alert: Alert, level: int = 1) -> tuple[Recipient, ...]:
        """Those told at once (level 1), or next in line, each once, in a fixed order; nobody beyond the last level."""
        lines = lines_of(alert)
        found = self._of(alert, lines[level - 1] if level <= len(lines) else ())
        if level == 1 and not found:  # nobody is behind the roles of the protocol: the catalogue's always have somebody
            found = self._of(alert, entry(alert.type, alert.case).levels[0])
        return tuple(found[key] for key in sorted(found))

    def _of(self, alert: Alert, roles: tuple[Role, ...]) -> dict[str, Recipient]:
        return {person.key: person for role in roles for person in self._behind(alert.study, role)}

    def _behind(self, study: str, role: Role) -> tuple[Recipient, ...]:
        own = self.people.get(study, {}).get(role)
        return own if own is not None else self.people[EVERY_STUDY].get(role, ())


def load_routing(file: Path) -> Routing:
    """The file, checked; ConfigurationError lists every problem."""
    try:
        told = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, YAMLError) as error:
        raise ConfigurationError([f"alert routing {file}: {error}"]) from None
    studies = told.get("people") if isinstance(told, dict) else None
    if not isinstance(studies, dict):
        raise ConfigurationError([f"alert routing {file}: expected a mapping under 'people'"])
    problems: list[str] = []
    people = {str(study): _roles(str(study), roles, problems) for study, roles in studies.items()}
    problems += _missing(people.get(EVERY_STUDY, {}))
    zone = _zone(told.get("time_zone", "UTC"), problems)
    if problems:
        raise ConfigurationError([f"alert routing {file}: {problem}" for problem in problems])
    return Routing(people, zone)


def _zone(name: object, problems: list[str]) -> tzinfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(f"time_zone: {name!r} is no time zone of the IANA database, such as Asia/Shanghai")
        return UTC


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
    if not isinstance(told, dict) or len(told) != 1:
        problems.append(f"{place}: expected one 'channel: address', found {told!r}")
        return None
    ((channel, written),) = told.items()
    if channel not in CHANNELS:
        problems.append(f"{place}: no channel {channel!r}; channels are {', '.join(CHANNELS)}")
        return None
    mailbox = read_mailbox(str(written))
    if mailbox is None:
        problems.append(f"{place}: {written!r} is no mail address")
        return None
    return Recipient(str(channel), mailbox.addr_spec, mailbox.display_name)


def read_mailbox(written: str) -> Address | None:
    """ "Name <local@domain>" or "local@domain" in ASCII; None for anything else."""
    match = _MAILBOX.fullmatch(written.strip())
    if match is None or not written.isprintable():
        return None
    try:
        return Address((match["name"] or "").strip(' "'), addr_spec=match["bracketed"] or match["bare"])
    except (ValueError, IndexError):
        return None
