"""Parameters from the query, the headers or the cookies: text, each with a type."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice

import msgspec
from msgspec import inspect as types

from ..json.depth import TOO_DEEP
from . import mismatches
from .defaults import IMMUTABLE
from .kinds import ARRAYS, fields_of, limit_of, without_none
from .parameters import Form, Header, Parameter, Query
from .places import TAKERS, Take, key_of
from .problems import Detail
from .text import Read, reader

if t.TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter of a view.

    Attributes:
        name: Its name in the signature.
        annotation: Its type, without the marker.
        default: Its default; `msgspec.NODEFAULT` without one.
        marker: Which says where it comes from, and what the documentation says of it.
        kind: What msgspec says of the type; None if it has models of Pydantic's.
        is_whole: Whether it is a model of all values of its place: each field is a value.
    """

    name: str
    annotation: t.Any
    default: t.Any
    marker: Parameter
    # Those of recursive types can be neither compared nor shown.
    kind: t.Any = field(compare=False, repr=False)
    is_whole: bool = False

    @property
    def is_required(self) -> bool:
        """Whether the view has no default for it."""
        return self.default is msgspec.NODEFAULT

    @property
    def key(self) -> str:
        """The name that clients send; that of a whole model is none."""
        return key_of(type(self.marker), self.name, self.marker.alias)


class Source(t.NamedTuple):
    """How one value is read.

    Attributes:
        key: The name that clients send.
        field: The name under which it is converted.
        read: Reads its text, or all its texts if there may be several; None to leave them.
        many: Whether there may be several.
    """

    key: str
    field: str
    read: t.Callable[[t.Any], t.Any] | None
    many: bool


def fill(
    sources: t.Iterable[Source], take: Take, given: dict[str, t.Any], repeated: list[str]
) -> None:
    """Add the values that there are, and the keys of single values that were given twice."""
    for key, name, read, many in sources:
        texts = take(key)
        if not texts:
            continue
        if many:
            given[name] = texts if read is None else read(texts)
            continue
        given[name] = texts[0] if read is None else read(texts[0])
        if len(texts) > 1:
            repeated.append(key)


