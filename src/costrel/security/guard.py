"""The guard: the one before-hook that runs the checks of all features."""

from __future__ import annotations

import typing as t

from ..dispatch.guarding import GuardHook, Guarding, GuardStep
from ..ground.current import request_view
from .perrule import PerRule
from .removed import has_guard, skips
from .removed import install as tell_of_removed
from .state import ORDER, SAFE_METHODS, Check, protection_of, security_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App


class Guard(GuardHook):
    """Run the checks of an application, in the order of `ORDER`, before its own before-hooks.

    A hook that the application inserts in front of it runs before it. Handshakes of WebSockets
    are checked too, as requests with a safe method.
    """

    __name__ = __qualname__ = "guard"  # what tracers call the hook

    def __init__(self) -> None:
        self._compiled = PerRule(self.compile)

    def __repr__(self) -> str:
        """Return what lists of hooks show."""
        return "costrel.security: the checks of requests"

    def compile(self, app: App, rule: Rule | None) -> Guarding | None:
        """Return the checks of a rule, or of requests without one; None if there are none."""
        security = security_of(app)
        only_safe = rule is not None and (rule.methods or {"POST"}) <= SAFE_METHODS
        cors = security.cors
        steps = []
        for check in _in_order(security.checks):
            if only_safe and not check.safe_methods:
                continue
            step = _step_of(check, rule)
            if step is not None:
                steps.append(step if cors is None else cors.trusting(app, rule, check, step))
        answer = None if cors is None else cors.answer_of(app, rule)
        return Guarding(steps, answer) if steps or answer is not None else None

    def __call__(self) -> t.Any:
        """Check the current request; raises the error that refuses it."""
        ctx = request_view.get()
        request = ctx.request
        guarding = self._compiled.of(ctx.app, request.url_rule)
        if guarding is None:
            return None
        # A subclass of the request may read the method from elsewhere: the less safe one counts.
        method = ctx.environ["REQUEST_METHOD"]
        return guarding.run(ctx, request.method if method in SAFE_METHODS else method)

    async def on_handshake(self) -> t.Any:
        """Check the handshake of a WebSocket, on the event loop."""
        # Imported here: it needs asyncio.
        from ..dispatch.threads import hop_for

        ctx = request_view.get()
        guarding = self._compiled.of(ctx.app, ctx.request.url_rule)
        for step in () if guarding is None else guarding.steps_of("GET"):
            if step.blocks:
                await hop_for(ctx.app, step.run, ctx.request)
            else:
                step.run(ctx.request)


def _in_order(checks: t.Iterable[Check]) -> list[Check]:
    places = {name: place for place, name in enumerate(ORDER)}
    return sorted(checks, key=lambda check: places.get(check.name, len(places)))


def _step_of(check: Check, rule: Rule | None) -> GuardStep | None:
    applies = check.applies_to(None if rule is None else rule.endpoint, rule)
    if applies is False or applies is None:
        return None
    run = check.run if applies is True else applies
    return GuardStep(run, check.safe_methods, check.concerns, check.blocks)


def install(app: App) -> None:
    """Register the guard on an application, in front of its before-hooks."""
    hooks = app.before_request_funcs[None]
    if not any(isinstance(hook, Guard) for hook in hooks):
        guard = Guard()
        hooks.insert(0, guard)
        app.before_websocket_funcs.setdefault(None, []).insert(0, guard.on_handshake)
        tell_of_removed(app)


def is_guarded(app: App) -> bool:
    """Whether an application's requests are checked, for an audit."""
    return (
        protection_of(app) is not None
        and has_guard(app)
        and not skips(app, "preprocess_request")
        and not skips(app, "full_dispatch_request")
    )
