"""Say where in a request a parameter of a typed view comes from."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """The base of the markers; use one of them: ``Annotated[str, Header()]``.

    Args:
        alias: The name that clients send, if it is not the parameter's. A header's is
            otherwise the parameter's name with hyphens: ``x_token`` is ``X-Token``.
    """

    alias: str | None = None

    #: Where errors say that the value is.
    place: t.ClassVar[str]


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