class Values:
    """The parameters of a view from one place, which are converted together.

    Args:
        place: The marker class.
        entries: The parameters.

    Attributes:
        place: The marker class.
        names: All names that clients may send.
        refuses: Whether a model in it forbids other names.
        known: The names that the function and its dependencies know together, to refuse all
            others; None to ignore them.

    Raises `TypeError` for a type that text can't stand for.
    """

    __slots__ = (
        "_kind", "_limits", "_looks", "_models", "_optional", "_single", "_struct", "known",
        "names", "place", "refuses",
    )  # fmt: skip

    def __init__(self, place: type[Parameter], entries: t.Sequence[Entry]) -> None:
        self.place = place
        self.refuses = False
        self.known: frozenset[str] | None = None
        #: Parameters that are one value or a list.
        self._single: list[Source] = []
        #: Parameters whose fields are values: a whole query as one model.
        self._models: dict[str, list[Source]] = {}
        self._optional = {_field_of(entry) for entry in entries if not entry.is_required}
        for entry in entries:
            if entry.is_whole:
                kind = without_none(entry.kind)
                self._models[_field_of(entry)] = self._sources(kind)
                self.refuses |= getattr(kind, "forbid_unknown_fields", False)
            else:
                self._single.append(
                    self._source(entry.key, entry.key, entry.kind, is_required=entry.is_required)
                )
        found = [*self._single, *(one for many in self._models.values() for one in many)]
        self.names = frozenset(source.key for source in found)
        self._struct = _struct_of(entries)
        self._kind = types.StructType(self._struct, tuple(map(_field, entries)))
        #: Whether more is checked than what msgspec does.
        self._looks = mismatches.looks_closer(self._kind)
        #: How many items each set may have, whose hashes clients know.
        self._limits = _limits_of(entries)

    def read(self, found: dict[str, t.Any], errors: list[Detail]) -> None:
        """Add the values of the current request, or what is wrong with them."""
        before = len(errors)
        given = self._given(errors)
        if self._limits and (too_many := self._too_many(given)):
            errors += too_many
            return
        try:
            values = msgspec.convert(given, self._struct)
        except msgspec.ValidationError as error:
            errors += self._explain(given, error, errors[before:])
        except RecursionError:
            if self.place is not Form:
                # Text has no depth: it is an error of the type's own code.
                raise
            errors.append(self._detail([], TOO_DEEP))
        else:
            if self._looks:
                errors += self._explain(given, None, errors[before:])
            if len(errors) == before:
                found.update(msgspec.structs.asdict(values))

    def _sources(self, kind: t.Any) -> list[Source]:
        """Return how the fields of a model are read."""
        return [
            self._source(
                key_of(self.place, field.encode_name),
                field.encode_name,
                field.type,
                is_required=field.required,
            )
            for field in fields_of(kind)
        ]

    def _source(
        self,
        key: str,
        field: str,
        kind: types.Type,
        *,
        is_required: bool,  # noqa: ARG002  forms look at it
    ) -> Source:
        return text_source(self.place, key, field, kind)

    def _given(self, errors: list[Detail]) -> dict[str, t.Any]:
        """Return what the current request has; add what can't be read of it."""
        return self._taken(*TAKERS[self.place](), errors)

    def _taken(self, take: Take, names: Collection[str], errors: list[Detail]) -> dict[str, t.Any]:
        given: dict[str, t.Any] = {}
        repeated: list[str] = []
        fill(self._single, take, given, repeated)
        count = len(given)
        for name, sources in self._models.items():
            model: dict[str, t.Any] = {}
            fill(sources, take, model, repeated)
            count += len(model)
            if model or name not in self._optional:
                given[name] = model
        if repeated:
            errors += [self._detail([key], "Given more than once") for key in repeated]
        if self.known is not None and count != len(names):
            errors += unknown(self.place, names, self.known)
        return given

    def _too_many(self, given: dict[str, t.Any]) -> list[Detail]:
        """Return the errors of sets that have too many items to be made at all."""
        found: list[Detail] = []
        for path, limit in self._limits:
            value: t.Any = given
            for step in path:
                value = value.get(step, ()) if isinstance(value, dict) else ()
            if isinstance(value, list) and len(value) > limit:
                pointer = mismatches.pointer_of(path)
                where = self._path(pointer)
                found.append(self._detail(where, f"Expected `array` of length <= {limit}"))
        return found

    def _explain(
        self,
        given: dict[str, t.Any],
        error: msgspec.ValidationError | None,
        reported: list[Detail],
    ) -> list[Detail]:
        """Return everything that does not fit, by the names that clients send."""
        try:
            found = list(islice(mismatches.find(given, self._kind), mismatches.LIMIT))
        except RecursionError:
            found = []
        if not found and error is not None:
            # Refused by code of the type itself, such as ``__post_init__``.
            return [self._detail([], mismatches.detail_of(error))]
        details = [self._detail(self._path(pointer), detail) for pointer, detail in found]
        seen = {item.pointer for item in reported}
        return [item for item in details if item.pointer not in seen]

    def _path(self, pointer: str) -> list[str]:
        """Return the steps of a pointer into what was converted, as clients know them."""
        _root, field, *rest = map(mismatches.unescaped, pointer.split("/"))
        for source in self._models.get(field, ()):
            if rest and source.field == rest[0]:
                return [source.key, *rest[1:]]
        return rest if field in self._models else [field, *rest]

    def _detail(self, path: t.Sequence[str], detail: str) -> Detail:
        # All of it is text, so that it got some says nothing.
        detail = mismatches.cut(detail.removesuffix(", got `str`"))
        return Detail(self.place.place, mismatches.pointer_of(path), detail)


def unknown(
    place: type[Parameter], names: t.Iterable[str | None], known: Collection[str]
) -> list[Detail]:
    """Return an error for each name that is not known."""
    found = islice((name for name in names if name not in known), mismatches.LIMIT)
    detail = "Unknown parameter" if place is Query else "Unknown field"
    return [
        Detail(place.place, "", "A part has no name")
        # SPEC(RFC 7578 §4.2): each part has one, but Werkzeug takes those without.
        if name is None
        else Detail(place.place, mismatches.below("", name), detail)
        for name in found
    ]


