"""The context of a request, and what it borrows of the application context around it."""

from __future__ import annotations

import sys
import typing as t
from weakref import ref

from werkzeug.exceptions import HTTPException

from .. import typing as ft
from ..ground.current import context
from ..ground.lazy import lazy, touching
from ..registration.socketrules import check_request
from ..sessions import opens_lazily
from ..signals import appcontext_pushed
from .application import AppContext, call_all, wrong_context

if t.TYPE_CHECKING:
    from contextvars import Token

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import MapAdapter, Rule

    from ..registration.application import App
    from ..sessions import SessionMixin
    from ..wrappers import Request


_sentinel: t.Any = object()


class RequestContext(AppContext):
    """Make a request, its session and its application current.

    The request, session, URL adapter and ``g`` come into being when they are first
    touched. Made by ``app.request_context(environ)``, in tests by
    ``app.test_request_context(...)``.
    """

    on_loop = False
    """Whether it is served on an event loop, and not in a thread."""

    loop: t.Any = None
    """The event loop that its coroutines run on, where it is served in a thread beside that."""

    wants_response = False
    """Whether something of the request is to see its response: the session, a hook."""

    view_args: dict[str, t.Any] | None = None
    flashes: list[tuple[str, str]] | None = None
    preserved = False

    plain_root: t.Any = None
    """What paths begin with that are built without the URL adapter; see `routing.urls`."""

    _borrowed: AppContext | None = None
    _lender: t.Any = _sentinel
    """What it may borrow; by default what is current where it is entered."""

    # PERF(hello): `costrel.serve.wsgi.respond_planned` sets these attributes itself.
    def __init__(
        self,
        app: App,
        environ: WSGIEnvironment,
        request: Request | None = None,
        session: SessionMixin | None = None,
    ) -> None:
        self.app = app
        self.environ = environ
        if request is not None:
            self.request = request  # pyright: ignore[reportIncompatibleMethodOverride]
        if session is not None:
            self._session = session

    @touching
    def _cv_tokens(self) -> list[Token[t.Any]]:
        """Hold one token per entry that was not left yet; first the server's."""
        return [] if self._token is None else [self._token]

    @property
    def app_context(self) -> AppContext:
        """Give the application context in effect: this one, or the borrowed one."""
        return self if self._borrowed is None else self._borrowed

    @property
    def request_context(self) -> RequestContext:
        """Give the request context in effect: this one."""
        return self

    @lazy
    def request(self) -> Request:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Hold the request, of the application's ``request_class``."""
        request = self.app.request_class(self.environ)
        plan = self.plan
        if plan is not None:
            request.url_rule = plan.rule
            request.view_args = self.view_args
            if plan.trusted_hosts is not None:
                request.trusted_hosts = plan.trusted_hosts
        self.touched = True
        return request

    @property
    def blueprint(self) -> str | None:
        """Name the blueprint of what matched; makes no request to find out."""
        if self.plan is None or "request" in self.__dict__:
            return self.request.blueprint
        endpoint: str = self.plan.endpoint
        return endpoint.rpartition(".")[0] if "." in endpoint else None

    @property
    def _session(self) -> SessionMixin:
        """Give the session, opened if it was not; this does not count as access."""
        return self._opened_session

    @_session.setter
    def _session(self, session: SessionMixin) -> None:
        # COMPAT(Flask-SocketIO): sets a session of its own.
        self.touched = self.wants_response = True
        self._opened_session = session

    @touching
    def _opened_session(self) -> SessionMixin:
        """Hold the session; making it opens it."""
        self.wants_response = True
        interface = self.app.session_interface
        session = interface.open_session(self.app, self.request)
        return interface.make_null_session(self.app) if session is None else session

    @property
    def session(self) -> SessionMixin:
        """Give the session. Marks it accessed: the response then varies by cookie."""
        session = self._session
        self.touched = True
        # SECURITY(CVE-2026-27205): also for `"key" in session` and `len(session)`.
        session.accessed = True
        return session

    @touching
    def g(self) -> t.Any:
        """Hold what this request shares; the borrowed context's, if there is one."""
        if self._borrowed is not None:
            return self._borrowed.g
        return self.app.app_ctx_globals_class()

    @touching
    def url_adapter(self) -> MapAdapter | None:
        """Match and build URLs for this request's host; None for a bad host."""
        try:
            return self.app.create_url_adapter(self.request)
        except HTTPException as error:
            self.request.routing_exception = error
            return None

    @touching
    def _after_request_functions(self) -> list[ft.AfterRequestCallable[t.Any]]:
        """Hold what `after_this_request` registered."""
        self.wants_response = True
        return []

    @touching
    def streams(self) -> list[ref[t.Any]]:
        """Hold the bodies that are made in this request, weakly: a dropped one ends by itself."""
        return []

    def drop_streams(self, error: BaseException) -> None:
        """Close what bodies were made in this request: an error took their response's place.

        What closing one raises is noted on the error.
        """
        for reference in vars(self).pop("streams", ()):
            stream = reference()
            if stream is not None:
                try:
                    stream.close()
                except Exception as raised:  # noqa: BLE001  noted
                    error.add_note(f"Closing a stream that was not sent failed as well: {raised!r}")

    def copy(self) -> RequestContext:
        """Make a context of the same request and session, for another thread.

        Its ``g`` is its own. What is done to the request and the session is not
        guarded against the two running at the same time.
        """
        return type(self)(self.app, self.environ, request=self.request, session=self._session)

    def match_request(self) -> None:
        """Match the URL: sets the request's rule and values, or its routing error."""
        adapter = self.url_adapter
        if adapter is None:
            return
        try:
            rule, values = adapter.match(return_rule=True)
            self._check_kind(rule)
        except HTTPException as error:
            self.request.routing_exception = error
        else:
            self.request.url_rule, self.request.view_args = rule, t.cast("dict[str, t.Any]", values)

    def _check_kind(self, rule: Rule) -> None:
        """Refuse a WebSocket's rule, whose view is none of requests: 400."""
        if rule.websocket:
            check_request(self.app, rule, self.environ)

    def push(self) -> None:
        """Make this request current, open its session and match its URL."""
        if not self._cv_tokens and not self._holds:
            lender = self._lender
            self._borrow(context.get(None) if lender is _sentinel else lender)
        self._cv_tokens.append(context.set(self))
        if self._borrowed is None:
            appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)
        # COMPAT(Flask-Session): an interface of one's own opens before matching.
        if not opens_lazily(self.app.session_interface):
            self._session  # noqa: B018  touching it opens it
        self.match_request()

    def _borrow(self, outer: AppContext | None) -> None:
        """Take over the application context that is active for the same app."""
        if self.preserved:
            # It is shown once more as it was, and not within what is current meanwhile.
            return
        vars(self).pop("g", None)
        borrowed = None if outer is None else outer.app_context
        if borrowed is not None and (
            borrowed.app is not self.app or borrowed is self or not borrowed.is_active
        ):
            borrowed = None
        self._borrowed = borrowed

    def _outlives(self, outer: AppContext, token: Token[t.Any]) -> bool:
        """Stay current though the borrowed context right beneath is popped first.

        COMPAT(pytest-flask): Flask has a variable for each, so fixtures and tearDown
        methods may leave the two in either order.
        """
        if self._borrowed is not outer or self._cv_tokens[0].old_value is not outer:
            return False
        self._cv_tokens[0] = token
        return True

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Leave this request; the last pop closes it and runs the teardowns."""
        try:
            if len(self._cv_tokens) == 1:
                self._end(sys.exc_info()[1] if exc is _sentinel else exc)
        finally:
            current = context.get(None)
            context.reset(self._cv_tokens.pop())
        if current is not self:
            raise AssertionError(wrong_context(current, self))
        if not self._holds:
            self._tell_popped()

    def _tear_down(self, exc: BaseException | None) -> None:
        steps = [self.app.do_teardown_request, self._close_request]
        if self._borrowed is None:
            steps.append(self.app.do_teardown_appcontext)
        call_all(steps, exc)

    def _close_request(self, _exc: BaseException | None = None) -> None:
        if "request" in self.__dict__:
            self.request.close()
            # Breaks the cycle of the environ and the request.
            self.environ["werkzeug.request"] = None

    def _tell_popped(self) -> None:
        if self._borrowed is None:
            super()._tell_popped()

    def hold(self) -> None:
        """Put the teardown off until `release`, a borrowed context's as well."""
        super().hold()
        if self._borrowed is not None:
            self._borrowed.hold()

    def release(self, exc: BaseException | None = None) -> None:
        """End a `hold`; runs the teardown if the context was popped meanwhile."""
        borrowed = self._borrowed
        try:
            super().release(exc)
        finally:
            if borrowed is not None:
                borrowed.release(exc)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.request.url!r}"
            f" [{self.request.method}] of {self.app.name}>"
        )
