"""Read what a view's return annotation and its ``responses=`` declare, status by status."""

from __future__ import annotations

import collections.abc as cabc
import dataclasses
import enum
import inspect
import typing as t
from dataclasses import dataclass, field
from functools import lru_cache
from types import UnionType

from msgspec import Struct
from msgspec import inspect as types
from werkzeug.wrappers import Response as BaseResponse

from .aliases import is_alias, without_aliases
from .generics import open_class_in
from .kinds import OBJECTS, all_in, bare, holds, kind_of, refuse_keys
from .models import has_model

NOT_SAID: t.Any = object()
"""The return annotation of a view without one."""

NOTHING = (None, type(None))
"""What a view declares that answers without a body."""

_PLAIN = (types.AnyType, types.StrType, types.BytesType, types.CustomType)
"""Types that a view of Flask returns too; alone, they are sent as Flask sends them."""

_SENT_BY_FLASK = (
    str, bytes, bytearray, dict, list, tuple, cabc.Mapping, cabc.Iterable, cabc.AsyncIterable,
    cabc.Awaitable,
)  # fmt: skip

_STREAMS = (cabc.Iterator, cabc.Generator, cabc.AsyncIterator, cabc.AsyncGenerator)


@dataclass(slots=True)
class Returns:
    """What a view may return.

    Attributes:
        data: The types of its data, for any status that has none of its own.
        by_status: The types of data for one status.
        passed: Classes whose values are sent as Flask sends them: text, responses.
        events: The type of the data in an ``EventStream[...]``.
        lines: The type of each item of an iterator.
    """

    data: list[t.Any] = field(default_factory=list)
    by_status: dict[int, list[t.Any]] = field(default_factory=dict)
    passed: list[type] = field(default_factory=list)
    events: list[t.Any] = field(default_factory=list)
    lines: list[t.Any] = field(default_factory=list)

    @classmethod
    def of(cls, annotation: t.Any) -> Returns:
        """Read a return annotation; raises `TypeError` for one that can't be filtered."""
        found = cls()
        for member, statuses in _members_of(without_aliases(annotation)):
            origin, arguments = t.get_origin(member), t.get_args(member)
            if _is_page_class(member):
                found.passed.append(member)
                found.events += _events_of(member)
            elif _is_page_class(origin):
                found.passed.append(t.cast("type", origin))
                found.events += arguments[:1]
            elif origin in _STREAMS and arguments and declares_data(arguments[0]):
                found.lines.append(arguments[0])
            elif statuses:
                for status in statuses:
                    found.by_status.setdefault(status, []).append(member)
            else:
                found.data.append(member)
        return found


def _members_of(
    annotation: t.Any, statuses: tuple[int, ...] = ()
) -> t.Iterator[tuple[t.Any, tuple[int, ...]]]:
    """Yield the types of what a view may return, with the statuses of each, if it says any.

    ``tuple[Problem, Literal[404]]`` is a problem with the status 404, and ``tuple[Book, int]`` a
    book with any.
    """
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if origin in {t.Union, UnionType}:
        for argument in arguments:
            yield from _members_of(argument, statuses)
    elif _has_more(annotation):
        if any(map(names_object, arguments[1:])):
            raise TypeError(
                f"{annotation!r} is a value with its status or header fields, which are no objects"
                " with fields. Write list[...] for several values."
            )
        yield from _members_of(arguments[0], _statuses_in(arguments[1]))
    elif origin is t.Annotated and _is_answer(arguments[0]):
        yield from _members_of(arguments[0], statuses)
    elif annotation is tuple or (origin is tuple and not arguments):
        # As Flask's views are annotated that return ("text", 404): it says nothing of the value.
        yield t.Any, statuses
    else:
        yield annotation, statuses


def _has_more(annotation: t.Any) -> bool:
    """Whether this is a value with its status, header fields or both."""
    arguments = t.get_args(annotation)
    is_tuple = t.get_origin(annotation) is tuple
    return is_tuple and len(arguments) in {2, 3} and ... not in arguments


def _is_answer(annotation: t.Any) -> bool:
    """Whether a type is, or has as a member, more than the type of data."""
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if origin in {t.Union, UnionType}:
        return any(map(_is_answer, arguments))
    if origin is t.Annotated:
        return _is_answer(arguments[0])
    return (
        _has_more(annotation)
        or origin in _STREAMS
        or _is_page_class(annotation)
        or _is_page_class(origin)
    )


