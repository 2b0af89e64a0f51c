"""Class-based views on an event loop: await their coroutine methods without a thread.

What `View.as_view` returns is a sync function, as Flask has it, since extensions call
it. Plans take a coroutine function in its place where the class has coroutine methods.
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
    """Tell whether a view is a coroutine function, or a class-based view with such methods."""
    return iscoroutinefunction(view) or _maker_of(view) is not None


def for_loop(view: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Return what a loop may await in place of a class-based view; other views as they are.

    Sync methods of the class still run in a worker thread.
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
    """Return what makes the instances of a class-based view that has coroutine methods."""
    made_by = getattr(view, "_made_by", None)
    if not isinstance(made_by, tuple):
        return None
    function, make = made_by
    # A wrapper may have copied the attribute: what it does must not be left out.
    return make if function is view and _has_coroutines(view.view_class) else None


def _has_coroutines(cls: t.Any) -> bool:
    # Loaded already, by whoever made the class.
    from ..views import MethodView, http_method_funcs

    names = ["dispatch_request"]
    if issubclass(cls, MethodView) and is_open("_may_find_method", cls):
        names = [*http_method_funcs, *(method.lower() for method in cls.methods or ())]
    return any(iscoroutinefunction(getattr(cls, name, None)) for name in names)
