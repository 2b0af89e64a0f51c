"""Class-based views on an event loop: await their coroutine methods without a thread.

`View.as_view` returns a sync function, as in Flask, because extensions call it. If the class
has coroutine methods, plans use a coroutine function instead.
"""

from __future__ import annotations

import typing as t
from functools import partial
from inspect import iscoroutinefunction

from ..ground.current import current_app
from ..ground.shortways import is_open

if t.TYPE_CHECKING:
    from ..views import View


def awaits(view: t.Callable[..., t.Any]) -> bool:
    """Whether a view is a coroutine function, or a class-based view with coroutine methods."""
    return iscoroutinefunction(view) or _maker_of(view) is not None


def for_loop(view: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Return a coroutine function for a class-based view with coroutine methods.

    Other views are returned unchanged. Sync methods of the class still run in a worker thread.
    """
    make = _maker_of(view)
    if make is None:
        return view
    from ..views import method_of

    async def answer(**values: t.Any) -> t.Any:
        method = method_of(make())
        if iscoroutinefunction(method):
            return await method(**values)
        from .threads import hop_for

        app = t.cast("t.Any", current_app)._get_current_object()
        return await hop_for(app, partial(method, **values))

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
    return any(iscoroutinefunction(getattr(cls, name, None)) for name in names)
