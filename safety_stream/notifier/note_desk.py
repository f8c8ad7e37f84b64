"""Where notes become messages: who answered, the list of a storm, the daily digest."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import partial

import structlog

from safety_stream.alerting.channels.channel import Message
from safety_stream.alerting.letter import Detail
from safety_stream.alerting.notes import Digest, Gathered, Note, digest_note, storm_note
from safety_stream.alerting.render import Rendered
from safety_stream.alerting.render_notes import NoteTemplates, plain_note
from safety_stream.notifier.links import Links
from safety_stream.notifier.pending import NoticeClaim

_LOG = structlog.get_logger("safety_stream.notifier")


@dataclass(frozen=True, slots=True)
class NoteDesk:
    """Draws notes; a template that fails never keeps one from its reader."""

    templates: NoteTemplates
    links: Links = field(default_factory=Links)
    detail: Detail = "full"
    zone: tzinfo = UTC

    def draw(self, note: Note) -> Rendered:
        """The note as a mail."""
        try:
            return self.templates.render(note)
        except Exception as error:
            _LOG.error("template failed, sent plain", template=note.kind, error=str(error))
            return plain_note(note)

    def of_notice(self, claim: NoticeClaim) -> Message:
        """The message of a list."""
        if claim.kind == "storm":
            gathered = Gathered.model_validate_json(claim.content)
            link = partial(self.links.of, recipient=claim.person.key)
            note = storm_note(gathered, self.detail, link, self.zone)
            grave = any(line.urgency == "critical" for line in gathered.lines)
        else:
            note, grave = digest_note(Digest.model_validate_json(claim.content), self.detail, self.zone), False
        mail = self.draw(note)
        return Message(
            recipient=claim.person.mailbox,
            alert=claim.id,
            revision=1,
            type="storm" if claim.kind == "storm" else "digest",
            urgency="critical" if grave else "info",
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            kind=claim.kind,
        )
