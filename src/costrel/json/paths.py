"""Say where in a document the value is that JSON cannot hold."""

from __future__ import annotations

import dataclasses
import re
import typing as t

_LIMIT = 30_000
"""How many values are looked at: a tenth of a second, in which other requests wait."""

_VALUE = re.compile(r"Object of type (\w+) is not JSON serializable")
_KEY = re.compile(r"keys must be str, int, float, bool or None, not (\w+)")


def note_path(error: TypeError, document: t.Any) -> None:
    """Add a note with the path, such as ``books[3].added``, to an error of the encoder.

    The value is found by the name of its class, which the message has. Nothing is converted
    a second time, because a conversion may have effects.
    """
    message = str(error)
    value, key = _VALUE.match(message), _KEY.match(message)
    found = value or key
    if found is None:
        return
    path = _find(document, found[1], in_keys=key is not None)
    if path is not None:
        error.add_note(f"In the JSON document: {path.lstrip('.') or 'the document itself'}")


def _find(document: t.Any, kind: str, *, in_keys: bool) -> str | None:
    """Return the path of the first value, or of the first dict with a key, of a class.

    Each container is looked into once: documents may share values, or contain themselves.
    """
    seen: set[int] = set()
    levels: list[t.Iterator[tuple[str, t.Any]]] = [iter([("", document)])]
    for _ in range(_LIMIT):
        while (following := next(levels[-1], None)) is None:
            levels.pop()
            if not levels:
                return None
        path, value = following
        if isinstance(value, dict):
            if in_keys and any(type(key).__name__ == kind for key in value):
                return path
        elif not in_keys and type(value).__name__ == kind:
            return path
        if id(value) not in seen:
            inside = _inside(value, path)
            if inside is not None:
                seen.add(id(value))
                levels.append(inside)
    return None


def _inside(value: t.Any, path: str) -> t.Iterator[tuple[str, t.Any]] | None:
    """Return the values in a container, each with its path; None for what is no container."""
    if isinstance(value, dict):
        return (
            (f"{path}.{key}" if str(key).isidentifier() else f"{path}[{key!r}]", item)
            for key, item in list(value.items())
        )
    if isinstance(value, (list, tuple)):
        return ((f"{path}[{number}]", item) for number, item in enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (
            (f"{path}.{field.name}", getattr(value, field.name, None))
            for field in dataclasses.fields(value)
        )
    return None
