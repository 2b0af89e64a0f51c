"""The stand-in for a session whose store fails."""

from __future__ import annotations

import typing as t

from .outages import unavailable
from .safe import NullSafeSession


class UnavailableSession(NullSafeSession):
    """A session that can't be read, which is not the same as an empty one.

    Every use raises `ServiceUnavailable`, so the client gets a 503, and a view that does not use
    the session works.
    """

    def _raise(self, *_: t.Any, **__: t.Any) -> t.NoReturn:
        raise unavailable()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __hash__ = None  # type: ignore[assignment]
    __getitem__ = __setitem__ = __delitem__ = __contains__ = __iter__ = __reversed__ = _raise  # type: ignore[assignment]
    __len__ = __bool__ = __eq__ = __ne__ = __or__ = __ror__ = __ior__ = _raise  # type: ignore[assignment]
    get = keys = values = items = copy = _raise  # type: ignore[assignment]
    clear = pop = popitem = setdefault = update = regenerate = destroy = _raise  # type: ignore[assignment]
