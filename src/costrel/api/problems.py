"""Errors as problem details (RFC 9457): the document, and what makes one of an error."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

import msgspec
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    UnprocessableEntity,
    default_exceptions,
)
from werkzeug.http import HTTP_STATUS_CODES

from ..ground.current import request_view
from ..logging.requestids import header_of, id_of, uri_of
from ..registration.origin import definition
from ..wrappers import Response, blueprint_path

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App
    from ..registration.problems import MappedProblem

PROBLEM_TYPE = "application/problem+json"
"""SPEC(RFC 9457 §3): the media type."""


class Detail(msgspec.Struct, frozen=True, rename={"place": "in"}):
    """One thing that is wrong with a request.

    Attributes:
        place: Where: ``path``, ``query``, ``header``, ``cookie``, ``body``, ``form`` or
            ``file``. In JSON: ``in``.
        pointer: The JSON pointer (RFC 6901) of the value there; ``""`` is all of it.
        detail: What is wrong.
    """

    place: str
    pointer: str
    detail: str


class InvalidRequest(UnprocessableEntity):
    """Raised if a request does not fit the parameters of a typed view: 422.

    Attributes:
        errors: Everything that is wrong, in the order of the places.
    """

    def __init__(self, errors: t.Sequence[Detail]) -> None:
        lines = [
            f"{error.place} {error.pointer or 'as a whole'}: {error.detail}" for error in errors
        ]
        super().__init__("\n".join(lines))
        self.errors = tuple(errors)


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document that clients get of an error (RFC 9457 §3.1).

    Members of your own are the fields of a subclass.

    Attributes:
        type: A URI that stands for this kind of problem; the default says that its status
            is all there is to know.
        title: The kind of problem, in a few words.
        status: The status code.
        detail: What this request is about, for people to read.
        instance: A URI of this occurrence. For an error of the server, the log has it too.
        errors: What is wrong with the request's values, for 422.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: tuple[Detail, ...] = ()


def problem_of(error: HTTPException) -> Response | None:
    """Return an HTTP error as a problem; None for one that has, or makes, its own response.

    Its header fields are kept, such as ``Allow`` and ``Retry-After``.
    """
    code = error.code
    if code is None or code < 400 or _answers_by_itself(error):
        return None
    return _respond(_document(error, code), error.get_headers())


_STEPS = ("handle_user_exception", "handle_http_exception")
_ANY_REFUSAL = InvalidRequest(())
_TITLE = _ANY_REFUSAL.name


def refuse(errors: t.Sequence[Detail]) -> Response:
    """Return the problem of values that do not fit; raise `InvalidRequest` if it may be handled.

    PERF(typed_invalid): what nobody handles need not be raised, nor its handlers be called.
    """
    ctx = request_view.get()
    app = ctx.app
    if (
        # Without a plan, every step is called by its name.
        ctx.plan is None
        or not all(map(app.is_original, _STEPS))
        or app.trap_http_exception(_ANY_REFUSAL)
        or app._find_error_handler(_ANY_REFUSAL, ctx.request.blueprints) is not None
    ):
        raise InvalidRequest(errors)
    return _respond(_refusal(_TITLE, 422, errors), ())


def _refusal(title: str, status: int, errors: t.Sequence[Detail]) -> dict[str, t.Any]:
    """Return the members of the problem of values that do not fit."""
    detail = "The request has values that do not fit."
    return {"title": title, "status": status, "detail": detail, "errors": errors}


def problem_for(
    error: HTTPException | int, detail: str | None = None, **members: t.Any
) -> Response:
    """Make the problem of an error, for an error handler or a view to return.

    Args:
        error: The error, whose header fields are kept, or a status code.
        detail: What the client is told; by default what the error was raised with.
        **members: Other members, such as ``type`` and those of your own.

    Raises `ValueError` for what is no error: a code below 400, or none.
    """
    if isinstance(error, int):
        error = _error_with(int(error))
    code = error.code
    if code is None or code < 400:
        raise ValueError(f"A problem needs an error's status, 400 or more, but it is {code!r}.")
    document = _document(error, code)
    if detail is not None:
        document["detail"] = detail
    document.update(members, status=code)
    return _respond(document, error.get_headers())


def _respond(document: dict[str, t.Any], headers: t.Any) -> Response:
    others = [field for field in headers if field[0].lower() != "content-type"]
    fields = [("Content-Type", PROBLEM_TYPE), *others]
    return Response(msgspec.json.encode(document), document["status"], fields)


def _answers_by_itself(error: HTTPException) -> bool:
    """Whether an error was made with a response, or its class makes one in its own way."""
    # A custom error may never have run `HTTPException.__init__`.
    return getattr(error, "response", error) is not None or any(
        getattr(type(error), name) is not getattr(HTTPException, name) for name in _ANSWERS
    )


_ANSWERS = ("__call__", "get_response", "get_body")


def _document(error: HTTPException, code: int) -> dict[str, t.Any]:
    """Return the members of an error's problem, the status among them."""
    if isinstance(error, InvalidRequest) and error.errors:
        return _refusal(error.name, code, error.errors)
    document: dict[str, t.Any] = {"title": error.name, "status": code}
    document.update(_members_of(getattr(error, "problem", None) or _said_of(error)), status=code)
    if code >= 500:
        ctx = request_view.get(None)
        if ctx is not None and ctx.error_id is None and header_of(ctx.app):
            ctx.error_id = uri_of(t.cast("str", id_of(ctx)))
        if ctx is not None and ctx.error_id is not None:
            document.setdefault("instance", ctx.error_id)
    return document