def _limits_of(entries: t.Iterable[Entry]) -> list[tuple[list[str], int]]:
    """Return the paths of the sets of text that clients could fill beyond a limit."""
    found = []
    for entry in entries:
        kind: t.Any = without_none(entry.kind)
        path = [_field_of(entry)]
        places = [(path, kind)]
        if entry.is_whole:
            places = [([*path, one.encode_name], without_none(one.type)) for one in fields_of(kind)]
        for place, one in places:
            limit = limit_of(one)
            if limit is not None and isinstance(one, ARRAYS):
                found.append((place, limit))
    return found


def _field_of(entry: Entry) -> str:
    """Return the name under which a parameter is converted: its key, or none of a client's."""
    return f"({entry.name})" if entry.is_whole else entry.key


def _field(entry: Entry) -> types.Field:
    name = _field_of(entry)
    return types.Field(entry.name, name, entry.kind, required=entry.is_required)


def _struct_of(entries: t.Sequence[Entry]) -> type[msgspec.Struct]:
    """Return the struct that parameters are converted as; many views take the same ones."""
    if all(entry.is_required or isinstance(entry.default, IMMUTABLE) for entry in entries):
        with suppress(TypeError):  # for what can't be hashed
            return _shared_struct(*map(_AsWritten, entries))
    return _make_struct(entries)


class _AsWritten:
    """A parameter that is equal to another only if it is written alike."""

    __slots__ = ("_key", "entry")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        # By its representation: 0.0 is equal to -0.0, and True to 1.
        default = type(entry.default), repr(entry.default)
        self._key = entry.name, entry.annotation, default, _field_of(entry)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _AsWritten) and self._key == other._key


@lru_cache(maxsize=256)
def _shared_struct(*written: _AsWritten) -> type[msgspec.Struct]:
    return _make_struct([one.entry for one in written])


def _make_struct(entries: t.Sequence[Entry]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Values",
        [_definition(entry) for entry in entries],
        kw_only=True,
        rename={entry.name: _field_of(entry) for entry in entries},
    )


def _definition(entry: Entry) -> tuple[t.Any, ...]:
    """Return a field for `msgspec.defstruct`; each request gets a list of its own."""
    if entry.is_required:
        return entry.name, entry.annotation
    make = default_maker(entry)
    if make is None:
        return entry.name, entry.annotation, msgspec.field(default=entry.default)
    return entry.name, entry.annotation, msgspec.field(default_factory=make)


def default_maker(entry: Entry) -> t.Callable[[], t.Any] | None:
    """Return what makes the default for a request; None if there is none, or it can't change.

    SECURITY(shared state): each request gets a copy, or what one changes would be in the next.
    Raises `TypeError` for a default that can't be copied.
    """
    if entry.is_required or isinstance(entry.default, IMMUTABLE):
        return None
    make = partial(deepcopy, entry.default)
    try:
        make()
    except Exception as error:
        raise TypeError(
            f"The default of {entry.name!r}, {entry.default!r}, can't be copied for each request:"
            f" {error}. Make it None, and make the value in the view."
        ) from error
    return make


def text_source(place: type[Parameter], key: str, field: str, kind: types.Type) -> Source:
    """Return how a value is read that text can stand for; raises `TypeError` for others."""
    kind = without_none(kind)
    many = isinstance(kind, ARRAYS)
    read = reader(kind.item_type if many else kind, in_form=place is Form)  # type: ignore[attr-defined]
    if read is None:
        raise TypeError(
            f"{key!r} has a type that text can't stand for. Text is a number, a boolean, a"
            " string, a date, a UUID or the like, or a list of these."
        )
    if many:
        return Source(key, field, _reader_of_all(read, splits=place is Header), many)
    return Source(key, field, None if read is str else read, many)


def _reader_of_all(read: Read, *, splits: bool) -> t.Callable[[list[str]], t.Any] | None:
    """Return what reads all texts of a name."""
    if splits:
        return lambda texts: [read(item) for item in _split(texts)]
    return None if read is str else lambda texts: [read(text) for text in texts]


def _split(texts: list[str]) -> list[str]:
    """SPEC(RFC 9110 §5.6.1): the items of a list header."""
    return [item for text in texts for part in text.split(",") if (item := part.strip())]
