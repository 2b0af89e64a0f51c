"""Run an application's checks before the hooks and the view of a request.

The checks are one before-hook of the application, a `GuardHook`. On the general path it is called
like any other hook. A plan takes it out of its chain, and runs what it compiled for the rule: a
request that no check concerns then pays for one question, or for none.
"""

from __future__ import annotations

import typing as t

from ..ground.protection import SAFE_METHODS, Run
from .threads import hop_for

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import Rule

    from ..ctx import RequestContext
    from ..registration.application import App

Concerns = t.Callable[["WSGIEnvironment"], t.Any]


class GuardStep(t.NamedTuple):
    """One check of one rule: see `costrel.ground.protection.Check`."""

    run: Run
    safe_methods: bool = False
    concerns: Concerns | None = None
    blocks: bool = False


class GuardHook:
    """The before-hook that runs an application's checks.

    INVARIANT: what `compile` returns does for the rule what calling the hook does.
    """

    def compile(self, app: App, rule: Rule | None) -> Guarding | None:
        """Return the checks of a rule, or of requests without one; None if there are none."""
        raise NotImplementedError

    def __call__(self) -> t.Any:
        """Run the checks of the current request, which may raise, or return a response."""
        raise NotImplementedError


class Guarding:
    """The checks of one rule, in order.

    Args:
        steps: The checks.
        answer: Called after them for OPTIONS; returns a response, or None to go on. It answers
            preflight requests of CORS.
    """

    __slots__ = ("_steps", "_steps_of_safe", "answer")

    def __init__(
        self,
        steps: t.Iterable[GuardStep],
        answer: t.Callable[[RequestContext], t.Any] | None = None,
    ) -> None:
        self._steps = tuple(steps)
        self._steps_of_safe = tuple(step for step in self._steps if step.safe_methods)
        self.answer = answer

    def steps_of(self, method: str) -> tuple[GuardStep, ...]:
        """Return the checks of a request with some method."""
        return self._steps_of_safe if method in SAFE_METHODS else self._steps

    def run(self, ctx: RequestContext, method: str) -> t.Any:
        """Run the checks; returns a response in place of the view's, or None.

        Raises the `HTTPException` of the check that refuses the request.
        """
        environ = ctx.environ
        for step in self.steps_of(method):
            if step.concerns is None or step.concerns(environ):
                step.run(ctx.request)
        return None if self.answer is None or method != "OPTIONS" else self.answer(ctx)

    async def run_on_loop(self, app: App, ctx: RequestContext, method: str) -> t.Any:
        """Do the same on an event loop; checks that may wait run in a worker thread."""
        environ = ctx.environ
        for step in self.steps_of(method):
            if step.concerns is None or step.concerns(environ):
                if step.blocks:
                    await hop_for(app, step.run, ctx.request)
                else:
                    step.run(ctx.request)
        return None if self.answer is None or method != "OPTIONS" else self.answer(ctx)


def lift_guard(
    app: App, rule: Rule | None, before: tuple[t.Any, ...]
) -> tuple[tuple[t.Any, ...], int, Guarding | None]:
    """Take the guard out of a chain of before-hooks, if it is the first of them.

    Returns the other hooks, how many were taken, and what runs in the guard's place.
    """
    if before and isinstance(before[0], GuardHook):
        return before[1:], 1, before[0].compile(app, rule)
    return before, 0, None


def detours(guard: Guarding | None, concerns_finish: t.Iterable[Concerns]) -> Concerns | None:
    """Return a function that tells if a request must not take the shortest way; None if none must.

    It is asked with the environ of a request whose plan runs nothing but its view.
    """
    finish = tuple(concerns_finish)
    safe, unsafe = (
        (*(step.concerns or _always for step in guard.steps_of(method)), *finish)
        if guard is not None
        else finish
        for method in ("GET", "POST")
    )
    if guard is not None and guard.answer is not None:
        safe = (*safe, _may_be_preflight)
    if not safe and not unsafe:
        return None

    def is_detour(environ: WSGIEnvironment) -> bool:
        # PERF(hello): a loop, because `any` with a generator takes 0.2 us more.
        for concerns in safe if environ["REQUEST_METHOD"] in SAFE_METHODS else unsafe:  # noqa: SIM110
            if concerns(environ):
                return True
        return False

    return is_detour


def _may_be_preflight(environ: WSGIEnvironment) -> bool:
    return bool(environ["REQUEST_METHOD"] == "OPTIONS")


def _always(_environ: WSGIEnvironment) -> bool:
    return True
