"""Operations: what a view's annotations and its decorator say, for one rule and its methods."""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, partialmethod

from ..ground.wrapped import layers
from ..registration.installed import is_of_installed_package
from ..registration.operations import asks_for_types, options_of
from ..registration.origin import definition
from ..views import MethodView, function_of, http_method_funcs
from .aliases import without_aliases
from .answers import Answers, Send, answers_of, status_of
from .binding import Binding, bind, share_names
from .dependencies import Dependencies, dependencies_of
from .hints import DEFINE_IT, hints_of
from .ignored import ignored_in, refuse_ignored_in_init
from .inherited import check_inherited
from .negotiation import format_of_request
from .paths import check_taken, check_variables
from .problems import Problem
from .returns import NOT_SAID, check_generator, is_page
from .security import SecurityScheme
from .unsaid import Unsaid

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App

View = t.Callable[..., t.Any]

_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""SPEC(RFC 9110 §9.2.1): methods that change nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What runs for some methods of a rule, and what it is documented by.

    Attributes:
        function: The function beneath its decorators; None if the view is no function.
        rule: Whose variables fill some of its parameters.
        methods: The HTTP methods that it answers, without the automatic ones; of a function that
            answers all methods of its rule, without ``HEAD`` and ``OPTIONS``.
        options: What decorator, blueprints and application say of it: see `OperationOptions`.
        hints: Its annotations, resolved.
        binding: What fills the other parameters; None if there are none.
        returns: The return annotation; `NOT_SAID` without one.
        send: What makes the response of a value; None if Flask's rules do.
        is_api: Whether errors are problem details: it does not say that it returns text or a
            response, or it says that there are problems.
        responses: The types of what is sent, by status; None for no body.
        negotiates_first: Whether a client that accepts no format gets 406 before the view, which
            may change something, is called.
        dependencies: The functions that it depends on; None if there are none.
        unsaid: Refuses data that it does not declare, if Flask's rules send what it returns.
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
    responses: t.Mapping[int, t.Any] = field(default_factory=dict)
    negotiates_first: bool = False
    dependencies: Dependencies | None = None
    unsaid: Unsaid | None = None

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
        self.negotiate()
        return {} if self.binding is None else self.binding.values()

    def negotiate(self) -> None:
        """Raise `NotAcceptable` (406) if it has to be known before the view is called."""
        if self.negotiates_first:
            format_of_request()

    def sent(self, value: t.Any) -> t.Any:
        """Return what is sent of a value."""
        send = self.send or self.unsaid
        return value if send is None else send(value)

    def status_of(self) -> int:
        """Return the status of a value that comes without one."""
        return status_of(self.returns, self.options)


def operations_of(app: App, rule: Rule, view: View) -> list[Operation]:
    """Return the operations of a rule: one, or for a `MethodView` one for each method.

    Raises `TypeError`, with the view's file and line, for annotations that can't be used.
    """
    options = options_of(app, rule)
    of_function = partial(_of_function, app, refuse_unknown=_refuses_unknown(app))
    methods = tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
    methods = methods or tuple(rule.methods or ())
    view_class = getattr(view, "view_class", None)

    def is_read(function: View) -> bool:
        return not _is_for_flask(app, rule, function)

    if view_class is None:
        check_inherited(*_method_in(view), is_read)
        return [of_function(view, rule, methods, options)]
    refuse_ignored_in_init(view_class)
    for name in ("dispatch_request", *map(str.lower, rule.methods or http_method_funcs)):
        check_inherited(view_class, name, is_read)
    of_function = partial(of_function, is_decorated=bool(getattr(view_class, "decorators", ())))
    if not issubclass(view_class, MethodView):
        bound = _is_bound(view_class, "dispatch_request")
        return [of_function(view_class.dispatch_request, rule, methods, options, bound=bound)]
    return _of_methods(view_class, rule, options, of_function)


