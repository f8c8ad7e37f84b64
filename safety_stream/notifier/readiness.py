"""Everything the messenger needs before it starts, looked at once, every problem told at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from safety_stream.alerting.render import Templates
from safety_stream.alerting.render_notes import NoteTemplates
from safety_stream.broker.connection import connection_problems
from safety_stream.bundled import bundled_folder
from safety_stream.errors import ConfigurationError
from safety_stream.notifier.answer_page import PageLook
from safety_stream.notifier.links import Links
from safety_stream.notifier.routing import Recipient, Routing, load_routing, read_mailbox
from safety_stream.notifier.tables import is_an_outbox, open_database, sqlite_file
from safety_stream.settings import Settings

SHORTEST_KEY: Final = 32
_T = TypeVar("_T")
_SHORTEST_KEY: Final = 16


@dataclass(frozen=True, slots=True)
class Ready:
    """What was read and opened."""

    engine: Engine
    routing: Routing
    templates: Templates
    sender: Address
    notes: NoteTemplates
    links: Links
    page: PageLook
    canary: Recipient | None = None


def prepare(settings: Settings) -> Ready:
    """Read and open everything; ConfigurationError lists all that is wrong."""
    problems = [*connection_problems(settings), *_mail_problems(settings), *_page_problems(settings)]
    routing = _got(lambda: _routing(settings), problems)
    templates = _got(lambda: Templates(settings.alert_templates_folder or bundled_folder("alert_templates")), problems)
    notes = _got(lambda: NoteTemplates(settings.alert_templates_folder or bundled_folder("alert_templates")), problems)
    sender = _got(lambda: _sender(settings.smtp_sender), problems)
    engine = _got(lambda: _database(settings.outbox_url), problems)
    problems += _webhook_problems(settings, routing)
    canary = canary_mailbox(settings, problems)
    if problems or engine is None or routing is None or templates is None or sender is None or notes is None:
        raise ConfigurationError(problems)
    return Ready(engine, routing, templates, sender, notes, links_of(settings), page_look(settings), canary)


def canary_mailbox(settings: Settings, problems: list[str]) -> Recipient | None:
    """Where the canary's mails go; nowhere when it is never sent."""
    if not settings.canary_minutes:
        return None
    mailbox = read_mailbox(settings.canary_mailbox or "")
    if mailbox is None:
        problems.append(f"canary_mailbox {settings.canary_mailbox!r} is no mail address, and the canary is to be sent")
    if settings.clock != "wall":
        problems.append("canary_minutes: a canary is sent on wall time only")
    return None if mailbox is None else Recipient("email", mailbox.addr_spec, mailbox.display_name)


def links_of(settings: Settings) -> Links:
    """The answer links as they are set; none without keys."""
    told = settings.answer_keys.get_secret_value() if settings.answer_keys else ""
    keys = tuple(key.strip() for key in told.split(",") if key.strip())
    url = settings.answer_public_url or f"http://{settings.answer_host}:{settings.answer_port}"
    return Links(keys, url.rstrip("/"))


def page_look(settings: Settings) -> PageLook:
    """What the answer page shows and trusts."""
    return PageLook(settings.answer_identity_header, full=settings.mail_body_detail == "full")


def _page_problems(settings: Settings) -> Iterator[str]:
    links = links_of(settings)
    if any(len(key) < SHORTEST_KEY for key in links.keys):
        yield f"answer_keys: a key has at least {SHORTEST_KEY} characters"
    address = urlsplit(links.base_url)
    if links.keys and (address.scheme not in {"http", "https"} or not address.hostname):
        yield f"answer_public_url {links.base_url!r} is no web address"
    elif links.keys and address.scheme == "http" and not _is_here(address.hostname or ""):
        yield "answer_public_url: a link that answers alerts must be https, or lead to this machine"


def open_outbox(settings: Settings) -> tuple[Engine, Routing]:
    """Database and routing alone, for the second look; ConfigurationError lists all that is wrong."""
    problems = connection_problems(settings)
    routing = _got(lambda: _routing(settings), problems)
    engine = _got(lambda: _database(settings.outbox_url), problems)
    if problems or engine is None or routing is None:
        raise ConfigurationError(problems)
    return engine, routing


def open_database_of(settings: Settings) -> Engine:
    """The database alone, for the commands that answer and list: it must be there, for they never make one."""
    return _database(settings.outbox_url, made=True)


def _got(make: Callable[[], _T], problems: list[str]) -> _T | None:
    try:
        return make()
    except ConfigurationError as error:
        problems += error.problems
    except OSError as error:
        problems.append(str(error))
    return None


def _routing(settings: Settings) -> Routing:
    if settings.alert_routing_file is None:
        raise ConfigurationError(
            ["alert_routing_file is not set: nobody would be told (deploy/alerting.yaml is an example)"]
        )
    return load_routing(settings.alert_routing_file)


def _sender(written: str) -> Address:
    sender = read_mailbox(written)
    if sender is None:
        raise ConfigurationError([f"smtp_sender {written!r} is no mail address"])
    return sender


def _database(url: str, *, made: bool = False) -> Engine:
    """``made``: only one that the notifier has made already."""
    try:
        if made and not is_an_outbox(url):
            raise ConfigurationError([_no_outbox(url)])
        return open_database(url)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise ConfigurationError([f"outbox_url cannot be used: {str(error).splitlines()[0]}"]) from None


def _no_outbox(url: str) -> str:
    shown = make_url(url).render_as_string(hide_password=True)
    file = sqlite_file(url)
    where = f"there is no outbox in {Path(file).absolute()}" if file else "there is no outbox"
    return f"outbox_url {shown}: {where}; expected the database of the notifier, as its SAFETY_STREAM_OUTBOX_URL says"


def _mail_problems(settings: Settings) -> Iterator[str]:
    if (settings.smtp_username is None) != (settings.smtp_password is None):
        yield "smtp_username and smtp_password belong together"
    if settings.smtp_tls == "none" and settings.mail_body_detail == "full" and not _is_here(settings.smtp_host):
        yield (
            f"smtp_tls is none and {settings.smtp_host} is another machine: clinical detail would travel in the open; "
            "use TLS, or mail_body_detail notice"
        )
    if settings.smtp_ca_file is not None and not settings.smtp_ca_file.is_file():
        yield f"smtp_ca_file: there is no file {settings.smtp_ca_file}"
    folder: Path | None = settings.alert_templates_folder
    if folder is not None and not folder.is_dir():
        yield f"alert_templates_folder: there is no folder {folder}"


def _webhook_problems(settings: Settings, routing: Routing | None) -> Iterator[str]:
    used = routing is not None and any(
        one.channel == "webhook" for roles in routing.people.values() for people in roles.values() for one in people
    )
    key = settings.webhook_key
    if used and (key is None or len(key.get_secret_value()) < _SHORTEST_KEY):
        yield f"webhook_key: alerting.yaml names a webhook; sign with a key of at least {_SHORTEST_KEY} characters"
    if settings.webhook_ca_file is not None and not settings.webhook_ca_file.is_file():
        yield f"webhook_ca_file: there is no file {settings.webhook_ca_file}"


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
