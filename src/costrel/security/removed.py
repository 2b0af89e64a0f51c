"""Protections that the application's own code has removed without a word."""

from __future__ import annotations

import typing as t

from ..dispatch.guarding import GuardHook
from .state import protection_of

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from ..registration.application import App

_STEPS: t.Mapping[str, tuple[tuple[str, ...], str]] = {
    "create_url_adapter": (("create_url_adapter",), "the hosts"),
    "full_dispatch_request": (("full_dispatch_request", "preprocess_request"), "all checks"),
    "preprocess_request": (("preprocess_request",), "all checks"),
    "process_response": (("process_response",), "the header fields of responses"),
}
"""The steps that protect, what replaces them may call instead, and what is lost without them."""

_INSERT = "Add to the list, or insert hooks into it, and never replace it or clear it."


def skips(app: App, name: str) -> bool:
    """Whether a step was replaced by a function that does not call the original one.

    It is told by the names that the function uses, so one that calls it by other means is taken
    for one that does not.
    """
    if app.is_original(name):
        return False
    instead = _STEPS[name][0]
    places = [vars(app), *map(vars, type(app).__mro__)]
    for place in places:
        function: t.Any = place.get(name)
        if function is None:
            continue
        if (getattr(function, "__module__", None) or "").startswith("costrel."):
            return False  # the original
        code = getattr(function, "__code__", None)
        if code is not None and not set(instead) & set(code.co_names):
            return True
    return False


def has_guard(app: t.Any) -> bool:
    """Whether the guard is still among an application's before-hooks."""
    return any(isinstance(hook, GuardHook) for hook in app.before_request_funcs.get(None, ()))


def check_removed(app: t.Any, *, served: bool) -> Iterable[str]:
    """Tell of protections that the application has removed, before its first request."""
    if not served or protection_of(app) is None:
        return
    # Imported here, since it is needed once.
    from .finish import is_finished

    if not has_guard(app):
        yield (
            "before_request_funcs[None] no longer has the guard, so no request is checked: hosts"
            f" apart, neither for CSRF nor for limits. {_INSERT}"
        )
    if not is_finished(app):
        yield (
            "after_request_funcs[None] no longer has what protects responses, so the header fields"
            f" for security are not sent. {_INSERT}"
        )
    for name, (_instead, lost) in _STEPS.items():
        if skips(app, name):
            yield (
                f"{type(app).__name__}.{name} does not call super().{name}(), so an application"
                f" that is protected loses {lost}. Call it, or use a hook instead."
            )


def install(app: App) -> None:
    """Have it told at the start what an application has removed."""
    if check_removed not in app._start_checks:
        app._start_checks = (*app._start_checks, check_removed)
