"""The values that a request has by name: its query, headers and cookies."""

from __future__ import annotations

import typing as t
from functools import partial

from werkzeug.datastructures import EnvironHeaders, ImmutableMultiDict, MultiDict

from ..ground.current import request_view
from .parameters import Cookie, Header, Parameter, Query

if t.TYPE_CHECKING:
    from collections.abc import Collection

Take = t.Callable[[str], t.Sequence[t.Any] | None]
"""Returns all values of a name; nothing if there are none."""


def key_of(place: type[Parameter], name: str, alias: str | None = None) -> str:
    """Return the name that clients send for a parameter, or for a field of a model."""
    if alias is not None:
        return alias
    return name.replace("_", "-").title() if place is Header else name


def lists_of(values: t.Any) -> Take:
    """Return what takes lists from a multidict, without a copy if it is a usual one."""
    if type(values) in {ImmutableMultiDict, MultiDict}:
        return partial(dict.get, values)
    return t.cast("Take", values.getlist)


def _from_query() -> tuple[Take, Collection[str]]:
    args = request_view.get().request.args
    return lists_of(args), args


def _from_headers() -> tuple[Take, Collection[str]]:
    headers = request_view.get().request.headers
    if type(headers) is not EnvironHeaders:
        return headers.getlist, ()

    def take(key: str) -> list[str] | None:
        # A server joins fields of the same name (RFC 9110 §5.3).
        value = headers.get(key)
        return None if value is None else [value]

    return take, ()


def _from_cookies() -> tuple[Take, Collection[str]]:
    cookies = request_view.get().request.cookies

    def take(key: str) -> list[str]:
        # A browser sends cookies of one name that have different paths: the first counts, as
        # in `request.cookies`.
        found: list[str] = cookies.getlist(key)[:1]
        return found

    return take, ()


TAKERS: dict[type[Parameter], t.Callable[[], tuple[Take, Collection[str]]]] = {
    Query: _from_query,
    Header: _from_headers,
    Cookie: _from_cookies,
}
"""For each place, what returns how to take values from the current request, and all names.

Only a query may be asked to have no other names; of the other places, none are returned.
"""
