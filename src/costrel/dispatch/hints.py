"""Say what to look at in errors whose message and traceback do not name the user's code.

Hints are notes (PEP 678), so the errors keep their type and message. They are only looked for
once an error is unhandled.
"""

from __future__ import annotations

import inspect
import sys
import typing as t

from jinja2 import ChoiceLoader, TemplateNotFound

from ..ground.current import request_view
from ..registration.operations import TURN_ON, has_typed_views
from ..registration.origin import definition
from .guarding import GuardHook

if t.TYPE_CHECKING:
    from jinja2 import BaseLoader

    from ..registration.application import App


def view_of_request(app: App) -> str:
    """Return the name, file and line of the current request's view; empty if it has none."""
    ctx = request_view.get(None)
    view = None if ctx is None else _called(app, ctx.request)
    return "" if view is None else definition(view)


def _called(app: App, request: t.Any) -> t.Any:
    """Return the view of a request, of a class the method; None if there is none."""
    view = app.view_functions.get(request.endpoint or "")
    cls = getattr(view, "view_class", None)
    if cls is None:
        return view
    return getattr(cls, request.method.lower(), None) or cls.dispatch_request


def others_of_request(app: App) -> str:
    """Return a sentence with what may have answered instead of the view, or nothing."""
    ctx = request_view.get(None)
    if ctx is None:
        return ""
    # Imported here, because that module imports the one that asks for hints.
    from .hooks import outside_in

    blueprints = outside_in(ctx.request.blueprint)
    functions: list[t.Any] = [
        function
        for name in blueprints
        for function in app.before_request_funcs.get(name, ())
        if not isinstance(function, GuardHook)  # it returns nothing that is no response
    ]
    for name in blueprints:
        for handlers in app.error_handler_spec.get(name, {}).values():
            functions += handlers.values()
    if not functions:
        return ""
    shown = ", ".join(map(definition, functions[:_NAMED]))
    more = f" and {len(functions) - _NAMED} more" if len(functions) > _NAMED else ""
    return f". A hook or error handler may have returned it instead: {shown}{more}"


_NAMED = 3
"""How many functions an error names."""


def add_hints(app: App, error: Exception) -> None:
    """Add notes to an unhandled error, if there is anything to say about it."""
    hint = None
    if isinstance(error, TemplateNotFound):
        hint = _where_templates_are(app, error)
    elif isinstance(error, TypeError):
        hint = _rule_and_view(app, error)
    elif isinstance(error, ValueError):
        hint = _line_breaks(error)
    elif isinstance(error, (AttributeError, RuntimeError)):
        hint = _other_flask(error)
    if hint is not None and hint not in getattr(error, "__notes__", ()):
        error.add_note(hint)


def _line_breaks(error: ValueError) -> str | None:
    # COMPAT(werkzeug): the words of its header fields.
    if str(error) != "Header values must not contain newline characters.":
        return None
    return (
        "Whoever could put a line break into a header field could send fields of their own. Encode"
        " what users have sent, with urllib.parse.quote(), or refuse it with 400."
    )


def _other_flask(error: Exception) -> str | None:
    # COMPAT(Flask-Login): without a context of the real Flask, its `current_user` is None.
    beginnings = ("Working outside of ", "'NoneType' object has no attribute ")
    if getattr(sys.modules.get("flask"), "__name__", "") != "flask":
        return None
    if not str(error).startswith(beginnings):
        return None
    return (
        "The real Flask is imported too. Extensions that import it do not see this application:"
        " call costrel.install_as_flask() before anything imports flask."
    )


def _rule_and_view(app: App, error: TypeError) -> str | None:
    ctx = request_view.get(None)
    if ctx is None or ctx.request.url_rule is None:
        return None
    message = str(error)
    if "not JSON serializable" in message or message.startswith("keys must be "):
        place = view_of_request(app)
        return f"The view of the request is {place}." if place else None
    view = _called(app, ctx.request)
    name = getattr(inspect.unwrap(view), "__qualname__", None) if view else None
    if view is None or name is None or not message.startswith(f"{name}() "):
        return None
    values = ctx.request.view_args or {}
    is_method = view is not app.view_functions[ctx.request.endpoint]
    try:
        signature = inspect.signature(view)
    except ValueError:  # none is known
        return None
    try:
        signature.bind(*([None] if is_method else ()), **values)
    except TypeError:
        passed = ", ".join(values) or "no arguments"
        return (
            f"The rule {ctx.request.url_rule.rule!r} passes {passed} to the view"
            f" {definition(view)}. {_advice(app, ctx.request, signature, values)}"
        )
    return None


def _advice(
    app: App, request: t.Any, signature: inspect.Signature, values: t.Mapping[str, t.Any]
) -> str:
    """Say what to write, for a view that takes what its rule does not pass."""
    missing = [
        name
        for name, one in signature.parameters.items()
        if name not in values
        and one.default is one.empty is not one.annotation
        and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
    ]
    is_named_otherwise = not values.keys() <= signature.parameters.keys()
    if not missing or is_named_otherwise or has_typed_views(app, request.endpoint):
        return "Name the parameters of the view as in the rule."
    return (
        f"Annotations such as that of {missing[0]!r} take values from the request on typed views"
        f" only, which are off on this application. {TURN_ON}"
    )


def _where_templates_are(app: App, error: TemplateNotFound) -> str | None:
    # Imported here, because requests do not need it.
    from difflib import get_close_matches

    wanted = str(error.name)
    folders: list[str] = []
    names: set[str] = set()
    for owner in (app, *app.iter_blueprints()):
        loader = owner.jinja_loader
        if loader is None:
            continue
        folders += _folders(loader)
        try:
            names.update(loader.list_templates())
        except TypeError:  # a loader that cannot list them
            continue
    hint = f"Looked for in: {', '.join(dict.fromkeys(folders)) or 'no folder at all'}."
    near = get_close_matches(wanted, names, n=3, cutoff=0.75)
    if not near:
        # The same file name in another folder.
        file = wanted.rpartition("/")[2]
        near = sorted(name for name in names if name.rpartition("/")[2] == file)[:3]
    return f"{hint} Did you mean {' or '.join(map(repr, near))}?" if near else hint


def _folders(loader: BaseLoader) -> list[str]:
    if isinstance(loader, ChoiceLoader):
        return [folder for inner in loader.loaders for folder in _folders(inner)]
    return list(map(str, getattr(loader, "searchpath", ()))) or [repr(loader)]
