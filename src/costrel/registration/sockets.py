"""Registering WebSocket views and hooks: `SocketScaffold`."""

from __future__ import annotations

import typing as t

from ..ground.markers import SOCKET_HOOK, refuse_markers
from ..ground.wrapped import is_async, layers
from .origin import decorator, definition

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
SocketView = t.TypeVar("SocketView", bound=t.Callable[..., t.Awaitable[t.Any]])


class SocketScaffold:
    """The WebSocket views and hooks of an application or a blueprint.

    Request hooks do not run for WebSockets. If a ``before_request`` function protects
    your views, register it with ``before_websocket`` too.
    """

    def __init__(self) -> None:
        #: Functions that run before a WebSocket view, by blueprint.
        self.before_websocket_funcs: dict[str | None, list[t.Callable[..., t.Any]]] = {}

        #: Functions that run after a WebSocket view, by blueprint.
        self.after_websocket_funcs: dict[str | None, list[t.Callable[..., t.Any]]] = {}

        #: Functions that run when a WebSocket's context ends, by blueprint.
        self.teardown_websocket_funcs: dict[str | None, list[t.Callable[..., t.Any]]] = {}

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: t.Any = None, **options: t.Any
    ) -> None:
        """Register a rule; defined in the class that uses this mixin."""
        raise NotImplementedError

    def _check_setup_finished(self, f_name: str) -> None:
        """Refuse setup that comes too late; defined in the class that uses this mixin."""
        raise NotImplementedError

    def websocket(self, rule: str, **options: t.Any) -> t.Callable[[SocketView], SocketView]:
        """Register the decorated coroutine function as a WebSocket view.

        Args:
            rule: The URL rule, with converters as for `route`.
            **options: Passed to `werkzeug.routing.Rule`, including ``endpoint``.

        The view uses the ``websocket`` proxy. WebSockets need an ASGI server. Raises
        `TypeError` for a function that is not ``async def``.
        """
        endpoint = options.pop("endpoint", None)

        def decorator(f: SocketView) -> SocketView:
            self.add_websocket(rule, endpoint, f, **options)
            return f

        return decorator

    def add_websocket(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: t.Callable[..., t.Awaitable[t.Any]] | None = None,
        **options: t.Any,
    ) -> None:
        """Register a WebSocket view without a decorator: see `websocket`."""
        if view_func is not None and not is_async(view_func):
            raise TypeError(_not_async(rule, view_func))
        self.add_url_rule(
            rule,
            endpoint,
            view_func,
            websocket=True,
            methods=["GET"],
            provide_automatic_options=False,
            **options,
        )

    def before_websocket(self, f: F) -> F:
        """Run the decorated function before each WebSocket view and before the handshake.

        If it returns a value other than None, the handshake is rejected with that response.
        """
        self._check_setup_finished("before_websocket")
        refuse_markers(f, SOCKET_HOOK)
        self.before_websocket_funcs.setdefault(None, []).append(f)
        return f

    def after_websocket(self, f: F) -> F:
        """Run the decorated function after each WebSocket view, also after an error.

        It takes the response that rejects the handshake, which it may replace by returning
        another one, or None if the WebSocket was accepted.
        """
        self._check_setup_finished("after_websocket")
        refuse_markers(f, SOCKET_HOOK)
        self.after_websocket_funcs.setdefault(None, []).append(f)
        return f

    def teardown_websocket(self, f: F) -> F:
        """Run the decorated function when a WebSocket's context ends, with its error or None.

        The error is an `asyncio.CancelledError` if the view was cancelled, because the client
        disconnected while it waited for something else, or the server stops.
        """
        self._check_setup_finished("teardown_websocket")
        refuse_markers(f, SOCKET_HOOK)
        self.teardown_websocket_funcs.setdefault(None, []).append(f)
        return f


def _not_async(rule: str, view: t.Callable[..., t.Any]) -> str:
    *decorators, _innermost = layers(view)
    message = (
        f"The WebSocket view {definition(view)} of {rule!r} is not a coroutine function. Define"
        " it with `async def`, because it has to wait for messages."
    )
    if decorators:
        through = ", ".join(map(decorator, decorators))
        return f"{message} Its decorators were looked through: {through}."
    return f"{message} A decorator around an `async def` function must use functools.wraps."
