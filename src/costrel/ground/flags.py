"""Read a setting that is on or off from text, as in environment variables."""

from __future__ import annotations

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def read_flag(text: str) -> bool | None:
    """Return what a text means: True for ``true``, ``yes``, ``on`` and ``1``.

    False for ``false``, ``no``, ``off`` and ``0``, in upper or lower case; None for anything else,
    also for an empty text, which may be meant as either.
    """
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None