def _said_of(error: HTTPException) -> t.Any:
    """Return what an error was raised with; None for what Werkzeug says of its status.

    That is meant for people in front of a browser, and says no more than the title.
    """
    said = error.description
    usual = default_exceptions.get(t.cast("int", error.code))
    return None if usual is not None and said == usual.description else said


def _members_of(said: t.Any) -> dict[str, t.Any]:
    """Return the members that text, a dict or a `Problem` stands for."""
    if said is None:
        return {}
    if isinstance(said, Problem):
        return t.cast("dict[str, t.Any]", msgspec.to_builtins(said))
    if isinstance(said, Mapping):
        return dict(said)
    # It may be a translation that is still to be made, or have half of a surrogate pair.
    return {"detail": str(said).encode(errors="replace").decode()}


def error_for(mapped: MappedProblem, raised: Exception) -> HTTPException:
    """Return the HTTP error that an exception is mapped to.

    Raises `TypeError` if the function that describes it returns what is no description.
    """
    describe = mapped.describe
    said = None if describe is None else describe(raised)
    if not (said is None or isinstance(said, (str, Mapping, Problem))):
        raise TypeError(
            f"{definition(describe)} describes a problem, but returned {said!r}. It has to return"
            " the detail as a str, a dict of members, a Problem, or None."
        )
    members = _members_of(said)
    status = said.status if isinstance(said, Problem) else mapped.status
    error = _error_with(status, members.get("detail"))
    if isinstance(error, InternalServerError):
        error.original_exception = raised
    for name, value in (("type", mapped.type), ("title", mapped.title)):
        if value is not None:
            members.setdefault(name, value)
    error.problem = members  # type: ignore[attr-defined]
    error.__cause__ = raised
    return error


def _error_with(status: int, description: str | None = None) -> HTTPException:
    """Return an HTTP error of Werkzeug's class for a status, if there is one."""
    kind = default_exceptions.get(status)
    if kind is not None:
        return kind(description=description)
    error = HTTPException(description)
    error.code = status
    return error


class Documented(t.Protocol):
    """What `problems_of` has to know of an operation."""

    @property
    def rule(self) -> Rule:
        """Its rule."""
        ...


def problems_of(app: App, operation: Documented) -> dict[int, str]:
    """Return what the exceptions of an operation may be answered with: titles by status."""
    endpoint = operation.rule.endpoint
    names: list[str | None] = [None]
    if isinstance(endpoint, str) and "." in endpoint:
        names = [*blueprint_path(endpoint.rpartition(".")[0]), None]
    found: dict[int, list[str]] = {}
    for name in names:
        for mapped in app.problem_spec.get(name, {}).values():
            title = mapped.title or HTTP_STATUS_CODES.get(mapped.status, "Unknown Error")
            titles = found.setdefault(mapped.status, [])
            if title not in titles:
                titles.append(title)
    return {status: " or ".join(titles) for status, titles in found.items()}
