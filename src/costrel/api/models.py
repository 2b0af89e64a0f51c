"""Pydantic's models, where the application has Pydantic: an adapter, which it does not load.

Nothing here imports Pydantic: an annotation can only have one of its models if it is loaded.
Values are held to the grammar of all typed views: Pydantic's strict mode, so that ``"1"`` is
no ``int``, except where a model says otherwise itself.
"""

from __future__ import annotations

import re
import sys
import typing as t
from dataclasses import is_dataclass

import msgspec

from . import intake, mismatches
from .grammar import grammar_of, keys_of_field, kind_of_model, parents_of_field
from .hints import DEFINE_IT
from .kinds import ARRAYS, kind_of, without_none
from .mismatches import Mismatch
from .numbers import FRACTION, decode_as_written
from .parameters import Parameter
from .places import TAKERS, key_of
from .problems import Detail
from .text import is_text
from .values import Entry, Source, default_maker, fill, text_source, unknown
from .walks import WalkError

_SMALL = 16_384
"""So many bytes of a document can't have errors of much memory."""

_MANY = 10_000
"""The most errors that are looked at: Pydantic makes all of them or none."""


class Refused(msgspec.ValidationError):
    """Raised for a value that a model refuses, with everything that is wrong."""

    def __init__(self, found: list[Mismatch]) -> None:
        super().__init__(found[0].detail if found else "Invalid value")
        self.mismatches = found


class Adapter:
    """Read and write values of a type that has Pydantic's models.

    Raises `TypeError` for a type that Pydantic does not know.
    """

    __slots__ = ("_adapter", "_decimals", "_error", "_grammar", "_integers", "_restrict")

    def __init__(self, annotation: t.Any) -> None:
        pydantic: t.Any = sys.modules["pydantic"]
        if not hasattr(pydantic, "TypeAdapter"):
            raise TypeError(f"{annotation!r} is a model of Pydantic 1. Pydantic 2 is needed.")
        self._error: type[Exception] = pydantic.ValidationError
        try:
            self._adapter = pydantic.TypeAdapter(annotation)
            if not getattr(self._adapter, "pydantic_complete", True):
                # A name in a model was not known so far: else each request would find that out.
                self._adapter.rebuild(_types_namespace={})
        except pydantic.errors.PydanticUndefinedAnnotation as error:
            raise TypeError(f"{error.message}. {DEFINE_IT}") from error
        except pydantic.errors.PydanticUserError as error:
            raise TypeError(str(error)) from error
        self._compile(self._adapter.core_schema)

    def _compile(self, schema: t.Any) -> None:
        """Find out what of it Pydantic does not check as msgspec does."""
        followed, places = (kind_of_model(schema, as_sent=as_sent) for as_sent in (False, True))
        #: Refuses sets that are too large, before Pydantic makes them; None if there are none.
        self._restrict = intake.restriction_of(followed)
        self._integers = intake.integers_of(places)
        #: Makes text of numbers for decimals, which Pydantic would make a float of before.
        self._decimals = intake.decimals_of(places)
        #: What is to be searched for values that Pydantic holds less strictly.
        self._grammar = grammar_of(schema)

    def decode(self, data: bytes) -> t.Any:
        """Return the value of a JSON document; raises `Refused`, or `msgspec.DecodeError`."""
        # Pydantic's parser takes NaN and lone surrogates, which JSON does not have.
        value = decode_as_written(data)
        if len(data) > _SMALL:
            _check_paths(value, len(data))
        return self.read(value)

    def read(self, value: t.Any) -> t.Any:
        """Return a value of dictionaries, lists and scalars as the type; raises `Refused`."""
        if self._restrict is not None:
            try:
                self._restrict(value)
            except WalkError as error:
                pointer = mismatches.pointer_of(error.path)
                raise Refused([Mismatch(pointer, error.detail)]) from error
        if self._decimals is not None:
            value = self._decimals(value)
        data = msgspec.json.encode(value)
        try:
            read = self._validated(data)
        except self._error as error:
            # Again with integers written as such, as for other types.
            if not FRACTION.search(data):
                raise Refused(_mismatches(error, value)) from error
            data = msgspec.json.encode(self._integers(value))
            try:
                read = self._validated(data)
            except self._error as caught:
                raise Refused(_mismatches(caught, value)) from caught
        if self._grammar is not None:
            if FRACTION.search(data):
                value = self._integers(value)
            found = mismatches.find(value, self._grammar)
            if found:
                raise Refused(found[: mismatches.LIMIT])
        return read

    def _validated(self, data: bytes) -> t.Any:
        return self._adapter.validator.validate_json(data, strict=True)

    def write(self, value: t.Any) -> bytes:
        """Return a value as JSON with what the type declares.

        It may be an object with the attributes of the model. Raises `msgspec.ValidationError` for
        a value that does not fit, with nothing of the value in it.

        SECURITY(excess data): Pydantic takes its own models for valid, whatever was assigned to
        them or put there by ``model_copy`` since. It warns when it writes what a field does not
        declare, and writes all of it.
        """
        try:
            checked = self._adapter.validator.validate_python(value, from_attributes=True)
        except self._error as error:
            raise msgspec.ValidationError(_first_of(error)) from None
        try:
            written: bytes = self._adapter.serializer.to_json(
                checked, by_alias=True, warnings="error"
            )
        except ValueError as error:
            if "serializer warnings" not in str(error):
                # A serializer of the application's has raised it.
                raise
            raise msgspec.ValidationError(_unwritten(error)) from None
        return written


