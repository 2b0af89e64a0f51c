"""Parameters from the query, the headers or the cookies: text, each with a type."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from itertools import islice

import msgspec
from msgspec import inspect as types

from ..ground.current import request
from . import mismatches
from .kinds import ARRAYS, OBJECTS, without_none
from .parameters import Cookie, Header, Parameter, Query
from .problems import Detail
from .text import Read, reader


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter of a view: its name, type and default, and the marker that says its place."""

    name: str
    annotation: t.Any
    default: t.Any
    marker: Parameter

    @property
    def is_required(self) -> bool:
        """Whether the view has no default for it."""
        return self.default is msgspec.NODEFAULT


class Source(t.NamedTuple):
    """How one value is read: the name that clients send, and whether there may be several."""

    key: str
    read: Read
    many: bool


class Values:
    """The parameters of a view from one place, which are converted together.

    Args:
        place: The marker class.
        entries: The parameters.

    Raises `TypeError` for a type that text can't stand for.
    """

    __slots__ = ("_kind", "_looks", "_models", "_place", "_single", "_struct")

    def __init__(self, place: type[Parameter], entries: t.Sequence[Entry]) -> None:
        self._place = place
        #: Parameters that are one value or a list.
        self._single: dict[str, Source] = {}
        #: Parameters whose fields are values: a whole query as one model.
        self._models: dict[str, dict[str, Source]] = {}
        for entry in entries:
            kind = without_none(msgspec.inspect.type_info(entry.annotation))
            if isinstance(kind, OBJECTS):
                self._models[entry.name] = {
                    field.encode_name: _source(_key(place, field.encode_name, None), field.type)
                    for field in kind.fields
                }
            else:
                key = _key(place, entry.name, entry.marker.alias)
                self._single[entry.name] = _source(key, kind)
        self._struct = msgspec.defstruct(
            "Values", [_field(entry) for entry in entries], kw_only=True
        )
        self._kind = msgspec.inspect.type_info(self._struct)
        #: Whether more is checked than what msgspec does.
        self._looks = mismatches.looks_closer(self._kind)

    def read(self, found: dict[str, t.Any], errors: list[Detail]) -> None:
        """Add the values of the current request, or what is wrong with them."""
        take = _TAKE[self._place]
        before = len(errors)
        given = self._take(self._single, take, errors)
        for name, fields in self._models.items():
            given[name] = self._take(fields, take, errors)
        try:
            values = msgspec.convert(given, self._struct)
        except msgspec.ValidationError as error:
            self._explain(given, error, errors)
        else:
            if self._looks:
                self._explain(given, None, errors)
            if len(errors) == before:
                found.update(msgspec.structs.asdict(values))

    def _take(
        self, sources: dict[str, Source], take: t.Callable[[str], list[str]], errors: list[Detail]
    ) -> dict[str, t.Any]:
        given: dict[str, t.Any] = {}
        for name, (key, read, many) in sources.items():
            texts = take(key)
            if not texts:
                continue
            if many:
                given[name] = list(map(read, _split(texts) if self._place is Header else texts))
            elif len(texts) == 1:
                given[name] = read(texts[0])
            else:
                given[name] = read(texts[0])
                errors.append(self._detail(f"/{key}", "Given more than once"))
        return given

    def _explain(
        self, given: dict[str, t.Any], error: msgspec.ValidationError | None, errors: list[Detail]
    ) -> None:
        """Add everything that does not fit, by the names that clients send."""
        found = list(islice(mismatches.find(given, self._kind), mismatches.LIMIT))
        if not found and error is not None:
            # Refused by code of the type itself, such as ``__post_init__``.
            errors.append(self._detail("", mismatches.detail_of(error)))
        for pointer, detail in found:
            _root, name, *rest = pointer.split("/")
            source = self._single.get(name)
            if source is None and rest:
                field = self._models[name].get(rest[0])
                rest = [rest[0] if field is None else field.key, *rest[1:]]
            elif source is not None:
                rest = [source.key, *rest]
            errors.append(self._detail("".join(f"/{part}" for part in rest), detail))

    def _detail(self, pointer: str, detail: str) -> Detail:
        # All of it is text, so that it got some says nothing.
        detail = detail.removesuffix(", got `str`")
        return Detail(self._place.place, pointer, detail)


def _field(entry: Entry) -> tuple[t.Any, ...]:
    """Return a field for `msgspec.defstruct`; a default is the view's, whatever its type."""
    if entry.is_required:
        return entry.name, entry.annotation
    default = entry.default
    return entry.name, entry.annotation, msgspec.field(default_factory=lambda: default)


def _source(key: str, kind: types.Type) -> Source:
    kind = without_none(kind)
    many = isinstance(kind, ARRAYS)
    read = reader(kind.item_type if many else kind)  # type: ignore[attr-defined]
    if read is None:
        raise TypeError(
            f"{key!r} has a type that text can't stand for. Text is a number, a boolean, a"
            " string, a date, a UUID or the like, or a list of these."
        )
    return Source(key, read, many)


def _key(place: type[Parameter], name: str, alias: str | None) -> str:
    if alias is not None:
        return alias
    return name.replace("_", "-").title() if place is Header else name


def _split(texts: list[str]) -> list[str]:
    """SPEC(RFC 9110 §5.6.1): the items of a list header."""
    return [item for text in texts for part in text.split(",") if (item := part.strip())]


def _take_query(key: str) -> list[str]:
    found: list[str] = request.args.getlist(key)
    return found


def _take_header(key: str) -> list[str]:
    found: list[str] = request.headers.getlist(key)
    return found


def _take_cookie(key: str) -> list[str]:
    found: list[str] = request.cookies.getlist(key)
    return found


_TAKE: dict[type[Parameter], t.Callable[[str], list[str]]] = {
    Query: _take_query,
    Header: _take_header,
    Cookie: _take_cookie,
}
