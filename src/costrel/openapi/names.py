"""Names of schemas: for each model the shortest that no other has."""

from __future__ import annotations

import re
import types
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field, replace

NAME = "__schema_name__"
"""The attribute by which a class says its name in the document itself."""

_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A model that another library has named and described.

    Attributes:
        name: Its name.
        outer: The names of what it is in, such as its module, the outermost first.
        schema: Its schema as JSON, by which it is told from others of its name.
        longer: Its name if its type arguments have those of what they are in before theirs.
        mode: Whether it was described as ``input`` or as ``output``, the first time.
    """

    name: str
    outer: tuple[str, ...]
    schema: bytes
    longer: str
    mode: str = field(compare=False)


def names_of(models: t.Iterable[t.Any]) -> dict[t.Any, str]:
    """Return a name for each model: a class, a parametrized generic class or a `Foreign`.

    Classes of one name get those of what they are in before it, from the inside out, until
    they differ. Raises `TypeError` if two classes say the same name themselves.
    """
    found = list(models)
    names = _names_of_classes(map(_class_of, found))
    return _with_modes(found, names)


def _class_of(model: t.Any) -> t.Any:
    """Return what stands for a model in both modes."""
    return replace(model, schema=b"", mode="") if isinstance(model, Foreign) else model


def _with_modes(models: list[t.Any], names: t.Mapping[t.Any, str]) -> dict[t.Any, str]:
    """Name the models that have the names of their classes; those that are taken give way."""
    taken = set(names.values())
    free_names, found = set(taken), {}
    for model in sorted(models, key=lambda one: getattr(one, "mode", "") == "input"):
        name = names[_class_of(model)]
        if name not in free_names:
            is_input = isinstance(model, Foreign) and model.mode == "input"
            name = free(f"{name}Input" if is_input else name, taken)
        free_names.discard(name)
        taken.add(name)
        found[model] = name
    return {model: found[model] for model in models}


def _names_of_classes(models: t.Iterable[t.Any]) -> dict[t.Any, str]:
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
    """Return the names that a model may have, the shortest first.

    Those of what its arguments are in come before those of what it is in itself: of two
    `Page[Book]`, the books differ.
    """
    said = _said(model)
    if said is not None:
        return [_clean(said)]
    if isinstance(model, Foreign):
        names, outer = [_clean(model.name), _clean(model.longer)], model.outer
    else:
        origin = t.get_origin(model) or model
        name, outer = _clean(origin.__qualname__.rpartition(".")[2]), _outer_of(origin)
        names = [name + argument for argument in _names_of_arguments(t.get_args(model))]
    prefixes = [
        "".join(map(_camel, outer[len(outer) - count :])) for count in range(len(outer) + 1)
    ]
    return [prefix + name for prefix in prefixes for name in names]


def _names_of_arguments(arguments: tuple[t.Any, ...]) -> list[str]:
    """Return what type arguments may add to a name, the shortest first."""
    found: list[str] = []
    while True:
        names = "".join(_part(argument, len(found)) for argument in arguments)
        if found and names == found[-1]:
            return found
        found.append(names)


def _outer_of(cls: t.Any) -> tuple[str, ...]:
    """Return the names of what a class is in, the outermost first."""
    *outer, _name = cls.__qualname__.split(".")
    return (*cls.__module__.split("."), *(name for name in outer if name != "<locals>"))


def _clean(name: str) -> str:
    return _NOT_ALLOWED.sub("_", name)


def _said(model: t.Any) -> str | None:
    """Return the name that a class says itself, not that of a base class."""
    said = getattr(model, "__dict__", {}).get(NAME) if isinstance(model, type) else None
    return said if isinstance(said, str) else None


def _part(argument: t.Any, length: int) -> str:
    """Return what a type argument adds to a name: `Page[Book]` is ``PageBook``.

    Args:
        argument: The argument.
        length: How many names of what it is in come before its own.
    """
    said = _said(argument)
    if said is not None:
        return _clean(said)
    origin, arguments = t.get_origin(argument), t.get_args(argument)
    if origin is t.Annotated:
        return _part(arguments[0], length)
    if origin in {t.Union, types.UnionType}:
        return "Or".join(_part(one, length) for one in arguments)
    if argument is type(None):
        return "None"
    cls = origin or argument
    own = getattr(cls, "__name__", None) or str(argument)
    is_own = isinstance(cls, type) and cls.__module__ not in _UNNAMED
    outer = _outer_of(cls) if is_own else ()
    outer = outer[max(0, len(outer) - length) :]
    return "".join(map(_camel, (*outer, own))) + "".join(_part(one, length) for one in arguments)


_UNNAMED = frozenset(("builtins", "collections", "collections.abc", "typing"))
"""The modules of classes that everybody knows by their names."""


def _camel(text: str) -> str:
    parts = filter(None, _SEPARATORS.split(text))
    return "".join(part[0].upper() + part[1:] for part in parts)
