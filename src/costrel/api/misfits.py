"""Say in what way a view's value does not fit what the view declares."""

from __future__ import annotations

import re
import typing as t

import msgspec

from .mismatches import of_error
from .pages import CursorPage, Page

_STEPS = re.compile(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]")


def describe(value: t.Any, annotation: t.Any, error: Exception) -> str:
    """Return the end of a sentence about a view: what it returned, where it is wrong, what to do.

    Of the value itself it has the class only.

    Args:
        value: What the view returned.
        annotation: The type that it declares.
        error: Why the value does not fit.
    """
    place, detail = "", str(error)
    if isinstance(error, msgspec.ValidationError):
        pointer, detail = of_error(error)
        # A key of a dictionary is data, so msgspec does not tell it.
        pointer = _with_keys(str(error)) or pointer
        place = f" at {pointer}" if pointer else ""
    came = "None" if value is None else type(value).__qualname__
    declared = _shown(annotation)
    said = f"returned {came}, which does not fit its return annotation {declared}{place}: {detail}"
    return f"{said.rstrip('.')}.{_advice(value, annotation, declared)}"


def _with_keys(message: str) -> str:
    """Return the pointer in a message, with three dots for each key; empty if it has no keys."""
    path = message.partition(" - at `$")[2]
    if "[...]" not in path:
        return ""
    return "".join(f"/{name or number}" for name, number in _STEPS.findall(path))


def _shown(annotation: t.Any) -> str:
    is_class = isinstance(annotation, type) and not t.get_args(annotation)
    return annotation.__qualname__ if is_class else str(annotation)


def _advice(value: t.Any, annotation: t.Any, declared: str) -> str:
    if value is None:
        return f" If there may be nothing to send, write {declared} | None, or abort(404)."
    cls = t.get_origin(annotation) or annotation
    if cls in (Page, CursorPage) and not isinstance(value, cls):
        function = "paginate" if cls is Page else "paginate_by_cursor"
        return f" Return {function}(...), which makes a page of a list or a select."
    return ""
