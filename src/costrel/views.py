"""Views as classes: one class, or one method for each HTTP method.

Register what `View.as_view` returns, with ``app.add_url_rule``.
"""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import MethodNotAllowed

from .ground.current import current_app, request
from .ground.shortways import is_open_for, record

if t.TYPE_CHECKING:
    from . import typing as ft

http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})
"""The methods of a `MethodView` that are found without being declared."""


class View:
    """Answer requests by `dispatch_request`, which a subclass writes.

    A new instance is made for each request, so ``self`` may keep what belongs
    to it, unless `init_every_request` is turned off.
    """

    methods: t.ClassVar[t.Collection[str] | None] = None
    """The HTTP methods to register; None leaves it to ``add_url_rule``."""

    provide_automatic_options: t.ClassVar[bool | None] = None
    """Whether ``OPTIONS`` is answered for the view; None decides by `methods`."""

    decorators: t.ClassVar[list[t.Callable[..., t.Any]]] = []
    """Applied to the view function in this order: the last is outermost.

    Decorating the class would do nothing, as the class is not the view.
    """

    init_every_request: t.ClassVar[bool] = True
    """Whether each request has its own instance.

    False makes one for all: cheaper, but then ``self`` is shared by threads.
    """

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Return the response; given the URL's variables as keywords."""
        raise NotImplementedError(f"{type(self).__name__} must define dispatch_request().")

    @classmethod
    def as_view(cls, name: str, *class_args: t.Any, **class_kwargs: t.Any) -> ft.RouteCallable:
        """Return a view function that makes an instance and asks it.

        ``name`` becomes the function's name and so the default endpoint; the
        rest is what the class is called with. The function has ``view_class``,
        which may be replaced, ``methods`` and ``provide_automatic_options``.
        An ``async def dispatch_request`` goes through ``app.ensure_sync``; under ASGI
        it is awaited on the loop, unless something wraps the function.
        """
        # COMPAT(Flask-Injector): reads `class_args` and `class_kwargs` in the view's closure.
        # The class is read from the function that is registered, so that replacing it works.
        if cls.init_every_request:

            def make() -> View:
                made: View = view.view_class(*class_args, **class_kwargs)
                return made

            def answer(**kwargs: t.Any) -> t.Any:
                made = view.view_class(*class_args, **class_kwargs)
                return current_app.ensure_sync(made.dispatch_request)(**kwargs)

        else:
            self = cls(*class_args, **class_kwargs)

            def make() -> View:
                return self

            def answer(**kwargs: t.Any) -> t.Any:
                return current_app.ensure_sync(self.dispatch_request)(**kwargs)

        def name_it(function: t.Any) -> None:
            function.__name__ = name
            function.__module__ = cls.__module__

        view: t.Any = answer
        undecorated = view
        name_it(view)
        for decorator in cls.decorators:
            view = decorator(view)
            # COMPAT(Flask-WTF): exempt views are known by module and name.
            name_it(view)
        view.__doc__ = cls.__doc__
        view.view_class = cls
        view.methods = cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        # For `costrel.dispatch.classviews`, where no decorator has put another in its place.
        undecorated._made_by = (undecorated, make)
        return t.cast("ft.RouteCallable", view)


class MethodView(View):
    """Answer each HTTP method by the method of the same name in lower case.

    `methods` is found from what the class and its bases define, unless
    it sets it. ``HEAD`` is answered by ``get`` where there is no ``head``. To
    answer a method beyond the usual eight, name it in `methods`.
    """

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        """Find the methods that the new class answers."""
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return
        found = {
            method for base in cls.__bases__ for method in getattr(base, "methods", None) or ()
        }
        found.update(name.upper() for name in http_method_funcs if hasattr(cls, name))
        if found:
            cls.methods = found

    def dispatch_request(self, **kwargs: t.Any) -> ft.ResponseReturnValue:
        """Answer by the method for the request's HTTP method.

        Raises `werkzeug.exceptions.MethodNotAllowed`, answered with 405, for a
        method that no code declared, and `AssertionError`, answered with 500,
        for one that was declared and is not written.
        """
        answer = current_app.ensure_sync(_find_method(self))
        return t.cast("ft.ResponseReturnValue", answer(**kwargs))

    def _is_declared(self, method: str, name: str) -> bool:
        """Tell whether a method outside of the eight may name an attribute.

        SECURITY(Starlette #3286): the method is what the client sent. Only one that the
        class or the rule lists is looked up, and never one of the base's own.
        """
        if name.startswith("_") or hasattr(MethodView, name):
            return False
        rule = request.url_rule
        return method in (self.methods or ()) or method in (getattr(rule, "methods", None) or ())


record(MethodView)


def method_of(view: View) -> t.Callable[..., t.Any]:
    """Return what answers the current request: `dispatch_request`, or what that would call."""
    if isinstance(view, MethodView) and is_open_for("_may_find_method", view):
        return _find_method(view)
    return view.dispatch_request


def _find_method(view: MethodView) -> t.Callable[..., t.Any]:
    method = request.method
    name = method.lower()
    if name not in http_method_funcs and not view._is_declared(method, name):
        raise MethodNotAllowed(sorted(view.methods or ()))
    found = getattr(view, name, None)
    if found is None and method == "HEAD":
        found = getattr(view, "get", None)
    if found is None:
        raise AssertionError(
            f"{type(view).__name__} is registered for {method}, but has no method {name}()."
            " Write it, or register the view without it."
        )
    return t.cast("t.Callable[..., t.Any]", found)
