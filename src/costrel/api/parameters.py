"""Say where in a request a parameter of a typed view comes from."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..registration.origin import caller

_CONSTRAINTS = {
    "ge": "ge", "gt": "gt", "le": "le", "lt": "lt", "multiple_of": "multiple_of",
    "min_length": "min_length", "max_length": "max_length", "pattern": "pattern",
    "regex": "pattern",
}  # fmt: skip
"""Constraints that markers of other frameworks take, by their names in `msgspec.Meta`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """The base of the markers; use one of them: ``Annotated[str, Header()]``.

    Args:
        alias: The name that clients send, if it is not the parameter's. A header's is
            otherwise the parameter's name with hyphens: ``x_token`` is ``X-Token``.
        description: What it means, for the documentation; Markdown.
        examples: Values that fit, for the documentation.
        deprecated: Whether clients should stop sending it.
    """

    alias: str | None = None
    description: str | None = None
    # Lists are not hashable, but annotations have to be.
    examples: t.Sequence[t.Any] = field(default=(), hash=False)
    deprecated: bool = False

    #: Where errors say that the value is.
    place: t.ClassVar[str]

    if not t.TYPE_CHECKING:  # so that type checkers see the names above only

        def __new__(cls, *default: t.Any, **options: t.Any) -> t.Any:
            """Return a marker; raises `TypeError`, with what to write, for other arguments."""
            unknown = sorted(options.keys() - cls.__dataclass_fields__.keys())
            if default or unknown:
                raise TypeError(_advice(cls.__name__, default, options, unknown))
            return object.__new__(cls)

    def __post_init__(self) -> None:
        """Raise `TypeError` for a name that no client could send."""
        if self.alias is not None and not (isinstance(self.alias, str) and self.alias):
            raise TypeError(
                f"{type(self).__name__}(alias={self.alias!r}): write the name that clients send, as"
                f" in alias='from'. ({caller()})"
            )


def _advice(
    marker: str, default: tuple[t.Any, ...], options: t.Mapping[str, t.Any], unknown: list[str]
) -> str:
    """Return what is wrong with the arguments of a marker, and what to write."""
    if default or "default" in unknown or "default_factory" in unknown:
        value = repr(default[0]) if default else repr(options.get("default", ...))
        written = "" if value == "Ellipsis" else f" = {value}"
        return (
            f"{marker}() takes no default. Write it after the annotation, as in"
            f" name: Annotated[..., {marker}()]{written}. ({caller()})"
        )
    name = unknown[0]
    if name in _CONSTRAINTS:
        written = f"Meta({_CONSTRAINTS[name]}={options[name]!r})"
        return (
            f"{marker}() takes no constraint {name!r}. Write Annotated[..., {written}, {marker}()]"
            f" with msgspec's Meta. ({caller()})"
        )
    return f"{marker}() takes no argument {name!r}. ({caller()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Parameter):
    """A variable of the rule, whose converter makes the value.

    The value is checked by the annotation. Text is read as that of a query, so
    ``Annotated[date, Path()]`` makes a date of ``<day>``.
    """

    place: t.ClassVar[str] = "path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Parameter):
    """A parameter from the query: ``?name=value``."""

    place: t.ClassVar[str] = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header(Parameter):
    """A parameter from a header."""

    place: t.ClassVar[str] = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie(Parameter):
    """A parameter from a cookie."""

    place: t.ClassVar[str] = "cookie"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body(Parameter):
    """The JSON document in the body; a view has at most one."""

    place: t.ClassVar[str] = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Parameter):
    """A field of a form, urlencoded or multipart.

    A model that is the view's only `Form` and has no `File` beside it is the whole form.
    Any other object is a part of its own, as JSON.
    """

    place: t.ClassVar[str] = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Parameter):
    """A file of a multipart form: an `UploadedFile`, or a list of these.

    Args:
        max_size: The most bytes that a file may have; None for the limit of the whole body,
            ``MAX_CONTENT_LENGTH``.
        types: Media types that a file may have, such as ``image/png`` or ``image/*``.
            SECURITY(upload): the client says what it is; the content may be something else.
    """

    max_size: int | None = None
    types: t.Sequence[str] = field(default=(), hash=False)

    place: t.ClassVar[str] = "file"
