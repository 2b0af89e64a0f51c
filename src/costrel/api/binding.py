"""Compile what a view's parameters take from a request, once for each rule.

A parameter that the rule fills is the rule's. Of the others, one without an annotation is
never filled. A number, text, date or the like, or a list of these, comes from the query; an
object, such as a struct or dataclass, is the JSON document in the body; a marker such as
`Header` says something else.
"""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable, Collection, Iterator

import msgspec
from msgspec import inspect as types

from .document import Document
from .kinds import ARRAYS, OBJECTS, bare, holds, members_of, without_none
from .parameters import Body, Parameter, Query
from .problems import Detail, InvalidRequest
from .text import reader
from .values import Entry, Values

_WITHOUT_BODY = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Binding:
    """What fills the parameters of a view that its rule does not fill."""

    __slots__ = ("_parts", "entries", "takes_document")

    def __init__(self, parts: t.Sequence[Values | Document], entries: t.Sequence[Entry]) -> None:
        self._parts = tuple(parts)
        #: The parameters, in the order of the signature.
        self.entries = tuple(entries)
        #: Whether one of them is the body.
        self.takes_document = any(isinstance(part, Document) for part in parts)

    def values(self) -> dict[str, t.Any]:
        """Return the arguments from the current request.

        Raises `InvalidRequest` (422) with all errors, 415 for a body that is not JSON, 400 for
        broken JSON, and 413 for too much of it.
        """
        errors: list[Detail] = []
        found = self.read(errors)
        if errors:
            raise InvalidRequest(errors)
        return found

    def read(self, errors: list[Detail]) -> dict[str, t.Any]:
        """Return the arguments that fit, and add what is wrong with the others; else as `values`.

        So that what is wrong for several functions is reported together.
        """
        found: dict[str, t.Any] = {}
        for part in self._parts:
            part.read(found, errors)
        return found


def bind(
    view: Callable[..., t.Any],
    hints: dict[str, t.Any],
    filled: Collection[str],
    methods: Collection[str],
) -> Binding | None:
    """Compile a view's parameters; None if there are none to fill.

    Args:
        view: The view. Decorators are looked through, if they use `functools.wraps`.
        hints: Its annotations, resolved.
        filled: The names that the rule fills.
        methods: The rule's methods.

    Raises `TypeError` for a parameter that can't be filled.
    """
    places: dict[type[Parameter], list[Entry]] = {}
    entries = list(_entries(view, hints, filled))
    for entry in entries:
        places.setdefault(type(entry.marker), []).append(entry)
    bodies = places.pop(Body, [])
    if len(bodies) > 1:
        names = " and ".join(repr(entry.name) for entry in bodies)
        raise TypeError(
            f"Both {names} take the body. Make them fields of one struct, or say with"
            " Annotated[..., Query()] which comes from the query."
        )
    if bodies and _WITHOUT_BODY.issuperset(methods):
        raise TypeError(
            f"{bodies[0].name!r} takes the body, but requests with"
            f" {', '.join(sorted(methods))} have none. Add methods=['POST'], or say with"
            " Annotated[..., Query()] that it comes from the query."
        )
    parts: list[Values | Document] = [Values(place, found) for place, found in places.items()]
    parts += map(Document, bodies)
    return Binding(parts, entries) if parts else None


def _entries(
    view: Callable[..., t.Any], hints: dict[str, t.Any], filled: Collection[str]
) -> Iterator[Entry]:
    """Yield the parameters that are filled from the request."""
    decorated = hasattr(view, "__wrapped__")
    for name, parameter in inspect.signature(view).parameters.items():
        if name in filled or name not in hints or parameter.kind not in _NAMED:
            continue
        default = parameter.default
        annotation, marker = _split(hints[name])
        marker = marker or _marker_for(name, annotation, decorated=decorated)
        if marker is not None:
            required = default is inspect.Parameter.empty
            yield Entry(name, annotation, msgspec.NODEFAULT if required else default, marker)


def _split(annotation: t.Any) -> tuple[t.Any, Parameter | None]:
    """Return an annotation without its marker, and the marker."""
    if t.get_origin(annotation) is not t.Annotated:
        return annotation, None
    inner, *extras = t.get_args(annotation)
    markers = [extra() if isinstance(extra, type) else extra for extra in extras if _marks(extra)]
    rest = tuple(extra for extra in extras if not _marks(extra))
    if len(markers) > 1:
        raise TypeError(f"{' and '.join(map(repr, markers))} can't both say where it comes from.")
    marker = t.cast("Parameter | None", markers[0] if markers else None)
    return (t.Annotated[(inner, *rest)] if rest else inner), marker


def _marks(extra: t.Any) -> bool:
    return isinstance(extra, Parameter) or (
        isinstance(extra, type) and issubclass(extra, Parameter)
    )


def _marker_for(name: str, annotation: t.Any, *, decorated: bool) -> Parameter | None:
    """Return the place that a type has by itself; None if a decorator has to fill it."""
    try:
        kind = msgspec.inspect.type_info(annotation)
    except TypeError as error:
        if decorated:
            return None
        raise TypeError(f"{name!r} can't be filled: {error}") from error
    if not holds(kind, types.CustomType):
        if _is_text(without_none(kind)):
            return Query()
        if _is_object(kind):
            return Body()
    if decorated:
        return None
    raise TypeError(
        f"{name!r} can't be filled from a request: {annotation!r} is no number, text, date or"
        " the like, no list of these, and no struct, dataclass, TypedDict or attrs class. Mark"
        " it, as in Annotated[..., Body()], or remove the annotation."
    )


def _is_text(kind: types.Type) -> bool:
    kind = bare(kind)
    return reader(kind.item_type if isinstance(kind, ARRAYS) else kind) is not None


def _is_object(kind: types.Type) -> bool:
    """Whether a type is an object with fields, one of several, or a list of such."""
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        rest = [item for item in members_of(kind) if not isinstance(item, types.NoneType)]
        return bool(rest) and all(map(_is_object, rest))
    return _is_object(kind.item_type) if isinstance(kind, ARRAYS) else isinstance(kind, OBJECTS)
