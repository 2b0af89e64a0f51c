"""Find out where each parameter of a view comes from: by its marker, or else by its type."""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import msgspec
from msgspec import UNSET
from msgspec import inspect as types
from werkzeug.wrappers import Request as BaseRequest

from .defaults import refuse_shared
from .forms import is_file
from .hidden import hidden_marker, unaliased
from .kinds import (
    ARRAYS,
    OBJECTS,
    all_in,
    bare,
    fields_of,
    holds,
    kind_of,
    members_of,
    refuse_keys,
    refuse_unfilled,
    without_none,
)
from .markers import refuse_strays
from .models import (
    is_checked_by_pydantic,
    is_dataclass_of_pydantic,
    keys_of_model_field,
    model_in,
)
from .parameters import Body, Cookie, File, Form, Header, Parameter, Path, Query
from .partial import Partial
from .places import key_of
from .text import is_text
from .values import Entry

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def entries_of(
    view: Callable[..., t.Any], hints: dict[str, t.Any], filled: Collection[str]
) -> list[Entry]:
    """Return the parameters that are filled from the request, or checked.

    Args:
        view: The view; decorators are looked through.
        hints: Its annotations, resolved.
        filled: The names that the rule fills.

    Raises `TypeError` for a parameter that can't be filled.
    """
    found = list(_entries(view, hints, filled))
    forms = [entry for entry in found if isinstance(entry.marker, (Form, File))]
    entries = [replace(entry, is_whole=_is_whole(entry, forms)) for entry in found]
    for entry in entries:
        _check_default(entry)
    _check_names(entries)
    return entries


def _entries(
    view: Callable[..., t.Any], hints: dict[str, t.Any], filled: Collection[str]
) -> Iterator[Entry]:
    decorated = hasattr(view, "__wrapped__")
    for name, parameter in inspect.signature(view).parameters.items():
        default = parameter.default
        if _marks(default):
            raise TypeError(
                f"{name!r} has a marker as its default. Write {name}: Annotated[...,"
                f" {type(default).__name__}()] instead."
            )
        if name not in hints or parameter.kind not in _NAMED:
            continue
        entry = _entry(name, hints[name], default, in_rule=name in filled, decorated=decorated)
        if entry is not None:
            yield entry


def _entry(
    name: str, hint: t.Any, default: t.Any, *, in_rule: bool, decorated: bool
) -> Entry | None:
    """Return a parameter; None if the rule's converter or a decorator fills it."""
    annotation, marker = _split(hint)
    if in_rule:
        marker = _marker_of_variable(name, hint, marker)
        if marker is None:
            refuse_strays(name, hint)
            return None
    try:
        kind = _kind_of(name, annotation)
        place = marker or _marker_for(name, annotation, kind)
    except TypeError:
        if decorated and marker is None:
            return None
        refuse_strays(name, hint)
        raise
    refuse_strays(name, hint)
    if isinstance(place, Path) and not in_rule:
        raise TypeError(
            f"{name!r} is marked Path(), but the rule has no variable <{name}>. Add it to the rule,"
            " or remove the marker."
        )
    if isinstance(place, Body) and kind is not None and holds(kind, types.CustomType):
        raise TypeError(_unusable(name, annotation))
    required = default is inspect.Parameter.empty
    return Entry(name, annotation, msgspec.NODEFAULT if required else default, place, kind)


def _kind_of(name: str, annotation: t.Any) -> types.Type | None:
    """Return what msgspec says of a type; None if Pydantic checks its values."""
    if is_checked_by_pydantic(annotation):
        return None
    try:
        kind = kind_of(annotation)
        refuse_shared(kind)
        refuse_keys(kind)
        refuse_unfilled(kind)
    except TypeError as error:
        raise TypeError(f"{name!r} can't be filled: {_explained(error)}") from error
    for item in all_in(kind):
        cls = getattr(item, "cls", None)
        if is_dataclass_of_pydantic(t.get_origin(cls) or cls):
            raise TypeError(
                f"{name!r} can't be filled: {cls!r} in it is a dataclass of Pydantic's, whose"
                " checks would not run. Make what holds it a model of Pydantic's too, or make it a"
                " msgspec.Struct."
            )
    return kind


def _split(annotation: t.Any) -> tuple[t.Any, Parameter | None]:
    """Return an annotation without its marker, and the marker."""
    annotation = unaliased(annotation)
    extras = t.get_args(annotation)[1:] if t.get_origin(annotation) is t.Annotated else ()
    inner = t.get_args(annotation)[0] if extras else annotation
    if (hidden := hidden_marker(annotation, _marks, in_fields=False)) is not None:
        hidden = hidden() if isinstance(hidden, type) else hidden
        raise TypeError(
            f"{hidden!r} is inside of {inner!r}, where it says nothing. Put it around all of it,"
            f" as in Annotated[str | None, {type(hidden).__name__}()]."
        )
    markers = [extra() if isinstance(extra, type) else extra for extra in extras if _marks(extra)]
    rest = tuple(extra for extra in extras if not _marks(extra))
    if len(markers) > 1:
        raise TypeError(
            f"{' and '.join(map(repr, markers))} can't both say where it comes from."
            f" Keep one of them, as in Annotated[..., {type(markers[0]).__name__}()], or take a"
            " parameter for each."
        )
    marker = t.cast("Parameter | None", markers[0] if markers else None)
    return (t.Annotated[(inner, *rest)] if rest else inner), marker


