"""The request context of requests that run on an event loop."""

from __future__ import annotations

import io
import typing as t

from ..ctx import RequestContext
from ..ground.lazy import lazy
from ..wrappers import Request
from .lazyenviron import LazyEnviron
from .scope import Scope

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class LoopContext(RequestContext):
    """The request context of a request on an event loop; its environ is created on demand."""

    on_loop = True
    scope: Scope
    headers: dict[bytes, bytes]
    body: t.Any = None

    whole: bytes | None = None
    """The body, if all of it came in one message; used instead of `body`."""

    _has_environ = False

    @lazy
    def environ(self) -> WSGIEnvironment:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return the request's WSGI environ."""
        self._has_environ = True
        environ = LazyEnviron()
        body = self.body if self.whole is None else io.BytesIO(self.whole)
        environ._look_at(self.scope, self.headers, body)
        return environ

    @lazy
    def request(self) -> Request:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the request, as in any request context.

        PERF(query): created together with its environ, which saves 0.1 us.
        """
        app = self.app
        environ: t.Any
        if self._has_environ:
            environ = self.environ
        else:
            environ = self.environ = LazyEnviron()
            environ._look_at(self.scope, self.headers, self.body)
        cls = app.request_class
        request: Request
        if cls is Request and cls._may_make_request:
            request = _new_request(Request)
            request._environ = environ
            environ["werkzeug.request"] = request
        else:
            request = cls(environ)
        plan = self.plan
        whole = self.whole
        if whole is not None:
            environ._body = request._whole = whole
            if cls is Request and cls._may_limit_body:
                limit = plan.body_limit
                request._whole_fits = limit is None or len(whole) <= limit
        if plan is not None:
            request.url_rule = plan.rule
            request.view_args = self.view_args
            if plan.trusted_hosts is not None:
                request.trusted_hosts = plan.trusted_hosts
        self.touched = True
        return request


_new_request = Request.__new__
