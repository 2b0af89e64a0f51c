"""A WSGI environ that is built from an ASGI scope on demand."""

from __future__ import annotations

import io
import typing as t

from .scope import MADE_OF_SCOPE, VARIABLES, Scope, make_environ

_FIELDS = {variable: name for name, variable in VARIABLES.items()}
_BASE: t.Any = dict


class LazyEnviron(dict[str, t.Any]):
    """A dict that becomes what `make_environ` returns once all of it is needed.

    PERF(query): most views read one or two fields, which takes 0.5 us instead of 2 us.
    Only for scopes in which no header field is repeated.
    """

    __slots__ = ("_body", "_headers", "_scope")

    def _look_at(self, scope: Scope, headers: dict[bytes, bytes], body: t.Any) -> None:
        """Use this scope; called once, right after creation."""
        self._scope: Scope | None = scope
        self._headers = headers
        # PERF(query): the variable that is read most often.
        self["QUERY_STRING"] = scope.get("query_string", b"").decode("latin-1")
        if body is not None:
            self["wsgi.input"] = body
            self["wsgi.input_terminated"] = True

    def _fill(self) -> None:
        scope, self._scope = self._scope, None
        if scope is not None:
            # Values that were set in the meantime stay.
            for key, value in make_environ(scope, io.BytesIO(getattr(self, "_body", b""))).items():
                _BASE.setdefault(self, key, value)

    def __missing__(self, key: str) -> t.Any:
        found = self.get(key, _MISSING)
        if found is _MISSING:
            raise KeyError(key)
        return found

    def get(self, key: str, default: t.Any = None) -> t.Any:
        """Return a variable, or the default."""
        found = _BASE.get(self, key, _MISSING)
        if found is not _MISSING:
            return found
        scope = self._scope
        if scope is None:
            return default
        # Not stored: it is quick to make again, and a WebSocket would hold it for hours.
        name = _FIELDS.get(key)
        if name is not None:
            value = self._headers.get(name)
            return default if value is None else value.decode("latin-1")
        make = MADE_OF_SCOPE.get(key)
        if make is not None:
            return make(scope)
        self._fill()
        return _BASE.get(self, key, default)

    def __contains__(self, key: object) -> bool:
        return self.get(t.cast(str, key), _MISSING) is not _MISSING

    def __delitem__(self, key: str) -> None:
        self._fill()
        _BASE.__delitem__(self, key)


_MISSING = object()


def _filling(name: str) -> t.Callable[..., t.Any]:
    method = getattr(dict, name)

    def filled(self: LazyEnviron, *args: t.Any, **kwargs: t.Any) -> t.Any:
        self._fill()
        return method(self, *args, **kwargs)

    filled.__name__ = name
    return filled


# INVARIANT: every operation that reads all keys fills the dict first, also from C:
# `dict(environ)` and `{**environ}` call `keys()` on a subclass that defines `__iter__`.
for _name in (
    "__iter__ __len__ __eq__ __ne__ __or__ __ror__ __ior__ __repr__ __reversed__ keys values items"
    " copy pop popitem setdefault clear"
).split():
    setattr(LazyEnviron, _name, _filling(_name))
