"""Sign and read session cookies whose data stays small, by clocks that differ a little.

SECURITY(CWE-409): a cookie of 4 kB can unpack to 4 MB, and a header field of 64 kB to 64 MB.
Only who has the key can sign one, but keys leak, and another application may have the same.
"""

from __future__ import annotations

import time
import typing as t
import zlib

from itsdangerous import BadPayload, SignatureExpired, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode

from .signing import Serializer, compress

LIMIT_BYTES = 65_536
"""How large the data of a session may be when it is unpacked."""

SHORT_BYTES = 256
"""How large it may be to be left as it is: compressing it would save a few dozen bytes."""

CLOCK_LEEWAY_S = 60
"""By how much the clock that a cookie was signed by may be ahead of the one that it is read by."""


class DataTooLarge(ValueError):  # noqa: N818  it says what is wrong
    """The data is larger than `LIMIT_BYTES`, before it was packed or when it was unpacked."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        super().__init__(f"The data of a session may have {LIMIT_BYTES:,} bytes.")


def unpack(data: bytes) -> bytes:
    """Decompress data; raises `DataTooLarge` or another error for what can't be."""
    unpacking = zlib.decompressobj()
    written = unpacking.decompress(data, LIMIT_BYTES + 1)
    if len(written) > LIMIT_BYTES:
        raise DataTooLarge(len(written))
    if not unpacking.eof:
        raise ValueError("The data ends too early.")
    return written


def pack(data: bytes) -> bytes | None:
    """Compress data; None if that would not save two bytes. Raises `DataTooLarge`.

    PERF(session_written): short data takes 0.1 us instead of 7 us.
    """
    length = len(data)
    if length > LIMIT_BYTES:
        raise DataTooLarge(length)
    return None if length <= SHORT_BYTES else compress(data)


def _check(payload: bytes) -> None:
    # A leading dot marks compressed data.
    if payload[:1] == b".":
        unpack(base64_decode(payload[1:]))


def _check_received(payload: bytes) -> None:
    try:
        _check(payload)
    except Exception as error:
        raise BadPayload("The data can't be unpacked.", original_error=error) from error


def _is_early(error: SignatureExpired) -> bool:
    """Whether a signature is not too old, but of another clock that is a little ahead.

    Two machines never agree completely, and signatures have whole seconds. Without this, some
    sessions that one has just written would be empty on the other, and be overwritten there.
    """
    signed = error.date_signed
    return signed is not None and 0 < signed.timestamp() - int(time.time()) <= CLOCK_LEEWAY_S


class _Bounded(URLSafeTimedSerializer):
    """What is different from itsdangerous when a cookie is read."""

    def loads(  # type: ignore[override]  # as in itsdangerous
        self, s: str | bytes, max_age: int | None = None, *args: t.Any, **kw: t.Any
    ) -> t.Any:
        """Return the data; raises `BadData` for what is forged, too old or too large."""
        try:
            return super().loads(s, max_age, *args, **kw)
        except SignatureExpired as error:
            if not _is_early(error):
                raise
        return super().loads(s, None, *args, **kw)

    def load_payload(self, payload: bytes, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Return the data; raises `BadPayload` for too much of it."""
        _check_received(payload)
        return super().load_payload(payload, *args, **kwargs)


class BoundedSerializer(_Bounded, Serializer):
    """A serializer for data that stays within `LIMIT_BYTES`."""

    @staticmethod
    def _compress(data: bytes) -> bytes | None:
        return pack(data)

    @staticmethod
    def _decompress(data: bytes) -> bytes:
        return unpack(data)


class BoundedTimedSerializer(_Bounded):
    """The same with itsdangerous' own methods, where somebody has replaced one of them."""

    def dump_payload(self, obj: t.Any) -> bytes:
        """Return the data; raises `DataTooLarge` for too much of it."""
        payload = super().dump_payload(obj)
        _check(payload)
        return payload
