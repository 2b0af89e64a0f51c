"""Pages that begin where another ended, so that a list may grow while it is read."""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import typing as t
import uuid
from collections.abc import Mapping, Sequence

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.exceptions import NotFound

from ..ground.current import current_app, request
from .pages import MAX_SIZE, CursorPage, check_number, list_of
from .selects import Selection, selection_of


class Key(t.NamedTuple):
    """What a list is sorted by: the name of an attribute or column, and the direction."""

    name: str
    is_descending: bool = False

    def of(self, item: t.Any) -> t.Any:
        """Return an item's value; raises `TypeError` if it has none."""
        found = item.get(self.name) if isinstance(item, Mapping) else getattr(item, self.name, None)
        if found is None:
            raise TypeError(
                f"key: {self.name!r} is None or missing in a {type(item).__name__}, which so has no"
                " place in the order. Leave such items out, or sort by something else."
            )
        return found


class Position(t.NamedTuple):
    """A place in a list, between two items.

    Attributes:
        values: Of the keys, of the item beside it.
        same: How many items with the same values are before it; of a select, none has the same.
        is_end: Whether the page ends there, instead of beginning.
    """

    values: tuple[t.Any, ...]
    same: int
    is_end: bool


def paginate_by_cursor(
    source: t.Any,
    cursor: str | None = None,
    size: int = 20,
    *,
    key: str | Sequence[str] = "id",
    session: t.Any = None,
    max_size: int = MAX_SIZE,
) -> CursorPage[t.Any]:
    """Return a page of a list or of a SQLAlchemy select, from where a cursor points.

    Items that are added or removed meanwhile do not move the others to another page.

    Args:
        source: A list or another sequence, or a select. It is sorted by the key.
        cursor: ``next`` or ``previous`` of another page; None for the first page.
        size: How many items a page has, from 1 to `max_size`.
        key: The attributes or columns to sort by, each with ``-`` before it to descend:
            ``"-published"``. No item may have None there. Objects of SQLAlchemy with the same
            key are sorted by their primary key; rows of columns need a key that is unique.
        session: SQLAlchemy's session; by default that of Flask-SQLAlchemy. With an
            ``AsyncSession``, use its ``run_sync``.
        max_size: The most items that a client may ask for.

    Cursors are signed with ``SECRET_KEY``, for this endpoint and key. Raises `NotFound` (404)
    for a cursor that was not made here, `InvalidRequest` (422) for a size out of range that a
    client sent, `ValueError` for one that the code has, `RuntimeError` without ``SECRET_KEY``,
    and `TypeError` for another source or a key that it does not have.
    """
    check_number("size", size, max_size)
    keys = [Key(name.removeprefix("-"), name.startswith("-")) for name in _names(key)]
    selection = selection_of(source, session)
    ordered = _Sorted(list_of(source), keys) if selection is None else _Selected(selection, keys)
    cursors = _Cursors(ordered.keys)
    position = None if cursor is None else cursors.read(cursor)
    if position is not None and not ordered.has_place_for(position):
        raise NotFound(_NO_PAGE)
    items, after, before = ordered.page(position, size)
    if not items and position is not None and position.is_end:
        # All that was before it has been removed.
        items, after, before = ordered.page(None, size)
    return CursorPage(
        items,
        None if after is None else cursors.write(after),
        None if before is None else cursors.write(before),
    )


def _names(key: str | Sequence[str]) -> Sequence[str]:
    return (key,) if isinstance(key, str) else key


_NO_PAGE = "The list has no page at this cursor."

Cut = tuple[list[t.Any], Position | None, Position | None]
"""The items of a page, where the next one begins, and where the previous one ends."""


class _Sorted:
    """A list in the order of its keys; items with the same values stay in the list's order."""

    def __init__(self, source: Sequence[t.Any], keys: list[Key]) -> None:
        self.keys = keys
        self._items = list(source)
        for key in reversed(keys):
            self._items.sort(key=key.of, reverse=key.is_descending)
        self._values = [tuple(key.of(item) for key in keys) for item in self._items]

    def has_place_for(self, position: Position) -> bool:
        """Whether a position may be one of this list: its values can be compared with the list's.

        A cursor may be of another list of the same view and key, whose values are of other types.
        """
        try:
            self._begin(position.values)
        except TypeError:
            return False
        return True

    def page(self, position: Position | None, size: int) -> Cut:
        """Return the page at a position, and what is beside it."""
        index = 0 if position is None else self._index(position)
        is_end = position is not None and position.is_end
        begin, end = (max(0, index - size), index) if is_end else (index, index + size)
        items = self._items[begin:end]
        if not items:
            return items, None, None
        has_next, has_previous = end < len(self._items), begin > 0
        return (
            items,
            self._position(self._values[end - 1], end, is_end=False) if has_next else None,
            self._position(self._values[begin], begin, is_end=True) if has_previous else None,
        )

    def _index(self, position: Position) -> int:
        count = self._values.count(position.values)
        return self._begin(position.values) + min(position.same, count)

    def _position(self, values: tuple[t.Any, ...], index: int, *, is_end: bool) -> Position:
        return Position(values, index - self._begin(values), is_end)

    def _begin(self, values: tuple[t.Any, ...]) -> int:
        """Return where items with these values begin, or would."""
        return sum(self._is_before(own, values) for own in self._values)

    def _is_before(self, one: tuple[t.Any, ...], other: tuple[t.Any, ...]) -> bool:
        for key, own, wanted in zip(self.keys, one, other, strict=True):
            if own != wanted:
                return bool(own > wanted if key.is_descending else own < wanted)
        return False


