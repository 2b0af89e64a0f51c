"""Find decorators of ours that stand above the one that registers a function.

A decorator may return another function than it gets, or mark the one that it gets. If the route
has registered a function beneath, requests run that one, and nobody notices that a login is not
demanded or a limit does not hold. So each decorator is noted, and the start is refused then.
"""

from __future__ import annotations

import typing as t
from itertools import islice
from weakref import WeakKeyDictionary, WeakSet

from ..ground.wrapped import layers
from .origin import caller

if t.TYPE_CHECKING:
    from collections.abc import Iterable


class _Applied:
    """A decorator of ours at one place, on one function.

    Attributes:
        is_registered: Whether any application has registered what it has returned, even if not
            each time that the place was passed.
    """

    __slots__ = ("__weakref__", "is_registered")

    def __init__(self) -> None:
        self.is_registered = False


Place = tuple[str, str]

# INVARIANT: bounded by the functions that exist, and by the places that decorate each of them.
_above: WeakKeyDictionary[t.Any, dict[Place, _Applied]] = WeakKeyDictionary()
"""What has been made of a function, by the name and the place of the decorator."""

_results: WeakKeyDictionary[t.Any, WeakSet[_Applied]] = WeakKeyDictionary()
"""What a decorated function is the result of."""


def note_decorator(name: str, decorated: t.Any) -> None:
    """Remember that a decorator has been applied to a function.

    Args:
        name: What users call the decorator.
        decorated: What it returns: the function that it has marked, or one around it.
    """
    beneath = list(islice(layers(decorated), 1, None))
    if not beneath:
        return
    place = name, caller()
    for function in beneath:
        try:
            applied = _above.setdefault(function, {}).setdefault(place, _Applied())
            _results.setdefault(decorated, WeakSet()).add(applied)
        except TypeError:  # no weak reference to it, or no hash
            continue


def note_registered(function: t.Any) -> None:
    """Remember that requests run a function, and so the decorators that it consists of."""
    for layer in layers(function):
        try:
            found = _results.get(layer, ())
        except TypeError:
            continue
        for applied in found:
            applied.is_registered = True


def check_order(app: t.Any, *, served: bool) -> Iterable[str]:  # noqa: ARG001  for tests too
    """Raise `RuntimeError` for decorators above the registration of a view or hook.

    A function may be registered as it is and, in another place, decorated: only what is registered
    nowhere has been decorated in vain.
    """
    registered = list(_registered(app))
    for _what, function in registered:
        note_registered(function)
    wrong = [
        f"{what} runs without @{name} ({place}), which stands above the decorator that registers"
        " it, and so has no effect on requests. Write it below that, next to the function."
        for what, function in registered
        for (name, place), applied in _noted_above(function)
        if not applied.is_registered
    ]
    if wrong:
        raise RuntimeError("\n".join(wrong))
    return ()


def _noted_above(function: t.Any) -> Iterable[tuple[Place, _Applied]]:
    try:
        return _above.get(function, {}).items()
    except TypeError:
        return ()


def _registered(app: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    """Yield what requests run, with what errors call it."""
    for endpoint, view in app.view_functions.items():
        yield f"The view {endpoint}", view
    hooks: t.Any = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.before_websocket_funcs,
        app.after_websocket_funcs,
    )
    for hook in (hook for each in hooks for listed in each.values() for hook in listed):
        yield f"The hook {getattr(hook, '__qualname__', hook)}", hook
    for by_code in app.error_handler_spec.values():
        for handlers in by_code.values():
            for handler in handlers.values():
                yield f"The error handler {getattr(handler, '__qualname__', handler)}", handler


def install(app: t.Any) -> None:
    """Have the order of an application's decorators checked before its first request."""
    if check_order not in app._start_checks:
        app._start_checks = (*app._start_checks, check_order)
