"""Lists in pages: by number, or by a cursor that is where the next page begins."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from msgspec import Struct
from werkzeug.urls import iri_to_uri

from ..ground.current import request
from .problems import Detail, InvalidRequest
from .selects import selection_of

T = t.TypeVar("T")

MAX_SIZE = 100
"""The most items of a page, unless `paginate` is told otherwise."""

_MAX_LINKS_BYTES = 4_000
"""Proxies refuse an answer whose head is longer than 4 or 8 KB."""


class Page(Struct, t.Generic[T]):
    """A page of a list, by its number.

    Its answer has a ``Link`` header (RFC 8288) with the first, previous, next and last page: the
    request's URL with another ``page`` in the query.

    Attributes:
        items: What is on the page.
        page: Its number, from 1.
        size: How many items a page has at most.
        total: How many items there are on all pages.
    """

    items: list[T]
    page: int
    size: int
    total: int


class CursorPage(Struct, t.Generic[T]):
    """A page of a list that may grow meanwhile, and the cursors of those beside it.

    Its answer has a ``Link`` header (RFC 8288) with the first, previous and next page: the
    request's URL with another ``cursor`` in the query.

    Attributes:
        items: What is on the page.
        next: The cursor of the next page; None if there is none.
        previous: The cursor of the previous page; None if there is none.
    """

    items: list[T]
    next: str | None
    previous: str | None


def paginate(
    source: t.Any, page: int = 1, size: int = 20, *, session: t.Any = None, max_size: int = MAX_SIZE
) -> Page[t.Any]:
    """Return a page of a list or of a SQLAlchemy select.

    A page after the last is empty.

    Args:
        source: A list or another sequence, or a select in an order of its own.
        page: The page's number, from 1.
        size: How many items a page has, from 1 to `max_size`.
        session: SQLAlchemy's session; by default that of Flask-SQLAlchemy. With an
            ``AsyncSession``, use its ``run_sync``.
        max_size: The most items that a client may ask for.

    Raises `InvalidRequest` (422) for a number or size out of range, and `TypeError` for another
    source.
    """
    check_size(size, max_size)
    if page < 1:
        raise InvalidRequest([Detail("query", "/page", "Expected `int` >= 1")])
    begin = (page - 1) * size
    selection = selection_of(source, session)
    total = len(list_of(source)) if selection is None else selection.count()
    items: list[t.Any] = []
    # A page beyond the end is not asked for: its number may be too large for the database.
    if begin < total:
        items = (
            list(source[begin : begin + size])
            if selection is None
            else selection.fetch(selection.statement.limit(size).offset(begin))
        )
    return Page(items, page, size, total)


def check_size(size: int, max_size: int) -> None:
    """Raise `InvalidRequest` (422) for a page of too many items, or of none."""
    if size < 1:
        raise InvalidRequest([Detail("query", "/size", "Expected `int` >= 1")])
    if size > max_size:
        raise InvalidRequest([Detail("query", "/size", f"Expected `int` <= {max_size}")])


def list_of(source: t.Any) -> Sequence[t.Any]:
    """Return a source that is a list; raises `TypeError` for another."""
    if isinstance(source, Sequence) and not isinstance(source, (str, bytes)):
        return source
    raise TypeError(
        f"Pages are made of lists and of selects of SQLAlchemy 2, not of {type(source).__name__}."
    )


def links_for(annotation: t.Any) -> Callable[[t.Any], str | None] | None:
    """Return what makes the ``Link`` header of a type's values; None if they have none."""
    cls = t.get_origin(annotation) or annotation
    if not isinstance(cls, type):
        return None
    if issubclass(cls, Page):
        return _page_links
    return _cursor_links if issubclass(cls, CursorPage) else None


def _page_links(page: Page[t.Any]) -> str | None:
    last = max(1, -(-page.total // max(1, page.size)))
    before, after = min(page.page - 1, last), page.page + 1
    numbers = {
        "first": 1,
        "prev": before if before >= 1 else None,
        "next": after if after <= last else None,
        "last": last,
    }
    return _links("page", numbers)


def _cursor_links(page: CursorPage[t.Any]) -> str | None:
    return _links("cursor", {"first": None, "prev": page.previous, "next": page.next})


def _links(name: str, values: t.Mapping[str, t.Any]) -> str | None:
    """Return a ``Link`` header of the request's URL with other values of one parameter.

    SPEC(RFC 8288 §3). None if it gets too long.
    """
    url = iri_to_uri(request.base_url)
    others = [pair for pair in request.args.items(multi=True) if pair[0] != name]
    links = []
    for relation, value in values.items():
        if value is None and relation != "first":
            continue
        query = urlencode(others if value is None else [*others, (name, value)])
        links.append(f'<{url}{"?" if query else ""}{query}>; rel="{relation}"')
    header = ", ".join(links)
    return header if len(header) <= _MAX_LINKS_BYTES else None
