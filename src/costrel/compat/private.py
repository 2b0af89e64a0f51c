"""Private names of Flask's modules that Costrel itself does not use."""

from __future__ import annotations

import os
import sys
import typing as t
from importlib.metadata import version

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import BaseLoader

_werkzeug_version = version("werkzeug")


def _called_with_wrong_args(f: t.Callable[..., t.Any]) -> bool:
    """Return whether the error being handled came from the call, not from inside `f`."""
    traceback = sys.exc_info()[2]
    while traceback is not None:
        if traceback.tb_frame.f_code is getattr(f, "__code__", None):
            return False
        traceback = traceback.tb_next
    return True


def _path_is_ancestor(path: str, other: str) -> bool:
    """Return whether `other` is `path` or lies below it, judging by the text only."""
    below = path if path.endswith(os.sep) else path + os.sep
    return other == path or other.startswith(below)


def _dump_loader_info(loader: BaseLoader) -> Iterator[str]:
    """Yield lines with a loader's class and those of its settings that are plain data."""
    kind = type(loader)
    yield f"class: {kind.__module__}.{kind.__name__}"
    for name, value in sorted(vars(loader).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, (list, tuple)):
            if all(isinstance(item, str) for item in value):
                yield f"{name}:"
                yield from (f"  - {item}" for item in value)
        elif isinstance(value, (str, int, float, bool)):
            yield f"{name}: {value!r}"
