"""Typed views: what runs for a rule instead of the registered view."""

from __future__ import annotations

import inspect
import typing as t
from functools import wraps

from ..ground.current import request
from ..views import MethodView
from .negotiation import Format, format_of_request
from .operation import Operation, View, operation_of_others, operations_of
from .problems import Detail, refuse
from .resolution import resolving, resolving_on_loop
from .returns import is_stream

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App
    from .binding import Binding


class TypedView(t.NamedTuple):
    """What runs for the requests of one rule.

    Attributes:
        view: The registered view.
        call: Fills its parameters and sends its value as declared; the view itself if there
            is nothing to fill and nothing declared.
        is_api: Whether errors are problem details; None if it only sends events of no declared
            type, as pages and APIs do.
        operations: What the annotations say.
        overrides: What was called instead of dependencies when it was compiled.
    """

    view: View
    call: View
    is_api: bool | None
    operations: tuple[Operation, ...]
    overrides: t.Mapping[t.Any, t.Any]

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
        overrides = app._overrides
        operations = tuple(operations_of(app, rule, view))
        is_api: bool | None = any(operation.is_api for operation in operations)
        if not is_api and operations and all(is_stream(one.returns) for one in operations):
            is_api = None
        by_method = None
        known = operations
        if issubclass(getattr(view, "view_class", object), MethodView):
            others = operation_of_others(app, rule)
            by_method = _ByMethod(operations, others)
            known = (*operations, others)
        if not any(operation.changes for operation in known):
            call = view
            if any(operation.unsaid is not None for operation in known):
                call = _call_unfiltered(for_loop(view), by_method or operations[0], known)
            return cls(view, call, is_api, operations, overrides)
        call = _call(for_loop(view), by_method or operations[0], known)
        return cls(view, call, is_api, operations, overrides)


class _ByMethod:
    """The operations of a `MethodView`, by HTTP method."""

    def __init__(self, operations: t.Iterable[Operation], others: Operation) -> None:
        self._operations = {method: one for one in operations for method in one.methods}
        # `MethodView` calls ``get`` for ``HEAD``, unless there is a ``head``.
        self._operations.setdefault("HEAD", self._operations.get("GET", others))
        self._others = others

    def of_request(self) -> Operation:
        """Return the operation of the current request."""
        return self._operations.get(request.method, self._others)

    def values(self) -> dict[str, t.Any]:
        """Return the arguments that the rule does not fill."""
        return self.of_request().values()

    def sent(self, value: t.Any) -> t.Any:
        """Return what is sent of a value."""
        return self.of_request().sent(value)


def _call(view: View, operation: Operation | _ByMethod, operations: tuple[Operation, ...]) -> View:
    """Return what calls a view with the arguments of one of its operations."""
    dependencies = [one.dependencies for one in operations if one.dependencies is not None]
    if dependencies:
        is_async = any(one.is_async for one in dependencies) or inspect.iscoroutinefunction(view)
        return (resolving_on_loop if is_async else resolving)(view, operation.of_request)
    if isinstance(operation, Operation) and operation.binding is not None and operation.is_api:
        return _call_api(view, operation, operation.binding)
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


def _call_unfiltered(
    view: View, operation: Operation | _ByMethod, operations: tuple[Operation, ...]
) -> View:
    """Return what calls a view that has nothing to fill, and looks at data that it may return."""
    looks = [one.unsaid.usual for one in operations if one.unsaid is not None]
    usual = frozenset.intersection(*looks)
    sent = operation.sent
    if inspect.iscoroutinefunction(view):

        @wraps(view)
        async def respond_later(**matched: t.Any) -> t.Any:
            value = await view(**matched)
            return value if type(value) in usual else sent(value)

        return respond_later

    if inspect.isfunction(view) and not inspect.signature(view, follow_wrapped=False).parameters:
        # PERF(hello): it takes nothing, so there is no dictionary to make of nothing.
        @wraps(view)
        def respond_alike() -> t.Any:
            value = view()
            return value if type(value) in usual else sent(value)

        return respond_alike

    @wraps(view)
    def respond(**matched: t.Any) -> t.Any:
        value = view(**matched)
        return value if type(value) in usual else sent(value)

    return respond


def _call_api(view: View, operation: Operation, binding: Binding) -> View:
    """Return the same for a view without dependencies whose errors are problems.

    PERF(typed_post, typed_invalid): what there is to do is known, and errors are not raised.
    """
    negotiate = format_of_request if operation.negotiates_first else _not_yet
    read = binding.read
    send = t.cast("t.Any", operation.send or operation.unsaid or _as_it_is)
    if inspect.iscoroutinefunction(view):

        @wraps(view)
        async def respond_later(**matched: t.Any) -> t.Any:
            format_ = negotiate()
            errors: list[Detail] = []
            found = read(errors)
            return refuse(errors) if errors else send(await view(**matched | found), format_)

        return respond_later

    @wraps(view)
    def respond(**matched: t.Any) -> t.Any:
        format_ = negotiate()
        errors: list[Detail] = []
        found = read(errors)
        return refuse(errors) if errors else send(view(**matched | found), format_)

    return respond


def _not_yet() -> None:
    """Leave the format for after the view, which may return what is sent in any."""


def _as_it_is(value: t.Any, _format: Format | None) -> t.Any:
    return value
