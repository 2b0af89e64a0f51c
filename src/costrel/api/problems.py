"""Errors as problem details (RFC 9457), on routes whose views declare JSON."""

from __future__ import annotations

import typing as t

import msgspec
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from ..wrappers import Response

PROBLEM_TYPE = "application/problem+json"
"""SPEC(RFC 9457 §3): the media type."""


class Detail(msgspec.Struct, frozen=True, rename={"place": "in"}):
    """One thing that is wrong with a request.

    Attributes:
        place: Where: ``query``, ``header``, ``cookie`` or ``body``. In JSON: ``in``.
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


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The document that clients get (RFC 9457 §3.1).

    Attributes:
        title: The status in words.
        status: The status code.
        detail: What to do about it, if there is more to say.
        errors: What is wrong with the request's values, for 422.
    """

    title: str
    status: int
    detail: str | None = None
    errors: tuple[Detail, ...] = ()


def problem_of(error: HTTPException) -> Response | None:
    """Return an HTTP error as a problem; None for one that has a response, or is none.

    Its header fields are kept, such as ``Allow`` and ``Retry-After``.
    """
    code = error.code
    if code is None or code < 400 or error.response is not None:
        return None
    errors = error.errors if isinstance(error, InvalidRequest) else ()
    detail = "The request has values that do not fit." if errors else error.description
    problem = Problem(error.name, code, detail, errors)
    response = Response(msgspec.json.encode(problem), code, error.get_headers())
    response.content_type = PROBLEM_TYPE
    return response
