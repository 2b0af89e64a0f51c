"""Typed views: what runs for a rule instead of the registered view."""

from __future__ import annotations

import inspect
import typing as t
from functools import wraps

from ..ground.current import request
from ..registration.origin import definition
from ..views import MethodView
from .answers import Send, answer_of, is_page
from .binding import Binding, bind

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

View = t.Callable[..., t.Any]


class Typed(t.NamedTuple):
    """What the annotations of one function say."""

    binding: Binding | None
    send: Send | None
    #: Whether errors are problem details: it does not say that it returns text or a response.
    is_api: bool = True

    @property
    def changes(self) -> bool:
        """Whether there is anything to fill or to filter."""
        return self.binding is not None or self.send is not None

    def values(self) -> dict[str, t.Any]:
        """Return the arguments that the rule does not fill."""
        return {} if self.binding is None else self.binding.values()

    def sent(self, value: t.Any) -> t.Any:
        """Return what is sent of a value."""
        return value if self.send is None else self.send(value)


_UNTYPED = Typed(None, None, False)


class TypedView(t.NamedTuple):
    """What runs for the requests of one rule.

    Attributes:
        view: The registered view.
        call: Fills its parameters and sends its value as declared; the view itself if there
            is nothing to fill and nothing declared.
        is_api: Whether errors are problem details.
    """

    view: View
    call: View
    is_api: bool

    @classmethod
    def of(cls, view: View, rule: Rule, for_loop: t.Callable[[View], View]) -> TypedView:
        """Compile a view for a rule.

        Args:
            view: The registered view.
            rule: Whose variables fill some of its parameters.
            for_loop: Makes a coroutine function of a class-based view with coroutine methods.

        Raises `TypeError`, with the view's file and line, for annotations that can't be used.
        """
        view_class = getattr(view, "view_class", None)
        if view_class is None:
            typed: Typed | _ByMethod = _of_function(view, rule, rule.methods or ())
        else:
            typed = _ByMethod(_of_class(view_class, rule))
        if not typed.changes:
            return cls(view, view, False)
        return cls(view, _call(for_loop(view), typed), typed.is_api)


class _ByMethod:
    """What the annotations of a class-based view say, by HTTP method."""

    def __init__(self, methods: dict[str, Typed]) -> None:
        self._methods = methods
        self.changes = any(typed.changes for typed in methods.values())
        self.is_api = any(typed.is_api for typed in methods.values())

    def _of_request(self) -> Typed:
        method = request.method
        return self._methods.get("GET" if method == "HEAD" else method, _UNTYPED)

    def values(self) -> dict[str, t.Any]:
        """Return the arguments that the rule does not fill."""
        return self._of_request().values()

    def sent(self, value: t.Any) -> t.Any:
        """Return what is sent of a value."""
        return self._of_request().sent(value)


def _call(view: View, typed: Typed | _ByMethod) -> View:
    values, sent = typed.values, typed.sent
    if inspect.iscoroutinefunction(view):

        @wraps(view)
        async def respond_later(**matched: t.Any) -> t.Any:
            return sent(await view(**matched, **values()))

        return respond_later

    @wraps(view)
    def respond(**matched: t.Any) -> t.Any:
        return sent(view(**matched, **values()))

    return respond


def _of_class(view_class: t.Any, rule: Rule) -> dict[str, Typed]:
    """Return what the methods of a class-based view say, by HTTP method."""
    methods = [method for method in rule.methods or () if method not in {"HEAD", "OPTIONS"}]
    if not issubclass(view_class, MethodView):
        typed = _of_function(view_class.dispatch_request, rule, methods, bound=True)
        return dict.fromkeys(methods, typed)
    found = {method: getattr(view_class, method.lower(), None) for method in methods}
    return {
        method: _of_function(function, rule, (method,), bound=True)
        for method, function in found.items()
        if function is not None
    }


def _of_function(
    view: View, rule: Rule, methods: t.Collection[str], *, bound: bool = False
) -> Typed:
    """Compile a view function, or a function of a class, whose first parameter is filled."""
    function = inspect.unwrap(view)
    if not inspect.isfunction(function) or not function.__annotations__:
        return _UNTYPED
    place = definition(view)
    filled = {*rule.arguments, *(rule.defaults or ())}
    if bound:
        filled.update(list(inspect.signature(function).parameters)[:1])
    send = None
    try:
        hints = t.get_type_hints(function, include_extras=True)
        binding = bind(view, hints, filled, methods)
        if "return" in hints:
            status = getattr(rule, "typed_status", None)
            send = answer_of(hints["return"], f"The view {place}", status)
    except (TypeError, NameError) as error:
        raise TypeError(f"{error} (The view {place}, for the rule {rule.rule!r}.)") from error
    if binding is None and send is None:
        return _UNTYPED
    takes = binding is not None and binding.takes_document
    return Typed(binding, send, takes or not is_page(hints.get("return", t.Any)))