def _events_of(cls: type) -> list[t.Any]:
    """Return the type that a class derived from ``EventStream[...]`` says of its data."""
    for one in cls.__mro__:
        for base in vars(one).get("__orig_bases__", ()):
            origin, arguments = t.get_origin(base), t.get_args(base)
            if _is_page_class(origin) and not isinstance(arguments[0], t.TypeVar):
                return [without_aliases(arguments[0])]
    return []


def _statuses_in(annotation: t.Any) -> tuple[int, ...]:
    if t.get_origin(annotation) is not t.Literal:
        return ()
    return tuple(int(status) for status in t.get_args(annotation) if isinstance(status, int))


def is_page(annotation: t.Any) -> bool:
    """Whether a return annotation says that it may be text or a response, not data.

    Events of a declared type are data.
    """
    found = Returns.of(annotation)
    return bool(found.passed) and not (found.events and all(map(_has_events, found.passed)))


def is_stream(annotation: t.Any) -> bool:
    """Whether a return annotation says that it sends events, and nothing else."""
    found = Returns.of(annotation)
    others = found.data or found.by_status or found.lines
    return bool(found.passed) and all(map(_has_events, found.passed)) and not others


def _has_events(cls: type) -> bool:
    """Whether a class of responses is `EventStream`, which is not imported for this."""
    return hasattr(cls, "narrow_data")


def _is_page_class(member: t.Any) -> bool:
    return isinstance(member, type) and (
        issubclass(member, BaseResponse)
        or (issubclass(member, (str, bytes)) and not issubclass(member, enum.Enum))
    )


def declares_data(annotation: t.Any) -> bool:
    """Whether a type declares more than a view of Flask may return, so that it is filtered.

    Raises `TypeError` for a type that declares objects, but that msgspec can't tell apart or does
    not know, or for a generic class without its arguments: without a filter, what it does not
    declare would leave too.
    """
    try:
        return _kept_decision(annotation)
    except TypeError:  # perhaps only unhashable
        return _declares_data(annotation)


def _declares_data(annotation: t.Any) -> bool:
    try:
        kind = kind_of(annotation)
    except TypeError as error:
        if names_object(annotation) or any(map(_may_be_schema, _all_members_of(annotation))):
            raise TypeError(
                f"Its values can't be filtered by what it returns: {error}. If each has a status of"
                " its own, say so: responses={404: Problem}, or tuple[Problem, Literal[404]]."
            ) from error
        return False
    _check_arguments(annotation, kind)
    if has_model(annotation):
        return True
    if _is_schema(kind) and not holds(kind, types.CustomType):
        try:
            refuse_keys(kind)
        except TypeError as error:
            raise TypeError(f"What it returns can't be sent: {error}") from error
        return True
    # SECURITY(excess data): what declares objects, or the type of items, is filtered, or refused.
    if names_object(annotation) or any(holds(kind, family) for family in OBJECTS):
        raise _unknown_class(annotation)
    _check_classes(kind)
    if any(map(_may_be_schema, _all_members_of(annotation))):
        raise _unknown_class(annotation)
    return False


def _unknown_class(annotation: t.Any) -> TypeError:
    """Return the error for a type that has a class of which msgspec knows nothing."""
    return TypeError(
        f"Its values can't be filtered by what it returns: {annotation!r} holds a class that"
        " JSON can't stand for. Write list[...] for a collection, dict[str, ...] for a mapping,"
        " Iterator[...] or AsyncIterator[...] for a stream."
    )


# INVARIANT: bounded, so that classes made at run time can be freed.
_kept_decision = lru_cache(maxsize=1_000)(_declares_data)


def _check_arguments(annotation: t.Any, kind: types.Type) -> None:
    """Raise `TypeError` for a generic class that does not say of what it, or its base, is.

    SECURITY: the fields whose type it leaves open would be sent with all that they hold.
    """
    cls = open_class_in(annotation, kind)
    if cls is None:
        return
    name = getattr(cls, "__name__", repr(cls))
    advice = f"Write {name}[...], as in {name}[Book]."
    if not getattr(cls, "__parameters__", ()):
        advice = (
            f"Write of what its base is, as in class {name}(Page[Book]), or the type of each field."
        )
    raise TypeError(
        f"Its values can't be filtered by what it returns: {name} does not say of what it is."
        f" {advice}"
    )