def _of_methods(
    view_class: type[MethodView],
    rule: Rule,
    options: dict[str, t.Any],
    of_function: Callable[..., Operation],
) -> list[Operation]:
    """Return the operations of a `MethodView`.

    SECURITY: ``head`` and ``options`` are operations like others, and so is a ``dispatch_request``
    of the class's own: the methods that have no function run it.
    """
    methods = rule.methods
    if methods is None:
        methods = {*map(str.upper, http_method_funcs), *(view_class.methods or ())}
    named = {method: function_of(view_class, method) for method in sorted(methods)}
    found = {method: function for method, function in named.items() if function is not None}
    operations = [
        of_function(function, rule, (method,), options, bound=_is_bound(view_class, method.lower()))
        for method, function in found.items()
    ]
    if view_class.dispatch_request is MethodView.dispatch_request:
        return operations
    others = named.keys() - found.keys()
    if "GET" in found:
        others -= {"HEAD"}
    of_dispatch = partial(
        of_function, view_class.dispatch_request, rule,
        bound=_is_bound(view_class, "dispatch_request"),
    )  # fmt: skip
    if found and of_dispatch(tuple(found), {}).changes:
        raise TypeError(
            f"The annotations of {definition(view_class.dispatch_request)} would have no effect on"
            f" {', '.join(found)}, which the class has functions for. Write them into those"
            " functions, and leave dispatch_request(self, **kwargs) without."
            f" (For the rule {rule.rule!r}.)"
        )
    return [*operations, *([of_dispatch(tuple(sorted(others)), options)] if others else [])]


def _method_in(view: t.Any) -> tuple[type, str]:
    """Return the class and the name of the method that a view calls; a function calls its own."""
    for layer in layers(view):
        if inspect.ismethod(layer):
            owner = layer.__self__
            return owner if isinstance(owner, type) else type(owner), layer.__name__
    return type(view), "__call__"


def _is_bound(view_class: type, name: str) -> bool:
    """Whether a method of a class has a first parameter that an instance will fill."""
    method = inspect.getattr_static(view_class, name)
    return not isinstance(method, (classmethod, staticmethod))


