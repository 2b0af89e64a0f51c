"""The context of a request that is served on an event loop."""

from __future__ import annotations

import io
import typing as t

from ..ctx import RequestContext
from ..lazy import lazy
from .lazyenviron import LazyEnviron
from .scope import Scope

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class LoopContext(RequestContext):
    """Make a request that runs on an event loop current; its environ is made when asked for."""

    on_loop = True
    scope: Scope
    headers: dict[bytes, bytes]
    body: t.Any = None

    @lazy
    def environ(self) -> WSGIEnvironment:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Hold what WSGI has of the request."""
        body = io.BytesIO() if self.body is None else self.body
        return LazyEnviron(self.scope, self.headers, body)
