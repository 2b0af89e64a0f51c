"""Names of schemas: for each model the shortest that no other has."""

from __future__ import annotations

import re
import types
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field

NAME = "__schema_name__"
"""The attribute by which a class says its name in the document itself."""

_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A model that another library has named and described.

    Attributes:
        name: Its name.
        schema: Its schema as JSON, by which it is told from others of its name.
        mode: Whether it was described as ``input`` or as ``output``, the first time.
    """

    name: str
    schema: bytes
    mode: str = field(compare=False)


def names_of(models: t.Iterable[t.Any]) -> dict[t.Any, str]:
    """Return a name for each model: a class, a parametrized generic class or a `Foreign`.

    Classes of one name get those of what they are in before it, from the inside out, until
    they differ. Raises `TypeError` if two classes say the same name themselves.
    """
    candidates = {model: _candidates(model) for model in models}
    chosen = dict.fromkeys(candidates, 0)
    while True:
        by_name: dict[str, list[t.Any]] = defaultdict(list)
        for model, number in chosen.items():
            by_name[candidates[model][number]].append(model)
        clashing = [model for found in by_name.values() if len(found) > 1 for model in found]
        extended = [model for model in clashing if chosen[model] + 1 < len(candidates[model])]
        if not extended:
            return _numbered(by_name)
        for model in extended:
            chosen[model] += 1


def free(name: str, taken: t.Container[str]) -> str:
    """Return a name, with a number behind it if it is taken."""
    number = 1
    numbered = name
    while numbered in taken:
        number += 1
        numbered = f"{name}{number}"
    return numbered


def _numbered(by_name: t.Mapping[str, list[t.Any]]) -> dict[t.Any, str]:
    """Give numbers to models that nothing else tells apart, such as classes of one function."""
    names: dict[t.Any, str] = {}
    for name, found in by_name.items():
        said = [model for model in found if _said(model) is not None]
        if len(said) > 1:
            raise TypeError(
                f"Both {said[0]!r} and {said[1]!r} are {name!r} in the OpenAPI document, by their"
                f" {NAME}. Name one of them differently."
            )
        # One that says its name keeps it.
        names[(said or found)[0]] = name
    for name, found in by_name.items():
        for model in found:
            if model not in names:
                names[model] = free(name, names.values())
    return names


def _candidates(model: t.Any) -> list[str]:
    """Return the names that a model may have, the shortest first."""
    if isinstance(model, Foreign):
        name = _NOT_ALLOWED.sub("_", model.name)
        return [name, f"{name}Input"] if model.mode == "input" else [name]
    said = _said(model)
    if said is not None:
        return [_NOT_ALLOWED.sub("_", said)]
    origin = t.get_origin(model) or model
    *outer, name = origin.__qualname__.replace(".<locals>", "").split(".")
    name = _NOT_ALLOWED.sub("_", name) + "".join(map(_part, t.get_args(model)))
    candidates = [name]
    for part in reversed([*origin.__module__.split("."), *outer]):
        candidates.append(_camel(part) + candidates[-1])
    return candidates


def _said(model: t.Any) -> str | None:
    """Return the name that a class says itself, not that of a base class."""
    said = getattr(model, "__dict__", {}).get(NAME) if isinstance(model, type) else None
    return said if isinstance(said, str) else None


def _part(argument: t.Any) -> str:
    """Return what a type argument adds to a name: `Page[Book]` is ``PageBook``."""
    said = _said(argument)
    if said is not None:
        return said
    origin, arguments = t.get_origin(argument), t.get_args(argument)
    if origin is t.Annotated:
        return _part(arguments[0])
    if origin in {t.Union, types.UnionType}:
        return "Or".join(map(_part, arguments))
    if argument is type(None):
        return "None"
    own = getattr(origin or argument, "__name__", None) or str(argument)
    return _camel(own) + "".join(map(_part, arguments))


def _camel(text: str) -> str:
    parts = filter(None, _SEPARATORS.split(text))
    return "".join(part[0].upper() + part[1:] for part in parts)
