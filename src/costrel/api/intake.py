"""What is done to JSON of clients before it is decoded as its type, for types that need it.

msgspec would fill fields that say ``init=False``, make sets of any size, and take ``1.0`` for no
integer. `Intake` sees to these. Most types need none of it, or only for a document that msgspec
has refused.
"""

from __future__ import annotations

import json
import typing as t

import msgspec
from msgspec import inspect as types

from .kinds import DICTS, all_in, hidden_in, holds, limit_of
from .numbers import FRACTION, decimal_in, decode_as_written, integer_in, text_in, with_floats
from .walks import Step, WalkError, walk_of


class Intake:
    """Make documents of a type ready to be decoded as that.

    Args:
        kind: The type.

    Attributes:
        prepares: Whether `prepared` has anything to do.
    """

    __slots__ = ("_few", "_hidden", "_integers", "_kind", "_restrict", "prepares")

    def __init__(self, kind: types.Type) -> None:
        self._kind = kind
        limits = _limits_in(kind)
        hidden = [name for item in all_in(kind) for name in _hidden_names(item)]
        #: So many commas are in no document with more items than one of the limits.
        self._few: int | None = min(limits, default=None)
        self._hidden = [name.encode() for name in hidden]
        self._restrict: Step | None = None
        self._integers: Step | None = None
        self.prepares = bool(limits or hidden)

    def prepared(self, data: bytes) -> bytes:
        """Return a document that may be decoded.

        It has no fields that clients may not fill. Raises `WalkError` for too many items of a set
        or a dictionary, `ValueError` for a name that an object has twice, since nobody would have
        looked at the first one, and `msgspec.DecodeError` as `decode_as_written` does.
        """
        if not self._needs_a_look(data):
            return data
        if _has_name_twice(data):
            raise ValueError("An object has the same name twice.")
        value = decode_as_written(data)
        return msgspec.json.encode(self.restricted(value))

    def restricted(self, value: t.Any) -> t.Any:
        """Return the same for a value; raises `WalkError`."""
        if self._restrict is None:
            self._restrict = walk_of(self._kind, _restriction)
        return self._restrict(value)

    def with_integers(self, data: bytes) -> bytes:
        """Return a document with integers written as such where the type wants one.

        It is the same object if there are none, or if an object has a name twice. Raises as
        `decode_as_written` does.
        """
        if not FRACTION.search(data):
            return data
        value = decode_as_written(data)
        if _has_name_twice(data):
            return data
        if self._integers is None:
            self._integers = integers_of(self._kind)
        return msgspec.json.encode(self._integers(value))

    def _needs_a_look(self, data: bytes) -> bool:
        if self._few is not None and data.count(b",") >= self._few:
            return True
        # A name may be written with escapes.
        return bool(self._hidden) and (b"\\" in data or any(name in data for name in self._hidden))


def restriction_of(kind: types.Type) -> Step | None:
    """Return what raises `WalkError` for sets and dictionaries of a value that are too large."""
    return walk_of(kind, _restriction) if _limits_in(kind) else None


def integers_of(kind: types.Type) -> Step:
    """Return what writes integers of a value as such, where the type wants one."""
    return walk_of(kind, _integer)


def decimals_of(kind: types.Type) -> Step | None:
    """Return what makes text of a value's numbers, where the type wants a decimal."""
    return walk_of(kind, _text_of_decimal) if holds(kind, types.DecimalType) else None


def _limits_in(kind: types.Type) -> list[int]:
    return [limit for item in all_in(kind) if (limit := limit_of(item)) is not None]


def part_reader(kind: types.Type) -> t.Callable[[bytes | str], t.Any]:
    """Return what decodes a JSON part of a form, to be converted to a type later.

    It raises `ValueError` and `msgspec.DecodeError` for broken JSON, and `WalkError`.
    """
    walks = [walk_of(kind, at) for at in (_restriction, _integer, _decimal)]

    def read(text: bytes | str) -> t.Any:
        value = decode_as_written(text)
        for walk in walks:
            value = walk(value)
        return with_floats(value)

    return read


def _restriction(members: list[t.Any]) -> Step | None:
    """Drop what clients may not send, and refuse what is too much."""
    if len(members) > 1:
        return None
    (kind,) = members
    limit, hidden = limit_of(kind), _hidden_names(kind)
    if limit is not None:
        return _limited(limit, dict if isinstance(kind, DICTS) else list)
    if not hidden:
        return None

    def without_hidden(value: t.Any) -> t.Any:
        if isinstance(value, dict):
            for name in hidden:
                value.pop(name, None)
        return value

    return without_hidden


def _limited(limit: int, cls: type) -> Step:
    name = "object" if cls is dict else "array"

    def check(value: t.Any) -> t.Any:
        if isinstance(value, cls) and len(t.cast("t.Sized", value)) > limit:
            raise WalkError(f"Expected `{name}` of length <= {limit}")
        return value

    return check


def _hidden_names(kind: t.Any) -> list[str]:
    hidden = hidden_in(kind)
    return [field.encode_name for field in kind.fields if field.name in hidden] if hidden else []


def _integer(members: list[t.Any]) -> Step | None:
    """Make integers of numbers, where an integer is wanted and no other number."""
    if any(isinstance(one, _ANY_NUMBER) for one in members):
        return None
    return integer_in if any(map(_is_integer, members)) else None


def _decimal(members: list[t.Any]) -> Step | None:
    """Make decimals of numbers, where msgspec would."""
    if any(isinstance(one, (types.FloatType, types.AnyType)) for one in members):
        return None
    is_decimal = any(isinstance(one, types.DecimalType) for one in members)
    return decimal_in if is_decimal else None


def _text_of_decimal(members: list[t.Any]) -> Step | None:
    """Make text of numbers, where msgspec would make a decimal."""
    return None if _decimal(members) is None else text_in


_ANY_NUMBER = (types.FloatType, types.DecimalType, types.AnyType, types.RawType)


def _is_integer(kind: t.Any) -> bool:
    if isinstance(kind, types.EnumType):
        return any(isinstance(member.value, int) for member in kind.cls)
    if isinstance(kind, types.LiteralType):
        return any(isinstance(value, int) for value in kind.values)
    return isinstance(kind, types.IntType)


class _TwiceError(Exception):
    """Raised for an object that has a name twice."""


def _look(pairs: list[tuple[str, t.Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _TwiceError


_look_into = json.JSONDecoder(object_pairs_hook=_look, parse_int=str, parse_float=str).decode


def _has_name_twice(data: bytes) -> bool:
    """Whether an object in valid JSON has a name twice, of which decoders keep the last."""
    try:
        _look_into(data.decode())
    except _TwiceError:
        return True
    return False
