"""Make the sync test client send its requests over ASGI: `send_by_asgi`.

This way a test suite written for WSGI also tests ASGI.
"""

from __future__ import annotations

import os
import typing as t
import weakref
from functools import partial

from ...dispatch.loop import LoopThread
from .. import FlaskClient
from .exchange import Body, Exchange
from .scope import make_scope, read_body, status_line

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.datastructures import Headers

INTERFACE = "COSTREL_TEST_INTERFACE"
"""The environment variable for the sync client's interface: ``asgi`` or ``wsgi``."""

_loop = LoopThread()


def send_by_asgi() -> None:
    """Make every `FlaskClient` in this process send its requests to ``app.asgi``.

    Requests run on an event loop in a thread that lives as long as the process. The
    application gets an environ built from the request's scope, not the client's. ``with
    client:`` blocks keep contexts as usual, except that a stream is one chunk ahead of its
    reader and so may end earlier.
    """
    FlaskClient.run_wsgi_app = _run_by_asgi  # type: ignore[method-assign, assignment]


def send_by_asgi_if_asked() -> None:
    """Call `send_by_asgi` if ``COSTREL_TEST_INTERFACE=asgi`` is set in the environment."""
    asked = os.environ.get(INTERFACE, "wsgi")
    if asked not in {"asgi", "wsgi"}:
        raise RuntimeError(f"{INTERFACE} is {asked!r}. Set it to 'asgi' or 'wsgi'.")
    if asked == "asgi":
        send_by_asgi()


def _run_by_asgi(
    client: FlaskClient, environ: WSGIEnvironment, buffered: bool = False
) -> tuple[t.Iterable[bytes], str, Headers]:
    return client._run(partial(answer_by_asgi, client.application), environ, buffered)


def answer_by_asgi(
    app: t.Any, environ: WSGIEnvironment, start_response: StartResponse
) -> t.Iterable[bytes]:
    """Handle a WSGI request with ``app.asgi``; raises the application's errors."""
    body = read_body(environ)
    # This is the client's thread: it must not run application code.
    exchange = _loop.run(lambda: _begin(app.asgi, make_scope(environ), body), helps=False)
    start_response(status_line(exchange.status), list(exchange.headers))
    return _Pieces(exchange)


async def _begin(app: t.Any, scope: dict[str, t.Any], body: Body) -> Exchange:
    exchange = Exchange(app, scope, body)
    await exchange.settle()
    return exchange


class _Pieces:
    """The body of a response that is still being sent."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        # For a response that is garbage-collected without being closed.
        self._unclosed = weakref.finalize(self, exchange.leave_soon)
        self._unclosed.atexit = False

    def __iter__(self) -> t.Iterator[bytes]:
        while (piece := _loop.run(self._exchange.next_piece, helps=False)) is not None:
            yield piece

    def close(self) -> None:
        """Disconnect, and wait until the application has noticed."""
        if self._unclosed.detach() is not None:
            _loop.run(self._exchange.leave, helps=False)
