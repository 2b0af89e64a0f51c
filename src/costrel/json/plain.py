"""Documents that msgspec writes as the standard library does: in a fraction of the time.

Both are exact: what msgspec would write in another way is found before its text is used. It
is found by type, and with functions written in C, since a loop over all values would take
longer than msgspec does.
"""

from __future__ import annotations

import dataclasses
import decimal
import gc
import re
import sys
import typing as t
import uuid
from datetime import UTC, date, datetime
from json.encoder import encode_basestring_ascii

import msgspec

from .depth import UNGUARDED, check_written_depth

_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_convert = msgspec.convert

_PLAIN = frozenset({str, int, bool, type(None)})
_CONTAINERS = frozenset({dict, list, tuple})
_CONVERTED = frozenset({decimal.Decimal, uuid.UUID})
"""What msgspec converts as `DefaultJSONProvider.default` does."""

_ALIKE = _PLAIN | _CONTAINERS | {float}
_ALIKE_OR_CONVERTED = _ALIKE | _CONVERTED


class _Scalars(msgspec.Struct):
    """Be what `msgspec.convert` tests values by: of a class it keeps what it has to know."""

    values: list[str | int | bool | None]


class _Numbers(msgspec.Struct):
    values: list[str | int | bool | t.Annotated[float, msgspec.Meta(gt=-1e16, lt=1e16)] | None]


_FEW = 16
"""Up to how many values a loop takes less time than calls for all of them at once."""


def write_plainly(obj: t.Any, converts: bool, ensure_ascii: bool = True) -> bytes | None:
    """Write a document as `json` does, compact and sorted; None if it must do that.

    ``converts`` says that other types are converted as `DefaultJSONProvider.default` does it.

    PERF(json): a document of 3 keys takes 0.3 us instead of 0.8 us, and 1,000 of 6 keys
    0.3 ms instead of 1.4 ms. tests/property/test_json.py holds the two together.
    """
    body: bytes | None
    try:
        if UNGUARDED:
            check_written_depth(obj)
            body = _encode_sorted(obj) if _is_alike(obj, None, converts) else None
        else:
            # First, as this raises an error for a circular document, of which there is no end.
            body = _encode_sorted(obj)
            if not _is_alike(obj, body, converts):
                body = None
    except TypeError:
        # A key that is no text, or a class that msgspec does not know.
        body = None
    except _JSON_KNOWS:
        return None
    if body is None:
        return _write_converted(obj, ensure_ascii) if converts else None
    if not ensure_ascii:
        return body
    if b"\x7f" in body:
        return None
    return body if body.isascii() else _in_ascii(body)


_JSON_KNOWS = (RuntimeError, OverflowError, ValueError)
"""Circular, changed by another thread meanwhile, half of a surrogate pair: the standard library
has its own answer to each."""


def _write_converted(obj: t.Any, ensure_ascii: bool) -> bytes | None:
    """Write a document with objects in it that are converted first."""
    try:
        plain = _as_plain(obj)
    except (TypeError, *_JSON_KNOWS):
        return None
    return write_plainly(plain, converts=False, ensure_ascii=ensure_ascii)


def _is_alike(value: t.Any, body: bytes | None, converts: bool) -> bool:
    """Tell whether a document is made of what msgspec and `json` write alike.

    Not so what has a class of its own, not even as a key. ``body`` is what msgspec wrote, if
    it wrote already: it spares a look at each number.
    """
    if type(value) not in _CONTAINERS:
        return _are_alike([value], body, converts)
    items = _inside(value)
    if len(items) > _FEW:
        return _are_alike(items, body, converts)
    for item in items:
        kind = type(item)
        if kind in _PLAIN:
            continue
        if kind in _CONTAINERS:
            if not _is_alike(item, body, converts):
                return False
        elif kind is float:
            if not _is_usual(item):
                return False
        elif not (converts and kind in _CONVERTED):
            return False
    return True


def _are_alike(level: list[t.Any], body: bytes | None, converts: bool) -> bool:
    """Tell the same of many documents at once, going down level by level."""
    allowed = _ALIKE_OR_CONVERTED if converts else _ALIKE
    while level:
        inside = _inside(*level)
        # INVARIANT: where there is nothing inside, there is no instance of a class written in
        # Python that `_are_scalars` would take, since an instance refers to its class.
        if not inside and _are_scalars(level, body, converts):
            return True
        # The first few mostly tell of all.
        if not allowed.issuperset(map(type, level[:_FEW])):
            return False
        kinds = set(map(type, level))
        if not kinds <= allowed:
            return False
        # As `_is_usual`, but without a call for each number.
        if float in kinds and [
            item
            for item in level
            if type(item) is float
            and not (1e-4 <= item < 1e16 or -1e16 < item <= -1e-4 or item == 0)
        ]:
            return False
        if inside and not kinds.isdisjoint(_CONVERTED):
            inside = _inside(*[item for item in level if type(item) in _CONTAINERS])
        level = inside
    return True


