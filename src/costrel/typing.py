"""The types of what applications hand to us: views, hooks, handlers.

They are aliases for annotations, so that an application's own helpers can say
what they accept and return. Nothing checks them at run time.
"""

from __future__ import annotations

import collections.abc as cabc
import typing as t

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.datastructures import Headers
    from werkzeug.wrappers import Response

# The body. A dict or a list becomes JSON, an iterator is streamed. `Mapping`
# rather than `dict`, because a TypedDict is no `dict[str, Any]` to a checker.
ResponseValue = t.Union[
    "Response",
    str,
    bytes,
    list[t.Any],
    t.Mapping[str, t.Any],
    t.Iterator[str],
    t.Iterator[bytes],
    cabc.AsyncIterable[str],
    cabc.AsyncIterable[bytes],
]
"""What may stand for the body of a response."""

HeaderValue = str | list[str] | tuple[str, ...]
"""One header's value, or several for a header that is sent several times."""

HeadersValue = t.Union[
    "Headers",
    t.Mapping[str, HeaderValue],
    t.Sequence[tuple[str, HeaderValue]],
]
"""The headers part of a tuple that a view returns."""

ResponseReturnValue = t.Union[
    ResponseValue,
    tuple[ResponseValue, HeadersValue],
    tuple[ResponseValue, int],
    tuple[ResponseValue, int, HeadersValue],
    "WSGIApplication",
]
"""What a view, a hook or an error handler may return."""

# A variable and not the base class: an after-hook may be annotated with the
# application's own response class, and parameters are contravariant.
ResponseClass = t.TypeVar("ResponseClass", bound="Response")

AppOrBlueprintKey = str | None
"""Whose hooks: a blueprint's name, or None for the application."""

AfterRequestCallable = (
    t.Callable[[ResponseClass], ResponseClass]
    | t.Callable[[ResponseClass], t.Awaitable[ResponseClass]]
)
"""Take the response, return it or another one."""

BeforeFirstRequestCallable = t.Callable[[], None] | t.Callable[[], t.Awaitable[None]]
"""Run once, before anything is served."""

BeforeRequestCallable = (
    t.Callable[[], ResponseReturnValue | None]
    | t.Callable[[], t.Awaitable[ResponseReturnValue | None]]
)
"""Run before the view; what is not None becomes the response in its place."""

ShellContextProcessorCallable = t.Callable[[], dict[str, t.Any]]
"""Name what the interactive shell starts with."""

TeardownCallable = (
    t.Callable[[BaseException | None], None] | t.Callable[[BaseException | None], t.Awaitable[None]]
)
"""Clean up; is given the unhandled exception, or None."""

TemplateContextProcessorCallable = (
    t.Callable[[], dict[str, t.Any]] | t.Callable[[], t.Awaitable[dict[str, t.Any]]]
)
"""Name what every template sees."""

TemplateFilterCallable = t.Callable[..., t.Any]
"""A Jinja filter."""

TemplateGlobalCallable = t.Callable[..., t.Any]
"""A Jinja global."""

TemplateTestCallable = t.Callable[..., bool]
"""A Jinja test."""

URLDefaultCallable = t.Callable[[str, dict[str, t.Any]], None]
"""Take endpoint and values of a URL being built; fill in values in place."""

URLValuePreprocessorCallable = t.Callable[[str | None, dict[str, t.Any] | None], None]
"""Take endpoint and values of a URL that matched; change values in place."""

# The parameter is Any: a handler names the exception it handles, and a callable
# that takes a subclass is no callable that takes Exception.
ErrorHandlerCallable = (
    t.Callable[[t.Any], ResponseReturnValue] | t.Callable[[t.Any], t.Awaitable[ResponseReturnValue]]
)
"""Turn an exception into a response."""

RouteCallable = (
    t.Callable[..., ResponseReturnValue] | t.Callable[..., t.Awaitable[ResponseReturnValue]]
)
"""A view."""
