"""Find generic classes that do not say of what they are.

SECURITY(excess data): the fields whose type they leave open would be sent with all that they hold.
"""

from __future__ import annotations

import dataclasses
import typing as t

from msgspec import inspect as types

# What msgspec itself asks; so a type variable in it is one that msgspec takes for any type.
from msgspec._utils import get_class_annotations  # type: ignore[attr-defined]

from .aliases import is_alias, without_aliases
from .kinds import OBJECTS, all_in
from .models import has_model


def open_class_in(annotation: t.Any, kind: types.Type) -> t.Any:
    """Return a class in a type that does not say of what it is; None if all do.

    Args:
        annotation: The type.
        kind: What msgspec says of it.
    """
    pending: list[t.Any] = list(_classes_in(annotation))
    for item in all_in(kind):
        if isinstance(item, (*OBJECTS, types.NamedTupleType, types.CustomType)):
            pending += [item.cls, *_classes_in(item.cls)]
    seen: set[int] = set()
    while pending:
        cls = pending.pop()
        if id(cls) in seen:
            continue
        seen.add(id(cls))
        if getattr(cls, "__parameters__", ()) and _has_fields(t.get_origin(cls) or cls):
            return cls
        hints = _hints_of(cls)
        if any(map(_has_variable, hints)):
            return cls
        if has_model(cls):
            pending += [one for hint in hints for one in _classes_in(hint)]
    return None


def _hints_of(cls: t.Any) -> list[t.Any]:
    """Return the types of a class's fields, with what it says of them in brackets."""
    if _is_model(cls):
        # Pydantic keeps what is open in a class that has been made for it.
        open_ = cls.__pydantic_generic_metadata__.get("parameters", ())
        return [*open_, *(field.annotation for field in cls.model_fields.values())]
    if not _has_fields(t.get_origin(cls) or cls):
        return []
    return list(get_class_annotations(cls).values())


def _is_model(cls: t.Any) -> bool:
    return isinstance(cls, type) and hasattr(cls, "__pydantic_generic_metadata__")


def _has_fields(cls: t.Any) -> bool:
    return isinstance(cls, type) and (
        hasattr(cls, "__struct_fields__")
        or dataclasses.is_dataclass(cls)
        or hasattr(cls, "__attrs_attrs__")
        or t.is_typeddict(cls)
        or (issubclass(cls, dict) and hasattr(cls, "__total__"))
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    )


def _has_variable(annotation: t.Any) -> bool:
    """Whether a type variable is in a type."""
    if isinstance(annotation, t.TypeVar):
        return True
    if is_alias(annotation) or is_alias(t.get_origin(annotation)):
        annotation = without_aliases(annotation)
    return any(map(_has_variable, t.get_args(annotation)))


def _classes_in(annotation: t.Any) -> t.Iterator[t.Any]:
    """Yield the classes that an annotation is made of."""
    arguments = t.get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _classes_in(argument)
