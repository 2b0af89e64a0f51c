"""Types for the functions that applications register, and for what they return.

They are aliases to use in annotations. Nothing checks them at run time.
"""

from __future__ import annotations

import collections.abc as cabc
import typing as t

# Not for type checkers only: typed views resolve the annotations that these aliases are in.
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
else:
    WSGIApplication = t.Callable[..., t.Any]

# The body. A dict or a list becomes JSON; an iterator is streamed. `Mapping`, because
# type checkers do not accept a TypedDict as `dict[str, Any]`.
ResponseValue = (
    Response
    | str
    | bytes
    | list[t.Any]
    | t.Mapping[str, t.Any]
    | t.Iterator[str]
    | t.Iterator[bytes]
    | cabc.AsyncIterable[str]
    | cabc.AsyncIterable[bytes]
)
"""A value that can be the body of a response."""

HeaderValue = str | list[str] | tuple[str, ...]
"""The value of a header, or several values for a header that is sent several times."""

HeadersValue = Headers | t.Mapping[str, HeaderValue] | t.Sequence[tuple[str, HeaderValue]]
"""The headers in a tuple that a view returns."""

ResponseReturnValue = (
    ResponseValue
    | tuple[ResponseValue, HeadersValue]
    | tuple[ResponseValue, int]
    | tuple[ResponseValue, int, HeadersValue]
    | WSGIApplication
)
"""What a view, a hook or an error handler may return."""

# A type variable, because an after-request function may be annotated with a custom
# response class, and parameters are contravariant.
ResponseClass = t.TypeVar("ResponseClass", bound=Response)

AppOrBlueprintKey = str | None
"""The owner of a hook: a blueprint's name, or None for the application."""

AfterRequestCallable = (
    t.Callable[[ResponseClass], ResponseClass]
    | t.Callable[[ResponseClass], t.Awaitable[ResponseClass]]
)
"""Takes the response and returns it or another one."""

BeforeFirstRequestCallable = t.Callable[[], None] | t.Callable[[], t.Awaitable[None]]
"""Runs once, before the first request."""

BeforeRequestCallable = (
    t.Callable[[], ResponseReturnValue | None]
    | t.Callable[[], t.Awaitable[ResponseReturnValue | None]]
)
"""Runs before the view; a value that is not None becomes the response instead."""

ShellContextProcessorCallable = t.Callable[[], dict[str, t.Any]]
"""Returns names for the interactive shell."""

TeardownCallable = (
    t.Callable[[BaseException | None], None] | t.Callable[[BaseException | None], t.Awaitable[None]]
)
"""Cleans up; takes the unhandled exception or None."""

TemplateContextProcessorCallable = (
    t.Callable[[], dict[str, t.Any]] | t.Callable[[], t.Awaitable[dict[str, t.Any]]]
)
"""Returns variables for every template."""

TemplateFilterCallable = t.Callable[..., t.Any]
"""A Jinja filter."""

TemplateGlobalCallable = t.Callable[..., t.Any]
"""A Jinja global."""

TemplateTestCallable = t.Callable[..., bool]
"""A Jinja test."""

URLDefaultCallable = t.Callable[[str, dict[str, t.Any]], None]
"""Takes the endpoint and values of a URL being built, and adds to the values in place."""

URLValuePreprocessorCallable = t.Callable[[str | None, dict[str, t.Any] | None], None]
"""Takes the endpoint and values of a matched URL, and may change the values in place."""

# The parameter is Any, because a handler is annotated with the exception that it handles,
# and parameters are contravariant.
ErrorHandlerCallable = (
    t.Callable[[t.Any], ResponseReturnValue] | t.Callable[[t.Any], t.Awaitable[ResponseReturnValue]]
)
"""Turns an exception into a response."""

RouteCallable = t.Callable[..., t.Any]
"""A view. It returns a `ResponseReturnValue`, or if it is typed what its annotation says."""
