"""Proxies to the current application, request and session of the thread or task.

Outside the context it belongs to, a proxy is false, and using it raises `RuntimeError`.
"""

from __future__ import annotations

import typing as t

from .app import Flask
from .ctx import AppContext, RequestContext, _AppCtxGlobals
from .ground import current
from .sessions import SessionMixin
from .wrappers import Request

if t.TYPE_CHECKING:
    from .websockets import WebSocket

    T = t.TypeVar("T")

    class Proxied(t.Generic[T]):
        """What proxies have besides the attributes of what they stand for."""

        def _get_current_object(self) -> T: ...

    class AppContextProxy(Proxied[AppContext], AppContext): ...

    class FlaskProxy(Proxied[Flask], Flask): ...

    class GlobalsProxy(Proxied[_AppCtxGlobals], _AppCtxGlobals): ...

    class RequestContextProxy(Proxied[RequestContext], RequestContext): ...

    class RequestProxy(Proxied[Request], Request): ...

    class SessionProxy(Proxied[SessionMixin], SessionMixin): ...

    class WebSocketProxy(Proxied[WebSocket], WebSocket): ...


__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session", "websocket"]

_cv_app = current.app_view
_cv_request = current.request_view

app_ctx = t.cast("AppContextProxy", current.app_ctx)
"""The active application context."""

current_app = t.cast("FlaskProxy", current.current_app)
"""The application that handles the current request or command."""

g = t.cast("GlobalsProxy", current.g)
"""A namespace for data shared during the current request or command."""

request_ctx = t.cast("RequestContextProxy", current.request_ctx)
"""The active request context."""

request = t.cast("RequestProxy", current.request)
"""The request being handled."""

session = t.cast("SessionProxy", current.session)
"""The session of the current request or WebSocket."""

websocket = t.cast("WebSocketProxy", current.websocket)
"""The WebSocket being handled."""
