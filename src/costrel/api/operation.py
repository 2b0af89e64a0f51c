"""Operations: what a view's annotations and its decorator say, for one rule and its methods."""

from __future__ import annotations

import inspect
import typing as t
from dataclasses import dataclass, field
from functools import partial

from ..registration.operations import options_of
from ..registration.origin import definition
from ..views import MethodView
from .answers import Answers, Send, answers_of, status_of
from .binding import Binding, bind
from .negotiation import format_of_request
from .paths import check_variables
from .returns import NOT_SAID, is_page

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
        methods: The HTTP methods that it answers, without the automatic ones.
        options: What decorator, blueprints and application say of it: see `OperationOptions`.
        hints: Its annotations, resolved.
        binding: What fills the other parameters; None if there are none.
        returns: The return annotation; `NOT_SAID` without one.
        send: What makes the response of a value; None if Flask's rules do.
        is_api: Whether errors are problem details: it does not say that it returns text or a
            response.
        responses: The types of what is sent, by status; None for no body.
        negotiates_first: Whether a client that accepts no format gets 406 before the view, which
            may change something, is called.
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

    @property
    def changes(self) -> bool:
        """Whether there is anything to fill or to filter."""
        return self.binding is not None or self.send is not None

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
        return value if self.send is None else self.send(value)

    def status_of(self) -> int:
        """Return the status of a value that comes without one."""
        return status_of(self.returns, self.options)


def operations_of(app: App, rule: Rule, view: View) -> list[Operation]:
    """Return the operations of a rule: one, or for a class-based view one for each method.

    Raises `TypeError`, with the view's file and line, for annotations that can't be used.
    """
    options = options_of(app, rule)
    of_function = partial(_of_function, refuse_unknown=_refuses_unknown(app))
    methods = tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return [of_function(view, rule, methods or tuple(rule.methods or ()), options)]
    if not issubclass(view_class, MethodView):
        return [of_function(view_class.dispatch_request, rule, methods, options, bound=True)]
    found = {method: getattr(view_class, method.lower(), None) for method in methods}
    return [
        of_function(function, rule, (method,), options, bound=True)
        for method, function in found.items()
        if function is not None
    ]


def _of_function(
    view: View,
    rule: Rule,
    methods: tuple[str, ...],
    options: dict[str, t.Any],
    *,
    bound: bool = False,
    refuse_unknown: bool = False,
) -> Operation:
    """Compile a view function, or a function of a class, whose first parameter is filled."""
    function = inspect.unwrap(view)
    if not inspect.isfunction(function):
        return Operation(None, rule, methods, options)
    if not (function.__annotations__ or _says_data(options)):
        return Operation(function, rule, methods, options)
    place = definition(view)
    filled = {*rule.arguments, *(rule.defaults or ())}
    if bound:
        filled.update(list(inspect.signature(function).parameters)[:1])
    try:
        hints = t.get_type_hints(function, include_extras=True)
        if not hasattr(view, "__wrapped__"):
            check_variables(rule, hints)
        binding = bind(view, hints, filled, methods, refuse_unknown=refuse_unknown)
        returns = hints.get("return", NOT_SAID)
        send, responses = answers_of(returns, options, f"The view {place}")
    except (TypeError, NameError) as error:
        advice = f". {_DEFINE_IT}" if isinstance(error, NameError) else ""
        where = f"(The view {place}, for the rule {rule.rule!r}.)"
        raise TypeError(f"{error}{advice} {where}") from error
    if binding is not None and not binding.entries and send is None:
        # A view that takes nothing by annotation may read the query itself.
        binding = None
    takes = binding is not None and binding.takes_document
    changes = binding is not None or send is not None
    is_api = changes and (takes or returns is NOT_SAID or not is_page(returns))
    return Operation(
        function, rule, methods, options, hints, binding, returns, send, is_api, responses,
        isinstance(send, Answers) and send.negotiates and not _SAFE.issuperset(methods),
    )  # fmt: skip


def _says_data(options: t.Mapping[str, t.Any]) -> bool:
    """Whether a decorator says what a view sends, though the view has no annotations."""
    responses = options.get("responses") or {}
    return "status" in options or any(
        isinstance(code, int) and 200 <= code < 300 for code in responses
    )


_DEFINE_IT = (
    "Import or define it at the top of the module, neither below `if TYPE_CHECKING` nor inside a"
    " function."
)


def _refuses_unknown(app: App) -> bool:
    """Whether the queries of views may have no names that the views don't take."""
    setting = app.config.get("QUERY_UNKNOWN", "ignore")
    if setting not in {"ignore", "refuse"}:
        raise ValueError(f"QUERY_UNKNOWN is {setting!r}. It has to be 'ignore' or 'refuse'.")
    return bool(setting == "refuse")
