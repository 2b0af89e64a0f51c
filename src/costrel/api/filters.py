"""Make of any value what a type declares, and nothing else."""

from __future__ import annotations

import typing as t
from functools import lru_cache, partial

import msgspec
from msgspec import inspect as types

from . import mismatches
from .kinds import all_in, holds, is_positional, kind_of
from .mirrors import mirror_of
from .models import has_model
from .picking import ITERABLES, pick, prepare_models

Encode = t.Callable[[t.Any], bytes]

MISFITS = (TypeError, ValueError, RecursionError, msgspec.MsgspecError)
"""What `Filter.encode` raises for a value that does not fit."""


class Filter:
    """Encode values with what a type declares, and nothing else.

    SECURITY(excess data): msgspec encodes what an object has, not what a type declares. So no
    value is encoded itself, but always a copy that has only the declared fields, at any depth.

    Raises `TypeError` for a type that msgspec does not know.
    """

    __slots__ = ("_copy", "_decode", "_has_private", "_kind", "_rereads")

    def __init__(self, annotation: t.Any) -> None:
        self._kind = kind_of(annotation)
        self._decode = msgspec.json.Decoder(annotation).decode
        mirror = mirror_of(self._kind)
        #: Lets msgspec read the declared fields, of objects too; None for types without a mirror.
        self._copy = None if mirror is None else _copier(mirror)
        #: Whether msgspec writes all of a value. It does not write an attribute of a dataclass
        #: that only the class has, such as a default that nobody has set.
        #:
        #: SECURITY(excess data): nor may it write arrays of fields, whose first item could be any
        #: field of another class. These are picked by name.
        self._rereads = not (
            holds(self._kind, types.DataclassType) or any(map(is_positional, all_in(self._kind)))
        )
        #: Whether msgspec would leave out fields of an object, since their names begin with ``_``.
        self._has_private = any(
            field.name.startswith("_")
            for item in all_in(self._kind)
            if isinstance(item, types.DataclassType)
            for field in item.fields
        )

    def encode(self, value: t.Any, encode: Encode = msgspec.json.encode) -> tuple[t.Any, bytes]:
        """Return a copy of a value with what is declared, and the copy encoded.

        Args:
            value: Anything that may fit the type.
            encode: Encodes the copy.

        Raises one of `MISFITS` for a value that does not fit, and whatever an attribute of an
        object raises.
        """
        if self._copy is not None:
            try:
                copy = self._copy(value)
                return copy, encode(copy)
            except MISFITS:
                pass
        if self._rereads:
            try:
                copy = self._reread(value)
                return copy, encode(copy)
            except MISFITS:
                # There are objects in it that msgspec can't encode, or fields too many for a type
                # that forbids them; or it does not fit.
                pass
        copy = self._reread(pick(value, self._kind))
        return copy, encode(pick(copy, self._kind) if self._has_private else copy)

    def _reread(self, value: t.Any) -> t.Any:
        """Decode as the declared type what msgspec encodes of a value."""
        return self._decode(msgspec.json.encode(value, enc_hook=_plain))


