"""See through names that annotations give to types: ``type Books = list[Book]``."""

from __future__ import annotations

import functools
import operator
import typing as t
from types import GenericAlias, UnionType

_DEPTH = 20
"""How deep a type is looked into; one that names itself has no end."""


def without_aliases(annotation: t.Any, depth: int = _DEPTH) -> t.Any:  # noqa: PLR0911  kinds of types
    """Return an annotation with what its aliases stand for, at any depth.

    Raises `TypeError` for one that names itself.
    """
    if depth == 0:
        raise TypeError(f"{annotation!r} is a type that names itself. Declare a struct instead.")
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if is_alias(annotation):
        return without_aliases(annotation.__value__, depth - 1)
    if is_alias(origin):
        value: t.Any = t.cast("t.Any", origin).__value__
        return without_aliases(value[arguments], depth - 1)
    if not arguments or origin is t.Literal:
        return annotation
    plain = tuple(_without_aliases(argument, depth - 1) for argument in arguments)
    if all(new is old for new, old in zip(plain, arguments, strict=True)):
        return annotation
    if origin is UnionType:
        return functools.reduce(operator.or_, plain)
    if origin is t.Annotated:
        return t.Annotated[plain]
    if isinstance(annotation, GenericAlias):
        return GenericAlias(t.cast("type", origin), plain)
    return annotation.copy_with(plain)


def _without_aliases(argument: t.Any, depth: int) -> t.Any:
    # The parameters of a Callable, and the metadata of Annotated, are no types.
    if t.get_origin(argument) is None and not is_alias(argument):
        return argument
    return without_aliases(argument, depth)


def is_alias(annotation: t.Any) -> bool:
    """Whether a type was named by ``type X = ...``, or by `TypeAliasType`."""
    return type(annotation).__name__ == "TypeAliasType" and hasattr(annotation, "__value__")
