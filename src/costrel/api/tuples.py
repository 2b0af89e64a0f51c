"""Tell a tuple that is several values from a value with its status, header fields or both.

Flask reads tuples of two and three as the latter. A type of arrays says that a tuple may be one
itself, such as the rows that a database returned: then what its items are decides.
"""

from __future__ import annotations

import collections.abc as cabc
import datetime as dt
import decimal
import enum
import typing as t
import uuid
from types import UnionType

from msgspec import inspect as types
from werkzeug.datastructures import Headers

from .kinds import ARRAYS, DICTS, OBJECTS, bare, is_positional, members_of
from .picking import has_no_names

IsItem = t.Callable[[t.Any], bool]

_NUMBERS = (int, float, decimal.Decimal)
_TEXTS = (str, bytes, dt.date, dt.time, dt.timedelta, uuid.UUID)
_SCALARS = (type(None), enum.Enum, *_NUMBERS, *_TEXTS)


def item_test(kind: types.Type) -> IsItem | None:
    """Return what tells the items of a type's arrays from all else, as far as their kind does.

    None for a type that has no arrays. A tuple of items only is an array.
    """
    arrays = [one for one in _members(kind) if isinstance(one, ARRAYS)]
    tests = [_test(member) for array in arrays for member in _members(array.item_type)]
    return (lambda value: any(test(value) for test in tests)) if tests else None


def _members(kind: types.Type) -> list[t.Any]:
    kind = bare(kind)
    return members_of(kind) if isinstance(kind, types.UnionType) else [kind]


def _test(kind: types.Type) -> IsItem:  # noqa: PLR0911  a table of types
    if isinstance(kind, types.NoneType):
        return lambda value: value is None
    if isinstance(kind, (types.AnyType, types.RawType)):
        # An array may stand for itself, with a status behind it.
        return lambda value: not _is_array(value)
    if isinstance(kind, (*ARRAYS, types.TupleType)) or is_positional(kind):
        return _is_array
    if isinstance(kind, (*OBJECTS, *DICTS, types.CustomType)):
        return _is_object
    if isinstance(kind, (types.IntType, types.FloatType, types.BoolType)):
        return lambda value: isinstance(value, _NUMBERS)
    if isinstance(kind, (types.EnumType, types.LiteralType, types.DecimalType)):
        return lambda value: isinstance(value, _SCALARS)
    return lambda value: isinstance(value, (enum.Enum, *_TEXTS))


def _is_array(value: t.Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))


def _is_object(value: t.Any) -> bool:
    return not isinstance(value, (*_SCALARS, set, frozenset)) and not has_no_names(value)


def may_be_more(arguments: t.Sequence[t.Any]) -> bool:
    """Whether the items of ``tuple[...]`` after the first may be a status and header fields."""
    if len(arguments) == 3:
        return _may_be(arguments[1], _is_status) and _may_be(arguments[2], _is_headers)
    first, second = arguments
    if isinstance(first, type) and issubclass(first, _SCALAR_DATA) and second in {str, bytes}:
        # An amount and its currency rather than a number and the line of its status.
        return False
    return _may_be(second, _is_status) or _may_be(second, _is_headers)


_SCALAR_DATA = (*_NUMBERS, *_TEXTS[2:])
"""What JSON has for a number, a date or the like."""


def _may_be(annotation: t.Any, test: t.Callable[[t.Any], bool]) -> bool:
    """Whether a type may be what a test tells, or a member of it."""
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if origin in {t.Union, UnionType}:
        return any(_may_be(one, test) for one in arguments)
    if origin is t.Annotated:
        return _may_be(arguments[0], test)
    if annotation in (t.Any, object, None, type(None)) or isinstance(annotation, t.TypeVar):
        return True
    return test(annotation)


def _is_status(annotation: t.Any) -> bool:
    if t.get_origin(annotation) is t.Literal:
        return all(isinstance(one, (int, str)) for one in t.get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, (int, str, bytes))


def _is_headers(annotation: t.Any) -> bool:
    origin, arguments = t.get_origin(annotation) or annotation, t.get_args(annotation)
    if not isinstance(origin, type):
        return False
    if issubclass(origin, (cabc.Mapping, Headers)):
        return True
    if not issubclass(origin, cabc.Iterable) or issubclass(origin, (str, bytes)):
        return False
    pairs = [one for one in arguments if one is not ...]
    return all(_may_be(one, _is_pair) for one in pairs)


def _is_pair(annotation: t.Any) -> bool:
    origin = t.get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, cabc.Sequence) and origin is not str