def _check_classes(kind: types.Type) -> None:
    """Raise `TypeError` for a class that neither says what to send nor is sent by Flask."""
    for item in all_in(kind):
        if isinstance(item, types.CustomType) and not _is_sent_by_flask(item.cls):
            raise TypeError(
                f"{item.cls.__qualname__} does not say what to send, since it is no struct,"
                " dataclass, TypedDict, attrs class or model of Pydantic's. Declare one with the"
                " fields to send, and return that: its fields are read from the object's"
                " attributes."
            )


def _is_sent_by_flask(cls: t.Any) -> bool:
    """Whether Flask's rules send values of a class, or may: text, data, streams and WSGI apps."""
    if not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return True
    return issubclass(cls, _SENT_BY_FLASK) or any("__call__" in vars(one) for one in cls.__mro__)


def check_generator(function: t.Callable[..., t.Any], annotation: t.Any) -> None:
    """Raise `TypeError` for a generator function that says that it returns a response."""
    passed = [one for one in Returns.of(annotation).passed if issubclass(one, BaseResponse)]
    if passed and (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        name = passed[0].__name__
        raise TypeError(
            f"It has a `yield`, but says that it returns {name}. Put the `yield` into a function"
            f" of its own, such as `def events()`, and write `return {name}(events())`."
        )


def names_object(annotation: t.Any) -> bool:  # noqa: PLR0911  a table of kinds
    """Whether a type is made of any class with declared fields, wherever that stands."""
    if isinstance(annotation, (list, tuple)):  # the parameters of a Callable
        return any(map(names_object, annotation))
    if is_alias(annotation):
        return names_object(without_aliases(annotation))
    if isinstance(annotation, t.TypeVar):
        return any(map(names_object, (annotation.__bound__, *annotation.__constraints__)))
    if isinstance(annotation, t.NewType):
        return names_object(annotation.__supertype__)
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if origin is t.Literal:
        return False
    if origin is t.Annotated:
        return names_object(arguments[0])
    return _is_object(origin or annotation) or any(map(names_object, arguments))


def _is_object(member: t.Any) -> bool:
    """Whether a class has declared fields."""
    return isinstance(member, type) and (
        issubclass(member, Struct)
        or dataclasses.is_dataclass(member)
        or (issubclass(member, dict) and hasattr(member, "__total__"))
        or hasattr(member, "__attrs_attrs__")
        or (issubclass(member, tuple) and hasattr(member, "_fields"))
        or has_model(member)
    )


def _all_members_of(annotation: t.Any) -> t.Iterator[t.Any]:
    """Yield the members of a union, or the type itself."""
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if origin in {t.Union, UnionType}:
        for argument in arguments:
            yield from _all_members_of(argument)
    elif origin is t.Annotated:
        yield from _all_members_of(arguments[0])
    else:
        yield annotation


def _may_be_schema(member: t.Any) -> bool:
    """Whether a type says more of its values than Flask's rules look at.

    ``Counter[str]`` and ``deque[int]`` do, though msgspec knows neither.
    """
    try:
        kind = kind_of(member)
    except TypeError:
        return False
    if isinstance(bare(kind), types.NoneType):
        return False
    if not isinstance(bare(kind), types.CustomType):
        return _is_schema(kind)
    origin, arguments = t.get_origin(member), t.get_args(member)
    if not isinstance(origin, type) or not issubclass(origin, cabc.Iterable):
        return False
    is_stream = origin in {cabc.Iterable, *_STREAMS}
    items = [one for argument in arguments for one in _all_members_of(argument)]
    return not is_stream and any(item is not t.Any for item in items)


def _is_schema(kind: types.Type) -> bool:
    """Whether a type declares more than what a view of Flask may return."""
    kind = bare(kind)
    if isinstance(kind, types.UnionType):
        return any(not isinstance(item, types.NoneType) and _is_schema(item) for item in kind.types)
    if isinstance(kind, types.DictType):
        return not isinstance(kind.value_type, types.AnyType)
    if isinstance(kind, types.ListType):
        return not isinstance(kind.item_type, types.AnyType)
    return not isinstance(kind, _PLAIN)
