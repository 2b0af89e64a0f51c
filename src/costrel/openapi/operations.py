"""Operation objects: what a document says of one operation."""

from __future__ import annotations

import inspect
import typing as t

from ..api.conditional import check_preconditions
from ..api.problems import problems_of
from ..ground.protection import SAFE_METHODS, protection_of
from . import docstrings
from .bodies import body_of
from .logins import demands_login, login_cookie_of, redirects_to_login
from .outgoing import operation_for
from .parameters import parameters_of
from .responses import Responses, is_cursor_page
from .security import Security

if t.TYPE_CHECKING:
    from ..api.operation import Operation
    from ..api.values import Entry
    from .docstrings import Docstring
    from .schema import Schemas

_BODIES = frozenset(("body", "form", "file"))
_OF_BODY = (400, 413, 415)
_NO_VARIABLES: t.Mapping[str, str] = {}


class Describer:
    """Describe operations, and collect what they share as components.

    Args:
        schemas: The document's schemas.
        app: The application, whose exceptions are mapped to problems.
    """

    def __init__(self, schemas: Schemas, app: t.Any) -> None:
        self._schemas = schemas
        self._app = app
        self._responses = Responses(schemas)
        self._security = Security()
        protection = protection_of(app)
        limits = None if protection is None else protection.limits
        self._protection = protection
        self._limits_urls = limits is not None and app.config.get("MAX_URL_LENGTH") is not None
        self._limits_queries = app.config.get("MAX_QUERY_FIELDS") is not None
        if limits is not None and app.config.get("MAX_HEADERS") is not None:
            self._responses.share(431)
        if protection is not None and protection.hosts is not None:
            self._responses.share(400)

    def describe(
        self,
        operation: Operation,
        id_: str,
        variables: t.Mapping[str, str] = _NO_VARIABLES,
        *,
        tags: t.Sequence[str] = (),
        method: str | None = None,
        is_sent: bool = False,
    ) -> dict[str, t.Any]:
        """Return an operation object.

        Args:
            operation: The operation.
            id_: Its id, unique in the document.
            variables: The names that its rule's variables have in its path template.
            tags: Headings that it stands under, if it does not say any.
            method: The method that is described; None for a request that the application sends.
            is_sent: Whether the application sends the request, as a webhook or callback.

        Raises `TypeError` for a type that JSON can't describe.
        """
        options = operation.options
        entries = entries_of(operation)
        described: dict[str, t.Any] = {}
        tags = options.get("tags", tags)
        if tags:
            described["tags"] = list(tags)
        function = operation.function
        docstring = docstrings.read(None if function is None else function.__doc__)
        described |= _words_of(operation, docstring)
        described["operationId"] = id_
        if options.get("deprecated") or hasattr(function, "__deprecated__"):
            described["deprecated"] = True
        said = docstring.names
        parameters = parameters_of(self._schemas, entries, operation.rule, variables, said)
        if parameters:
            described["parameters"] = parameters
        body = body_of(self._schemas, entries, "output" if is_sent else "input", said)
        if body is not None:
            described["requestBody"] = body
        needs_login = not is_sent and demands_login(self._app, operation)
        login = login_cookie_of(self._app) if needs_login else None
        security = None if is_sent else self._security.of(operation, login)
        errors: dict[int, str | None] = {}
        if method is not None and not is_sent:
            errors = self._errors(operation, method, entries, variables, bool(security))
        described["responses"] = self._responses.of(
            operation,
            errors,
            "input" if is_sent else "output",
            is_redirected=needs_login and redirects_to_login(self._app, operation),
        )
        if security is not None:
            described["security"] = security
        callbacks = options.get("callbacks")
        if callbacks:
            described["callbacks"] = self._callbacks(callbacks, id_)
        return described

    def _errors(
        self,
        operation: Operation,
        method: str,
        entries: t.Sequence[Entry],
        variables: t.Mapping[str, str],
        has_security: bool,
    ) -> dict[int, str | None]:
        """Return the errors that can happen before and in the view: see `Responses.of`."""
        statuses = [404] if variables or is_cursor_page(operation.returns) else []
        if any(entry.marker.place in _BODIES for entry in entries):
            statuses += _OF_BODY
        if entries:
            statuses.append(422)
        has_query = any(one.marker.place == "query" for one in entries)
        if has_query and self._limits_queries:
            statuses.append(400)
        if self._limits_urls and (variables or has_query):
            statuses.append(414)
        if has_security:
            statuses.append(401)
        statuses += self._refusals(operation, method)
        if getattr(operation.send, "negotiates", False):
            statuses.append(406)
        has_tag = operation.options.get("etag") and method == "GET"
        if has_tag or _calls(operation.function, check_preconditions):
            statuses.append(412)
        if operation.is_api:
            statuses.append(500)
        # Those that the application has mapped its exceptions to may be of its own kind.
        return {**dict.fromkeys(statuses), **problems_of(self._app, operation)}

    def _refusals(self, operation: Operation, method: str) -> t.Iterator[int]:
        """Yield what protections answer: 403 for forged requests, and 429 for too many."""
        csrf = None if self._protection is None else self._protection.csrf
        rule = operation.rule
        if csrf is not None and method not in SAFE_METHODS and csrf.applies_to(rule.endpoint, rule):
            yield 403
        if self._is_limited(operation, method):
            yield 429

    def _is_limited(self, operation: Operation, method: str) -> bool:
        """Whether requests are counted: by the view, a blueprint, or for the whole application."""
        if getattr(operation.function, "rate_rules", None):
            return True
        rates = None if self._protection is None else self._protection.rates
        return rates is not None and any(
            applied.rule.counts(method) for applied in rates.rules_of(operation.rule.endpoint)
        )

    def _callbacks(self, callbacks: t.Mapping[str, t.Any], id_: str) -> dict[str, t.Any]:
        """Return the requests that an operation makes later, by the name of their function."""
        described: dict[str, t.Any] = {}
        for url, function in callbacks.items():
            name = function.__name__
            operation = operation_for(function, "POST", {})
            one = self.describe(operation, f"{id_}_{name}", is_sent=True)
            described.setdefault(name, {})[url] = {"post": one}
        return described

    def components(self) -> dict[str, t.Any]:
        """Return what operations share, when all are described; names the models."""
        found = {
            "schemas": self._schemas.finish(),
            "responses": dict(sorted(self._responses.components.items())),
            "securitySchemes": dict(sorted(self._security.schemes.items())),
        }
        return {kind: components for kind, components in found.items() if components}


def _calls(function: t.Any, called: t.Any) -> bool:
    """Whether a view names a function of its module's globals, as if to call it."""
    view = None if function is None else inspect.unwrap(function)
    code = getattr(view, "__code__", None)
    known = getattr(view, "__globals__", {})
    return code is not None and any(known.get(name) is called for name in code.co_names)


def entries_of(operation: Operation) -> list[Entry]:
    """Return the parameters of an operation's view, and of what it depends on."""
    bindings = [operation.binding]
    if operation.dependencies is not None:
        bindings += operation.dependencies.bindings
    return [entry for binding in bindings if binding is not None for entry in binding.entries]


def _words_of(operation: Operation, docstring: Docstring) -> dict[str, str]:
    """Return summary and description: as the decorator says, or by the docstring."""
    options = operation.options
    found = {
        "summary": options.get("summary", docstring.summary),
        "description": options.get("description", docstring.rest),
    }
    return {name: text for name, text in found.items() if text}
