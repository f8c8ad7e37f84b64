"""A local inbox: a real SMTP server on a loopback port that keeps every mail as an .eml file and counts them.

Its faults can be switched while it runs, so that a test sees how the messenger behaves towards a server that
refuses, defers, takes a mail and never answers, or is not there at all.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

Fault = Literal["none", "refuse", "defer", "drop-reply"]
_LARGEST_MAIL = 10_000_000


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was received, and the file it is kept in."""

    number: int
    path: Path
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """Its subject line."""
        return str(self.message["Subject"] or "")

    @property
    def message_id(self) -> str:
        """Its Message-ID, by which a repeat is known."""
        return str(self.message["Message-ID"] or "")

    def text(self) -> str:
        """Its plain text part."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()).replace("\r\n", "\n") if part else ""


class Inbox:
    """The server, as a context manager: listening inside it, gone afterwards; the files stay."""

    def __init__(self, folder: Path, arrived: Callable[[Mail], None] | None = None) -> None:
        self.folder = folder
        self.fault: Fault = "none"
        self.refused: frozenset[str] = frozenset()
        self.port = 0
        self._arrived = arrived
        self._mails: list[Mail] = []
        self._changed = Condition()
        self._thread: Thread | None = None
        self._stop: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def mails(self) -> tuple[Mail, ...]:
        """Every mail received so far, in order of arrival; a repeat counts again."""
        with self._changed:
            return tuple(self._mails)

    def wait_for(self, enough: Callable[[tuple[Mail, ...]], bool], seconds: float = 30.0) -> tuple[Mail, ...]:
        """Wait until ``enough`` holds of the mails received; TimeoutError after ``seconds``."""
        with self._changed:
            if not self._changed.wait_for(lambda: enough(tuple(self._mails)), seconds):
                raise TimeoutError(f"{len(self._mails)} mails after {seconds} s, and not what was waited for")
            return tuple(self._mails)

    def start(self) -> None:
        """Listen; after ``stop`` again on the same port."""
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        ready: Future[None] = Future()
        self._thread = Thread(target=asyncio.run, args=(self._serve(listening, ready),), name="inbox", daemon=True)
        self._thread.start()
        ready.result()

    def stop(self) -> None:
        """Be away: connections are closed and further ones refused."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stop()
            thread.join()

    async def _serve(self, listening: socket.socket, ready: "Future[None]") -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        connections: list[SMTP] = []

        def connected() -> SMTP:
            connections.append(SMTP(self, hostname="localhost", data_size_limit=_LARGEST_MAIL, enable_SMTPUTF8=True))
            return connections[-1]

        server = await loop.create_server(connected, sock=listening)
        ready.set_result(None)
        await stopped.wait()
        server.close()
        for connection in connections:
            _hang_up(connection)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        """Answer a recipient, as the fault says."""
        if self.fault == "refuse" or address in self.refused:
            return "550 5.1.1 no such recipient here"
        if self.fault == "defer":
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail; then answer, or hang up without an answer."""
        self._keep(bytes(envelope.original_content or b""), tuple(envelope.rcpt_tos))
        if self.fault == "drop-reply":
            _hang_up(server)
        return "250 OK kept"

    def _keep(self, content: bytes, recipients: tuple[str, ...]) -> None:
        message = message_from_bytes(content, policy=policy.default)
        number = len(self._mails) + 1
        path = self.folder / _file_name(number, recipients, str(message["Subject"] or ""))
        path.write_bytes(content)
        mail = Mail(number, path, recipients, message)
        with self._changed:
            self._mails.append(mail)
            self._changed.notify_all()
        if self._arrived is not None:
            self._arrived(mail)


def _hang_up(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.WriteTransport):
        connection.transport.abort()


def _file_name(number: int, recipients: tuple[str, ...], subject: str) -> str:
    """A file name that says to whom and about what: letters, digits and hyphens."""
    whom = recipients[0].partition("@")[0] if recipients else ""
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{whom} {subject}").strip("-")
    return f"{number:04d}-{words[:100]}.eml"
