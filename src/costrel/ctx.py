"""The context of an application and of a request.

One object carries everything that is current, and one context variable points
at it (`costrel.current.context`). A request's context is an application context
as well; where the application itself has entered one around it (a test, a request
made inside a request) it *borrows* that one, with its ``g``, and leaves its teardown
to it. A request that a server starts borrows nothing: see `costrel.serve.callers`.
"""

from __future__ import annotations

import sys
import typing as t
from contextlib import contextmanager
from functools import update_wrapper
from weakref import ref

from werkzeug.exceptions import HTTPException

from . import typing as ft
from .current import NO_REQUEST, NO_WEBSOCKET, context, request_view
from .lazy import lazy, touching
from .sessions import opens_lazily
from .shortways import Watched
from .signals import appcontext_popped, appcontext_pushed
from .socketrules import check_request

if t.TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import MapAdapter, Rule

    from .application import App
    from .sessions import SessionMixin
    from .wrappers import Request

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable[t.Any])
_sentinel = object()


def call_all(functions: t.Iterable[t.Callable[..., t.Any]], exc: BaseException | None) -> None:
    """Call every function, then raise the first error that one of them raised.

    INVARIANT: no teardown is skipped because another one failed.
    """
    failure: BaseException | None = None
    for function in functions:
        try:
            function(exc)
        except BaseException as error:  # noqa: BLE001  raised below
            if failure is None:
                failure = error
            else:
                failure.add_note(f"A later teardown function failed as well: {error!r}")
    if failure is not None:
        raise failure


class _AppCtxGlobals:
    """Hold whatever a request or command wants to share: ``g``.

    A plain namespace with a few methods of a dict.
    """

    def __getattr__(self, name: str) -> t.Any:
        raise AttributeError(name)

    if t.TYPE_CHECKING:
        # To a type checker, whatever is set may be set and deleted as well.
        def __setattr__(self, name: str, value: t.Any) -> None: ...
        def __delattr__(self, name: str) -> None: ...

    def get(self, name: str, default: t.Any | None = None) -> t.Any:
        """Return an attribute, or the default if it was never set."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: t.Any = _sentinel) -> t.Any:
        """Remove an attribute and return it, or the default; else `KeyError`."""
        if default is _sentinel:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: t.Any = None) -> t.Any:
        """Return an attribute, set to the default first if it was missing."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> t.Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        ctx = context.get(None)
        if ctx is None:
            return object.__repr__(self)
        return f"<flask.g of '{ctx.app.name}'>"


