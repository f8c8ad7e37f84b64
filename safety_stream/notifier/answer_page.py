"""The page behind an answer link. Looking changes nothing; an answer needs the link, a read-back and a name.

403  not our link, or sent from another site       410  older than 72 hours
409  a newer revision: it is shown                 422  wrong read-back, or no answer chosen
429  too many tries with one link
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, NoReturn

import structlog
from aiohttp import web
from pydantic import ValidationError

from safety_stream.alerting.cleaning import SENTENCE_LENGTH, clean
from safety_stream.alerting.read_back import read_back
from safety_stream.clinical.events import Acknowledged, Adjudicated
from safety_stream.notifier.answer_guard import Limiter, headers, is_our_own_form
from safety_stream.notifier.answer_views import AnswerViews, Given, Look, View
from safety_stream.notifier.answers import Answers, Standing, acknowledgement, adjudication
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.links import Links, Ticket
from safety_stream.settings import Settings

_LARGEST: Final = 16_384
_STATUS: Final = {
    "forged": 403, "unknown_alert": 403, "other_subject": 403, "other_site": 403, "signed_out": 403,
    "older_revision": 409, "unknown_revision": 409, "expired": 410, "too_many": 429,
}  # fmt: skip
_LOG = structlog.get_logger("safety_stream.notifier")


@dataclass(frozen=True, slots=True)
class PageLook:
    """``identity_header``: in which a trusted proxy names who is signed in; ``full``: clinical detail is shown."""

    identity_header: str | None = None
    full: bool = True


class Turned(Exception):  # a visitor who is turned away is no error of ours
    """A request that is not served: what is said (a name of answering.yaml), and the page that says it."""

    def __init__(self, said: str, view: View | None = None) -> None:
        super().__init__(said)
        self.status, self.said, self.view = _STATUS.get(said, 422), said, view


@dataclass(slots=True)
class AnswerPage:
    """The page: two methods of one address."""

    answers: Answers
    links: Links
    work: Bell
    clock: Callable[[], datetime]
    look: PageLook = field(default_factory=PageLook)
    views: AnswerViews = field(default_factory=AnswerViews)
    limiter: Limiter = field(default_factory=Limiter)

    def application(self) -> web.Application:
        """The page as a web application."""
        app = web.Application(client_max_size=_LARGEST)
        app.add_routes([web.get("/ack", self._guarded(self._show)), web.post("/ack", self._guarded(self._answer))])
        return app

    def _guarded(
        self, serve_one: Callable[[web.Request], Awaitable[View]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def served(request: web.Request) -> web.Response:
            nonce = secrets.token_urlsafe(16)
            try:
                view, status = await serve_one(request), 200
            except Turned as turned:
                view = turned.view or self.views.turned(turned.said, _look_of(request))
                status = turned.status
            _LOG.info("answer page", method=request.method, status=status)
            return self._response(view, status, nonce)

        return served

    def _response(self, view: View, status: int, nonce: str) -> web.Response:
        return web.Response(
            text=self.views.draw(view, nonce), content_type="text/html", status=status, headers=headers(nonce)
        )

    async def _show(self, request: web.Request) -> View:
        token = request.query.get("t", "")
        ticket = self._ticket(token)
        standing = await self._standing(ticket)
        return self.views.of(standing, self._look(ticket), token, self._given(request, {}))

    async def _answer(self, request: web.Request) -> View:
        if not is_our_own_form(request, self.links.base_url):
            _turn_away("other_site")
        form = {name: str(value) for name, value in (await request.post()).items()}
        token = form.get("t", "")
        ticket = self._ticket(token)
        if not self.limiter.allows(f"{ticket.alert} {ticket.reader}", self.clock()):
            _turn_away("too_many")
        standing = await self._standing(ticket)
        given, look = self._given(request, form), self._look(ticket)
        event = self._event(ticket, standing, form.get("readback", ""), given)
        if isinstance(event, str):  # the form again, with what was filled in and what is wrong
            view = self.views.of(standing, look, token, given)
            raise Turned(event, replace(view, lines=(look.words[event], *view.lines)))
        outcome = await asyncio.to_thread(self.answers.take, event, self.clock(), "web", True)
        shown = self.views.shown(await self._found(ticket), look, outcome)
        if outcome in _STATUS:
            raise Turned(outcome, shown)
        _LOG.info("answer taken", alert=ticket.alert, revision=ticket.revision, outcome=outcome)
        self.work.ring()
        return shown

    def _event(
        self, ticket: Ticket, standing: Standing, told: str, given: Given
    ) -> Acknowledged | Adjudicated | Literal["wrong_read_back", "name_needed", "bad_name", "choose"]:
        if not read_back(standing.alert, self._look(ticket).sees_subject).is_given_by(told):
            return "wrong_read_back"
        if not given.by:
            return "name_needed"
        try:
            return _event(standing, ticket, given, self.clock()) or "choose"
        except ValidationError:
            return "bad_name"

    def _ticket(self, token: str) -> Ticket:
        ticket = self.links.read(token, self.clock())
        if not isinstance(ticket, Ticket):
            _turn_away("expired" if ticket == "expired" else "forged")
        return ticket

    async def _standing(self, ticket: Ticket) -> Standing:
        standing = await self._found(ticket)
        if standing.course.revision > ticket.revision:
            raise Turned("older_revision", self.views.shown(standing, self._look(ticket), "older_revision"))
        return standing

    async def _found(self, ticket: Ticket) -> Standing:
        standing = await asyncio.to_thread(self.answers.standing, ticket.alert)
        return standing if standing is not None else _turn_away("unknown_alert")

    def _look(self, ticket: Ticket) -> Look:
        return Look(ticket.language, ticket.pooled, self.look.full)

    def _given(self, request: web.Request, form: Mapping[str, str]) -> Given:
        name = self._signed_in(request)
        why = clean(form.get("why", ""), SENTENCE_LENGTH - 100)
        return Given(name or form.get("by", "").strip(), form.get("response", ""), why, signed_in=bool(name))

    def _signed_in(self, request: web.Request) -> str:
        """Whom the proxy names; where one is set, a request that bypassed it is turned away."""
        if self.look.identity_header is None:
            return ""
        name = clean(request.headers.get(self.look.identity_header, ""), 120)
        return name or _turn_away("signed_out")


def _turn_away(said: str) -> NoReturn:
    raise Turned(said)


def _look_of(request: web.Request) -> Look:
    """How to speak to somebody whose link cannot be read: in the first language of the browser."""
    return Look("zh" if request.headers.get("Accept-Language", "").lower().startswith("zh") else "en")


def _event(standing: Standing, ticket: Ticket, given: Given, now: datetime) -> Acknowledged | Adjudicated | None:
    place = f"web {ticket.reader}"
    match given.response:
        case "will-act" | "already-known" | "pass-on" as response:
            return acknowledgement(standing, ticket.revision, response, given.by, at=now, place=place)
        case "confirmed" | "refuted" as verdict if given.why:
            return adjudication(standing.alert, verdict, given.by, given.why, at=now, place=place)
        case _:
            return None


async def serve(page: AnswerPage, settings: Settings, stop: asyncio.Event) -> None:
    """Serve the page until told to stop."""
    runner = web.AppRunner(page.application(), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.answer_host, settings.answer_port).start()
        await stop.wait()
    finally:
        await runner.cleanup()