def operation_of_others(app: App, rule: Rule) -> Operation:
    """Return what runs for the methods of a `MethodView` that are no operations.

    SECURITY: what its rule, blueprints and application depend on runs for them too.
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
    is_decorated: bool = False,
    refuse_unknown: bool = False,
) -> Operation:
    """Compile a view function, or a function of a class, whose first parameter is filled."""
    function, given = _function_in(view)
    place = definition(view)
    filled = _variables_of(rule)
    if bound and function is not None:
        filled.update(list(inspect.signature(function).parameters)[:1])
    is_decorated = is_decorated or hasattr(view, "__wrapped__")
    is_typed = function is not None and (bool(function.__annotations__) or _says_data(options))
    if is_typed and _is_for_flask(app, rule, function):
        is_typed = False
    # Those of the documentation say themselves who may see them.
    guards = () if getattr(view, "runs_alone", False) else options.get("dependencies", ())
    binding, send, unsaid, returns = None, None, None, NOT_SAID
    responses: dict[int, t.Any] = {}
    try:
        hints = hints_of(function) if is_typed else {}
        hints = {name: hint for name, hint in hints.items() if name not in given}
        dependencies = dependencies_of(view, hints, filled, methods, guards, app._overrides)
        own = {} if dependencies is None else dependencies.filled
        if is_typed:
            if not is_decorated:
                check_variables(rule, hints)
            others = {name: hint for name, hint in hints.items() if name not in own}
            binding = bind(view, others, filled, methods, refuse_unknown=refuse_unknown)
            returns = without_aliases(hints.get("return", NOT_SAID))
            if function is not None and returns is not NOT_SAID and not is_decorated:
                check_generator(function, returns)
            send, unsaid, responses = answers_of(returns, options, f"The view {place}")
            if not is_decorated and not _has_preprocessors(app, rule):
                entries = () if binding is None else binding.entries
                hidden = frozenset() if dependencies is None else dependencies.hidden
                names = {*own, *(entry.name for entry in entries)}
                check_taken(view, set(filled) - hidden, names)
        if dependencies is not None:
            dependencies.check_bodies(binding)
            bindings = [*dependencies.bindings, *([] if binding is None else [binding])]
            credentials = [one.name for one in dependencies.security]
            share_names(bindings, credentials, refuse_unknown=refuse_unknown)
    except (TypeError, NameError) as error:
        advice = f". {DEFINE_IT}" if isinstance(error, NameError) else ""
        where = f"(The view {place}, for the rule {rule.rule!r}.)"
        raise TypeError(f"{error}{advice} {where}") from error
    if binding is not None and not binding.entries and send is None:
        # A view that takes nothing by annotation may read the query itself.
        binding = None
    takes = binding is not None and binding.takes_document
    declares = binding is not None or send is not None or bool(own)
    is_data = takes or returns is NOT_SAID or not is_page(returns)
    is_api = declares and (is_data or _says_problems(options))
    negotiates_first = (
        isinstance(send, Answers) and send.negotiates and not _SAFE.issuperset(methods)
    )
    return Operation(
        function, rule, methods, options, hints, binding, returns, send,
        is_api, responses, negotiates_first, dependencies, unsaid,
    )  # fmt: skip


def _is_for_flask(app: App, rule: Rule, function: t.Any) -> bool:
    """Whether a view is of an extension that was written for Flask, which reads no annotations.

    SECURITY: one that depends on something was not, and is not called without that.
    """
    return (
        is_of_installed_package(app, function)
        and not asks_for_types(app, rule)
        and ignored_in(function) is None
    )


def _has_preprocessors(app: App, rule: Rule) -> bool:
    """Whether functions may take variables of a rule away, or add some, before its view."""
    blueprints = _blueprints_of(rule)
    return any(app.url_value_preprocessors.get(name) for name in (None, *blueprints))


def _blueprints_of(rule: Rule) -> list[str]:
    """Return the names of the blueprints that a rule is in."""
    parts = str(rule.endpoint).split(".")[:-1]
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _function_in(view: t.Any) -> tuple[t.Callable[..., t.Any] | None, set[str]]:
    """Return the function that a view calls in the end, and the parameters that it is given.

    It is looked for beneath decorators, and in bound methods, partials and objects with
    ``__call__``. None if there is none that has annotations, as of a class.
    """
    given: set[str] = set()
    for _ in range(_LIMIT):
        # The first is the name since Python 3.13.
        method = getattr(view, "__partialmethod__", None) or getattr(view, "_partialmethod", None)
        inner = getattr(view, "__wrapped__", None)
        layer = method if isinstance(method, partialmethod) else view
        if isinstance(layer, (partial, partialmethod)):
            given.update(layer.keywords)
            view = layer.func
        elif inspect.ismethod(view):
            view = view.__func__
        elif inner is not None:
            view = inner
        elif inspect.isfunction(view):
            return view, given
        elif inspect.isroutine(view) or isinstance(view, type):
            break
        else:
            view = type(view).__call__
    return None, given


_LIMIT = 100
"""How many layers are looked at; some objects have any attribute, and so no end."""


def _says_problems(options: t.Mapping[str, t.Any]) -> bool:
    """Whether a decorator says that some errors are problems, so that all are."""
    responses = options.get("responses") or {}
    return any(isinstance(one, type) and issubclass(one, Problem) for one in responses.values())


def _says_data(options: t.Mapping[str, t.Any]) -> bool:
    """Whether a decorator says what a view sends, though the view has no annotations."""
    responses = options.get("responses") or {}
    return "status" in options or any(
        isinstance(code, int) and 200 <= code < 300 for code in responses
    )


def _refuses_unknown(app: App) -> bool:
    """Whether the queries of views may have no names that the views don't take."""
    setting = app.config.get("QUERY_UNKNOWN", "ignore")
    if setting not in {"ignore", "refuse"}:
        raise ValueError(f"QUERY_UNKNOWN is {setting!r}. It has to be 'ignore' or 'refuse'.")
    return bool(setting == "refuse")
