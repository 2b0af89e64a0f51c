"""Decides which WebSocket rules a request over WSGI may match."""

from __future__ import annotations

import sys
import typing as t
from weakref import WeakSet

from werkzeug.routing import Rule, WebsocketMismatch

from ..ground.wrapped import is_async

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LIBRARY = "simple_websocket"
"""The module that extensions use for WebSockets over the server's socket."""

_NEEDS_SOCKET = (
    "The WebSocket %r needs the server's socket, but this server does not provide it. Run the"
    " application with 'costrel run' without '--interface wsgi', with another ASGI server, or with"
    " 'gunicorn --threads'."
)

_NEEDS_ASGI = (
    "A client tried to open the WebSocket %r and got a 400: this server speaks only HTTP with the"
    " application. Run it with 'costrel run' without '--interface wsgi', with"
    " 'uvicorn module:app' (pip install 'uvicorn[standard]'), 'granian --interface asgi"
    " module:app', 'gunicorn --worker-class asgi module:app' or 'hypercorn asgi:module:app'."
    " This is logged once."
)

_told: WeakSet[t.Any] = WeakSet()
"""The applications that have logged that a WebSocket needs ASGI."""


def mark(rule: Rule, view: t.Callable[..., t.Any] | None) -> None:
    """Mark a new rule if its view uses the server's socket, as Flask extensions do.

    COMPAT(flask-sock): it registers a sync view with ``route(..., websocket=True)``.
    """
    takes_socket = rule.websocket and view is not None and not is_async(view)
    rule.takes_server_socket = takes_socket  # type: ignore[attr-defined]


def takes_server_socket(rule: Rule) -> bool:
    """Return whether a rule's view handles WebSockets itself over the server's socket."""
    return LIBRARY in sys.modules and getattr(rule, "takes_server_socket", False)


def check_request(app: t.Any, rule: Rule, environ: WSGIEnvironment) -> None:
    """Refuse a request over WSGI that matched a WebSocket rule: 400.

    SECURITY(WebSocket as a request): otherwise its view would run without
    ``before_websocket`` and the origin check.
    """
    if takes_server_socket(rule):
        if _has_socket(environ):
            return
        app.logger.warning(_NEEDS_SOCKET, rule.rule)
    elif environ.get("HTTP_UPGRADE", "").lower() == "websocket" and app not in _told:
        _told.add(app)
        app.logger.warning(_NEEDS_ASGI, rule.rule)
    raise WebsocketMismatch


def _has_socket(environ: WSGIEnvironment) -> bool:
    """Return whether a server provides a socket that simple-websocket can use."""
    return (
        "werkzeug.socket" in environ
        or "gunicorn.socket" in environ
        or "eventlet.input" in environ
        or environ.get("SERVER_SOFTWARE", "").startswith("gevent")
    )
