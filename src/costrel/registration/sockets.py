"""Registering WebSocket views and their hooks: `SocketScaffold`."""

from __future__ import annotations

import typing as t
from inspect import iscoroutinefunction

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


class SocketScaffold:
    """Hold what an application or a blueprint registers for WebSockets.

    The hooks of requests do not run for WebSockets: what guards a request
    (``before_request``) must be registered with ``before_websocket`` as well.
    """

    def __init__(self) -> None:
        #: Functions that run before a WebSocket's view, by blueprint.
        self.before_websocket_funcs: dict[str | None, list[t.Callable[..., t.Any]]] = {}

        #: Functions that run after a WebSocket's view, by blueprint.
        self.after_websocket_funcs: dict[str | None, list[t.Callable[..., t.Any]]] = {}

        #: Functions that run when a WebSocket is left, by blueprint.
        self.teardown_websocket_funcs: dict[str | None, list[t.Callable[..., t.Any]]] = {}

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: t.Any = None, **options: t.Any
    ) -> None:
        """Register a rule, in the class that this is mixed into."""
        raise NotImplementedError

    def _check_setup_finished(self, f_name: str) -> None:
        """Refuse set-up that comes too late, in the class that this is mixed into."""
        raise NotImplementedError

    def websocket(self, rule: str, **options: t.Any) -> t.Callable[[F], F]:
        """Register the decorated coroutine function as a view of WebSockets.

        Args:
            rule: The URL rule, with converters as for `route`.
            **options: For `werkzeug.routing.Rule`; ``endpoint`` among them.

        The view uses the ``websocket`` proxy. It is served by ASGI servers only. Raises
        `TypeError` for a function that is not ``async def``.
        """
        endpoint = options.pop("endpoint", None)

        def decorator(f: F) -> F:
            self.add_websocket(rule, endpoint, f, **options)
            return f

        return decorator

    def add_websocket(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: t.Callable[..., t.Any] | None = None,
        **options: t.Any,
    ) -> None:
        """Register a WebSocket's view without a decorator: see `websocket`."""
        if view_func is not None and not iscoroutinefunction(view_func):
            raise TypeError(
                f"The WebSocket view {view_func!r} of {rule!r} is not a coroutine function. Write"
                " it as `async def`, since it has to wait for messages."
            )
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
        """Run the decorated function before each WebSocket's view, before it is accepted.

        A value that is not None rejects the handshake with that response.
        """
        self._check_setup_finished("before_websocket")
        self.before_websocket_funcs.setdefault(None, []).append(f)
        return f

    def after_websocket(self, f: F) -> F:
        """Run the decorated function after each WebSocket's view, also after an error.

        Its argument is the response that rejects the handshake, which it may replace by
        returning another, and None for a WebSocket that was accepted.
        """
        self._check_setup_finished("after_websocket")
        self.after_websocket_funcs.setdefault(None, []).append(f)
        return f

    def teardown_websocket(self, f: F) -> F:
        """Run the decorated function when a WebSocket is left, with its error or None.

        The error is an `asyncio.CancelledError` where the view was cut off: its client
        left while it waited for something else, or the server stops.
        """
        self._check_setup_finished("teardown_websocket")
        self.teardown_websocket_funcs.setdefault(None, []).append(f)
        return f
