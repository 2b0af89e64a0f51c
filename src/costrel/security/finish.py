"""The one after-hook that adds header fields to responses, after all others."""

from __future__ import annotations

import typing as t

from ..dispatch.finishing import FinishHook, Finishing
from ..ground.current import request_view
from .csp import with_nonce
from .perrule import PerRule
from .state import security_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App

_KEPT = 100
"""So many different sets of header fields are shared by the rules of an application."""


class Finish(FinishHook):
    """Add to each response what its rule's header fields are, and what features add.

    It is the application's first after-hook, so it runs last, and sees what views, handlers and
    other hooks have set: a field that a response has stays as it is. Only the session adds to the
    response after it.
    """

    __name__ = __qualname__ = "finish"  # what tracers call the hook

    def __init__(self) -> None:
        self._compiled = PerRule(self.compile)
        #: By its arguments: most rules of an application have the same, which takes kilobytes.
        self._made: dict[t.Any, Finishing] = {}

    def __repr__(self) -> str:
        """Return what lists of hooks show."""
        return "costrel.security: the header fields of responses"

    def compile(self, app: App, rule: Rule | None) -> Finishing | None:
        """Return what finishes the responses of a rule, or of requests without one."""
        security = security_of(app)
        shared = None if security.cors is None else security.cors.finisher_of(app, rule)
        finishers = [*security.finishers, *([] if shared is None else [shared])]
        if security.headers is None:
            if not finishers:
                return None
            return Finishing([], [], finishers, varies=shared is not None, no_store=False)
        found = security.headers.of(app, None if rule is None else rule.endpoint)
        insecure, secure = found.fields(secure=False), found.fields(secure=True)
        if shared is not None:
            return Finishing(insecure, secure, finishers, with_nonce=with_nonce, varies=True)
        key = *insecure, None, *secure, None, *map(id, finishers)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _KEPT:  # settings that change at run time make others
                self._made.clear()
            made = self._made[key] = Finishing(insecure, secure, finishers, with_nonce=with_nonce)
        return made

    def __call__(self, response: t.Any) -> t.Any:
        """Finish the response of the current request, in place."""
        ctx = request_view.get()
        finishing = self._compiled.of(ctx.app, ctx.request.url_rule)
        if finishing is not None:
            finishing.apply(ctx, response)
        return response

    async def on_handshake(self, response: t.Any) -> t.Any:
        """Finish the response that refuses a WebSocket; there is none if it was accepted."""
        return None if response is None else self(response)


def install(app: App) -> None:
    """Register the hook on an application, before its other after-hooks."""
    hooks = app.after_request_funcs[None]
    if not any(isinstance(hook, Finish) for hook in hooks):
        finish = Finish()
        hooks.insert(0, finish)
        app.after_websocket_funcs.setdefault(None, []).insert(0, finish.on_handshake)