class AppContext(metaclass=Watched):
    """Make an application current: for commands, tests and scripts.

    Enter it with ``with app.app_context():``. It may be entered again while it is
    active; its teardown functions run once, when the outermost entry is left.
    """

    touched = False
    """Whether something of it came into being, or it was entered again or held."""

    plan: t.Any = None
    """The plan that a request is served by, if any."""

    _token: Token[t.Any] | None = None
    """That of a call which a server started, while it lasts."""

    _holds = 0
    _error: BaseException | None = None

    def __init__(self, app: App) -> None:
        self.app = app
        self._outer_requests: list[RequestContext | None] = []

    @touching
    def _cv_tokens(self) -> list[Token[t.Any]]:
        """Hold one token per entry that was not left yet."""
        return []

    @property
    def is_active(self) -> bool:
        """Tell whether it was entered and not left yet, or is held by a stream."""
        tokens = self.__dict__.get("_cv_tokens")
        return bool(self._holds or (self._token if tokens is None else tokens))

    @property
    def app_context(self) -> AppContext:
        """Give the application context in effect: this one."""
        return self

    @property
    def request_context(self) -> RequestContext | None:
        """Give the request context in effect: the one beneath, if any."""
        return self._outer_requests[-1] if self._outer_requests else None

    @property
    def request(self) -> Request:
        """Give the request of the request context beneath; `RuntimeError` without."""
        return self._require_request().request

    @property
    def session(self) -> SessionMixin:
        """Give the session of the request context beneath; `RuntimeError` without."""
        return self._require_request().session

    @property
    def websocket(self) -> t.Any:
        """Give the WebSocket being served; `RuntimeError` where none is."""
        raise RuntimeError(NO_WEBSOCKET)

    def _require_request(self) -> RequestContext:
        ctx = self.request_context
        if ctx is None:
            raise RuntimeError(NO_REQUEST)
        return ctx

    @touching
    def g(self) -> t.Any:
        """Hold what this context shares."""
        return self.app.app_ctx_globals_class()

    @touching
    def url_adapter(self) -> MapAdapter | None:
        """Build URLs outside of a request; None unless ``SERVER_NAME`` is set."""
        return self.app.create_url_adapter(None)

    def push(self) -> None:
        """Make this context current. Every push needs its `pop`."""
        outer = context.get(None)
        self._outer_requests.append(None if outer is None else outer.request_context)
        self._cv_tokens.append(context.set(self))
        appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)

    def pop(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        """Leave this context; the last pop runs the teardown functions.

        `exc` is the error that they are told of, by default the one being
        handled. Raises `AssertionError` when another context was entered
        afterwards and not left.
        """
        try:
            if len(self._cv_tokens) == 1:
                self._end(sys.exc_info()[1] if exc is _sentinel else exc)
        finally:
            current = context.get(None)
            token = self._cv_tokens.pop()
            self._outer_requests.pop()
            if isinstance(current, RequestContext) and current._outlives(self, token):
                current = self
            else:
                context.reset(token)
        if current is not self:
            raise AssertionError(_wrong_context(current, self))
        if not self._holds:
            self._tell_popped()

    def _end(self, exc: BaseException | None) -> None:
        """Run the teardown, or put it off while the context is held."""
        if self._holds:
            self._error = exc
        else:
            self._tear_down(exc)

    def _tear_down(self, exc: BaseException | None) -> None:
        self.app.do_teardown_appcontext(exc)

    def _tell_popped(self) -> None:
        appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)

    # A stream uses its request after the request has been answered.

    def hold(self) -> None:
        """Put the teardown off until `release`, also if the context is popped."""
        self.touched = True
        self._holds += 1

    def release(self, exc: BaseException | None = None) -> None:
        """End a `hold`; runs the teardown if the context was popped meanwhile.

        The teardown functions are told of the error it was popped with, or else of `exc`.
        """
        self._holds -= 1
        if not self._holds and not self._cv_tokens:
            error, self._error = self._error, None
            with self.activate():
                self._tear_down(exc if error is None else error)
            self._tell_popped()

    @contextmanager
    def activate(self) -> t.Iterator[None]:
        """Make this held context current for a moment, without any hook."""
        token = context.set(self)
        try:
            yield
        finally:
            context.reset(token)

    def __enter__(self) -> t.Self:
        self.push()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)


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

    def pop(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        """Leave this request; the last pop closes it and runs the teardowns."""
        try:
            if len(self._cv_tokens) == 1:
                self._end(sys.exc_info()[1] if exc is _sentinel else exc)
        finally:
            current = context.get(None)
            context.reset(self._cv_tokens.pop())
        if current is not self:
            raise AssertionError(_wrong_context(current, self))
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


def _wrong_context(current: AppContext | None, expected: AppContext) -> str:
    return (
        f"Popped wrong context: {current!r} is current, not {expected!r}. Every push() needs its"
        " own pop(), in reverse order; use `with` where you can."
    )


def after_this_request(f: T_after_request) -> T_after_request:
    """Run a function on the response of the current request only.

    It runs before the functions of ``after_request``. Raises `RuntimeError` outside
    of a request.
    """
    ctx = request_view.get(None)
    if ctx is None:
        raise RuntimeError(
            "after_this_request() has no request to wait for: none is active here. Call it from a"
            " view, a hook or an error handler."
        )
    ctx._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Let a function run elsewhere (a thread, a greenlet) with the current request.

    Each call gets a context of its own for the same request and session. Raises
    `RuntimeError` outside of a request.
    """
    original = request_view.get(None)
    if original is None:
        raise RuntimeError(
            "copy_current_request_context() has no request to copy: none is active here. Apply it"
            " inside the view that starts the thread, not at import time."
        )
    # A copy now, because the original may be closed by the time of the call.
    template = original.copy()

    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        with template.copy() as ctx:
            return ctx.app.ensure_sync(f)(*args, **kwargs)

    return t.cast(F, update_wrapper(wrapper, f))


def has_request_context() -> bool:
    """Tell whether a request is current, so `request` and `session` can be used."""
    return request_view.get(None) is not None


def has_app_context() -> bool:
    """Tell whether an application is current, so `current_app` and `g` can be used."""
    return context.get(None) is not None
