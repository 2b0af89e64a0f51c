"""Test an application over ASGI without a server.

`AsyncClient` is for async tests. `bridge` makes the sync client use ASGI.
"""

from __future__ import annotations

from .client import AsyncClient
from .exchange import Exchange
from .reading import EventReader, ReceivedEvent, StreamedResponse
from .scope import make_scope
from .sockets import TestSocket, WebSocketRejected

__all__ = [
    "AsyncClient",
    "EventReader",
    "Exchange",
    "ReceivedEvent",
    "StreamedResponse",
    "TestSocket",
    "WebSocketRejected",
    "make_scope",
]
