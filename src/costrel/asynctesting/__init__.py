"""Drive an application by ASGI in tests, without a server."""

from __future__ import annotations

from .client import AsyncClient, Exchange, StreamedResponse, TestSocket, WebSocketRejected
from .scope import make_scope

__all__ = [
    "AsyncClient",
    "Exchange",
    "StreamedResponse",
    "TestSocket",
    "WebSocketRejected",
    "make_scope",
]
