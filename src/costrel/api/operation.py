"""Operations: what a view's annotations and its decorator say, for one rule and its methods."""

from __future__ import annotations

import inspect
import typing as t
from dataclasses import dataclass, field

from ..registration.operations import options_of
from ..registration.origin import definition
from ..views import MethodView
from .answers import Send, answer_of, is_page
from .binding import Binding, bind
from .dependencies import Dependencies, dependencies_of
from .security import SecurityScheme

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App

View = t.Callable[..., t.Any]

NOT_SAID: t.Any = object()
"""The return annotation of a view without one."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What runs for some methods of a rule, and what it is documented by.

    Attributes:
        function: The function beneath its decorators; None if the view is no function.
        rule: Whose variables fill some of its parameters.
        methods: The HTTP methods that it answers, without the automatic ones.
        options: What decorator, blueprints and application say of it: see `OperationOptions`.
        hints: Its annotations, resolved.
        binding: What fills the other parameters; None if there are none.
        returns: The return annotation; `NOT_SAID` without one.
        send: What makes the response of a value; None if Flask's rules do.
        is_api: Whether errors are problem details: it does not say that it returns text or a
            response.
        dependencies: The functions that it depends on; None if there are none.
    """

    function: View | None
    rule: Rule
    methods: tuple[str, ...]
    options: t.Mapping[str, t.Any]
    hints: t.Mapping[str, t.Any] = field(default_factory=dict)
    binding: Binding | None = None
    returns: t.Any = NOT_SAID
    send: Send | None = None
    is_api: bool = False
    dependencies: Dependencies | None = None

    @property
    def changes(self) -> bool:
        """Whether there is anything to fill or to filter, or to call before it."""
        parts = (self.binding, self.send, self.dependencies)
        return any(part is not None for part in parts)

    @property
    def security(self) -> tuple[SecurityScheme, ...]:
        """The security schemes that it names, and those among its dependencies, each once.

        A request has to satisfy all of `Dependencies.security`, and one of ``security=[...]``.
        """
        needed = () if self.dependencies is None else self.dependencies.security
        return tuple(dict.fromkeys((*needed, *self.options.get("security", ()))))

    def of_request(self) -> Operation:
        """Return the operation of the current request: this one."""
        return self

    def values(self) -> dict[str, t.Any]:
        """Return the arguments that the rule does not fill, from the current request."""
        return {} if self.binding is None else self.binding.values()

    def sent(self, value: t.Any) -> t.Any:
        """Return what is sent of a value."""
        return value if self.send is None else self.send(value)


def operations_of(app: App, rule: Rule, view: View) -> list[Operation]:
    """Return the operations of a rule: one, or for a class-based view one for each method.

    Raises `TypeError`, with the view's file and line, for annotations that can't be used.
    """
    options = options_of(app, rule)
    methods = tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return [_of_function(app, view, rule, methods or tuple(rule.methods or ()), options)]
    if not issubclass(view_class, MethodView):
        return [_of_function(app, view_class.dispatch_request, rule, methods, options, bound=True)]
    found = {method: getattr(view_class, method.lower(), None) for method in methods}
    return [
        _of_function(app, function, rule, (method,), options, bound=True)
        for method, function in found.items()
        if function is not None
    ]


def operation_of_others(app: App, rule: Rule) -> Operation:
    """Return what runs for the methods of a class-based view that are no operations.

    SECURITY: what its rule, blueprints and application depend on runs for ``HEAD`` and ``OPTIONS``
    too, if the class has methods for them.
    """
    options, methods = options_of(app, rule), tuple(rule.methods or ())
    guards, variables = options.get("dependencies", ()), _variables_of(rule)
    dependencies = dependencies_of(None, {}, variables, methods, guards, app._overrides)
    return Operation(None, rule, methods, options, dependencies=dependencies)


def _variables_of(rule: Rule) -> set[str]:
    """Return the names of what a rule fills."""
    return {*rule.arguments, *(rule.defaults or ())}


def _of_function(
    app: App,
    view: View,
    rule: Rule,
    methods: tuple[str, ...],
    options: dict[str, t.Any],
    *,
    bound: bool = False,
) -> Operation:
    """Compile a view function, or a function of a class, whose first parameter is filled."""
    function = inspect.unwrap(view)
    is_function = inspect.isfunction(function)
    place = definition(view)
    filled = _variables_of(rule)
    if bound and is_function:
        filled.update(list(inspect.signature(function).parameters)[:1])
    is_typed = is_function and bool(function.__annotations__)
    # Those of the documentation say themselves who may see them.
    guards = () if getattr(view, "runs_alone", False) else options.get("dependencies", ())
    binding, send, returns = None, None, NOT_SAID
    try:
        hints = t.get_type_hints(function, include_extras=True) if is_typed else {}
        dependencies = dependencies_of(view, hints, filled, methods, guards, app._overrides)
        own = {} if dependencies is None else dependencies.filled
        if is_typed:
            binding = bind(view, hints, {*filled, *own}, methods)
            returns = hints.get("return", NOT_SAID)
        if dependencies is not None:
            dependencies.check_bodies(binding)
        if returns is not NOT_SAID:
            send = answer_of(returns, f"The view {place}", options.get("status"))
    except (TypeError, NameError) as error:
        raise TypeError(f"{error} (The view {place}, for the rule {rule.rule!r}.)") from error
    takes = binding is not None and binding.takes_document
    declares = binding is not None or send is not None or bool(own)
    is_api = declares and (takes or returns is NOT_SAID or not is_page(returns))
    return Operation(
        function if is_function else None,
        rule,
        methods,
        options,
        hints,
        binding,
        returns,
        send,
        is_api,
        dependencies,
    )
