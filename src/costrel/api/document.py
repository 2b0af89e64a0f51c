"""The JSON document in a request's body, decoded as a parameter's type."""

from __future__ import annotations

import typing as t
from itertools import islice

import msgspec
from msgspec import inspect as types
from werkzeug.exceptions import BadRequest

from ..ground.current import request_view
from ..json.depth import TOO_DEEP, check_depth, is_deep
from ..wrappers.limits import check_json
from . import mismatches
from .models import Refused, adapter_of
from .negotiation import decode_body
from .numbers import with_integers
from .problems import Detail
from .values import Entry, default_maker


class Document:
    """The parameter of a view that takes the body.

    Raises `TypeError` for a type that JSON can't hold.
    """

    __slots__ = ("_decode", "_default", "_entry", "_kind", "_looks")

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._default = default_maker(entry)
        adapter = None if entry.kind is not None else adapter_of(entry.annotation)
        self._decode: t.Callable[[bytes], t.Any] = (
            msgspec.json.Decoder(entry.annotation).decode if adapter is None else adapter.decode
        )
        self._kind: types.Type | None = entry.kind
        #: Whether more is checked than what msgspec does.
        self._looks = self._kind is not None and mismatches.looks_closer(self._kind)

    def read(self, found: dict[str, t.Any], errors: list[Detail]) -> None:
        """Add the document of the current request, or what is wrong with it.

        Raises `BadRequest` for broken JSON, and `UnsupportedMediaType` if it is neither JSON nor
        MessagePack.
        """
        data, packed = decode_body(request_view.get().request)
        if not data:
            if self._entry.is_required:
                errors.append(Detail("body", "", "Required"))
            elif self._default is not None:
                found[self._entry.name] = self._default()
            return
        try:
            check_depth(data)
            check_json(data)
            error = None
            try:
                found[self._entry.name] = self._decode(data)
            except msgspec.ValidationError as caught:
                data, error = self._read_again(data, found, caught)
            if error is not None or self._looks or packed is not None:
                errors += self._explain(data, error, packed)
        except RecursionError as caught:
            if not is_deep(data):
                # It is an error of a validator's, which the client can do nothing about.
                raise
            raise BadRequest(TOO_DEEP) from caught
        except (msgspec.DecodeError, ValueError) as caught:
            raise BadRequest(f"The body is not valid JSON: {caught}") from caught

    def _read_again(
        self, data: bytes, found: dict[str, t.Any], error: msgspec.ValidationError
    ) -> tuple[bytes, msgspec.ValidationError | None]:
        """Read a refused document with its integers written as such; return what is wrong still."""
        try:
            written = with_integers(data)
        except msgspec.ValidationError:
            return data, error
        if written is data:
            return data, error
        try:
            found[self._entry.name] = self._decode(written)
        except msgspec.ValidationError as caught:
            return written, caught
        return written, None

    def _explain(
        self, data: bytes, error: msgspec.ValidationError | None, packed: t.Any
    ) -> list[Detail]:
        """Return everything that does not fit; raises `msgspec.DecodeError` for broken JSON.

        Of MessagePack with binary data and the like it is found in its value, `packed`.
        """
        if isinstance(error, Refused):
            return [Detail("body", *mismatch) for mismatch in error.mismatches]
        found: list[mismatches.Mismatch] = []
        try:
            value = msgspec.json.decode(data) if packed is None else _whole(packed)
            if self._kind is not None:
                found = list(islice(mismatches.find(value, self._kind), mismatches.LIMIT))
        except msgspec.ValidationError as caught:
            # A number is out of range. SECURITY: what nobody has looked at is not accepted.
            error = error or caught
        except RecursionError as caught:
            # The search takes more of the stack than JSON may.
            if error is None:
                raise ValueError(TOO_DEEP) from caught
        if not found and error is not None:
            found = [mismatches.of_error(error)]
        return [Detail("body", *mismatch) for mismatch in found]


def _whole(packed: t.Any) -> t.Any:
    """Return a value of MessagePack with integers for all numbers that are some."""
    from .packed import whole

    return whole(packed)
