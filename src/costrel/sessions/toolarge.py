"""The error of a session that no browser would keep."""

from __future__ import annotations

import typing as t


class SessionTooLarge(ValueError):  # noqa: N818  it says what is wrong
    """The session does not fit into its cookie; the client gets a 500 and keeps the old one.

    Browsers drop a larger cookie and say nothing, so the user would be logged out, or lose what
    was stored. SPEC(RFC 6265 §6.1): they have to keep 4,096 bytes.

    Attributes:
        size_bytes: What the cookie, or its data when unpacked, would have.
        limit_bytes: What it may have.
    """

    def __init__(self, message: str, size_bytes: int, limit_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        super().__init__(message)


_ADVICE = (
    " Store less, such as ids in place of objects, or keep sessions on the server:"
    ' SESSION_STORE = "redis://localhost" or "file:///var/lib/app/sessions".'
)


def cookie_too_large(
    session: t.Mapping[str, t.Any], serializer: t.Any, name: str, size_bytes: int, limit_bytes: int
) -> SessionTooLarge:
    """Make the error of a cookie that browsers drop."""
    return SessionTooLarge(
        f"The session's cookie {name!r} would have {size_bytes:,} bytes, and browsers drop a"
        f" cookie of more than {limit_bytes:,}. {_largest(session, serializer)}{_ADVICE}",
        size_bytes,
        limit_bytes,
    )


def data_too_large(
    session: t.Mapping[str, t.Any], serializer: t.Any, size_bytes: int, limit_bytes: int
) -> SessionTooLarge:
    """Make the error of data that would not be unpacked again."""
    return SessionTooLarge(
        f"The session has {size_bytes:,} bytes, and a cookie is read only if it unpacks to at"
        f" most {limit_bytes:,}. {_largest(session, serializer)}{_ADVICE}",
        size_bytes,
        limit_bytes,
    )


def _largest(session: t.Mapping[str, t.Any], serializer: t.Any) -> str:
    """Name the three largest keys, and never a value."""
    sizes = sorted(
        ((len(serializer.dumps({key: value})), key) for key, value in session.items()),
        key=lambda pair: pair[0],
        reverse=True,
    )
    named = ", ".join(f"{_shortened(key)} ({size:,} bytes)" for size, key in sizes[:3])
    return f"Largest keys before compression: {named}."


def _shortened(key: t.Any) -> str:
    text = repr(key)
    return text if len(text) <= 40 else f"{text[:40]}..."
