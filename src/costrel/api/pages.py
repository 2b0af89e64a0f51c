"""Lists in pages: by number, or by a cursor that is where the next page begins."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from msgspec import Struct
from werkzeug.urls import iri_to_uri

from ..ground.current import request, request_view
from .mismatches import pointer_of
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

    Raises `InvalidRequest` (422) for a number or size out of range that a client sent, `ValueError`
    for one that the code has, and `TypeError` for another source.
    """
    check_number("size", size, max_size)
    check_number("page", page)
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


def check_number(name: str, value: int, most: int | None = None) -> None:
    """Raise if a page's number or size is out of range.

    Args:
        name: ``page`` or ``size``.
        value: The number, which has to be at least 1.
        most: The most that it may be; None for any.

    Raises `InvalidRequest` (422) if a client sent it, and otherwise `ValueError`.
    """
    if value < 1:
        wanted = "Expected `int` >= 1"
    elif most is not None and value > most:
        wanted = f"Expected `int` <= {most}"
    else:
        return
    place = _place_of(name, value)
    if place is not None:
        raise InvalidRequest([Detail(*place, wanted)])
    allow = "" if most is None or value < 1 else f" For larger pages, pass max_size={value}."
    raise ValueError(
        f"{name}={value} of a page is out of range: {wanted[0].lower()}{wanted[1:]}. It is not"
        f" in the request, so the code has it.{allow} If the code makes it of what clients send,"
        " check that first, as with Annotated[int, Meta(ge=1)]."
    )


def _place_of(name: str, value: int) -> tuple[str, str] | None:
    """Return where the current request has a number, as place and pointer; None if nowhere."""
    if request_view.get(None) is None:
        return None
    given = [(key, text) for key, text in request.args.items(multi=True) if text == str(value)]
    found = [key for key, _ in given] or [name] * (name in request.args)
    if found:
        return "query", pointer_of([name if name in found else found[0]])
    for key, variable in (request.view_args or {}).items():
        if variable == value:
            return "path", pointer_of([key])
    # Where in a body, only the view knows.
    return ("body", "") if request.content_length else None


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
