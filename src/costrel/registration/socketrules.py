"""Which of the rules of WebSockets a request may match that is answered by WSGI."""

from __future__ import annotations

import sys
import typing as t
from inspect import iscoroutinefunction

from werkzeug.routing import Rule, WebsocketMismatch

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LIBRARY = "simple_websocket"
"""The module that extensions speak WebSocket with, over a socket of the server's."""

_NEEDS_SOCKET = (
    "The WebSocket %r needs a socket of the server's, which this server has none of. Run it by"
    " 'costrel run' without '--interface wsgi', or another ASGI server, as 'app:app.asgi', or by"
    " 'gunicorn --threads'."
)


def mark(rule: Rule, view: t.Callable[..., t.Any] | None) -> None:
    """Note on a new rule whether its view takes the server's socket, as Flask's extensions do.

    COMPAT(flask-sock): it registers a sync view by ``route(..., websocket=True)``.
    """
    takes_socket = rule.websocket and view is not None and not iscoroutinefunction(view)
    rule.takes_server_socket = takes_socket  # type: ignore[attr-defined]


def takes_server_socket(rule: Rule) -> bool:
    """Tell whether a rule is of a view that speaks WebSocket itself, over the server's socket."""
    return LIBRARY in sys.modules and getattr(rule, "takes_server_socket", False)


def check_request(app: t.Any, rule: Rule, environ: WSGIEnvironment) -> None:
    """Refuse a request over WSGI that matched a WebSocket's rule: 400.

    SECURITY(WebSocket as a request): neither ``before_websocket`` nor the check of the
    origin would run before its view.
    """
    if takes_server_socket(rule):
        if _has_socket(environ):
            return
        app.logger.warning(_NEEDS_SOCKET, rule.rule)
    raise WebsocketMismatch


def _has_socket(environ: WSGIEnvironment) -> bool:
    """Tell whether a server gives what simple-websocket takes."""
    return (
        "werkzeug.socket" in environ
        or "gunicorn.socket" in environ
        or "eventlet.input" in environ
        or environ.get("SERVER_SOFTWARE", "").startswith("gevent")
    )
