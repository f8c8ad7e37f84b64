"""``/metrics``, ``/livez`` and ``/readyz`` on one port, in a thread of their own; on loopback unless told otherwise."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

Answer = Callable[[], str]  # empty: all is well; else what is not


class HealthServer:
    """Answers while the worker runs. Raises OSError when the port is taken."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, alive: Answer, ready: Answer) -> None:
        self._metrics = make_wsgi_app(registry)
        self._answers = {"/livez": alive, "/readyz": ready}
        self._server = make_server(host, port, self._respond, ThreadingWSGIServer, handler_class=_Quiet)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def _respond(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = self._answers.get(environ["PATH_INFO"])
        if answer is None:
            return cast(Iterable[bytes], self._metrics(environ, start_response))
        trouble = answer()
        start_response("503 Service Unavailable" if trouble else "200 OK", [("Content-Type", "text/plain")])
        return [f"{trouble or 'ok'}\n".encode()]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # the library's name
        """Say nothing of each request."""
