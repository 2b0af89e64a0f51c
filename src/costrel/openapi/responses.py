"""Response objects: what an operation answers, and the problems that it may answer instead."""

from __future__ import annotations

import typing as t

from msgspec import inspect as types
from werkzeug.exceptions import default_exceptions
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response

from ..api.kinds import bare, kind_of
from ..api.lines import LINES_TYPE
from ..api.pages import CursorPage, Page
from ..api.problems import PROBLEM_TYPE, Problem
from ..api.returns import NOT_SAID, NOTHING, Returns
from ..sse import EventStream
from .bodies import JSON

if t.TYPE_CHECKING:
    from ..api.operation import Operation
    from .scalars import Schema
    from .schema import Mode, Schemas

Answer = dict[str, t.Any]

EVENTS = "text/event-stream"

_EXPLAINED = {
    400: "The request can't be read: its JSON is broken, for example, or its host is not known.",
    401: "The credentials are missing, or they are not valid.",
    403: "It is not allowed, for example because another site may have forged the request.",
    404: "There is nothing at this address.",
    406: "There is no answer in a media type that the client accepts.",
    412: "There is another version now than `If-Match` names.",
    413: "The body is too large.",
    414: "The URL is too long.",
    415: "The body has a media type that is not accepted here.",
    422: "Values of the request do not fit. `errors` has each of them.",
    429: "There were too many requests. `Retry-After` says when to come again.",
    431: "The request has too many header fields.",
    500: "The server has failed.",
}
"""What a response component says, if that is more than the status in words."""

_TEXT: Schema = {"type": "string"}

_TEXTUAL = (types.StrType, types.EnumType, types.LiteralType, types.AnyType)


def _header(description: str) -> Answer:
    return {"description": description, "schema": _TEXT}


_LINK = _header("Other pages of the list, as in RFC 8288.")
_ETAG = _header("The version of what is answered, for `If-None-Match`.")
_HEADERS: dict[int, Answer] = {
    401: {"WWW-Authenticate": _header("How to authenticate.")},
    405: {"Allow": _header("The methods that there are.")},
    429: {"Retry-After": _header("When to try again.")},
}


_TO_LOGIN: Answer = {
    "description": "A browser that asks for a page is sent to the login page.",
    "headers": {"Location": _header("The login page.")},
}


class Responses:
    """Make response objects, and keep the problems among them as components."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        #: The components: the problem of each status code, by the name of its error.
        self.components: dict[str, Answer] = {}

    def of(
        self,
        operation: Operation,
        errors: t.Mapping[int, str | None],
        mode: Mode,
        *,
        is_redirected: bool = False,
    ) -> dict[str, Answer]:
        """Return an operation's responses by status code.

        Args:
            operation: Whose declared responses are described.
            errors: Status codes that it may answer besides, with the kind of error if it is one
                of the application's own.
            mode: ``output`` for what the application sends.
            is_redirected: Whether browsers are sent to the login page if nobody is logged in.
        """
        declared = operation.responses or {operation.status_of(): operation.returns}
        found = {
            status: self._declared(operation, status, annotation, mode)
            for status, annotation in declared.items()
        }
        if operation.options.get("etag") and "GET" in operation.methods and 200 in found:
            found[200].setdefault("headers", {})["ETag"] = _ETAG
            found.setdefault(304, {"description": _words(304), "headers": {"ETag": _ETAG}})
        if is_redirected:
            found.setdefault(302, _TO_LOGIN)
        for status, title in errors.items():
            if status not in found:
                found[status] = self._error(status, title, is_problem=operation.is_api)
        return {str(status): found[status] for status in sorted(found)}

    def share(self, status: int) -> None:
        """Describe an error that any request may get as a component, which no operation names."""
        self._error(status, is_problem=True)

    def _error(self, status: int, title: str | None = None, *, is_problem: bool) -> Answer:
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

    def _declared(self, operation: Operation, status: int, annotation: t.Any, mode: Mode) -> Answer:
        if annotation is Problem:
            return self._error(status, is_problem=True)
        answer: Answer = {"description": _words(status)}
        headers = dict(_HEADERS.get(status, {}))
        returns = Returns() if annotation is NOT_SAID else Returns.of(annotation)
        if any(map(_is_page_of_list, returns.data)):
            headers["Link"] = _LINK
        if headers:
            answer["headers"] = headers
        content = self._content(returns, mode, is_typed=operation.send is not None)
        if content:
            answer["content"] = content
        return answer

    def _content(self, returns: Returns, mode: Mode, *, is_typed: bool) -> Answer:
        """Return the media types of what may be returned, each with its schema."""
        content: Answer = {}
        if not all(one in NOTHING for one in returns.data):
            declared: t.Any = t.Union[tuple(returns.data)]  # noqa: UP007  made at run time
            content |= self._data(declared, mode, is_typed=is_typed)
        for item in returns.lines:
            content[LINES_TYPE] = {"schema": _TEXT, "x-item": self._schemas.of(item, mode)}
        for item in returns.events:
            content[EVENTS] = {"schema": self._event(item, mode)}
        for cls in returns.passed:
            if not issubclass(cls, Response):
                content["text/html"] = {"schema": _TEXT}
            elif issubclass(cls, EventStream):
                content.setdefault(EVENTS, {"schema": _event_of(_TEXT)})
        return content

    def _event(self, item: t.Any, mode: Mode) -> Schema:
        """Return the schema of each event of a stream, whose data is JSON unless it is text."""
        schema = self._schemas.of(item, mode)
        if _may_be_text(item):
            return _event_of(_TEXT)
        return _event_of({**_TEXT, "contentMediaType": JSON, "contentSchema": schema})

    def _data(self, declared: t.Any, mode: Mode, *, is_typed: bool) -> Answer:
        try:
            schema = self._schemas.of(declared, mode)
        except TypeError:
            if is_typed:
                raise
            return {}  # Flask makes something of it, or an extension
        is_problem = isinstance(declared, type) and issubclass(declared, Problem)
        return {PROBLEM_TYPE if is_problem else JSON: {"schema": schema}}


def _event_of(data: Schema) -> Schema:
    """Return the schema of an event with this data.

    OpenAPI 3.1 has no word for streams; 3.2 describes each event in this way, and tools read it in
    documents of 3.1 too.
    """
    fields = {"data": data, "event": _TEXT, "id": _TEXT, "retry": {"type": "integer", "minimum": 0}}
    return {"type": "object", "properties": fields}


def _may_be_text(annotation: t.Any) -> bool:
    """Whether values of a type may be text, which is the data of an event as it is."""
    try:
        kind = bare(kind_of(annotation))
    except TypeError:  # such as a model of Pydantic
        return False
    return any(
        isinstance(bare(item), _TEXTUAL)
        for item in (kind.types if isinstance(kind, types.UnionType) else (kind,))
    )


def _words(status: int) -> str:
    return HTTP_STATUS_CODES.get(status, f"Status {status}")


def _is_page_of_list(annotation: t.Any) -> bool:
    cls = t.get_origin(annotation) or annotation
    return isinstance(cls, type) and issubclass(cls, (Page, CursorPage))


def is_cursor_page(annotation: t.Any) -> bool:
    """Whether a view returns a page that its request names by a cursor, which may be no page."""
    cls = t.get_origin(annotation) or annotation
    return isinstance(cls, type) and issubclass(cls, CursorPage)
