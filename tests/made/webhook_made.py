"""A receiver of webhooks on loopback: it checks every signature by its own arithmetic, and answers as it is told."""

import base64
import hashlib
import hmac
import json
import ssl
from typing import Any, Self

from aiohttp import web

KEY = b"a key that only the two of us know"


class Receiver:
    """A small HTTP server; ``answers``: the status of the next posts, 200 when none is left."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.posts: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.answers: list[int] = []
        self.hang_up = False
        self._tls = tls
        self._port = 0
        self._runner: web.AppRunner | None = None

    def url(self, path: str = "/") -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}{path}"

    def distinct(self) -> list[dict[str, Any]]:
        """The posts without their repeats, as a receiver keeps them: by webhook-id."""
        return list({headers["webhook-id"]: body for headers, body in self.posts}.values())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls)
        await site.start()
        self._port = self._port or self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no longer."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.casefold(): value for name, value in request.headers.items()}
        signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
        right = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        if headers["webhook-signature"] != f"v1,{right}":
            return web.Response(status=401, text="bad signature")
        if self.hang_up:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.posts.append((headers, json.loads(body)))
        return web.Response(status=status, headers={"location": "/elsewhere"} if status == 302 else None)
