"""A signed JSON message over HTTPS: another way out, and the one that says that mail itself is broken.

The form is that of the open Standard Webhooks convention: the headers webhook-id (the same for every copy of a message:
the receiver's key to drop repeats), webhook-timestamp, and webhook-signature "v1," + base64 of HMAC-SHA256 over
"id.timestamp.body".

2xx                                       accepted
4xx but 408, 425 and 429                  rejected
anything else, or nobody answers          deferred
handed over, and then silence             reply_lost: nobody can know whether it arrived
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from ssl import SSLContext
from typing import Final

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
    TCPConnector,
)

from safety_stream.alerting.channels.channel import Message, Outcome, WebAddress
from safety_stream.alerting.cleaning import clean

_COME_BACK: Final = {408, 425, 429}
_SAID_AT_MOST: Final = 300


class WebhookChannel:
    """POSTs to the addresses of alerting.yaml; certificates are verified, redirects are not followed."""

    name = "webhook"

    def __init__(
        self, key: bytes, clock: Callable[[], datetime], timeout_seconds: float = 15.0, tls: SSLContext | None = None
    ) -> None:
        self._key = key
        self._clock = clock
        self._timeout = ClientTimeout(total=timeout_seconds)
        self._tls: SSLContext | bool = tls if tls is not None else True
        self._session: ClientSession | None = None

    async def send(self, message: Message) -> Outcome:
        """Post one message and wait for the receiver's word."""
        if not isinstance(message.recipient, WebAddress):
            return Outcome("rejected", "not a web address")
        if not message.subject.isprintable():
            return Outcome("rejected", "a subject is one line")
        body, at = body_of(message), str(int(self._clock().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": at,
            "webhook-signature": signature(self._key, message.id, at, body),
        }
        try:
            return await self._post(message.recipient.url, body, headers)
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as error:  # nothing was handed over
            return Outcome("deferred", _said(error))
        except (ClientError, TimeoutError, OSError) as error:
            return Outcome("reply_lost", _said(error))

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        if self._session is None:
            self._session = ClientSession(timeout=self._timeout, connector=TCPConnector(ssl=self._tls))
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as reply:
            words = await reply.content.read(_SAID_AT_MOST)
            said = clean(f"{reply.status} {reply.reason or ''} {words.decode(errors='replace')}")
        if 200 <= reply.status < 300:
            return Outcome("accepted", said)
        refused = 400 <= reply.status < 500 and reply.status not in _COME_BACK
        return Outcome("rejected" if refused else "deferred", said)

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def body_of(message: Message) -> bytes:
    """What is posted: the same bytes for every copy of a message."""
    told = {
        "id": message.id,
        "alert": message.alert,
        "revision": message.revision,
        "level": message.level,
        "type": message.type,
        "urgency": message.urgency,
        "subject": message.subject,
        "text": message.text,
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()


def signature(key: bytes, id_: str, at: str, body: bytes) -> str:
    """What the receiver computes again before it believes a word; an old time stamp shows a replay."""
    signed = hmac.new(key, f"{id_}.{at}.".encode() + body, sha256)
    return f"v1,{b64encode(signed.digest()).decode()}"


def _said(error: BaseException) -> str:
    return clean(f"{type(error).__name__}: {error}")