def _are_scalars(values: list[t.Any], body: bytes | None, converts: bool) -> bool:
    """Tell whether values are text, numbers, and the like; False where it takes a closer look."""
    # As a float it takes a decimal, too.
    with_floats = converts and float in map(type, values[:_FEW])
    if with_floats and (body is None or _may_show_tiny(body)):
        return False
    try:
        _convert({"values": values}, _Numbers if with_floats else _Scalars)
    except ValueError:
        return False
    return True


def _may_show_tiny(body: bytes) -> bool:
    """Tell whether JSON of msgspec may have a number in it that `json` writes as ``1e-05``.

    PERF(json): msgspec writes that as 0.00001 or 1e-6; what else looks so is looked at closer.
    """
    return b"0.0000" in body or (b"-" in body and b"e-" in body)


_inside = gc.get_referents
"""Returns what is directly inside of some values: items of lists, values of dicts.

Also the keys of a dict, unless all of them are exactly `str`.
"""

if sys.version_info >= (3, 13):

    def _inside(*level: t.Any) -> list[t.Any]:
        # INVARIANT: a copy has its own values; ``vars(obj)`` may have those of the object.
        return gc.get_referents(*[item.copy() if type(item) is dict else item for item in level])


def _is_usual(value: float) -> bool:
    """Tell whether a number is written without an exponent, and is one at all."""
    return 1e-4 <= value < 1e16 or -1e16 < value <= -1e-4 or value == 0


def _as_plain(value: t.Any) -> t.Any:
    """Return a document that `json` writes as this one, and msgspec may write as well.

    Raises `TypeError` for one with parts of which only `json` knows what they become.
    """
    kind = type(value)
    if kind is dict:
        if value and type(next(iter(value))) is not str:
            raise TypeError(value)
        return {
            key: item if type(item) in _PLAIN else _as_plain(item) for key, item in value.items()
        }
    if kind is list or kind is tuple:
        return [item if type(item) in _PLAIN else _as_plain(item) for item in value]
    if kind is datetime or kind is date:
        return _http_date(value)
    if kind in _PLAIN or (kind is float and _is_usual(value)):
        return value
    if kind in _CONVERTED:
        return str(value)
    return _of_object(value)


def _of_object(value: t.Any) -> t.Any:
    """Return what `DefaultJSONProvider.default` makes of an object that has no form in JSON."""
    if isinstance(value, _OTHERS):
        raise TypeError(value)
    if dataclasses.is_dataclass(value):
        return {
            field.name: _as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(value)


_OTHERS = (str, int, float, dict, list, tuple, date, decimal.Decimal, uuid.UUID, type)


def _http_date(value: date) -> str:
    """Return what `werkzeug.http.http_date` returns.

    PERF(json): in a tenth of the time, which is most of the time of rows with a date in each.
    """
    time = "00:00:00"
    if isinstance(value, datetime):
        if value.tzinfo is not None and value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        time = f"{_TWO[value.hour]}:{_TWO[value.minute]}:{_TWO[value.second]}"
    century, year = divmod(value.year, 100)
    return (
        f"{_DAYS[value.weekday()]}, {_TWO[value.day]} {_MONTHS[value.month - 1]}"
        f" {_TWO[century]}{_TWO[year]} {time} GMT"
    )


_TWO = [f"{number:02}" for number in range(100)]
_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def _in_ascii(body: bytes) -> bytes | None:
    r"""Write every other character as ``\uXXXX``, in JSON without a DEL."""
    # Keeps the backslashes that are there apart from those that Python writes.
    text = body.replace(b"\\", b"\x7f").decode()
    escaped = text.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00")
    if b"\\U" in escaped:
        beyond = set(_BEYOND_16_BITS.findall(escaped))
        if len(beyond) > _FEW:
            return None
        for found in beyond:
            pair = encode_basestring_ascii(found.decode("unicode_escape"))[1:-1].encode()
            escaped = escaped.replace(found, pair)
    return escaped.replace(b"\x7f", b"\\")


_BEYOND_16_BITS = re.compile(rb"\\U[0-9a-f]{8}")
