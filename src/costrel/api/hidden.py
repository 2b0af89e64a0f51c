"""Find markers where they say nothing: inside of an annotation, or on the fields of a model.

SECURITY: such a marker would be ignored, and the client would send what a dependency is to find.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Iterator

Marks = Callable[[t.Any], bool]
"""Whether one of the extras of an annotation, or a default, is a marker."""


def unaliased(annotation: t.Any) -> t.Any:
    """Return what an alias stands for, written with ``type`` or `TypeAliasType`; else itself."""
    while "TypeAliasType" in (
        type(annotation).__name__,
        type(t.get_origin(annotation)).__name__,
    ):
        annotation = annotation.__value__
    return annotation


def hidden_marker(annotation: t.Any, marks: Marks, *, in_fields: bool) -> t.Any:
    """Return a marker that is not around all of an annotation; None if there is none.

    Args:
        annotation: The annotation, resolved.
        marks: What is a marker.
        in_fields: Whether to look at the fields of models, too.
    """
    annotation = unaliased(annotation)
    if t.get_origin(annotation) is t.Annotated:
        annotation = t.get_args(annotation)[0]
    seen: set[int] = set()
    pending = list(_parts_of(annotation, marks, in_fields=in_fields))
    while pending:
        part = pending.pop()
        if marks(part):
            return part
        if id(part) not in seen:
            seen.add(id(part))
            pending += _parts_of(part, marks, in_fields=in_fields)
    return None


def _parts_of(part: t.Any, marks: Marks, *, in_fields: bool) -> Iterator[t.Any]:
    """Yield what an annotation is made of: arguments, extras, and the fields of classes."""
    part = unaliased(part)
    if t.get_origin(part) is t.Annotated:
        inner, *extras = t.get_args(part)
        yield inner
        yield from filter(marks, extras)
        return
    if hasattr(part, "__supertype__"):  # NewType
        yield part.__supertype__
    origin = t.get_origin(part)
    if origin is not t.Literal:
        yield from t.get_args(part)
    cls = origin or part
    if in_fields and isinstance(cls, type):
        yield from _fields_of(cls, marks)


def _fields_of(cls: t.Any, marks: Marks) -> Iterator[t.Any]:
    """Yield the annotations of a model's fields, and the markers among their defaults."""
    if hasattr(cls, "model_fields"):
        # The annotations of Pydantic's own attributes can't be resolved.
        for field in cls.model_fields.values():
            yield field.annotation
            yield from filter(marks, [*field.metadata, field.default])
        return
    defaults: list[t.Any]
    if hasattr(cls, "__struct_fields__"):
        defaults = list(cls.__struct_defaults__)
    elif dataclasses.is_dataclass(cls):
        defaults = [field.default for field in dataclasses.fields(cls)]
    elif hasattr(cls, "__attrs_attrs__"):
        defaults = [field.default for field in cls.__attrs_attrs__]
    elif t.is_typeddict(cls) or (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        defaults = list(getattr(cls, "_field_defaults", {}).values())
    else:
        return
    try:
        yield from t.get_type_hints(cls, include_extras=True).values()
    except Exception:  # noqa: BLE001  an annotation may be any expression
        # msgspec can't fill it from a request either.
        return
    yield from filter(marks, defaults)
