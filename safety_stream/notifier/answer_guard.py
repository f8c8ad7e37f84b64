"""The guard of the answer page: the headers of a reply, whose page a form came from, how often a link is tried."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

TRIES: Final = 10
_WITHIN: Final = timedelta(minutes=1)
_MOST_AT_ONCE: Final = 10_000


@dataclass(slots=True)
class Limiter:
    """At most ten tries a minute of one reader at one alert."""

    _tries: dict[str, deque[datetime]] = field(default_factory=dict)

    def allows(self, who: str, now: datetime) -> bool:
        """Whether one more try is allowed; it counts when it is."""
        if len(self._tries) > _MOST_AT_ONCE:
            self._tries.clear()
        tries = self._tries.setdefault(who, deque())
        while tries and now - tries[0] >= _WITHIN:
            tries.popleft()
        if len(tries) >= TRIES:
            return False
        tries.append(now)
        return True


def is_our_own_form(request: web.Request, base_url: str) -> bool:
    """Whether a form was sent from our own page: a browser says where it comes from, and cannot be made to lie."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in {None, "same-origin", "none"}:
        return False
    if origin == "null":
        return site is not None  # our own no-referrer page: the browser hides the origin and vouches for the site
    return origin is None or urlsplit(origin).netloc in {urlsplit(base_url).netloc, request.host}


def headers(nonce: str) -> dict[str, str]:
    """Nothing from elsewhere, nothing kept, no trace of the link left anywhere."""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
    }
