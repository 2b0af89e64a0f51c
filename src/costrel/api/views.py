"""Typed views: what that fills a view's parameters and sends what it declares."""

from __future__ import annotations

import inspect
import typing as t
from functools import wraps

from ..registration.origin import definition
from .answers import answer_of
from .binding import Binding, bind

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

View = t.Callable[..., t.Any]


class TypedView(t.NamedTuple):
    """What runs for the requests of one rule.

    Attributes:
        view: The registered view.
        call: Fills its parameters and sends its value as declared; the view itself if there
            is nothing to fill and nothing declared.
        is_api: Whether it declares JSON, so that errors are problem details.
    """

    view: View
    call: View
    is_api: bool

    @classmethod
    def of(cls, view: View, rule: Rule) -> TypedView:
        """Compile a view for a rule.

        Raises `TypeError`, with the view's file and line, for annotations that can't be used.
        """
        function = inspect.unwrap(view)
        if not inspect.isfunction(function) or hasattr(view, "view_class"):
            return cls(view, view, False)
        place = definition(view)
        filled = {*rule.arguments, *(rule.defaults or ())}
        try:
            hints = _hints(function)
            binding = bind(view, hints, filled, rule.methods or ())
        except (TypeError, NameError) as error:
            raise TypeError(f"{error} (The view {place}, for the rule {rule.rule!r}.)") from error
        send = None
        if "return" in hints:
            status = getattr(rule, "typed_status", None)
            send = answer_of(hints["return"], f"The view {place}", status)
        if binding is None and send is None:
            return cls(view, view, False)
        return cls(view, _joined(view, binding, send or _unchanged), send is not None)


def _joined(view: View, binding: Binding | None, send: View) -> View:
    values = _no_values if binding is None else binding.values
    if inspect.iscoroutinefunction(view):

        @wraps(view)
        async def respond_later(**matched: t.Any) -> t.Any:
            return send(await view(**matched, **values()))

        return respond_later

    @wraps(view)
    def respond(**matched: t.Any) -> t.Any:
        return send(view(**matched, **values()))

    return respond


def _hints(function: t.Any) -> dict[str, t.Any]:
    """Return a function's annotations, resolved; raises `NameError` for an unknown name."""
    if not function.__annotations__:
        return {}
    return t.get_type_hints(function, include_extras=True)


def _no_values() -> dict[str, t.Any]:
    return {}


def _unchanged(value: t.Any) -> t.Any:
    return value
