"""The request context, and what it borrows from the application context around it."""

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
    """A context in which a request, its session and its application are current.

    The request, session, URL adapter and ``g`` are created on first access. Create it
    with ``app.request_context(environ)``, or in tests with
    ``app.test_request_context(...)``.
    """

    on_loop = False
    """Whether it is served on an event loop rather than in a thread."""

    loop: t.Any = None
    """The event loop for its coroutines, if it is served in a worker thread."""

    is_finished = False
    """Whether the response has got its header fields, so that they can't change any more."""

    wants_response = False
    """Whether the session or a hook must process the response."""

    error_id: str | None = None
    """The URI of an error of the server, in the log and in the problem that is sent."""

    view_args: dict[str, t.Any] | None = None
    flashes: list[tuple[str, str]] | None = None
    preserved = False

    plain_root: t.Any = None
    """The prefix of paths that are built without the URL adapter; see `routing.urls`."""

    opened: t.Any = None
    """The generators of dependencies that are open until the response has been sent, if any."""

    _borrowed: AppContext | None = None
    _lender: t.Any = _sentinel
    """The context it may borrow; by default the one that is current when it is pushed."""

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
        """One token for each push that was not popped yet; the server's first."""
        return [] if self._token is None else [self._token]

    @property
    def app_context(self) -> AppContext:
        """The application context in effect: this one or the borrowed one."""
        return self if self._borrowed is None else self._borrowed

    @property
    def request_context(self) -> RequestContext:
        """The request context in effect: this one."""
        return self

    @lazy
    def request(self) -> Request:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The request, an instance of the application's ``request_class``."""
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
        """The matched blueprint's name, found without creating the request object."""
        if self.plan is None or "request" in self.__dict__:
            return self.request.blueprint
        endpoint: str = self.plan.endpoint
        return endpoint.rpartition(".")[0] if "." in endpoint else None

    @property
    def _session(self) -> SessionMixin:
        """The session, opened if needed; this does not mark it as accessed."""
        return self._opened_session

    @_session.setter
    def _session(self, session: SessionMixin) -> None:
        # COMPAT(Flask-SocketIO): sets its own session.
        self.touched = self.wants_response = True
        self._opened_session = session

    @touching
    def _opened_session(self) -> SessionMixin:
        """The session, opened on first access."""
        self.wants_response = True
        app = self.app
        engine = app._engine
        if engine is not None and engine.cookie is not None and engine.epoch == app._epoch.value:
            session = engine.cookie.open(self)
            if session is not None:
                return t.cast("SessionMixin", session)
        interface = app.session_interface
        session = interface.open_session(app, self.request)
        return interface.make_null_session(app) if session is None else session

    @property
    def session(self) -> SessionMixin:
        """The session. Marks it as accessed, so that the response varies by cookie."""
        session = self._opened_session
        self.touched = True
        # SECURITY(CVE-2026-27205): also for `"key" in session` and `len(session)`.
        session.accessed = True
        return session

    @touching
    def g(self) -> t.Any:
        """The namespace for data shared in this request, or the borrowed context's."""
        if self._borrowed is not None:
            return self._borrowed.g
        return self.app.app_ctx_globals_class()

    @touching
    def url_adapter(self) -> MapAdapter | None:
        """Matches and builds URLs for this request's host; None for an invalid host."""
        try:
            return self.app.create_url_adapter(self.request)
        except HTTPException as error:
            self.request.routing_exception = error
            return None

    @touching
    def _after_request_functions(self) -> list[ft.AfterRequestCallable[t.Any]]:
        """The functions registered with `after_this_request`."""
        self.wants_response = True
        return []

    @touching
    def streams(self) -> list[ref[t.Any]]:
        """Weak references to this request's streaming bodies: a dropped one ends on its own."""
        return []

    def drop_streams(self, error: BaseException) -> None:
        """Close the streaming bodies of this request, because an error replaced its response.

        Errors from closing them are added to the error as notes.
        """
        for reference in vars(self).pop("streams", ()):
            stream = reference()
            if stream is not None:
                try:
                    stream.close()
                except Exception as raised:  # noqa: BLE001  added as a note
                    error.add_note(f"Closing a stream that was not sent failed as well: {raised!r}")

    def copy(self) -> RequestContext:
        """Create a context with the same request and session, for another thread.

        It has its own ``g``. Concurrent use of the request and session is not synchronized.
        """
        return type(self)(self.app, self.environ, request=self.request, session=self._session)

    def match_request(self) -> None:
        """Match the URL; sets the request's rule and values, or its routing error."""
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
        """Refuse a WebSocket rule, whose view can't handle a request: 400."""
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
        # COMPAT(Flask-Session): a custom interface opens the session before matching.
        if not opens_lazily(self.app.session_interface):
            self._session  # noqa: B018  accessing it opens it
        self.match_request()

    def _borrow(self, outer: AppContext | None) -> None:
        """Borrow the active application context if it is of the same application."""
        if self.preserved:
            # Pushed again: it keeps what it has borrowed, whatever is current now.
            return
        vars(self).pop("g", None)
        borrowed = None if outer is None else outer.app_context
        if borrowed is not None and (
            borrowed.app is not self.app or borrowed is self or not borrowed.is_active
        ):
            borrowed = None
        self._borrowed = borrowed

    def _outlives(self, outer: AppContext, token: Token[t.Any]) -> bool:
        """Stay current if the borrowed context directly below is popped first.

        COMPAT(pytest-flask): Flask has a variable for each context, so fixtures and tearDown
        methods may pop the two in either order.
        """
        if self._borrowed is not outer or self._cv_tokens[0].old_value is not outer:
            return False
        self._cv_tokens[0] = token
        return True

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Pop this context; the last pop closes the request and runs the teardown functions."""
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

    def _end(self, exc: BaseException | None) -> None:
        """Run the teardown; before it, close the dependencies of a request that sends nothing."""
        opened = self.opened
        try:
            if opened is not None and not opened.is_sending:
                opened.close(exc)
        finally:
            super()._end(exc)

    def _restore(self) -> AppContext | None:
        current: AppContext | None = context.get(None)
        context.reset(self._cv_tokens.pop())
        return current

    def _tear_down(self, exc: BaseException | None) -> None:
        steps = [self.app.do_teardown_request, self._close_request]
        if self._borrowed is None:
            steps.append(self.app.do_teardown_appcontext)
        call_all(steps, exc)

    def _close_request(self, _exc: BaseException | None = None) -> None:
        if "request" in self.__dict__:
            self.request.close()
            # Breaks the reference cycle between the environ and the request.
            self.environ["werkzeug.request"] = None

    def _tell_popped(self) -> None:
        if self._borrowed is None:
            super()._tell_popped()

    def hold(self) -> None:
        """Postpone the teardown until `release`, also that of a borrowed context."""
        super().hold()
        if self._borrowed is not None:
            self._borrowed.hold()

    def release(self, exc: BaseException | None = None) -> None:
        """End a `hold`; runs the teardown if the context was popped in the meantime."""
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
