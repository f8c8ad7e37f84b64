"""What every channel promises: it takes one message for one person and says what became of it. It never raises."""

from base64 import b64encode
from dataclasses import dataclass
from email.headerregistry import Address
from hashlib import blake2b
from typing import Final, Literal, Protocol, Self
from uuid import NAMESPACE_URL, uuid5

from safety_stream.alerting.alert import Alert, AlertType, Urgency
from safety_stream.alerting.render import Rendered

Result = Literal["accepted", "deferred", "rejected", "reply_lost"]
_THREAD_EPOCH: Final = bytes.fromhex("01dc7ab8c3a1")  # 2026-01-01: a thread needs a date that never changes
ListKind = Literal["digest", "storm"]
LISTS: Final[tuple[ListKind, ...]] = ("digest", "storm")
"""Mails that are lists of alerts, and no alert."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message. ``reply_lost``: it may have arrived, so the next try is a possible repeat.

    ``whole_channel``: the trouble is with the channel itself (server away, password refused), not with this message.
    """

    result: Result
    said: str
    whole_channel: bool = False


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where a webhook takes messages."""

    url: str

    @property
    def addr_spec(self) -> str:
        """What makes a message to it unique."""
        return self.url


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person, rendered whole. Its identity is a function of its content, so a repeat is recognised."""

    recipient: Address | WebAddress
    alert: str
    revision: int
    type: AlertType | ListKind
    urgency: Urgency
    subject: str
    text: str
    html: str
    level: int = 1
    repeat: int = 1
    kind: str = "alert"
    beside: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(
        cls,
        alert: Alert,
        mail: Rendered,
        recipient: Address | WebAddress,
        *,
        level: int = 1,
        repeat: int = 1,
        kind: str = "alert",
        beside: tuple[tuple[str, int], ...] = (),
    ) -> Self:
        """The drawn mail of an alert revision, addressed to one person."""
        return cls(
            recipient=recipient,
            alert=alert.id,
            revision=alert.revision,
            type=alert.type,
            urgency=alert.urgency,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            level=level,
            repeat=repeat,
            kind=kind,
            beside=beside,
        )

    @property
    def id(self) -> str:
        """The name of this message without its domain: the same for every copy of it."""
        address = blake2b(self.recipient.addr_spec.casefold().encode(), digest_size=6).hexdigest()
        which = "" if self.kind == "alert" else f".{self.kind}"
        return f"al.{self.alert}.r{self.revision}.l{self.level}.n{self.repeat}{which}.{address}"

    @property
    def thread(self) -> str:
        """The name of a message that was never sent, under which every revision of the alert is filed."""
        return f"al.{self.alert}"

    @property
    def threads(self) -> tuple[str, ...]:
        """Its own thread and those of the alerts that it tells besides: their next revisions are filed here too."""
        return (self.thread, *(f"al.{alert}" for alert, _ in self.beside))

    @property
    def thread_index(self) -> str:
        """The same for Outlook: 6 bytes of time and 16 of identity."""
        return b64encode(_THREAD_EPOCH + uuid5(NAMESPACE_URL, self.thread).bytes).decode()


class Channel(Protocol):
    """One way to reach a person."""

    @property
    def name(self) -> str:
        """What alerting.yaml calls it."""
        ...

    async def send(self, message: Message) -> Outcome:
        """Try once; every kind of failure is an outcome."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
