"""Typed views: what runs for a rule instead of the registered view."""

from __future__ import annotations

import inspect
import typing as t
from functools import wraps

from ..ground.current import request
from .operation import Operation, View, operations_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App


class TypedView(t.NamedTuple):
    """What runs for the requests of one rule.

    Attributes:
        view: The registered view.
        call: Fills its parameters and sends its value as declared; the view itself if there
            is nothing to fill and nothing declared.
        is_api: Whether errors are problem details.
        operations: What the annotations say.
    """

    view: View
    call: View
    is_api: bool
    operations: tuple[Operation, ...]

    @classmethod
    def of(cls, app: App, view: View, rule: Rule, for_loop: t.Callable[[View], View]) -> TypedView:
        """Compile a view for a rule.

        Args:
            app: The application.
            view: The registered view.
            rule: Whose variables fill some of its parameters.
            for_loop: Makes a coroutine function of a class-based view with coroutine methods.

        Raises `TypeError`, with the view's file and line, for annotations that can't be used.
        """
        operations = tuple(operations_of(app, rule, view))
        is_api = any(operation.is_api for operation in operations)
        if not any(operation.changes for operation in operations):
            return cls(view, view, is_api, operations)
        is_one = len(operations) == 1 and getattr(view, "view_class", None) is None
        operation = operations[0] if is_one else _ByMethod(operations)
        return cls(view, _call(for_loop(view), operation), is_api, operations)


class _ByMethod:
    """The operations of a class-based view, by HTTP method."""

    def __init__(self, operations: t.Iterable[Operation]) -> None:
        self._operations = {method: one for one in operations for method in one.methods}

    def _of_request(self) -> Operation | None:
        method = request.method
        return self._operations.get("GET" if method == "HEAD" else method)

    def values(self) -> dict[str, t.Any]:
        """Return the arguments that the rule does not fill."""
        operation = self._of_request()
        return {} if operation is None else operation.values()

    def sent(self, value: t.Any) -> t.Any:
        """Return what is sent of a value."""
        operation = self._of_request()
        return value if operation is None else operation.sent(value)


def _call(view: View, operation: Operation | _ByMethod) -> View:
    values, sent = operation.values, operation.sent
    if inspect.iscoroutinefunction(view):

        @wraps(view)
        async def respond_later(**matched: t.Any) -> t.Any:
            return sent(await view(**matched | values()))

        return respond_later

    @wraps(view)
    def respond(**matched: t.Any) -> t.Any:
        return sent(view(**matched | values()))

    return respond