def _marks(extra: t.Any) -> bool:
    return isinstance(extra, Parameter) or (
        isinstance(extra, type) and issubclass(extra, Parameter)
    )


def _marker_of_variable(name: str, hint: t.Any, marker: Parameter | None) -> Path | None:
    """Return the marker of a rule's variable; None if only its converter has a say."""
    if marker is None:
        extras = t.get_args(hint)[1:] if t.get_origin(hint) is t.Annotated else ()
        # A converter makes an infinity of very many digits, which JSON can't say.
        checked = hint is float or any(isinstance(extra, msgspec.Meta) for extra in extras)
        return Path() if checked else None
    if isinstance(marker, Path):
        return marker
    raise TypeError(
        f"{name!r} is marked {type(marker).__name__}(), but the rule's variable <{name}> fills it."
        " Rename one of the two, or remove the marker."
    )


def _marker_for(name: str, annotation: t.Any, kind: types.Type | None) -> Parameter:
    """Return the place that a type has by itself; raises `TypeError` if it has none."""
    if kind is None:
        return Body()
    if is_file(kind):
        return File()
    if not holds(kind, types.CustomType):
        if is_text(kind):
            return Query()
        if _is_object(kind):
            return Body()
    if isinstance(annotation, type) and issubclass(annotation, BaseRequest):
        raise TypeError(
            f"{name!r} is not filled with the request. Import `request` from costrel instead: it"
            " is the current request in every view."
        )
    raise TypeError(_unusable(name, annotation))


def _unusable(name: str, annotation: t.Any) -> str:
    if annotation is Partial:
        return f"{name!r} is Partial of no model. Write Partial[...], as in {name}: Partial[Book]."
    return (
        f"{name!r} can't be filled from a request: {annotation!r} is no number, text, date or"
        " the like, no list of these, and no struct, dataclass, TypedDict or attrs class. Mark"
        " it, as in Annotated[..., Body()], or remove the annotation."
    )


def _explained(error: TypeError) -> str:
    """Return what msgspec says of a type, with what to write if it is a union."""
    if "union" not in str(error):
        return str(error)
    return (
        f"{str(error).rstrip('.')}. Make them structs with a tag each, as in"
        " `class Card(Struct, tag=True)`: then the field 'type' tells them apart."
    )


def _is_object(kind: types.Type) -> bool:
    """Whether a type is an object with fields, one of several, or a list of such."""
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        rest = [item for item in members_of(kind) if not isinstance(item, types.NoneType)]
        return bool(rest) and all(map(_is_object, rest))
    return _is_object(kind.item_type) if isinstance(kind, ARRAYS) else isinstance(kind, OBJECTS)


def _is_whole(entry: Entry, forms: list[Entry]) -> bool:
    """Whether a parameter is a model of all values of its place.

    A model is the whole form if it is all that comes from a form; otherwise it is a part.
    """
    if not isinstance(entry.marker, (Query, Header, Cookie, Form)):
        return False
    if isinstance(entry.marker, Form) and entry.kind is None:
        raise TypeError(
            f"{entry.name!r} is a form, which models of Pydantic can't be filled from. Make it a"
            " msgspec.Struct or a dataclass."
        )
    if isinstance(entry.marker, Form) and len(forms) > 1:
        return False
    if entry.kind is None and model_in(entry.annotation) is None:
        raise TypeError(
            f"{entry.name!r} can't be filled from the {entry.marker.place}: of Pydantic's types,"
            " only a single model can, whose fields are the values."
        )
    return entry.kind is None or isinstance(without_none(entry.kind), OBJECTS)


def _check_default(entry: Entry) -> None:
    """Raise `TypeError` for a default of another type than the parameter's."""
    default = entry.default
    if entry.is_required or default is None or default is UNSET:
        return
    if isinstance(entry.marker, (File, Path)) or entry.kind is None:
        return
    try:
        msgspec.convert(msgspec.to_builtins(default, str_keys=True), entry.annotation)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The default of {entry.name!r}, {default!r}, is none that a client could send:"
            f" {error}. Change it or the annotation; a default of None may always be there."
        ) from error


def _check_names(entries: list[Entry]) -> None:
    """Raise `TypeError` for two parameters of one place that clients send by the same name."""
    owners: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        place = "form" if isinstance(entry.marker, File) else entry.marker.place
        for key in _keys_of(entry):
            # SPEC(RFC 9110 §5.1): the names of header fields have no case.
            name = key.lower() if place == "header" else key
            owner = owners.setdefault((place, name), entry)
            if owner is not entry:
                raise TypeError(
                    f"{owner.name!r} and {entry.name!r} are both filled from {key!r} of the"
                    f" {place}. Give one of them another name, as in"
                    f" {type(entry.marker).__name__}(alias=...)."
                )


def _keys_of(entry: Entry) -> list[str]:
    """Return the names that clients send for a parameter: those of its fields, if it is whole."""
    if not entry.is_whole:
        return [entry.key]
    if entry.kind is None:
        model = model_in(entry.annotation)
        names = [key for name in model.model_fields for key in keys_of_model_field(model, name)]
    else:
        kind: t.Any = without_none(entry.kind)
        names = [field.encode_name for field in fields_of(kind)]
    return [key_of(type(entry.marker), name) for name in names]
