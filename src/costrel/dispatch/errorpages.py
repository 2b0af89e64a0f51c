"""The pages of Werkzeug's HTTP errors, each written once."""

from __future__ import annotations

import typing as t

import werkzeug.wrappers.response
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as BaseResponse

from ..ground.shortways import is_open, is_open_for
from ..wrappers.fields import STATUS_LINES, usual_fields

_PLAIN_ATTRIBUTES = frozenset(
    "response valid_methods length units www_authenticate retry_after".split()
)
"""Attributes of HTTP errors that have no say in their pages."""

# INVARIANT: bounded, since Werkzeug has so many classes.
_pages: dict[type[HTTPException], tuple[tuple[t.Any, ...], bytes]] = {}


def page_of(error: HTTPException) -> bytes | None:
    """Return the page of one of Werkzeug's own errors; None if it may differ from others.

    It is the same for all errors of a class, unless they are described.
    """
    kind = type(error)
    description: t.Any = kind.description
    if (
        kind.__module__ != HTTPException.__module__
        or not vars(error).keys() <= _PLAIN_ATTRIBUTES
        or not (description is None or type(description) is str)
        or not is_open("_may_keep_page", kind)
    ):
        return None
    written_from = description, kind.code, HTTP_STATUS_CODES.get(t.cast("int", kind.code))
    kept = _pages.get(kind)
    if kept is None or kept[0] != written_from:
        kept = _pages[kind] = written_from, error.get_body().encode()
    return kept[1]


class KeptPage:
    """Stand in for an error's ``get_response`` while a handler has the error.

    PERF(errors_as_json): the response of Werkzeug, with a page that was written before,
    takes 3 us instead of 18 us.
    """

    __slots__ = ("_error",)

    def __init__(self, error: HTTPException) -> None:
        self._error = error

    def __call__(self, environ: t.Any = None, scope: t.Any = None) -> t.Any:
        """Return the response of the error's page, as `HTTPException.get_response` does."""
        error = self._error
        drop_page(error)
        response = None
        if environ is None and scope is None and error.response is None:
            response = _response_of(error)
        return error.get_response(environ, scope) if response is None else response


def _response_of(error: HTTPException) -> BaseResponse | None:
    """Return what Werkzeug's constructor would make; None if that must be called."""
    page = page_of(error)
    line = STATUS_LINES.get(t.cast("int", error.code))
    if (
        page is None
        or line is None
        or werkzeug.wrappers.response.Response is not BaseResponse
        or not is_open("_may_make_others", BaseResponse)
    ):
        return None
    fields = usual_fields(error.get_headers(), None, None, None)
    if fields is None:
        return None
    response = BaseResponse.__new__(BaseResponse)
    headers = Headers.__new__(Headers)
    headers._list = [*fields, ("Content-Length", str(len(page)))]
    response.headers = headers
    response._status = line
    response._status_code = int(line[:3])
    response.direct_passthrough = False
    response._on_close = []
    response.response = [page]
    return response


def keep_page(error: Exception, handler: t.Any) -> bool:
    """Give an error a `KeptPage` if its handler asks for one; `drop_page` takes it back."""
    if (
        "get_response" not in getattr(getattr(handler, "__code__", None), "co_names", ())
        or not isinstance(error, HTTPException)
        or not is_open_for("_may_answer", error)
    ):
        return False
    error.get_response = KeptPage(error)  # type: ignore[method-assign]
    return True


def drop_page(error: Exception) -> None:
    """Leave an error as it was before `keep_page`."""
    if type(vars(error).get("get_response")) is KeptPage:
        del error.get_response  # type: ignore[attr-defined]
