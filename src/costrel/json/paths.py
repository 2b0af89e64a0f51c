"""Say where in a document the value is that JSON cannot hold."""

from __future__ import annotations

import dataclasses
import re
import typing as t

_DEPTH = 100
"""How many levels are searched; a document may contain itself."""

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
    path = _find(document, found[1], "", key is not None, _DEPTH)
    if path is not None:
        error.add_note(f"In the JSON document: {path.lstrip('.') or 'the document itself'}")


def _find(value: t.Any, kind: str, path: str, in_keys: bool, depth: int) -> str | None:
    """Return the path of the first value, or key, whose class has this name."""
    if isinstance(value, dict):
        if in_keys and any(type(key).__name__ == kind for key in value):
            return path
        inside = [
            (f".{key}" if str(key).isidentifier() else f"[{key!r}]", item)
            for key, item in value.items()
        ]
    elif isinstance(value, (list, tuple)):
        inside = [(f"[{number}]", item) for number, item in enumerate(value)]
    elif not in_keys and type(value).__name__ == kind:
        return path
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        inside = [
            (f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value)
        ]
    else:
        return None
    if depth:
        for step, item in inside:
            found = _find(item, kind, path + step, in_keys, depth - 1)
            if found is not None:
                return found
    return None
