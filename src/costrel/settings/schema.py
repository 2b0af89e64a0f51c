"""The fields of a class of settings: their names, types and defaults."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing as t

import msgspec

from ..ground.redaction import Secret, is_secret_name
from .problems import Path, Report


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: t.Any = _Missing()
"""The default of a setting that must be set."""

_DEEPEST = 5
"""Levels of settings inside others; a class that contains itself has no end."""


class Field(t.NamedTuple):
    """One setting.

    - `path`: its name in lower case, behind those of the settings that it is part of;
    - `attribute`: its name in the class;
    - `hint`: its type;
    - `default`: `MISSING` if it must be set;
    - `owner`: the class that has the default;
    - `kind`: the dataclass or `msgspec.Struct` that it is, or None;
    - `fields`: the fields of that.
    """

    path: Path
    attribute: str
    hint: t.Any
    default: t.Any = MISSING
    owner: str = ""
    kind: type[t.Any] | None = None
    fields: tuple[Field, ...] = ()

    @property
    def key(self) -> str:
        """Its name in upper case, with two underscores behind each setting it is part of."""
        return key_of(self.path)

    @property
    def secret(self) -> bool:
        """Whether its name or its type says that nobody may see it."""
        return any(map(is_secret_name, self.path)) or _mentions(self.hint, Secret)

    @property
    def optional(self) -> bool:
        """Whether it may be None."""
        return type(None) in members(self.hint)


def key_of(path: Path) -> str:
    """Return the name of a setting as a variable has it: ``MAIL__HOST``."""
    return "__".join(path).upper()


def members(hint: t.Any) -> tuple[t.Any, ...]:
    """Return the types that a value may have: those of a union, without `Annotated`."""
    origin = t.get_origin(hint)
    if origin is t.Annotated:
        return members(t.get_args(hint)[0])
    if origin in (t.Union, types.UnionType):
        return tuple(member for arg in t.get_args(hint) for member in members(arg))
    if isinstance(hint, t.TypeVar) or hint is None:
        return (type(None),) if hint is None else (t.Any,)
    return (hint,)


def _mentions(hint: t.Any, kind: type) -> bool:
    return hint is kind or any(_mentions(arg, kind) for arg in t.get_args(hint))


def is_structure(kind: t.Any) -> bool:
    """Whether a type is a dataclass or a `msgspec.Struct`."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct)
    )


def fields_of(kind: type[t.Any], above: Path = (), defaults: t.Any = MISSING) -> tuple[Field, ...]:
    """Return the fields of a class of settings.

    Args:
        kind: A dataclass or a `msgspec.Struct`.
        above: The path of the setting that is of this class.
        defaults: An instance of the class that has the defaults, instead of the class itself.

    Raises `TypeError` for any other class, and `NameError` if an annotation has an unknown name.
    """
    if not is_structure(kind):
        raise TypeError(
            f"{kind!r} can't hold settings. Write a subclass of costrel.settings.Settings, a"
            " dataclass or a msgspec.Struct."
        )
    return tuple(
        _field(
            (*above, name.lower()),
            name,
            hint,
            default if defaults is MISSING else getattr(defaults, name),
            _owner(kind, name),
        )
        for name, hint, default in _declared(kind)
    )


def _declared(kind: type[t.Any]) -> t.Iterator[tuple[str, t.Any, t.Any]]:
    """Yield the name, type and default of each field."""
    if dataclasses.is_dataclass(kind):
        hints = t.get_type_hints(kind, include_extras=True)
        for one in dataclasses.fields(kind):
            if one.init:
                yield one.name, hints[one.name], _default(one, dataclasses.MISSING)
    else:
        for other in msgspec.structs.fields(kind):
            yield other.name, other.type, _default(other, msgspec.NODEFAULT)


def _default(field: t.Any, nothing: object) -> t.Any:
    if field.default_factory is not nothing:
        return field.default_factory()
    return MISSING if field.default is nothing else field.default


def _field(path: Path, name: str, hint: t.Any, default: t.Any, owner: str) -> Field:
    structures = [member for member in members(hint) if is_structure(member)]
    if len(structures) != 1 or len(path) > _DEEPEST:
        return Field(path, name, hint, default, owner)
    kind = structures[0]
    own = default if isinstance(default, kind) else MISSING
    return Field(path, name, hint, default, owner, kind, fields_of(kind, path, own))


def _owner(kind: type[t.Any], name: str) -> str:
    """Return the name of the class that declares a field, the innermost one."""
    for base in kind.__mro__:
        if name in inspect.get_annotations(base):
            return base.__name__
    return kind.__name__


def check_annotated(kind: type[t.Any], report: Report) -> None:
    """Report the values in a class that have no annotation, and so would be no settings."""
    for base in kind.__mro__:
        annotated = inspect.get_annotations(base)
        for name, value in vars(base).items():
            if (
                name.startswith("_")
                or name in annotated
                or isinstance(value, type)
                or hasattr(value, "__get__")
            ):
                continue
            report.add(
                name.upper(),
                f": {base.__name__}.{name} has no annotation, so it would not be a setting. Write"
                f" {name}: {type(value).__name__} = ..., or annotate it with ClassVar if it is"
                " none.",
            )


def flat(fields: t.Iterable[Field]) -> dict[Path, Field]:
    """Return fields by their paths, with those inside others."""
    found: dict[Path, Field] = {}
    for field in fields:
        found[field.path] = field
        found.update(flat(field.fields))
    return found
