"""Models for PATCH: `Partial`, of which a client sends what it changes."""

from __future__ import annotations

import inspect
import typing as t

import msgspec
from msgspec import UNSET, UnsetType
from msgspec import inspect as types

from .kinds import OBJECTS, fields_of, kind_of
from .models import is_dataclass_of_pydantic

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    Model = t.TypeVar("Model")

    # Python has no type for a model with other fields, so type checkers see the model itself.
    Partial: t.TypeAlias = t.Annotated[Model, "partial"]
else:

    class Partial:
        """A model with each field optional: ``Partial[Book]`` is named ``PartialBook``.

        Constraints, names and ``forbid_unknown_fields`` are those of the model. A field that the
        client did not send is `msgspec.UNSET`, which is not `None`; `changes_of` returns the
        others. Of a struct, dataclass or attrs class, a struct is made, whose
        ``__post_init__`` is not the model's; of a `TypedDict`, one with ``total=False``.

        Raises `TypeError` for anything else.
        """

        def __class_getitem__(cls, model: t.Any) -> t.Any:
            """Return the partial model, made once for each model."""
            try:
                return _made[model]
            except KeyError:
                return _made.setdefault(model, _make(model))


_made: dict[t.Any, t.Any] = {}
"""The partial models by their models: as many as the application has annotations."""


def changes_of(partial: object) -> dict[str, t.Any]:
    """Return what a client has sent of a `Partial` model, by the names of its fields.

    To apply it, call ``setattr`` for each, or make a new object:
    ``msgspec.structs.replace(book, **changes_of(changes))``.

    Raises `TypeError` for what is no such model.
    """
    if isinstance(partial, dict):
        return dict(partial)
    if not isinstance(partial, msgspec.Struct):
        raise TypeError(f"{partial!r} is no Partial model: annotate the parameter Partial[...].")
    values = ((name, getattr(partial, name)) for name in partial.__struct_fields__)
    return {name: value for name, value in values if value is not UNSET}


def _make(model: t.Any) -> t.Any:
    kind = kind_of(model) if inspect.isclass(model) else None
    if is_dataclass_of_pydantic(model):
        raise TypeError(
            f"Partial[{model!r}] would not run the checks of Pydantic's dataclass. Make it a"
            " msgspec.Struct."
        )
    if not isinstance(kind, OBJECTS):
        raise TypeError(
            f"Partial[{model!r}] needs a struct, dataclass, attrs class or TypedDict that is not"
            " generic."
        )
    name, hints = f"Partial{model.__name__}", t.get_type_hints(model, include_extras=True)
    if isinstance(kind, types.TypedDictType):
        fields = {field.name: _without_presence(hints[field.name]) for field in kind.fields}
        made: t.Any = t.TypedDict(name, fields, total=False)  # type: ignore[misc]
        made.__module__ = model.__module__
        return made
    fields_ = fields_of(kind)
    return msgspec.defstruct(
        name,
        [(field.name, _or_unset(hints[field.name]), UNSET) for field in fields_],
        module=model.__module__,
        kw_only=True,
        rename={field.name: field.encode_name for field in fields_},
        **_settings_of(kind),
    )


def _settings_of(kind: t.Any) -> Mapping[str, t.Any]:
    """Return what a struct's partial model has of its configuration."""
    if not isinstance(kind, types.StructType):
        return {}
    return {
        "forbid_unknown_fields": kind.forbid_unknown_fields,
        "tag_field": kind.tag_field,
        "tag": kind.tag,
    }


def _or_unset(hint: t.Any) -> t.Any:
    return t.Union[hint, UnsetType]  # noqa: UP007  made at run time


def _without_presence(hint: t.Any) -> t.Any:
    """Return the type in ``Required[...]`` or ``NotRequired[...]``."""
    while t.get_origin(hint) in {t.Required, t.NotRequired}:
        (hint,) = t.get_args(hint)
    return hint