def _plain(value: t.Any) -> t.Any:
    """Return the text or bytes that a subclass is, which msgspec does not write by itself.

    Such as `Markup`, and what the configuration hides (`costrel.settings.Secret`).
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return bytes(value)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


class ModelFilter(Filter):
    """Encode values of a type that has models of Pydantic, which Pydantic writes.

    Raises `TypeError` for such a type without a mirror.
    """

    __slots__ = ()

    def __init__(self, annotation: t.Any) -> None:
        super().__init__(annotation)
        if self._copy is None:
            raise TypeError(f"{annotation!r} has a model of Pydantic in a type that can't be sent.")
        prepare_models(self._kind)

    def encode(self, value: t.Any, encode: Encode = msgspec.json.encode) -> tuple[t.Any, bytes]:
        """Return a copy of a value with what is declared, and the copy encoded: as `Filter`."""
        copy = t.cast("t.Any", self._copy)(pick(value, self._kind))
        body = msgspec.json.encode(copy)
        return copy, body if encode is msgspec.json.encode else encode(msgspec.json.decode(body))


class RawFilter(Filter):
    """Encode values of a type that may hold `msgspec.Raw`, which is JSON, in other formats too.

    There it is what the JSON stands for: msgspec would write its text into the other format.
    """

    __slots__ = ("_is_certain",)

    def __init__(self, annotation: t.Any) -> None:
        super().__init__(annotation)
        #: Whether there is one for certain, and not only something of any type.
        self._is_certain = holds(self._kind, types.RawType)

    def encode(self, value: t.Any, encode: Encode = msgspec.json.encode) -> tuple[t.Any, bytes]:
        """Return a copy of a value with what is declared, and the copy encoded: as `Filter`."""
        if encode is not msgspec.json.encode:
            encode = partial(self._encode_as, encode)
        return super().encode(value, encode)

    def _encode_as(self, encode: Encode, copy: t.Any) -> bytes:
        if self._is_certain or _has_raw(copy):
            copy = msgspec.json.decode(msgspec.json.encode(copy))
        return encode(copy)


def _has_raw(value: t.Any) -> bool:
    try:
        msgspec.to_builtins(value, str_keys=True)
    except TypeError:
        return True
    return False


class KeyFilter(RawFilter):
    """Encode values of a type with numbers for keys, which JSON has as text, whatever they are."""

    __slots__ = ()

    def encode(self, value: t.Any, encode: Encode = msgspec.json.encode) -> tuple[t.Any, bytes]:
        """Return the same; raises `msgspec.ValidationError` for a key that is not finite."""
        copy, body = super().encode(value, encode)
        text = body if encode is msgspec.json.encode else msgspec.json.encode(copy)
        found = mismatches.find(msgspec.json.decode(text), self._kind)
        if found:
            raise msgspec.ValidationError(f"{found[0].detail} (at {found[0].pointer})")
        return copy, body


class UnionFilter(Filter):
    """Encode values of a union with arrays in it, for which any iterable is one, as for an array.

    Else msgspec would look for the attributes of the other members in it.
    """

    __slots__ = ()

    def encode(self, value: t.Any, encode: Encode = msgspec.json.encode) -> tuple[t.Any, bytes]:
        """Return a copy of a value with what is declared, and the copy encoded: as `Filter`."""
        # Most are lists or nothing, for which the classes need not be asked.
        if value is not None and type(value) is not list and isinstance(value, ITERABLES):
            value = list(value)
        return super().encode(value, encode)


def filter_of(annotation: t.Any) -> Filter:
    """Return what encodes values of a type; raises `TypeError` as its class does.

    Views that declare the same type have the same filter, which takes some kilobytes.
    """
    try:
        return _kept_filter(annotation)
    except TypeError:  # perhaps only unhashable, such as a constraint with examples
        return _make_filter(annotation)


def _make_filter(annotation: t.Any) -> Filter:
    if has_model(annotation):
        return ModelFilter(annotation)
    kind = kind_of(annotation)
    if mismatches.has_fractions_as_keys(kind):
        return KeyFilter(annotation)
    may_be_raw = holds(kind, types.RawType) or holds(kind, types.AnyType)
    return (RawFilter if may_be_raw else Filter)(annotation)


# INVARIANT: bounded, so that classes made at run time can be freed.
_kept_filter = lru_cache(maxsize=1_000)(_make_filter)


def _copier(mirror: t.Any) -> t.Callable[[t.Any], t.Any]:
    """Return what makes a mirror's value of any value that fits it."""
    if isinstance(mirror, type) and issubclass(mirror, msgspec.Struct):
        return partial(msgspec.convert, type=mirror, from_attributes=True)
    # msgspec keeps what it knows of structs only.
    held: t.Any = msgspec.defstruct("Held", [("value", mirror)])

    def copy(value: t.Any) -> t.Any:
        return msgspec.convert({"value": value}, held, from_attributes=True).value

    return copy
