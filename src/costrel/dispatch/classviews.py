"""Functions on an event loop that are sync, but have a coroutine function beneath.

`View.as_view` returns a sync function, as in Flask, because extensions call it. If the class
has coroutine methods, plans use a coroutine function instead, which awaits them without a
thread. Sync decorators of coroutine functions are called in a thread, since they may block;
what they return is awaited on the loop.
"""

from __future__ import annotations

import typing as t
from functools import update_wrapper

from ..ground.current import current_app
from ..ground.shortways import is_open
from ..ground.wrapped import coroutine_beneath, is_async

if t.TYPE_CHECKING:
    from ..views import View


def awaits(view: t.Callable[..., t.Any]) -> bool:
    """Whether a view is awaited: it is async, or class-based and has coroutine methods."""
    return is_async(view) or _maker_of(view) is not None


def has_coroutines(view: t.Callable[..., t.Any]) -> bool:
    """Whether a view is awaited, or its decorators wait for it in a thread."""
    cls = getattr(view, "view_class", None)
    return awaits(view) or (isinstance(cls, type) and _has_coroutines(cls))


def for_loop(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Return a coroutine function for a function that has one beneath, as described above.

    Other functions are returned unchanged.
    """
    make = _maker_of(function)
    if make is not None:
        return _answering(make)
    if coroutine_beneath(function) is None:
        return function

    async def decorated(*args: t.Any, **kwargs: t.Any) -> t.Any:
        from .calls import call

        return await call(current_app._get_current_object(), function, *args, **kwargs)

    return update_wrapper(decorated, function)


def _answering(make: t.Callable[[], View]) -> t.Callable[..., t.Any]:
    """Return a coroutine function that calls the method of a class-based view."""
    from ..views import method_of

    async def answer(**values: t.Any) -> t.Any:
        from .calls import call

        return await call(current_app._get_current_object(), method_of(make()), **values)

    return answer


def _maker_of(view: t.Any) -> t.Callable[[], View] | None:
    """Return the function that creates the view's instances; None without coroutine methods."""
    made_by = getattr(view, "_made_by", None)
    if not isinstance(made_by, tuple):
        return None
    function, make = made_by
    # A decorator may have copied the attribute to its wrapper, which must not be skipped.
    return make if function is view and _has_coroutines(view.view_class) else None


def _has_coroutines(cls: t.Any) -> bool:
    # Already imported by the code that defined the class.
    from ..views import MethodView, http_method_funcs

    names = ["dispatch_request"]
    if issubclass(cls, MethodView) and is_open("_may_find_method", cls):
        names = [*http_method_funcs, *(method.lower() for method in cls.methods or ())]
    return any(is_async(getattr(cls, name, None)) for name in names)
