"""What a typed view's return annotation makes of its value: JSON with what is declared, only."""

from __future__ import annotations

import enum
import typing as t
from types import UnionType

import msgspec
from msgspec import inspect as types
from werkzeug.wrappers import Response as BaseResponse

from ..wrappers import Response
from .kinds import OBJECTS, bare, holds
from .picking import pick

Send = t.Callable[[t.Any], t.Any]

_PLAIN = (types.AnyType, types.StrType, types.BytesType, types.CustomType)
"""Types that a view of Flask returns too; alone, they are sent as Flask sends them."""


class Answer:
    """Send a view's values as JSON of the declared type.

    SECURITY(excess data): a value is encoded, decoded as the declared type and encoded again,
    so that no attribute leaves that the type does not have, however deep in the value.

    Args:
        annotation: The declared type.
        view: What error messages call the view.
        status: The status of its answers.
        passed: Classes whose values are sent as Flask sends them, besides responses.
    """

    __slots__ = ("_annotation", "_decode", "_kind", "_passed", "_status", "_view")

    def __init__(
        self, annotation: t.Any, view: str, status: int, passed: tuple[type, ...] = ()
    ) -> None:
        self._annotation = annotation
        self._passed = (BaseResponse, *passed)
        self._kind = msgspec.inspect.type_info(annotation)
        self._decode = msgspec.json.Decoder(annotation).decode
        self._view = view
        self._status = status

    def __call__(self, value: t.Any) -> t.Any:
        """Return the response; a response is returned as it is, a tuple with the rest of it.

        Raises `TypeError` (500) for a value that does not fit; nothing of it is sent.
        """
        if isinstance(value, self._passed):
            return value
        if type(value) is tuple and 2 <= len(value) <= 3:
            body, *rest = value
            return body if isinstance(body, self._passed) else self._respond(body), *rest
        return self._respond(value)

    def _respond(self, value: t.Any) -> Response:
        try:
            body = msgspec.json.encode(self._decode(msgspec.json.encode(value)))
        except (TypeError, ValueError, RecursionError):
            # There are objects in it whose attributes have to be read, or fields too many for a
            # type that forbids them; or it doesn't fit.
            body = self._picked(value)
        return Response(body, self._status, mimetype="application/json")

    def _picked(self, value: t.Any) -> bytes:
        try:
            picked = msgspec.json.encode(pick(value, self._kind))
            return msgspec.json.encode(self._decode(picked))
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(
                f"{self._view} returned a value that does not fit its return annotation: {error}"
            ) from error


def nothing(value: t.Any) -> t.Any:
    """Answer 204 for a view that is declared to return None."""
    return ("", 204) if value is None else value


def answer_of(annotation: t.Any, view: str, status: int | None) -> Send | None:
    """Return what sends a view's values; None if Flask's rules do.

    Raises `TypeError` for an annotation that declares objects, but that msgspec can't tell apart
    or does not know: without a filter, what it does not declare would leave too.
    """
    if annotation is None or annotation is type(None):
        return nothing
    members = list(_members_of(annotation))
    pages = tuple(filter(_is_page_class, members))
    rest = [member for member in members if member not in pages]
    if all(member in (None, type(None)) for member in rest):
        return None
    declared: t.Any = t.Union[tuple(rest)]  # noqa: UP007  made at run time
    try:
        kind = msgspec.inspect.type_info(declared)
    except TypeError as error:
        if any(map(_is_object, _classes_in(declared))):
            raise TypeError(f"Its values can't be filtered by what it returns: {error}") from error
        return None
    if not _is_schema(kind):
        return None
    if holds(kind, types.CustomType):
        if any(holds(kind, family) for family in OBJECTS):
            raise TypeError(
                f"Its values can't be filtered by what it returns: {declared!r} holds a class that"
                " JSON can't stand for."
            )
        return None
    return Answer(declared, view, status or 200, pages)


def _members_of(annotation: t.Any) -> t.Iterator[t.Any]:
    """Yield the types of the values that a view may return, alone or with a status or headers."""
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    has_more = origin is tuple and len(arguments) in {2, 3} and ... not in arguments
    if origin in {t.Union, UnionType}:
        for argument in arguments:
            yield from _members_of(argument)
    elif has_more or (origin is t.Annotated and is_page(arguments[0])):
        yield from _members_of(arguments[0])
    else:
        yield annotation


def _classes_in(annotation: t.Any) -> t.Iterator[t.Any]:
    """Yield the classes that an annotation is made of."""
    arguments = t.get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _classes_in(argument)


def _is_object(member: t.Any) -> bool:
    """Whether a class has declared fields."""
    try:
        return isinstance(msgspec.inspect.type_info(member), OBJECTS)
    except TypeError:
        return False


def _is_schema(kind: types.Type) -> bool:
    """Whether a type declares more than what a view of Flask may return."""
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        return any(not isinstance(item, types.NoneType) and _is_schema(item) for item in kind.types)
    if isinstance(kind, types.DictType):
        return not isinstance(kind.value_type, types.AnyType)
    if isinstance(kind, types.ListType):
        return not isinstance(kind.item_type, types.AnyType)
    if isinstance(kind, types.TupleType):
        return False
    return not isinstance(kind, _PLAIN)


def is_page(annotation: t.Any) -> bool:
    """Whether a return annotation says that it may be text or a response, not data."""
    return any(map(_is_page_class, _members_of(annotation)))


def _is_page_class(member: t.Any) -> bool:
    return isinstance(member, type) and (
        issubclass(member, BaseResponse)
        or (issubclass(member, (str, bytes)) and not issubclass(member, enum.Enum))
    )