def has_model(annotation: t.Any) -> bool:
    """Whether a type is, or has in it, a model of Pydantic's."""
    base = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    return base is not None and _has(annotation, base)


def adapter_of(annotation: t.Any) -> Adapter | None:
    """Return what reads and writes a type; None if Pydantic does not check its values."""
    return Adapter(annotation) if is_checked_by_pydantic(annotation) else None


def is_checked_by_pydantic(annotation: t.Any) -> bool:
    """Whether a type is, or has in it, a model or a dataclass of Pydantic's.

    SECURITY(validation): msgspec fills such a dataclass as any other, without its checks.
    """
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    return (
        has_model(annotation)
        or is_dataclass_of_pydantic(origin or annotation)
        or any(map(is_checked_by_pydantic, arguments))
    )


def is_dataclass_of_pydantic(cls: t.Any) -> bool:
    """Whether a class is a dataclass that Pydantic checks."""
    return isinstance(cls, type) and is_dataclass(cls) and hasattr(cls, "__pydantic_validator__")


def model_in(annotation: t.Any) -> t.Any:
    """Return the model that a type is, if it is not None; None if it is not only that."""
    base = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    if t.get_origin(annotation) is t.Annotated:
        return model_in(t.get_args(annotation)[0])
    members = [one for one in t.get_args(annotation) or (annotation,) if one is not type(None)]
    found = members[0] if len(members) == 1 else None
    is_model = base is not None and isinstance(found, type) and issubclass(found, base)
    return found if is_model and t.get_origin(annotation) not in {list, set, tuple} else None


def _has(annotation: t.Any, base: type) -> bool:
    arguments = t.get_args(annotation)
    if arguments:
        return any(_has(argument, base) for argument in arguments)
    return isinstance(annotation, type) and issubclass(annotation, base)


class ModelValues:
    """A parameter that is all values of a place, as a model of Pydantic's.

    Args:
        place: The marker class: `Query`, `Header` or `Cookie`.
        entry: The parameter.

    Attributes:
        place: The marker class.
        names: All names that clients may send.
        refuses: Whether the model forbids other names.
        known: As of `Values`.
    """

    __slots__ = ("_default", "_entry", "_read", "_sources", "known", "names", "place", "refuses")

    def __init__(self, place: type[Parameter], entry: Entry) -> None:
        model = model_in(entry.annotation)
        self.place = place
        self.refuses = model.model_config.get("extra") == "forbid"
        self.known: frozenset[str] | None = None
        self._entry = entry
        self._default = default_maker(entry)
        self._read = Adapter(entry.annotation).read
        self._sources = [
            _source(place, key, field.annotation)
            for name, field in model.model_fields.items()
            for key in keys_of_model_field(model, name)
        ]
        self._sources += [
            Source(key_of(place, key), key, None, many=True)
            for field in model.model_fields.values()
            for key in parents_of_field(field.validation_alias)
        ]
        self.names = frozenset(source.key for source in self._sources)

    def read(self, found: dict[str, t.Any], errors: list[Detail]) -> None:
        """Add the model of the current request, or what is wrong with it."""
        take, names = TAKERS[self.place]()
        given: dict[str, t.Any] = {}
        repeated: list[str] = []
        fill(self._sources, take, given, repeated)
        errors += [self._detail([key], "Given more than once") for key in repeated]
        if self.known is not None:
            errors += unknown(self.place, names, self.known)
        if not given and not self._entry.is_required:
            if self._default is not None:
                found[self._entry.name] = self._default()
            return
        try:
            found[self._entry.name] = self._read(given)
        except Refused as error:
            keys = {source.field: source.key for source in self._sources}
            for pointer, detail in error.mismatches:
                _root, *path = map(mismatches.unescaped, pointer.split("/"))
                path[:1] = [keys.get(name, name) for name in path[:1]]
                errors.append(self._detail(path, detail))

    def _detail(self, path: t.Sequence[str], detail: str) -> Detail:
        return Detail(self.place.place, mismatches.pointer_of(path), detail)


