"""The application context (``app.app_context()``) and ``g``."""

from __future__ import annotations

import sys
import typing as t
from contextlib import contextmanager

from ..ground.current import NO_REQUEST, NO_WEBSOCKET, context
from ..ground.lazy import touching
from ..ground.shortways import Watched
from ..signals import appcontext_popped, appcontext_pushed

if t.TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from werkzeug.routing import MapAdapter

    from ..registration.application import App
    from ..sessions import SessionMixin
    from ..wrappers import Request


_sentinel: t.Any = object()


def call_all(functions: t.Iterable[t.Callable[..., t.Any]], exc: BaseException | None) -> None:
    """Call every function, then raise the first error that occurred.

    INVARIANT: no teardown function is skipped because another one failed.
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
    """The class of ``g``: a namespace for data shared during a request or command.

    It also has a few methods of a dict.
    """

    def __getattr__(self, name: str) -> t.Any:
        raise AttributeError(name)

    if t.TYPE_CHECKING:
        # For type checkers: any attribute may be set and deleted.
        def __setattr__(self, name: str, value: t.Any) -> None: ...
        def __delattr__(self, name: str) -> None: ...

    def get(self, name: str, default: t.Any | None = None) -> t.Any:
        """Return an attribute, or the default if it is not set."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: t.Any = _sentinel) -> t.Any:
        """Remove an attribute and return it, or the default; raises `KeyError` without one."""
        if default is _sentinel:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: t.Any = None) -> t.Any:
        """Return an attribute; if it is not set, set it to the default first."""
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
    """A context in which an application is current, for commands, tests and scripts.

    Push it with ``with app.app_context():``. It may be pushed again while it is active.
    The teardown functions run once, at the last pop.
    """

    touched = False
    """Whether a lazy part of it was created, or it was pushed again or held."""

    plan: t.Any = None
    """The plan that serves the request, if any."""

    sent_file_age: tuple[int | None, bool] | None = None
    """The maximum age of a file that was sent, in seconds, and whether it is the default."""

    continued_id: str | None = None
    """The id of the request that a background task continues: see `costrel.logging.request_id`."""

    _token: Token[t.Any] | None = None
    """The token of a call from a server, while the call lasts."""

    _holds = 0
    _error: BaseException | None = None

    def __init__(self, app: App) -> None:
        self.app = app
        self._outer_requests: list[t.Any] = []

    @touching
    def _cv_tokens(self) -> list[Token[t.Any]]:
        """One token for each push that was not popped yet."""
        return []

    @property
    def is_active(self) -> bool:
        """Return whether it is pushed, or held by a stream."""
        tokens = self.__dict__.get("_cv_tokens")
        return bool(self._holds or (self._token if tokens is None else tokens))

    @property
    def app_context(self) -> AppContext:
        """The application context in effect: this one."""
        return self

    @property
    def request_context(self) -> t.Any:
        """The request context in effect: the one below this one, if any."""
        return self._outer_requests[-1] if self._outer_requests else None

    @property
    def request(self) -> Request:
        """The request of the request context below; `RuntimeError` if there is none."""
        request: Request = self._require_request().request
        return request

    @property
    def session(self) -> SessionMixin:
        """The session of the request context below; `RuntimeError` if there is none."""
        session: SessionMixin = self._require_request().session
        return session

    @property
    def websocket(self) -> t.Any:
        """The WebSocket of the context below; `RuntimeError` if there is none."""
        ctx = self.request_context
        socket = None if ctx is None or ctx is self else ctx.websocket
        if socket is None:
            raise RuntimeError(NO_WEBSOCKET)
        return socket

    def _require_request(self) -> t.Any:
        ctx = self.request_context
        if ctx is None:
            raise RuntimeError(NO_REQUEST)
        return ctx

    @touching
    def g(self) -> t.Any:
        """The namespace for data shared in this context."""
        return self.app.app_ctx_globals_class()

    @touching
    def url_adapter(self) -> MapAdapter | None:
        """Builds URLs outside a request; None unless ``SERVER_NAME`` is set."""
        return self.app.create_url_adapter(None)

    def push(self) -> None:
        """Make this context current. Every push needs its own `pop`."""
        outer = context.get(None)
        if outer is not None and outer.continued_id is not None:
            self.continued_id = outer.continued_id
        self._outer_requests.append(None if outer is None else outer.request_context)
        self._cv_tokens.append(context.set(self))
        appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Pop this context; the last pop runs the teardown functions.

        They get `exc` as the error, by default the exception being handled. Raises
        `AssertionError` if a context that was pushed later has not been popped.
        """
        current: AppContext | None = None
        try:
            if len(self._cv_tokens) == 1:
                self._end(sys.exc_info()[1] if exc is _sentinel else exc)
        finally:
            current = self._restore()
        self._check_popped(current)

    def _restore(self) -> AppContext | None:
        """Make current what was so before the last push; return what was current until now."""
        current: AppContext | None = context.get(None)
        token = self._cv_tokens.pop()
        self._outer_requests.pop()
        if current is not None and current._outlives(self, token):
            return self
        context.reset(token)
        return current

    def _check_popped(self, current: AppContext | None) -> None:
        if current is not self:
            raise AssertionError(wrong_context(current, self))
        if not self._holds:
            self._tell_popped()

    def _outlives(self, _outer: AppContext, _token: Token[t.Any]) -> bool:
        """Return whether it stays current if `_outer`, directly below, is popped first."""
        return False

    def _end(self, exc: BaseException | None) -> None:
        """Run the teardown, or postpone it while the context is held."""
        if self._holds:
            self._error = exc
        else:
            self._tear_down(exc)

    def _tear_down(self, exc: BaseException | None) -> None:
        self.app.do_teardown_appcontext(exc)

    def _tell_popped(self) -> None:
        if appcontext_popped.receivers:
            appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)

    # A stream uses its request after the view has returned.

    def hold(self) -> None:
        """Postpone the teardown until `release`, even if the context is popped."""
        self.touched = True
        self._holds += 1

    def release(self, exc: BaseException | None = None) -> None:
        """End a `hold`; runs the teardown if the context was popped in the meantime.

        The teardown functions get the error it was popped with, or else `exc`.
        """
        self._holds -= 1
        if not self._holds and not self._cv_tokens:
            error, self._error = self._error, None
            token = context.set(self)
            try:
                self._tear_down(exc if error is None else error)
            finally:
                context.reset(token)
            self._tell_popped()

    @contextmanager
    def activate(self) -> t.Iterator[None]:
        """Make this held context current temporarily, without running hooks."""
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

    async def __aenter__(self) -> t.Self:
        """Push it on an event loop; its teardown functions run in a worker thread."""
        self.push()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        current: AppContext | None = None
        try:
            if len(self._cv_tokens) == 1:
                await self.app._run_in_thread(self._end, exc_value)
        finally:
            current = self._restore()
        self._check_popped(current)


def wrong_context(current: AppContext | None, expected: AppContext) -> str:
    """Return the message for popping a context that is not the current one."""
    return (
        f"Popped wrong context: {current!r} is current, not {expected!r}. Every push() needs its"
        " own pop(), in reverse order; use `with` if you can."
    )
