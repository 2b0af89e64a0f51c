"""Response objects: what an operation answers, and the problems that it may answer instead."""

from __future__ import annotations

import enum
import types as builtin_types
import typing as t

from werkzeug.exceptions import default_exceptions
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response

from ..api.operation import NOT_SAID, Operation
from ..api.pages import CursorPage, Page
from ..api.problems import PROBLEM_TYPE, Problem
from ..sse import EventStream
from .bodies import JSON

if t.TYPE_CHECKING:
    from .scalars import Schema
    from .schema import Mode, Schemas

Answer = dict[str, t.Any]

_EXPLAINED = {
    400: "The request can't be read, for example because its JSON is broken.",
    401: "The credentials are missing, or they are not valid.",
    404: "There is nothing at this address.",
    406: "There is no answer in a media type that the client accepts.",
    413: "The body is too large.",
    415: "The body has a media type that is not accepted here.",
    422: "Values of the request do not fit. `errors` has each of them.",
    500: "The server has failed.",
}
"""What a response component says, besides the status in words."""

_TEXT: Schema = {"type": "string"}
_LINK = {"description": "Other pages, as in RFC 8288.", "schema": _TEXT}
_HEADERS: dict[int, dict[str, t.Any]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": _TEXT}},
    405: {"Allow": {"description": "The methods that there are.", "schema": _TEXT}},
    429: {"Retry-After": {"description": "When to try again.", "schema": _TEXT}},
}


class Responses:
    """Make response objects, and keep the problems among them as components."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        #: The components: the problem of each status code, by the name of its error.
        self.components: dict[str, Answer] = {}

    def of(
        self, operation: Operation, errors: t.Mapping[int, str | None], mode: Mode
    ) -> dict[str, Answer]:
        """Return an operation's responses by status code.

        Args:
            operation: Whose return annotation and ``responses=`` are described.
            errors: Status codes that it may answer besides, with the kind of error if it is one
                of the application's own.
            mode: ``output`` for what the application sends.
        """
        found: dict[int, Answer] = {}
        for status, annotation in declared(operation).items():
            found[status] = self._declared(operation, status, annotation, mode)
        for status, title in errors.items():
            if status not in found:
                found[status] = self.error(status, title, is_problem=operation.is_api)
        return {str(status): found[status] for status in sorted(found)}

    def error(self, status: int, title: str | None = None, *, is_problem: bool) -> Answer:
        """Return the response of an HTTP error: a problem of its component, or a page."""
        if not is_problem:
            return {"description": title or _words(status)}
        if title not in {None, _words(status)}:
            return {**self._problem(status), "description": title}
        error = default_exceptions.get(status)
        name = f"Status{status}" if error is None else error.__name__
        if name not in self.components:
            self.components[name] = self._problem(status)
        return {"$ref": f"#/components/responses/{name}"}

    def _problem(self, status: int) -> Answer:
        answer: Answer = {"description": _EXPLAINED.get(status) or _words(status)}
        if status in _HEADERS:
            answer["headers"] = _HEADERS[status]
        schema = self._schemas.of(Problem, "output")
        return {**answer, "content": {PROBLEM_TYPE: {"schema": schema}}}

    def _declared(
        self, operation: Operation, status: int, annotation: t.Any, mode: Mode
    ) -> Answer:
        if annotation is Problem:
            return self.error(status, is_problem=True)
        if isinstance(annotation, str):  # only a description
            return {"description": annotation}
        answer: Answer = {"description": _words(status)}
        headers = dict(_HEADERS.get(status, {}))
        if _is_paginated(annotation):
            headers["Link"] = _LINK
        if headers:
            answer["headers"] = headers
        if annotation is not NOT_SAID:
            content = self._content(annotation, mode, is_typed=operation.send is not None)
            if content:
                answer["content"] = content
        return answer

    def _content(self, annotation: t.Any, mode: Mode, *, is_typed: bool) -> dict[str, t.Any]:
        """Return the media types of a return annotation, each with its schema."""
        content: dict[str, t.Any] = {}
        data: list[t.Any] = []
        for member in _members_of(annotation):
            page = _page_of(member)
            if page is None:
                data.append(member)
            elif page:
                content[page] = {"schema": _TEXT}
                for argument in t.get_args(member):  # the data of each event
                    content[page]["x-data"] = self._schemas.of(argument, mode)
        if not all(map(_is_none, data)):
            declared: t.Any = t.Union[tuple(data)]  # noqa: UP007  made at run time
            content = {**self._json(declared, mode, is_typed=is_typed), **content}
        return content

    def _json(self, declared: t.Any, mode: Mode, *, is_typed: bool) -> dict[str, t.Any]:
        try:
            schema = self._schemas.of(declared, mode)
        except TypeError:
            if is_typed:
                raise
            return {}  # Flask makes something of it, or an extension
        media = JSON
        if isinstance(declared, type) and issubclass(declared, Problem):
            media = PROBLEM_TYPE
        return {media: {"schema": schema}}


def declared(operation: Operation) -> dict[int, t.Any]:
    """Return what an operation declares to answer, by status code."""
    returns = operation.returns
    status = operation.options.get("status")
    if status is None:
        status = 204 if _is_none(returns) else 200
    return {int(status): returns, **operation.options.get("responses", {})}


def _is_none(annotation: t.Any) -> bool:
    return annotation is None or annotation is type(None)


def _words(status: int) -> str:
    return HTTP_STATUS_CODES.get(status, f"Status {status}")


def _members_of(annotation: t.Any) -> t.Iterator[t.Any]:
    """Yield the types of the values that a view may return, without status and headers."""
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if origin in {t.Union, builtin_types.UnionType}:
        for argument in arguments:
            yield from _members_of(argument)
    elif origin is tuple and len(arguments) in {2, 3} and ... not in arguments:
        yield from _members_of(arguments[0])
    else:
        yield annotation


def _page_of(member: t.Any) -> str | None:
    """Return the media type of text, or of a class of responses; None for data.

    It is empty for a class of responses, which may have any.
    """
    cls = t.get_origin(member) or member
    if cls is t.Annotated:
        return _page_of(t.get_args(member)[0])
    if not isinstance(cls, type):
        return None
    if issubclass(cls, Response):
        return "text/event-stream" if issubclass(cls, EventStream) else ""
    if issubclass(cls, (str, bytes)) and not issubclass(cls, enum.Enum):
        return "text/html"
    return None


def _is_paginated(annotation: t.Any) -> bool:
    """Whether an answer is a page of a list, which has links to the others."""
    classes = (t.get_origin(one) or one for one in _members_of(annotation))
    return any(isinstance(cls, type) and issubclass(cls, (Page, CursorPage)) for cls in classes)