def keys_of_model_field(model: t.Any, name: str) -> list[str]:
    """Return the names that clients may send for a field of a model of Pydantic's."""
    field, config = model.model_fields[name], model.model_config
    by_alias = config.get("validate_by_alias", True)
    by_name = config.get("validate_by_name", config.get("populate_by_name", False)) or not by_alias
    return keys_of_field(name, field.validation_alias if by_alias else None, by_name=by_name)


def _source(place: type[Parameter], field: str, annotation: t.Any) -> Source:
    """Return how a field is read; as text, if its type is one that msgspec does not know."""
    key = key_of(place, field)
    try:
        kind = kind_of(annotation)
    except TypeError:
        return Source(key, field, None, many=False)
    if is_text(kind):
        return text_source(place, key, field, kind)
    return Source(key, field, None, many=isinstance(without_none(kind), ARRAYS))


def _mismatches(error: t.Any, value: t.Any) -> list[Mismatch]:
    """Return the errors of Pydantic's as pointers into a value."""
    count = error.error_count()
    if count > _MANY:
        return [Mismatch("", f"{count} values do not fit")]
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        Mismatch(_pointer(item["loc"], value), mismatches.cut(item["msg"]))
        for item in found[: mismatches.LIMIT]
    ]


def _first_of(error: t.Any) -> str:
    """Return the first of Pydantic's errors as msgspec says it, without the value."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in found["loc"])
    return f"{mismatches.cut(found['msg'])} - at `${''.join(steps)}`"


_UNWRITTEN = re.compile(r"\((Expected `[^`]*`)[^\[]*(?:\[field_name='(\w+)', input_value=)?")
"""The first thing that Pydantic's writer warns of: what is before the first value is its own."""


def _unwritten(error: ValueError) -> str:
    """Return why Pydantic does not write a value, without the value."""
    found = _UNWRITTEN.search(str(error).partition("input_value=")[0] + "input_value=")
    advice = (
        "Its model was not validated since something was assigned to it, or put there by"
        " model_copy() or model_construct()"
    )
    if found is None:
        return f"A value in it is not of the type of its field. {advice}"
    field = f" in the field {found[2]!r}" if found[2] else ""
    return f"{found[1]}{field}. {advice}"


def _check_paths(value: t.Any, size: int) -> None:
    """Raise `Refused` if Pydantic's errors of a document could take far more memory than it.

    SECURITY(amplification): each has a copy of all names above it, even of one of megabytes. So
    what counts is the length of the paths of all values.
    """
    left = 10_000_000 + 100 * size
    pending: list[tuple[t.Any, int]] = [(value, 0)]
    while pending:
        item, above = pending.pop()
        left -= len(item) * (above + _STEP) if isinstance(item, (dict, list)) else 0
        if isinstance(item, dict):
            left -= _COPIES * sum(map(len, item))
            pending += [
                (one, above + _STEP + _COPIES * len(name))
                for name, one in item.items()
                if isinstance(one, (dict, list))
            ]
        elif isinstance(item, list):
            pending += [(one, above + _STEP) for one in item if isinstance(one, (dict, list))]
        if left < 0:
            raise Refused([Mismatch("", "Too many values below names that are too long or many")])


_STEP = 32
"""About so many bytes does Pydantic keep of each step of a path, besides the name."""

_COPIES = 4
"""About so many bytes does a character of a name take: there are copies in Python too."""


def _pointer(steps: t.Sequence[t.Any], value: t.Any) -> str:
    """Return the pointer of an error's place; names of a union's members are left out."""
    path: list[str] = []
    for number, step in enumerate(steps, 1):
        in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if in_list or (isinstance(value, dict) and step in value):
            value = value[step]
        elif not (isinstance(value, dict) and number == len(steps)):
            continue
        path.append(str(step))
    return mismatches.pointer_of(path)
