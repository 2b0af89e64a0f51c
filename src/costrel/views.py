"""Class-based views, with one method in all or one for each HTTP method.

Register the return value of `View.as_view` with ``app.add_url_rule``.
"""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import MethodNotAllowed

from .ground.current import current_app, request
from .ground.shortways import is_open_for, record

if t.TYPE_CHECKING:
    from . import typing as ft

http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})
"""The methods of a `MethodView` that are found without listing them in `methods`."""


class View:
    """A view class; subclasses handle requests in `dispatch_request`.

    Each request gets a new instance, so ``self`` may hold request data, unless
    `init_every_request` is False.
    """

    methods: t.ClassVar[t.Collection[str] | None] = None
    """The HTTP methods to register; None for the default of ``add_url_rule``."""

    provide_automatic_options: t.ClassVar[bool | None] = None
    """Whether to respond to ``OPTIONS`` automatically; None decides by `methods`."""

    decorators: t.ClassVar[list[t.Callable[..., t.Any]]] = []
    """Decorators to apply to the view function, in this order: the last is outermost.

    Don't decorate the class: the class is not the view function.
    """

    init_every_request: t.ClassVar[bool] = True
    """Whether to create an instance for each request.

    False uses one for all requests. This is faster, but threads then share ``self``.
    """

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Return the response; takes the URL's variables as keyword arguments."""
        raise NotImplementedError(f"{type(self).__name__} must define dispatch_request().")

    @classmethod
    def as_view(cls, name: str, *class_args: t.Any, **class_kwargs: t.Any) -> ft.RouteCallable:
        """Return a view function that creates an instance and calls `dispatch_request`.

        ``name`` becomes the function's name and so its default endpoint; the other
        arguments are passed to the class. The function has the attributes ``view_class``,
        which may be replaced, ``methods`` and ``provide_automatic_options``.
        An ``async def dispatch_request`` is called with ``app.ensure_sync``; under ASGI
        it is awaited on the event loop, unless a decorator wraps the function.
        """
        # COMPAT(Flask-Injector): reads `class_args` and `class_kwargs` in the view's closure.
        # `view_class` is read from the registered function, so that replacing it works.
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
        # For `costrel.dispatch.classviews`, if no decorator has replaced the function.
        undecorated._made_by = (undecorated, make)
        return t.cast("ft.RouteCallable", view)


class MethodView(View):
    """A view class with a method for each HTTP method: ``get``, ``post`` and so on.

    `methods` is derived from the methods of the class and its bases, unless the class
    sets it. ``get`` handles ``HEAD`` if there is no ``head``. To handle a method
    that is not one of the standard eight, list it in `methods`.
    """

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        """Set `methods` from the methods that the new class defines."""
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
        """Call the method for the request's HTTP method.

        Raises `werkzeug.exceptions.MethodNotAllowed` (405) for an undeclared method, and
        `AssertionError` (500) for a method that is declared but not defined.
        """
        answer = current_app.ensure_sync(_find_method(self))
        return t.cast("ft.ResponseReturnValue", answer(**kwargs))

    def _is_declared(self, method: str, name: str) -> bool:
        """Return whether a method other than the standard eight may name an attribute.

        SECURITY(Starlette #3286): the client chooses the method. Only a method that the
        class or the rule lists is looked up, and never an attribute of the base class.
        """
        if name.startswith("_") or hasattr(MethodView, name):
            return False
        rule = request.url_rule
        return method in (self.methods or ()) or method in (getattr(rule, "methods", None) or ())


record(MethodView)


def method_of(view: View) -> t.Callable[..., t.Any]:
    """Return the method for the current request: `dispatch_request`, or what it would call."""
    if isinstance(view, MethodView) and is_open_for("_may_find_method", view):
        return _find_method(view)
    return view.dispatch_request


def function_of(cls: type[MethodView], method: str) -> t.Callable[..., t.Any] | None:
    """Return the function of a class for an HTTP method, None if requests run none.

    SECURITY(Starlette #3286): a rule may list any method; one that names an attribute of the base
    class runs nothing.
    """
    name = method.lower()
    if name.startswith("_") or hasattr(MethodView, name):
        return None
    return t.cast("t.Callable[..., t.Any] | None", getattr(cls, name, None))


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
            f" Define it, or register the view without {method}."
        )
    return t.cast("t.Callable[..., t.Any]", found)
