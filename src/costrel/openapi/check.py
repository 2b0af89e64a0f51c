"""The difference between two documents, in words."""

from __future__ import annotations

import json
import typing as t

Steps = tuple[str, ...]
_ABSENT: t.Any = object()
_LONGEST = 100
"""The most characters that a value is shown with."""


def differences(before: t.Any, after: t.Any) -> list[str]:
    """Return what is different in a document, a line for each place.

    Lists are compared by what tells their items apart, not by their order: parameters by name
    and place, tags by name, all others by their value.
    """
    return list(_compare(before, after, ()))


def _compare(before: t.Any, after: t.Any, steps: Steps) -> t.Iterator[str]:
    if before == after:
        return
    if before is _ABSENT:
        yield f"added: {_place(steps)}{_value(after)}"
    elif after is _ABSENT:
        yield f"removed: {_place(steps)}{_value(before)}"
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from _compare(
                before.get(key, _ABSENT), after.get(key, _ABSENT), (*steps, str(key))
            )
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(before, after, steps)
    else:
        yield f"changed: {_place(steps)}: {_shown(before)} is now {_shown(after)}"


def _compare_lists(before: list[t.Any], after: list[t.Any], steps: Steps) -> t.Iterator[str]:
    in_order = steps[-1:] == ("prefixItems",)
    old, new = (
        {str(number): item for number, item in enumerate(items)} if in_order else _keyed(items)
        for items in (before, after)
    )
    for key in {**old, **new}:
        one, other = old.get(key, _ABSENT), new.get(key, _ABSENT)
        has_parts = isinstance(one, (dict, list)) or isinstance(other, (dict, list))
        yield from _compare(one, other, (*steps, key) if has_parts else steps)


def _keyed(items: list[t.Any]) -> dict[str, t.Any]:
    """Return a list's items by what tells them apart."""
    keyed: dict[str, t.Any] = {}
    for item in items:
        if isinstance(item, dict) and "name" in item:
            key = f"{item.get('in', '')} {item['name']}".strip()
        elif isinstance(item, dict) and "$ref" in item:
            key = str(item["$ref"]).rpartition("/")[2]
        else:
            key = _shown(item)
        keyed[key] = item
    return keyed


def _place(steps: Steps) -> str:
    """Return a place in a document as people call it: ``GET /books, parameters > query q``."""
    head: str
    rest: Steps
    if len(steps) < 1:
        return "the document"
    if steps[0] == "paths" and len(steps) == 2:
        head, rest = steps[1], steps[2:]
    elif steps[0] == "paths" and len(steps) > 2:
        head, rest = f"{steps[2].upper()} {steps[1]}", steps[3:]
    elif steps[0] == "components" and len(steps) > 2:
        head, rest = f"{_KINDS.get(steps[1], steps[1])} {steps[2]}", steps[3:]
    else:
        head, rest = steps[0], steps[1:]
    return f"{head}, {' > '.join(rest)}" if rest else head


_KINDS = {"schemas": "schema", "responses": "response", "securitySchemes": "security scheme"}


def _value(value: t.Any) -> str:
    """Return a value that fits a line; nothing for one with parts."""
    return "" if isinstance(value, (dict, list)) else f": {_shown(value)}"


def _shown(value: t.Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
