"""A message as an RFC 5322 mail: header names are constants, values are checked, text comes before HTML."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from safety_stream.alerting.alert import Urgency
from safety_stream.alerting.channels.channel import Message

_IMPORTANCE: Final[dict[Urgency, str]] = {"critical": "high", "warning": "normal", "info": "low"}
_POLICY: Final = SMTP.clone(cte_type="7bit")
_TAG: Final = re.compile(r"^\[[^\]]*\] ")  # no part of the base subject of a thread (RFC 5256, 2.1)
_UNFOLDED: Final = _POLICY.clone(
    max_line_length=998
)  # a subject folded after its colon reads as if it began with a blank


def compose(message: Message, sender: Address, sent_at: datetime) -> bytes:
    """The mail, its revisions in one thread and automatic answers discouraged; ValueError when a header cannot be."""
    if not isinstance(message.recipient, Address):
        raise ValueError("not addressed to a mailbox")
    mail = EmailMessage(policy=_POLICY)
    domain = sender.domain
    mail["From"] = sender
    mail["To"] = message.recipient
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(sent_at)
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["In-Reply-To"] = f"<{message.thread}@{domain}>"
    mail["References"] = " ".join(f"<{thread}@{domain}>" for thread in reversed(message.threads))
    mail["Thread-Topic"] = _TAG.sub("", message.subject)
    mail["Thread-Index"] = message.thread_index
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Importance"] = _IMPORTANCE[message.urgency]
    if message.urgency == "critical":
        mail["X-Priority"] = "1"
    mail["X-Safety-Stream-Alert"] = message.alert
    mail["X-Safety-Stream-Revision"] = str(message.revision)
    if message.beside:
        mail["X-Safety-Stream-Beside"] = ", ".join(f"{alert} r{revision}" for alert, revision in message.beside)
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail.as_bytes(policy=_UNFOLDED)
