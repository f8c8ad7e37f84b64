"""Answer links: signed, for one alert, revision and recipient, 72 hours; the keys rotate, the newest signs."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final, Literal

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from safety_stream.alerting.entries import Language

VALID_SECONDS: Final = 72 * 3600
_SALT: Final = "safety-stream answer"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link was made for. ``reader``: the recipient in short, so that no address stands in a link.

    ``pooled``: the reader's mail named no subject.
    """

    alert: str
    revision: int
    reader: str
    language: Language = "en"
    pooled: bool = False


@dataclass(frozen=True, slots=True)
class Links:
    """The keys (the newest last) and where the page is; without keys there are no links."""

    keys: tuple[str, ...] = ()
    base_url: str = ""

    def of(self, ticket: Ticket) -> str | None:
        """The link for one reader; null when there is no page to lead to."""
        if not self.keys:
            return None
        token = self._serializer().dumps(
            [ticket.alert, ticket.revision, ticket.reader, ticket.language, int(ticket.pooled)]
        )
        return f"{self.base_url}/ack?t={token if isinstance(token, str) else token.decode()}"

    def read(self, token: str, now: datetime | None = None) -> Ticket | Literal["bad", "expired"]:
        """What a link is for, or why it is not to be believed. ``now``: for a clock that is not the wall's."""
        if not self.keys:
            return "bad"
        try:
            told, signed_at = self._serializer().loads(
                token, max_age=None if now else VALID_SECONDS, return_timestamp=True
            )
        except SignatureExpired:
            return "expired"
        except BadData:
            return "bad"
        if now is not None and (now - signed_at).total_seconds() > VALID_SECONDS:
            return "expired"
        match told:
            case [str(alert), int(revision), str(who), "en" | "zh" as language, 0 | 1 as pooled]:
                return Ticket(alert, revision, who, language, bool(pooled))
            case _:
                return "bad"

    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(list(self.keys), salt=_SALT)


def reader(recipient: str) -> str:
    """A recipient in short."""
    return blake2b(recipient.casefold().encode(), digest_size=6).hexdigest()
