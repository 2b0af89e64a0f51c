"""Make of any value what a type declares, and nothing else."""

from __future__ import annotations

import typing as t

import msgspec
from msgspec import inspect as types

from .kinds import holds
from .mirrors import mirror_of
from .models import has_model
from .picking import pick

Encode = t.Callable[[t.Any], bytes]

MISFITS = (TypeError, ValueError, RecursionError, msgspec.MsgspecError)
"""What `Filter.encode` raises for a value that does not fit."""


class Filter:
    """Encode values with what a type declares, and nothing else.

    SECURITY(excess data): msgspec encodes what an object has, not what a type declares. So no
    value is encoded itself, but always a copy that has only the declared fields, at any depth.

    Models of Pydantic are copied by Pydantic. Raises `TypeError` for a type that msgspec does not
    know, or that has such models in a type without a mirror.
    """

    __slots__ = ("_decode", "_has_models", "_held", "_kind", "_mirror", "_ways")

    def __init__(self, annotation: t.Any) -> None:
        self._kind = msgspec.inspect.type_info(annotation)
        self._decode = msgspec.json.Decoder(annotation).decode
        mirror: t.Any = mirror_of(self._kind)
        self._has_models = has_model(annotation)
        #: How to copy a value, the quickest way first; what none can copy is looked through.
        self._ways: tuple[t.Callable[[t.Any], t.Any], ...] = () if mirror is None else (self._copy,)
        # msgspec does not encode an attribute of a dataclass that only the class has, such as a
        # default that nobody has set.
        if not holds(self._kind, types.DataclassType):
            self._ways += (self._reread,)
        if self._has_models:
            self._ways = ()
            if mirror is None:
                raise TypeError(
                    f"{annotation!r} has a model of Pydantic in a type that can't be sent."
                )
        is_struct = isinstance(mirror, type) and issubclass(mirror, msgspec.Struct)
        #: Whether the mirror is the type of a field: msgspec keeps what it knows of structs only.
        self._held = mirror is not None and not is_struct
        self._mirror = msgspec.defstruct("Held", [("value", mirror)]) if self._held else mirror

    def encode(self, value: t.Any, encode: Encode = msgspec.json.encode) -> tuple[t.Any, bytes]:
        """Return a copy of a value with what is declared, and the copy encoded.

        Args:
            value: Anything that may fit the type.
            encode: Encodes the copy.

        Raises one of `MISFITS` for a value that does not fit, and whatever an attribute of an
        object raises.
        """
        if self._has_models:
            copy = self._copy(pick(value, self._kind))
            body = msgspec.json.encode(copy)
            if encode is not msgspec.json.encode:
                body = encode(msgspec.json.decode(body))
            return copy, body
        for way in self._ways:
            try:
                copy = way(value)
                return copy, encode(copy)
            except MISFITS:
                # There may be objects in it that only the next way looks into.
                continue
        copy = self._reread(pick(value, self._kind))
        return copy, encode(copy)

    def _copy(self, value: t.Any) -> t.Any:
        """Let msgspec read the declared fields: of objects, and of dictionaries."""
        if self._held:
            return msgspec.convert({"value": value}, self._mirror, from_attributes=True).value
        return msgspec.convert(value, self._mirror, from_attributes=True)

    def _reread(self, value: t.Any) -> t.Any:
        """Decode as the declared type what msgspec encodes of a value."""
        return self._decode(msgspec.json.encode(value))
