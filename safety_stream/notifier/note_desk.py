"""Where notes become messages: who answered, the list of a storm, the daily digest."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Message
from safety_stream.alerting.letter import Detail
from safety_stream.alerting.notes import Digest, Gathered, Note, Reader, answered_note, digest_note, storm_note
from safety_stream.alerting.render import Rendered
from safety_stream.alerting.render_notes import NoteTemplates, plain_note
from safety_stream.notifier.links import Links, Ticket, reader
from safety_stream.notifier.pending import NoticeClaim
from safety_stream.notifier.routing import EVERY_STUDY, Recipient, Routing

_LOG = structlog.get_logger("safety_stream.notifier")


@dataclass(frozen=True, slots=True)
class NoteDesk:
    """Draws notes; a template that fails never keeps one from its reader."""

    templates: NoteTemplates
    routing: Routing
    links: Links = field(default_factory=Links)
    detail: Detail = "full"

    def answered(self, alert: Alert, by: str, at: datetime, subject: str, person: Recipient) -> Rendered:
        """The word that somebody has answered; ``subject``: that of the alert's own mail, so that they thread."""
        return self._draw(answered_note(alert, by, at, subject, self._reader(person, alert.study)))

    def of_notice(self, claim: NoticeClaim) -> Message:
        """The message of a list."""
        note = self._storm(claim) if claim.kind == "storm" else self._digest(claim)
        mail = self._draw(note)
        return Message(
            recipient=claim.person.mailbox,
            alert=claim.id,
            revision=1,
            type="storm" if claim.kind == "storm" else "digest",
            urgency="warning" if claim.kind == "storm" else "info",
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            kind=claim.kind,
        )

    def _storm(self, claim: NoticeClaim) -> Note:
        gathered = Gathered.model_validate_json(claim.content)
        who = self._reader(claim.person, gathered.study)
        return storm_note(gathered, self._link(claim.person, who), who)

    def _digest(self, claim: NoticeClaim) -> Note:
        told, who = Digest.model_validate_json(claim.content), self._reader(claim.person, EVERY_STUDY)
        return digest_note(told, replace(who, pooled=who.pooled or told.weekly))

    def _link(self, person: Recipient, who: Reader) -> Callable[[str, int], str | None]:
        def link(alert: str, revision: int) -> str | None:
            return self.links.of(Ticket(alert, revision, reader(person.key), who.language, who.pooled))

        return link

    def _reader(self, person: Recipient, study: str) -> Reader:
        routing = self.routing
        language, pooled = routing.language_of(person, study), routing.is_pooled(person, study)
        return Reader(language, routing.zone, self.detail, pooled)

    def _draw(self, note: Note) -> Rendered:
        try:
            return self.templates.render(note)
        except Exception as error:
            _LOG.error("template failed, sent plain", template=note.kind, error=str(error))
            return plain_note(note)
