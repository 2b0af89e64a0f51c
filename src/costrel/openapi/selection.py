"""Which operations are in a document, under which path and id."""

from __future__ import annotations

import inspect
import re
import typing as t
from collections import defaultdict

from ..api.operation import Operation
from ..dispatch.plan import automatic_options
from ..dispatch.typed import typed_view
from ..registration.operations import has_typed_views, options_of
from ..registration.origin import definition
from ..views import MethodView, function_of
from .paths import template_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
"""The methods that a path item can have."""


class Selected(t.NamedTuple):
    """An operation in a document.

    Attributes:
        id: Its operation id.
        path: Its path template.
        variables: The names that the rule's variables have in the template.
        method: Its HTTP method.
        operation: What it takes and answers.
    """

    id: str
    path: str
    variables: t.Mapping[str, str]
    method: str
    operation: Operation

    @property
    def blueprint(self) -> str | None:
        """The name of its blueprint."""
        return str(self.operation.rule.endpoint).rpartition(".")[0] or None

    def __str__(self) -> str:
        function = self.operation.function
        view = f" (the view {definition(function)})" if function is not None else ""
        return f"{self.method} {self.path}{view}"


def select(app: App, version: str | None) -> list[Selected]:
    """Return the operations of a document, in the order in which they were registered.

    Of two rules with one path template, such as on two hosts, the first has it; and so it has if
    only their variables differ, as in ``/<int:id>`` and ``/<name>``, whose names it gives. Raises
    `TypeError` for annotations that can't be used, and for two operations with one id.
    """
    found: dict[tuple[str, str], Selected] = {}
    known: dict[str, tuple[str, list[str]]] = {}
    by_endpoint: dict[t.Any, list[Selected]] = defaultdict(list)
    for rule in _documented_rules(app, version):
        own_path, own = template_of(rule)
        # SPEC(OpenAPI 3.1 §4.8.8.1): paths that differ in these names only are the same.
        path, names = known.setdefault(_VARIABLE.sub("{}", own_path), (own_path, own))
        variables = dict(zip(own, names, strict=True))
        for operation in _operations_of(app, rule):
            for method in _methods_of(app, operation):
                if (path, method) not in found:
                    one = Selected("", path, variables, method, operation)
                    found[path, method] = one
                    by_endpoint[rule.endpoint].append(one)
    named = {(one.path, one.method): one for many in by_endpoint.values() for one in _named(many)}
    selected = [named[key] for key in found]
    _check_ids(selected)
    return selected


_VARIABLE = re.compile(r"\{[^}]*\}")


def versions_in(app: App) -> list[str]:
    """Return the versions that blueprints have, in the order in which they were registered."""
    found = (one.operation_options.get("version") for one in app.blueprints.values())
    return list(dict.fromkeys(str(version) for version in found if version is not None))


def _documented_rules(app: App, version: str | None) -> t.Iterator[Rule]:
    for rule in list(app.url_map.iter_rules()):
        if rule.websocket or rule.build_only or rule.alias or rule.redirect_to is not None:
            continue
        view = app.view_functions.get(rule.endpoint)
        if view is None or _is_own(rule, view):
            continue
        options = options_of(app, rule)
        if options.get("include_in_schema", True) and version in {None, options.get("version")}:
            yield rule


def _is_own(rule: Rule, view: t.Any) -> bool:
    """Whether a view is Costrel's: static files, the document itself, the page that shows it."""
    if (getattr(view, "__module__", None) or "").partition(".")[0] == __name__.partition(".")[0]:
        return True
    is_static = str(rule.endpoint).rpartition(".")[2] == "static"
    return is_static and rule.rule.endswith("/<path:filename>")


def _operations_of(app: App, rule: Rule) -> t.Sequence[Operation]:
    """Return what a rule's view says; of a view that is not typed, its methods and docstring."""
    if has_typed_views(app, rule.endpoint):
        return typed_view(app, rule).operations
    view: t.Any = app.view_functions[rule.endpoint]
    methods = tuple(rule.methods or ("GET",))
    options = options_of(app, rule)
    view_class = getattr(view, "view_class", None)
    if view_class is None or not issubclass(view_class, MethodView):
        function = inspect.unwrap(view)
        is_function = inspect.isfunction(function) or inspect.ismethod(function)
        return [Operation(function if is_function else None, rule, methods, options)]
    found = {method: function_of(view_class, method) for method in methods}
    return [
        Operation(function, rule, (method,), options)
        for method, function in found.items()
        if function is not None
    ]


def _methods_of(app: App, operation: Operation) -> list[str]:
    """Return an operation's methods, without those that are answered for every view."""
    rule = operation.rule
    methods = set(operation.methods)
    if automatic_options(rule):
        methods.discard("OPTIONS")
    elif not hasattr(app.view_functions[rule.endpoint], "view_class"):
        methods |= {"OPTIONS"} & (rule.methods or set())
    if "GET" in methods:
        methods.discard("HEAD")
    return [method for method in METHODS if method in methods]


def _named(many: list[Selected]) -> t.Iterator[Selected]:
    """Give ids to the operations of an endpoint: its name, and what tells them apart."""
    has_methods = len({one.method for one in many}) > 1
    taken: dict[str, int] = defaultdict(int)
    for one in many:
        options = one.operation.options
        name = str(options.get("operation_id") or one.operation.rule.endpoint)
        if has_methods:
            name = f"{name}_{one.method.lower()}"
        taken[name] += 1
        yield one._replace(id=name if taken[name] == 1 else f"{name}_{taken[name]}")


def _check_ids(selected: list[Selected]) -> None:
    known: dict[str, Selected] = {}
    for one in selected:
        other = known.setdefault(one.id, one)
        if other is not one:
            raise TypeError(
                f"{other} and {one} both have the operation id {one.id!r}. Pass operation_id=... to"
                " one of them."
            )
