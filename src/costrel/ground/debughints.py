"""Explanations for common mistakes during development.

They are raised or logged in debug mode only. Objects are recognized by their attributes,
because this module may not import the classes of applications and blueprints.
"""

from __future__ import annotations

import typing as t

from werkzeug.routing import RequestRedirect

from .current import request_view

if t.TYPE_CHECKING:
    from jinja2.loaders import BaseLoader


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Raised if text arrived instead of bytes, or bytes in an unexpected charset."""


class DebugFilesKeyError(KeyError, AssertionError):
    """Explain why ``request.files`` lacks a file: the form was not multipart."""

    def __init__(self, request: t.Any, key: str) -> None:
        message = (
            f"There is no file {key!r} in request.files: the form was sent as {request.mimetype!r},"
            " so no file contents were transmitted; only 'multipart/form-data' includes them. Add"
            ' enctype="multipart/form-data" to the <form> element.'
        )
        names = ", ".join(repr(value) for value in request.form.getlist(key))
        if names:
            message += f"\n\nThe browser sent a file name instead. This was submitted: {names}"
        self.msg = message
        super().__init__(request, key)

    def __str__(self) -> str:
        """Return the message; a `KeyError` would show its `repr`."""
        return self.msg


class FormDataRoutingRedirect(AssertionError):  # noqa: N818  # the name is Flask's
    """Explain that a redirect made by routing would lose the form data.

    After 301, 302, or 303, browsers repeat the request without its body; 307 and 308
    keep the body (RFC 9110 §15.4).
    """

    def __init__(self, request: t.Any) -> None:
        redirect = request.routing_exception
        assert isinstance(redirect, RequestRedirect)  # noqa: S101  # the caller checked
        canonical = redirect.new_url
        slash = ""
        if f"{request.base_url}/" == canonical.partition("?")[0]:
            slash = " The route was defined with a trailing slash, but the request has none."
        super().__init__(
            f"A {request.method} request was sent to {request.url!r}. Routing redirects it to the"
            f" canonical URL {canonical!r}, and the form data would be lost.{slash} Send the"
            " request to that URL directly (url_for() builds it), or let routing redirect with 307"
            " or 308.\n\n"
            "This exception is only raised in debug mode."
        )


def attach_enctype_error_multidict(request: t.Any) -> None:
    """Make ``request.files`` explain a missing file that is named in the form.

    Changes the class of that dict to one whose ``[key]`` raises `DebugFilesKeyError`,
    where production answers 400. Call it for forms that are not multipart.
    """
    files_class: t.Any = type(request.files)

    class ExplainedFiles(files_class):  # type: ignore[misc]
        def __getitem__(self, key: str) -> t.Any:
            try:
                return super().__getitem__(key)
            except KeyError:
                if key not in request.form:
                    raise
                raise DebugFilesKeyError(request, key) from None

    # Look like the class that it replaces, in representations and tracebacks.
    ExplainedFiles.__name__ = files_class.__name__
    ExplainedFiles.__qualname__ = files_class.__qualname__
    ExplainedFiles.__module__ = files_class.__module__
    request.files.__class__ = ExplainedFiles


def _describe_loader(loader: BaseLoader) -> str:
    """Show the loader's class and those of its settings that are plain data."""
    cls = type(loader)
    settings = [
        f"{name}={value!r}"
        for name, value in sorted(vars(loader).items())
        if not name.startswith("_") and isinstance(value, (str, int, float, list, tuple))
    ]
    return f"{cls.__module__}.{cls.__name__}({', '.join(settings)})"


def _describe_owner(owner: t.Any) -> str:
    if hasattr(owner, "wsgi_app"):
        return f"application {owner.import_name!r}"
    if hasattr(owner, "url_prefix"):
        return f"blueprint {owner.name!r} ({owner.import_name})"
    return repr(owner)


def explain_template_loading_attempts(
    app: t.Any,
    template: str,
    attempts: list[
        tuple[BaseLoader, t.Any, tuple[str, str | None, t.Callable[[], bool] | None] | None]
    ],
) -> None:
    """Log, at level INFO, where a template was looked for and what was found.

    ``attempts`` lists, in the order of the search, a loader, its owner (an application or
    a blueprint), and what it returned: source, file name, and an up-to-date test, or
    None. Used when ``EXPLAIN_TEMPLATE_LOADING`` is set.
    """
    lines = [f"Search for the template {template!r}"]
    matches = 0
    for number, (loader, owner, found) in enumerate(attempts, start=1):
        lines.append(f"  {number}: trying loader of {_describe_owner(owner)}")
        lines.append(f"     {_describe_loader(loader)}")
        if found is None:
            lines.append("     has no such template")
        else:
            matches += 1
            lines.append(f"     has it: {found[1] or 'not a file'}")

    if matches == 0:
        lines.append("Error: the template could not be found.")
    elif matches > 1:
        lines.append("Warning: more than one loader has this template; the first one is used.")

    ctx = request_view.get(None)
    blueprint = None if ctx is None else ctx.request.blueprint
    if blueprint is not None and matches != 1:
        lines += [
            f"  It was looked up from an endpoint that belongs to the blueprint {blueprint!r}.",
            "  Is it in the template folder of that blueprint, or of the application?",
            "  See https://flask.palletsprojects.com/blueprints/#templates",
        ]
    app.logger.info("\n".join(lines), extra={"has_lines": True})
