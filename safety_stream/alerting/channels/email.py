"""Mail by SMTP: one connection kept for a burst, TLS verified, every refusal told apart.

before the message was handed over                  deferred (whole channel when the server or we are the trouble)
the server refuses this person for good (5xx)       rejected
the server asks to come back (4xx)                  deferred
handed over, and then silence                       reply_lost: nobody can know whether it arrived
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from ssl import SSLContext
from typing import Final, Literal

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from safety_stream.alerting.channels.channel import Message, Outcome
from safety_stream.alerting.channels.mime import compose
from safety_stream.alerting.cleaning import clean

_MESSAGES_A_CONNECTION: Final = 100


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where and how mail is handed over."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 15.0
    tls_context: SSLContext | None = None


class EmailChannel:
    """One SMTP connection at a time; not for use by two tasks at once."""

    name = "email"

    def __init__(self, server: MailServer, sender: Address, clock: Callable[[], datetime]) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._connection: SMTP | None = None
        self._sent = 0

    async def send(self, message: Message) -> Outcome:
        """Hand one message over and wait for the server's word."""
        try:
            content = compose(message, self._sender, self._clock())
        except ValueError as error:
            return Outcome("rejected", f"not a mail: {error}")
        connection = await self._open()
        if isinstance(connection, Outcome):
            return connection
        outcome = await self._address(connection, message) or await _hand_over(connection, content)
        self._sent += 1
        if outcome.result != "accepted" or self._sent >= _MESSAGES_A_CONNECTION:
            await self.close()
        return outcome

    async def close(self) -> None:
        """Say goodbye, or hang up when the server does not answer."""
        connection, self._connection, self._sent = self._connection, None, 0
        if connection is None:
            return
        try:
            await connection.quit(timeout=2)
        except (SMTPException, OSError):
            connection.close()

    async def _open(self) -> SMTP | Outcome:
        """A connection that answers; a kept one may have been closed by the server meanwhile."""
        if self._connection is not None and await self._answers(self._connection):
            return self._connection
        server = self._server
        connection = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            timeout=server.timeout_seconds,
            tls_context=server.tls_context,
        )
        try:
            await connection.connect()
        except (SMTPException, OSError, ValueError) as error:
            connection.close()
            return Outcome("deferred", _said(error), whole_channel=True)
        self._connection, self._sent = connection, 0
        return connection

    async def _answers(self, connection: SMTP) -> bool:
        try:
            await connection.rset()
        except (SMTPException, OSError):
            await self.close()
            return False
        return True

    async def _address(self, connection: SMTP, message: Message) -> Outcome | None:
        try:
            await connection.mail(self._sender.addr_spec, encoding="ascii")
            await connection.rcpt(message.recipient.addr_spec, encoding="ascii")
        except SMTPRecipientRefused as error:
            return _refused(error)
        except (SMTPException, OSError, UnicodeError) as error:  # the sender is refused, or the line is dead
            return Outcome("deferred", _said(error), whole_channel=True)
        return None


async def _hand_over(connection: SMTP, content: bytes) -> Outcome:
    try:
        response = await connection.data(content)
    except SMTPDataError as error:
        return _refused(error)
    except (SMTPException, OSError) as error:  # the mail was on its way: it may have arrived
        return Outcome("reply_lost", _said(error))
    return Outcome("accepted", clean(f"{response.code} {response.message}"))


def _refused(error: SMTPResponseException) -> Outcome:
    return Outcome("rejected" if error.code >= 500 else "deferred", _said(error))


def _said(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return clean(f"{error.code} {error.message}")
    return clean(f"{type(error).__name__}: {error}")
