"""The page behind an answer link. Looking changes nothing; an answer needs the link, a read-back and a name.

403  not our link, or sent from another site       410  older than 72 hours
409  a newer revision: it is shown                 422  wrong read-back, or no answer chosen
429  too many tries with one link
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from pydantic import ValidationError

from safety_stream.alerting.cleaning import SENTENCE_LENGTH, clean
from safety_stream.alerting.notes import is_read_back
from safety_stream.clinical.events import Acknowledged, Adjudicated
from safety_stream.notifier.answer_views import AnswerViews, View
from safety_stream.notifier.answers import Answers, Standing, acknowledgement, adjudication
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.links import Links, Ticket
from safety_stream.settings import Settings

TRIES: Final = 10
_WITHIN: Final = timedelta(minutes=1)
_MOST_TOKENS: Final = 10_000
_RESPONSES: Final = ("will-act", "already-known", "pass-on")
_VERDICTS: Final = ("confirmed", "refuted")
_LARGEST: Final = 16_384
_LOG = structlog.get_logger("safety_stream.notifier")


@dataclass(frozen=True, slots=True)
class PageLook:
    """``identity_header``: in which a trusted proxy names who is signed in; ``full``: clinical detail is shown."""

    identity_header: str | None = None
    full: bool = True


class Turned(Exception):  # a visitor who is turned away is no error of ours
    """A request that is not served: its status and what is said."""

    def __init__(self, status: int, said: str, standing: Standing | None = None) -> None:
        super().__init__(said)
        self.status, self.said, self.standing = status, said, standing


@dataclass(slots=True)
class AnswerPage:
    """The page: two methods of one address."""

    answers: Answers
    links: Links
    work: Bell
    clock: Callable[[], datetime]
    look: PageLook = field(default_factory=PageLook)
    views: AnswerViews = field(default_factory=AnswerViews)
    _tries: dict[str, deque[datetime]] = field(default_factory=dict)

    def application(self) -> web.Application:
        """The page as a web application."""
        app = web.Application(client_max_size=_LARGEST)
        app.add_routes([web.get("/ack", self._guarded(self._show)), web.post("/ack", self._guarded(self._answer))])
        return app

    def _guarded(self, serve_one: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def served(request: web.Request) -> web.Response:
            nonce = secrets.token_urlsafe(16)
            try:
                view, status = await serve_one(request), 200
            except Turned as turned:
                view, status = self.views.turned(turned.said, turned.standing, self.look.full), turned.status
            _LOG.info("answer page", method=request.method, status=status)
            return self._response(view, status, nonce)

        return served

    def _response(self, view: View, status: int, nonce: str) -> web.Response:
        headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(text=self.views.draw(view, nonce), content_type="text/html", status=status, headers=headers)

    async def _show(self, request: web.Request) -> View:
        token = request.query.get("t", "")
        _, standing = await self._standing(token)
        return self.views.of(standing, token, self._signed_in(request), self.look.full)

    async def _answer(self, request: web.Request) -> View:
        self._same_site(request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        token = form.get("t", "")
        self._limit(token)
        ticket, standing = await self._standing(token)
        event = self._event(ticket, standing, form, self._signed_in(request))
        outcome = await asyncio.to_thread(self.answers.take, event, self.clock(), "web", True)
        if outcome == "older_revision":
            raise Turned(409, "A newer revision came meanwhile.", await self._found(ticket))
        _LOG.info("answer taken", alert=ticket.alert, revision=ticket.revision, outcome=outcome)
        self.work.ring()
        return self.views.thanks(await self._found(ticket), outcome, self.look.full)

    def _event(
        self, ticket: Ticket, standing: Standing, form: Mapping[str, str], signed_in: str
    ) -> Acknowledged | Adjudicated:
        by, response, now = signed_in or form.get("by", "").strip(), form.get("response", ""), self.clock()
        if not is_read_back(standing.alert, form.get("readback", "")):
            raise Turned(422, "The read-back is not that of the alert. Look at the alert again. Nothing was changed.")
        if not by:
            raise Turned(422, "A name is needed. Nothing was changed.")
        try:
            if response in _RESPONSES:
                revision, place = ticket.revision, f"web {ticket.reader}"
                return acknowledgement(standing.alert, revision, response, by, at=now, place=place)  # type: ignore[arg-type]  # one of _RESPONSES
            if response in _VERDICTS and (why := clean(form.get("why", ""), SENTENCE_LENGTH - 100)):
                told = adjudication(standing.alert, response, by, why, at=now, place=f"web {ticket.reader}")  # type: ignore[arg-type]  # one of _VERDICTS
                if told is not None:
                    return told
        except ValidationError:
            raise Turned(422, "The name has characters that cannot be kept. Nothing was changed.") from None
        raise Turned(422, "Choose an answer; to confirm or refute a DLT say why. Nothing was changed.")

    async def _standing(self, token: str) -> tuple[Ticket, Standing]:
        ticket = self.links.read(token, self.clock())
        if ticket == "expired":
            raise Turned(410, "This link is older than 72 hours. Answer with a newer mail, or with the command line.")
        if not isinstance(ticket, Ticket):
            raise Turned(403, "This link is not one of ours, or it was changed on its way.")
        standing = await self._found(ticket)
        if standing.course.revision > ticket.revision:
            raise Turned(409, "This link is of an older revision. Answer with the mail of the newer one.", standing)
        return ticket, standing

    async def _found(self, ticket: Ticket) -> Standing:
        standing = await asyncio.to_thread(self.answers.standing, ticket.alert)
        return standing if standing is not None else _turn_away(403, "This alert is not on record here.")

    def _signed_in(self, request: web.Request) -> str:
        """Whom the proxy names; where one is set, a request that bypassed it is turned away."""
        if self.look.identity_header is None:
            return ""
        name = clean(request.headers.get(self.look.identity_header, ""), 120)
        return name or _turn_away(403, "You are not signed in.")

    def _same_site(self, request: web.Request) -> None:
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        ours = {urlsplit(self.links.base_url).netloc, request.host}
        if site not in {None, "same-origin", "none"} or (
            origin is not None and origin != "null" and urlsplit(origin).netloc not in ours
        ):
            _turn_away(403, "An answer must be sent from our own page.")
        if origin == "null" and site is None:
            _turn_away(403, "An answer must be sent from our own page.")

    def _limit(self, token: str) -> None:
        now, name = self.clock(), token[:300]
        if len(self._tries) > _MOST_TOKENS:
            self._tries.clear()
        tries = self._tries.setdefault(name, deque())
        while tries and now - tries[0] >= _WITHIN:
            tries.popleft()
        if len(tries) >= TRIES:
            _turn_away(429, "Too many tries with this link. Wait a minute.")
        tries.append(now)


def _turn_away(status: int, said: str) -> NoReturn:
    raise Turned(status, said)


async def serve(page: AnswerPage, settings: Settings, stop: asyncio.Event) -> None:
    """Serve the page until told to stop."""
    runner = web.AppRunner(page.application(), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.answer_host, settings.answer_port).start()
        await stop.wait()
    finally:
        await runner.cleanup()