class _Selected:
    """The rows of a select in the order of its keys, which tell any two rows apart."""

    def __init__(self, selection: Selection, keys: list[Key]) -> None:
        if not hasattr(selection.statement, "where"):
            raise TypeError(
                "Cursors can't cut a union of selects. Select from it: select(union.subquery())."
            )
        names = {key.name for key in keys}
        more = [Key(name) for name in selection.primary_key() if name not in names]
        self.keys = [*keys, *more]
        self._selection = selection
        self._columns = [selection.column(key.name) for key in self.keys]

    def has_place_for(self, position: Position) -> bool:
        """Whether a position may be one of this select: its values are of the columns' types.

        A database would compare them in a way of its own, or refuse to.
        """
        pairs = zip(position.values, self._columns, strict=True)
        return all(_is_alike(value, column) for value, column in pairs)

    def page(self, position: Position | None, size: int) -> Cut:
        """Return the page at a position, and what is beside it."""
        is_end = position is not None and position.is_end
        # One more, to see whether there is another page.
        found = self._fetch(position, size + 1, is_end=is_end)
        items = found[:size]
        if not items:
            return items, None, None
        has_next = has_previous = len(found) > size
        if is_end:
            items.reverse()
            has_next = True
        else:
            has_previous = position is not None
        return (
            items,
            Position(self._values(items[-1]), 0, is_end=False) if has_next else None,
            Position(self._values(items[0]), 0, is_end=True) if has_previous else None,
        )

    def _fetch(self, position: Position | None, limit: int, *, is_end: bool) -> list[t.Any]:
        """Return the rows from a position on; those before it, backwards, if it is the end."""
        falling = [key.is_descending != is_end for key in self.keys]
        statement = self._selection.statement.order_by(None)
        if position is not None:
            statement = statement.where(self._beyond(position.values, falling))
        order = [
            column.desc() if falls else column.asc()
            for column, falls in zip(self._columns, falling, strict=True)
        ]
        return self._selection.fetch(statement.order_by(*order).limit(limit))

    def _beyond(self, values: tuple[t.Any, ...], falling: list[bool]) -> t.Any:
        """Return the condition that a row comes after one with these values."""
        condition: t.Any = None
        # From the last key: it decides if all before it are the same.
        for column, value, falls in reversed(
            list(zip(self._columns, values, falling, strict=True))
        ):
            beyond = column < value if falls else column > value
            condition = beyond if condition is None else beyond | ((column == value) & condition)
        return condition

    def _values(self, item: t.Any) -> tuple[t.Any, ...]:
        if self._selection.is_single and self._selection.entity is None:
            return (item,)
        return tuple(key.of(item) for key in self.keys)


def _is_alike(value: t.Any, column: t.Any) -> bool:
    """Whether a value is of the type of a column, as far as that is known."""
    try:
        cls = column.type.python_type
    except (AttributeError, NotImplementedError):
        return True
    if hasattr(column.type, "process_result_value"):
        # It makes values of a type of its own.
        return True
    if not isinstance(cls, type) or cls not in _LETTERS:
        return True
    if issubclass(cls, _NUMBERS):
        return isinstance(value, _NUMBERS)
    return isinstance(value, cls) and isinstance(value, dt.datetime) == (cls is dt.datetime)


_NUMBERS = (int, float, decimal.Decimal)

_TYPES: dict[str, type] = {
    "b": bool, "i": int, "f": float, "s": str, "n": decimal.Decimal, "u": uuid.UUID,
    "d": dt.date, "t": dt.datetime, "h": dt.time, "l": dt.timedelta,
}  # fmt: skip
"""What a key may be, by the letter that cursors have for it."""

_LETTERS = {cls: letter for letter, cls in _TYPES.items()}


class _Cursors:
    """Write positions as text, and read them again.

    SECURITY(CWE-502): a cursor is JSON, and is signed: nobody else can make one, and none is read
    where its values have other types. It is not secret.
    """

    def __init__(self, keys: list[Key]) -> None:
        secret = current_app.secret_key
        if not secret:
            raise RuntimeError(
                "paginate_by_cursor() signs its cursors, so that clients can't change them. Set"
                " SECRET_KEY to a random value."
            )
        order = " ".join(f"{'-' if key.is_descending else ''}{key.name}" for key in keys)
        self._serializer = URLSafeSerializer(
            # SECURITY(GHSA-4grg-w6v8-c28g): itsdangerous signs with the last key of the list.
            [*(current_app.config["SECRET_KEY_FALLBACKS"] or ()), secret],
            salt=f"costrel.cursor {request.endpoint} {order}",
            signer_kwargs={"digest_method": hashlib.sha256},
        )

    def write(self, position: Position) -> str:
        """Return a position as text; raises `TypeError` for a key that is no plain value."""
        values = []
        for value in position.values:
            letter = _LETTERS.get(type(value))
            if letter is None:
                raise TypeError(
                    f"key: {value!r} can't be in a cursor, which holds numbers, text, dates, UUIDs"
                    " and the like."
                )
            values.append([letter, msgspec.to_builtins(value)])
        written = self._serializer.dumps([values, position.same, position.is_end])
        return written.decode() if isinstance(written, bytes) else written

    def read(self, cursor: str) -> Position:
        """Return the position that a text stands for; raises `NotFound` (404)."""
        try:
            values, same, is_end = self._serializer.loads(cursor)
            found: tuple[t.Any, ...] = tuple(
                msgspec.convert(value, _TYPES[letter]) for letter, value in values
            )
        except (BadData, ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            # Not 422: no schema could tell clients which texts are cursors.
            raise NotFound(_NO_PAGE) from error
        return Position(found, same, is_end)
