"""Say where in a request a parameter of a typed view comes from."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


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
